"""The whole configuration, and what its sections demand of each other."""

from typing import Self

from pydantic import Field, model_validator

from listener.config.commands import CommandsConfig, HomeAssistantConfig, QuietConfig, SummaryConfig
from listener.config.engine import EngineConfig
from listener.config.home import HomeConfig
from listener.config.metrics import MetricsConfig
from listener.config.mqtt import MqttConfig
from listener.config.privacy import PrivacyConfig
from listener.config.respond import RespondConfig
from listener.config.rooms import RoomConfig
from listener.config.sections import Section
from listener.config.sounds import SoundsConfig
from listener.config.sources import PipeSource
from listener.config.speech import SpeechConfig
from listener.config.store import OutboxConfig
from listener.config.voice import VoiceConfig
from listener.config.wyoming_server import WyomingServerConfig
from listener.vocabulary import SOUND_LABELS


class Config(Section):
    rooms: list[RoomConfig] = Field(min_length=1, max_length=1_000, description="One entry a microphone.")
    mqtt: MqttConfig | None = Field(None, description="Left out: events go to stdout only, with --json.")
    engine: EngineConfig = EngineConfig()
    sounds: SoundsConfig = SoundsConfig()
    respond: RespondConfig = RespondConfig()
    home: HomeConfig = HomeConfig()
    speech: SpeechConfig = SpeechConfig()
    commands: CommandsConfig = CommandsConfig()
    home_assistant: HomeAssistantConfig | None = Field(
        None, description="Its conversation API, for `commands.act: home_assistant`."
    )
    quiet: QuietConfig = QuietConfig()
    summary: SummaryConfig | None = Field(None, description="Left out: no daily summary.")
    voice: VoiceConfig = VoiceConfig()
    outbox: OutboxConfig = OutboxConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    metrics: MetricsConfig | None = Field(None, description="Left out: no figures for Prometheus.")
    wyoming_server: WyomingServerConfig | None = Field(None, description="Left out: nothing is offered to Assist.")

    @model_validator(mode="after")
    def _rooms_fit_together(self) -> Self:
        seen: dict[str, str] = {}
        for room in self.rooms:
            if room.slug in seen:
                raise ValueError(
                    f"rooms {seen[room.slug]!r} and {room.name!r} have the same slug {room.slug!r}; "
                    "give one of them a `slug` of its own"
                )
            seen[room.slug] = room.name
        pipes = [room.name for room in self.rooms if isinstance(room.source, PipeSource)]
        if len(pipes) > 1:
            raise ValueError(f"rooms {', '.join(map(repr, pipes))}: only one room can read stdin")
        return self

    @model_validator(mode="after")
    def _assist_speaks_for_a_room(self) -> Self:
        wanted = None if self.wyoming_server is None else self.wyoming_server.room
        if wanted is not None and wanted not in {room.slug for room in self.rooms}:
            raise ValueError(f"wyoming_server.room: no room has the slug {wanted!r}")
        return self

    @model_validator(mode="after")
    def _clips_are_of_known_sounds(self) -> Self:
        self.privacy.check_labels({*self.sounds.custom})
        return self

    @model_validator(mode="after")
    def _commands_fit_the_rooms(self) -> Self:
        known = {room.slug for room in self.rooms}
        for slug in self.commands.rooms:
            if slug not in known:
                raise ValueError(f"commands.rooms.{slug}: no room has this slug; there are {', '.join(sorted(known))}")
        if self.commands.act == "home_assistant" and self.home_assistant is None:
            raise ValueError("commands.act is home_assistant, so home_assistant.url and token_file are needed")
        return self

    @model_validator(mode="after")
    def _modes_are_offered(self) -> Self:
        for room in self.rooms:
            if room.mode not in self.engine.modes:
                raise ValueError(
                    f"room {room.name!r}: the engine {self.engine.name} has no mode {room.mode!r}; "
                    f"give one of {', '.join(self.engine.modes)}"
                )
        return self

    @model_validator(mode="after")
    def _urgent_is_reported(self) -> Self:
        known = {*SOUND_LABELS, *self.sounds.custom}
        for where, labels in (("urgent", self.respond.urgent), ("texts", self.respond.texts)):
            for label in labels:
                if label not in known:
                    raise ValueError(f"respond.{where}: no sound is called {label!r}")
        return self
