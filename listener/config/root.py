"""The whole configuration, and what its sections demand of each other."""

from typing import Self

from pydantic import Field, model_validator

from listener.config.engine import EngineConfig
from listener.config.mqtt import MqttConfig
from listener.config.respond import RespondConfig
from listener.config.rooms import RoomConfig
from listener.config.sections import Section
from listener.config.sounds import SoundsConfig
from listener.config.sources import PipeSource
from listener.vocabulary import SOUND_LABELS


class Config(Section):
    rooms: list[RoomConfig] = Field(min_length=1, max_length=1_000, description="One entry a microphone.")
    mqtt: MqttConfig | None = Field(None, description="Left out: events go to stdout only, with --json.")
    engine: EngineConfig = EngineConfig()
    sounds: SoundsConfig = SoundsConfig()
    respond: RespondConfig = RespondConfig()

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
    def _urgent_is_reported(self) -> Self:
        known = {*SOUND_LABELS, *self.sounds.custom}
        for where, labels in (("urgent", self.respond.urgent), ("texts", self.respond.texts)):
            for label in labels:
                if label not in known:
                    raise ValueError(f"respond.{where}: no sound is called {label!r}")
        return self
