"""The configuration: strict sections, each with a description and bounds for every key. A leaf.

`load(path)` is the one way in; it raises ConfigError with one line for each thing that is wrong.
"""

from listener.config.engine import EngineConfig
from listener.config.mqtt import MqttConfig, TlsConfig
from listener.config.reading import MAX_CONFIG_BYTES, load, parse
from listener.config.respond import RespondConfig
from listener.config.rooms import RoomConfig, slugify
from listener.config.root import Config
from listener.config.sections import Fraction, Label, Section, Slug, TopicName
from listener.config.sounds import CustomLabel, LabelTuning, SoundsConfig
from listener.config.sources import FileSource, MicrophoneSource, PcmFormat, PipeSource, SourceConfig

__all__ = [
    "MAX_CONFIG_BYTES",
    "Config",
    "CustomLabel",
    "EngineConfig",
    "FileSource",
    "Fraction",
    "Label",
    "LabelTuning",
    "MicrophoneSource",
    "MqttConfig",
    "PcmFormat",
    "PipeSource",
    "RespondConfig",
    "RoomConfig",
    "Section",
    "Slug",
    "SoundsConfig",
    "SourceConfig",
    "TlsConfig",
    "TopicName",
    "load",
    "parse",
    "slugify",
]
