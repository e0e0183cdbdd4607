"""What people ask for when they teach a room sounds or tell it what was wrong, and how the room answers."""

from dataclasses import dataclass
from typing import Literal

LearningState = Literal["idle", "be_quiet", "listening", "accepted", "refused"]


@dataclass(frozen=True, slots=True)
class SetLearnName:
    """What the next sound to learn is called; empty: nothing yet."""

    name: str


@dataclass(frozen=True, slots=True)
class Learn:
    """Learn the next sound of this room. `name` None: as it was set before."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class StopLearning:
    """End the lesson of this room; nothing is learnt."""


@dataclass(frozen=True, slots=True)
class RenameSound:
    """Names, as people gave them, or labels."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ForgetSound:
    name: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """That was wrong: the episode with this id, or the room's last one. `was`: it was a sound of that name instead."""

    episode: str | None = None
    was: str | None = None


@dataclass(frozen=True, slots=True)
class UndoCorrection:
    """Take a correction back; None: the room's last one."""

    correction: str | None = None


Teaching = SetLearnName | Learn | StopLearning | RenameSound | ForgetSound | Wrong | UndoCorrection


@dataclass(frozen=True, slots=True)
class LearnNameReport:
    """What the next sound of the room will be called."""

    room: str
    name: str


@dataclass(frozen=True, slots=True)
class LearningReport:
    """How the lesson of a room goes: `heard` of `wanted` examples. `detail` is for a person.

    `begun_at`: when this lesson began, or was refused at once (RFC 3339, UTC, milliseconds); no other one has the same.
    Empty: there was none yet.
    """

    room: str
    state: LearningState
    name: str = ""
    heard: int = 0
    wanted: int = 0
    detail: str = ""
    begun_at: str = ""


@dataclass(frozen=True, slots=True)
class TaughtLine:
    """One sound that a room listens for because it was taught. `taught_at`: RFC 3339, UTC."""

    name: str
    label: str
    takes: int
    taught_at: str


@dataclass(frozen=True, slots=True)
class TaughtReport:
    """All that a room was taught. `detail`: what the last request about it led to, for a person.

    `answered_at`: when that was (RFC 3339, UTC, milliseconds); no other answer has the same. Both may be empty.
    """

    room: str
    sounds: tuple[TaughtLine, ...] = ()
    detail: str = ""
    answered_at: str = ""


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One correction: `id` undoes it, `episode` had the `label`, and was (`was`) another sound, or none."""

    id: str
    episode: str
    label: str
    was: str
    said_at: str


@dataclass(frozen=True, slots=True)
class CorrectionsReport:
    """How many corrections a room holds, and the newest. `detail`, `answered_at`: as those of `TaughtReport`."""

    room: str
    count: int = 0
    corrections: tuple[CorrectionLine, ...] = ()
    detail: str = ""
    answered_at: str = ""
