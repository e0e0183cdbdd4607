"""`privacy`: hours in which nobody listens, and clips of sounds, of which there are none unless they are asked for."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Label, Section
from listener.vocabulary import SOUND_LABELS

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60

_SPAN = re.compile(
    r"(?P<days>(?:(?:mon|tue|wed|thu|fri|sat|sun) +)*)"
    r"(?P<start>[01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9])-(?P<end>[01][0-9]:[0-5][0-9]|2[0-3]:[0-5][0-9]|24:00)"
)

VOICES = ("speech", "singing")
"""Sounds of ours that carry words: what is near one of them goes into no clip."""


@dataclass(frozen=True, slots=True)
class HourSpan:
    """Hours of the wall clock. Minutes of the day; `end` at or before `start` lies on the next day.

    `days` are those on which it starts, 0 for Monday.
    """

    days: frozenset[int]
    start_minute: int
    end_minute: int


def parse_hours(text: str) -> HourSpan:
    """`22:00-07:00`, or with the days on which it starts: `sat sun 22:00-09:00`. Raises ValueError."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError("is no span of hours; write 22:00-07:00, or sat sun 22:00-09:00 with the days it begins on")
    start, end = (_minute(found[name]) for name in ("start", "end"))
    if start == end:
        raise ValueError("begins and ends at the same minute; for the whole day write 00:00-24:00")
    days = frozenset(map(DAYS.index, found["days"].split())) or frozenset(range(7))
    return HourSpan(days, start, end)


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def _checked(text: str) -> str:
    parse_hours(text)
    return text


Hours = Annotated[str, Field(max_length=60), AfterValidator(_checked)]


class ClipSpan(Section):
    before_seconds: float = Field(2.0, ge=0, le=10, description="Sound from before the sound was recognised.")
    after_seconds: float = Field(4.0, ge=0.4, le=60, description="And from then on.")


class ClipsConfig(Section):
    labels: dict[Label, ClipSpan] = Field({}, description="The sounds of which clips are kept. Empty: none.")
    folder: UserPath | None = Field(None, description="A folder of its own. Left out: `clips` in the state folder.")
    format: Literal["flac", "wav"] = Field("flac", description="File format; 16 kHz, mono, 16 bits.")
    keep_days: float = Field(7.0, gt=0, le=3_650, description="Older clips are deleted.")
    keep_mb: float = Field(200.0, ge=1, le=1_000_000, description="Of more than this in all, the oldest are deleted.")

    @model_validator(mode="after")
    def _no_voices(self) -> Self:
        for label in self.labels:
            if label in VOICES:
                raise ValueError(f"labels.{label}: carries words, and clips with words in them are never kept")
        return self


class PrivacyConfig(Section):
    muted_hours: list[Hours] = Field([], max_length=50, description="When all microphones are closed; local time.")
    clips: ClipsConfig = ClipsConfig()

    def check_labels(self, custom: set[str]) -> None:
        """Raises ValueError for a clip of a sound that nobody knows."""
        for label in self.clips.labels:
            if label not in {*SOUND_LABELS, *custom}:
                raise ValueError(f"privacy.clips.labels: no sound is called {label!r}")
