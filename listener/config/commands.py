"""`commands`, `home_assistant`, `quiet`, `summary`: what may be done by voice, how, and when we keep quiet."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from listener.config.paths import UserPath
from listener.config.privacy import Hours
from listener.config.sections import Domain, Form, IntentName, Section, Slug

HttpUrl = Annotated[
    str,
    Field(max_length=300),
    Form(
        r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        "http:// or https://, a host and its port, no login, as in `http://homeassistant:8123`",
    ),
]
LanguageTag = Annotated[str, Form(r"^[a-zA-Z]{2,3}(-[a-zA-Z]+)?$", "the code of a language, as in `en` or `en-GB`")]
Dangerous = Literal["lock", "alarm_control_panel", "door", "garage", "gate"]

DEFAULT_DOMAINS = (
    "light",
    "switch",
    "fan",
    "cover",
    "climate",
    "humidifier",
    "media_player",
    "vacuum",
    "lawn_mower",
    "scene",
    "todo",
    "input_boolean",
)
"""What does no harm when it is misheard. Not: script, automation, button, valve, siren, water_heater."""


def _clock(value: object) -> object:
    """YAML 1.1 reads an unquoted 21:30 as 60 * 21 + 30."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
    if isinstance(value, time) or (isinstance(value, str) and len(value) == 5):
        return value  # the default is validated as well
    raise ValueError('is no time of day; write "21:30"')


Clock = Annotated[time, BeforeValidator(_clock)]


class RoomCommands(Section):
    """What differs in one room. What is left out is as everywhere."""

    domains: list[Domain] | None = Field(None, max_length=100, description="What may be switched from this room.")
    intents: list[IntentName] | None = Field(None, max_length=200, description="What may be asked in this room.")
    dangerous: list[Dangerous] | None = Field(None, description="What may be opened from this room, after a `yes`.")
    hours: list[Hours] | None = Field(None, max_length=50, description="When commands are taken in this room.")


class CommandsConfig(Section):
    act: Literal["event", "home_assistant"] = Field(
        "event", description="`event`: publish the command. `home_assistant`: hand its text over as well."
    )
    domains: list[Domain] = Field(
        list(DEFAULT_DOMAINS), max_length=100, description="Home Assistant's domains that may be switched by voice."
    )
    intents: list[IntentName] | None = Field(None, max_length=200, description="What may be asked. Left out: all.")
    dangerous: list[Dangerous] = Field(
        [], description="What is denied unless it stands here: lock, alarm_control_panel, door, garage, gate."
    )
    confirm_seconds: float = Field(10.0, ge=2, le=60, description="A dangerous command needs a `yes` within so long.")
    hours: list[Hours] = Field([], max_length=50, description="When commands are taken, local time. Empty: always.")
    per_minute: int = Field(12, ge=1, le=600, description="Commands taken in a minute, per room.")
    one_answers_seconds: float = Field(
        0.5, ge=0.0, le=2.0, description="How long to wait for other rooms that hear the same; the loudest answers."
    )
    rooms: dict[Slug, RoomCommands] = Field({}, description="Per room, by slug, what differs.")


class HomeAssistantConfig(Section):
    url: HttpUrl = Field(description="As in `http://homeassistant:8123`.")
    token_file: UserPath = Field(description="File whose first line is a long-lived access token.")
    ca_file: UserPath | None = Field(
        None, description="Certificate of the authority that signed its own (https). Left out: the public ones."
    )
    agent_id: str | None = Field(None, min_length=1, max_length=200, description="Left out: Home Assistant's default.")
    language: LanguageTag | None = Field(None, description="Left out: the room's.")
    timeout_seconds: float = Field(8.0, ge=1, le=60, description="After so long we say that we cannot reach it.")
    keep_conversation_seconds: float = Field(300.0, ge=0, le=3_600, description="A conversation goes on for so long.")
    pass_unrecognized: bool = Field(
        False, description="Hand over sentences that we understand nothing of. No policy can look into them."
    )

    @model_validator(mode="after")
    def _authorities_are_for_https(self) -> Self:
        if self.ca_file is not None and not self.url.startswith("https:"):
            raise ValueError("ca_file is of use with https only; write `url` as https://…, or leave it out")
        return self


class QuietConfig(Section):
    hours: list[Hours] = Field([], max_length=50, description="When only urgent sounds are spoken of, local time.")
    answers: bool = Field(True, description="Answers to what was asked, and timers, are spoken in these hours too.")


class SummaryConfig(Section):
    at: Clock = Field(time(21, 0), description='Local time of the daily summary, as in "21:00".')
