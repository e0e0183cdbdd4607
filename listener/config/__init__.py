"""The configuration: strict sections, each with a description and bounds for every key. A leaf.

`load(path)` is the one way in; it raises ConfigError with one line for each thing that is wrong.
"""

from listener.config.commands import (
    CommandsConfig,
    HomeAssistantConfig,
    QuietConfig,
    RoomCommands,
    SummaryConfig,
)
from listener.config.engine import EngineConfig
from listener.config.files import MAX_CONFIG_BYTES
from listener.config.home import AreaConfig, EntityConfig, FloorConfig, HomeConfig
from listener.config.metrics import MetricsConfig
from listener.config.mqtt import MqttConfig, TlsConfig
from listener.config.privacy import ClipsConfig, ClipSpan, HourSpan, PrivacyConfig, parse_hours
from listener.config.reading import load, parse
from listener.config.respond import RespondConfig
from listener.config.rooms import SATELLITE, RoomConfig, slugify
from listener.config.root import Config
from listener.config.sections import Fraction, Label, Section, Slug, TopicName
from listener.config.sounds import CustomLabel, LabelTuning, SoundsConfig
from listener.config.sources import (
    FileSource,
    MicrophoneSource,
    PcmFormat,
    PipeSource,
    SourceConfig,
    StreamSource,
    WyomingSource,
)
from listener.config.speech import PHONES, SpeechConfig, VadConfig, WakeWordConfig, WhisperConfig
from listener.config.store import OutboxConfig
from listener.config.voice import VoiceConfig
from listener.config.wyoming_server import WyomingServerConfig, is_loopback

__all__ = [
    "MAX_CONFIG_BYTES",
    "PHONES",
    "SATELLITE",
    "AreaConfig",
    "ClipSpan",
    "ClipsConfig",
    "CommandsConfig",
    "Config",
    "CustomLabel",
    "EngineConfig",
    "EntityConfig",
    "FileSource",
    "FloorConfig",
    "Fraction",
    "HomeAssistantConfig",
    "HomeConfig",
    "HourSpan",
    "Label",
    "LabelTuning",
    "MetricsConfig",
    "MicrophoneSource",
    "MqttConfig",
    "OutboxConfig",
    "PcmFormat",
    "PipeSource",
    "PrivacyConfig",
    "QuietConfig",
    "RespondConfig",
    "RoomCommands",
    "RoomConfig",
    "Section",
    "Slug",
    "SoundsConfig",
    "SourceConfig",
    "SpeechConfig",
    "StreamSource",
    "SummaryConfig",
    "TlsConfig",
    "TopicName",
    "VadConfig",
    "VoiceConfig",
    "WakeWordConfig",
    "WhisperConfig",
    "WyomingServerConfig",
    "WyomingSource",
    "is_loopback",
    "load",
    "parse",
    "parse_hours",
    "slugify",
]
