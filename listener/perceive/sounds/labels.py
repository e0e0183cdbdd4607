"""Which classes make a label, and when a label sounds: thresholds, N of M and hold, for each step of strictness."""

import difflib
import importlib.resources
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field

from listener.config import CustomLabel, LabelTuning, Section, SoundsConfig
from listener.errors import ConfigError
from listener.types import Scores
from listener.vocabulary import SOUND_LABELS, STRICTNESS_STEPS

SCORE_STEP: Final = 0.35
"""Distance of two neighbouring scores of YAMNet in logits: its last layer is quantized to eight bits."""

STRICTNESS_SHIFT: Final[Mapping[str, float]] = {
    "paranoid": -4 * SCORE_STEP,
    "sensitive": -2 * SCORE_STEP,
    "balanced": 0.0,
    "strict": 2 * SCORE_STEP,
    "urgent_only": 0.0,
}
"""How far each step moves `on` and `off`, in logits. What that means in counts: docs/reports/sound-recall.md."""

ALARMS: Final = ("smoke_alarm", "co_alarm")
"""Reported at every strictness, also by somebody who has struck them off `respond.urgent`."""


class LabelSettings(Section):
    """One entry of labels.yaml, or what the user's tuning made of it."""

    classes: list[str]
    on: float = Field(gt=0.0, lt=1.0)
    off: float = Field(gt=0.0, lt=1.0)
    windows: int = Field(ge=1)
    of: int = Field(ge=1)
    hold_seconds: float = Field(gt=0.0)


CUSTOM_DEFAULTS: Final = {"on": 0.45, "off": 0.28, "windows": 2, "of": 3, "hold_seconds": 4.0}
TAUGHT_DEFAULTS: Final = {"on": 0.5, "off": 0.35, "windows": 2, "of": 3, "hold_seconds": 2.0}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The labels' settings at one strictness, one entry per label in the order of the table."""

    strictness: str
    on: Scores
    off: Scores
    windows: NDArray[np.int64]
    of: NDArray[np.int64]
    hold_seconds: NDArray[np.float64]
    reported: NDArray[np.bool_]
    """False: the label is not among those to report, or this strictness leaves it out."""


@dataclass(frozen=True, slots=True)
class LabelTable:
    """All labels of a configuration over one tagger's classes. Immutable; the rooms share it."""

    labels: tuple[str, ...]
    wanted: frozenset[str]
    urgent_rows: tuple[int, ...]
    has_classes: tuple[bool, ...]
    members: NDArray[np.int64]
    """Indices of each label's classes, `[labels, most classes]`, filled up with the index behind the last class."""
    steps: Mapping[str, Thresholds]

    def scores(self, class_scores: Scores) -> Scores:
        """One score per label, `[labels]`: the greatest of its classes; 0 for a label without any."""
        padded = np.zeros(len(class_scores) + 1, np.float32)
        padded[:-1] = class_scores
        best: Scores = padded[self.members].max(axis=1)
        return best


def label_table(
    sounds: SoundsConfig,
    urgent: Collection[str],
    classes: Sequence[str],
    defaults: Mapping[str, object] | None = None,
    *,
    audioset: bool = True,
) -> LabelTable:
    """Build the table. `classes` are the tagger's, empty without one. `defaults` are entries as in labels.yaml, for
    another tagger than YAMNet; `audioset`: whether AudioSet's classes are among its own. If not, custom labels, which
    name those, are not heard.

    Raises ConfigError that names the key: an unknown class, `off` above `on`, `windows` above `of`.
    """
    entries = read_defaults("labels.yaml") if defaults is None else defaults
    settings = {label: _tuned(label, LabelSettings.model_validate(entry), sounds) for label, entry in entries.items()}
    custom = {label: _custom(label, entry, sounds) for label, entry in sounds.custom.items()}
    if not audioset:
        custom = {label: entry.model_copy(update={"classes": []}) for label, entry in custom.items()}
    settings |= custom
    wanted = frozenset(sounds.reported_labels)
    return LabelTable(
        labels=tuple(settings),
        wanted=wanted,
        urgent_rows=tuple(i for i, label in enumerate(settings) if label in urgent),
        has_classes=tuple(bool(entry.classes) for entry in settings.values()),
        members=_members(settings, classes),
        steps={step: _thresholds(step, settings, wanted, {*urgent, *ALARMS}) for step in STRICTNESS_STEPS},
    )


def read_defaults(name: str) -> dict[str, object]:
    """The entries of a file beside this module."""
    text = importlib.resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    entries: dict[str, object] = yaml.safe_load(text)
    return entries


def _tuned(label: str, default: LabelSettings, sounds: SoundsConfig) -> LabelSettings:
    tuning = sounds.tuning.get(label)
    return default if tuning is None else _apply(default, tuning, f"sounds.tuning.{label}")


def _custom(label: str, custom: CustomLabel, sounds: SoundsConfig) -> LabelSettings:
    default = LabelSettings.model_validate({"classes": custom.classes, **CUSTOM_DEFAULTS})
    settings = _apply(default, custom.tuning, f"sounds.custom.{label}.tuning")
    tuning = sounds.tuning.get(label)
    return settings if tuning is None else _apply(settings, tuning, f"sounds.tuning.{label}")


def _apply(default: LabelSettings, tuning: LabelTuning, key: str) -> LabelSettings:
    """The user's values over the defaults. `on` given alone takes `off` with it, at the same distance in logits."""
    given = tuning.model_dump(exclude_none=True)
    if "on" in given and "off" not in given:
        given["off"] = shifted(given["on"], logit(default.off) - logit(default.on))
    settings = default.model_copy(update=given)
    if settings.off > settings.on:
        raise ConfigError(f"{key}: off ({settings.off:g}) is above on ({settings.on:g}); lower off, or raise on")
    if settings.windows > settings.of:
        raise ConfigError(
            f"{key}: windows ({settings.windows}) is more than of ({settings.of}): "
            f"{settings.windows} of {settings.of} windows can never count; raise of, or lower windows"
        )
    return settings


def _members(settings: Mapping[str, LabelSettings], classes: Sequence[str]) -> NDArray[np.int64]:
    width = max(1, *(len(entry.classes) for entry in settings.values()))
    members = np.full((len(settings), width), len(classes), np.int64)
    if not classes:
        return members
    index = {name: i for i, name in enumerate(classes)}
    for row, (label, entry) in enumerate(settings.items()):
        for column, name in enumerate(entry.classes):
            if name not in index:
                where = "labels.yaml: " if label in SOUND_LABELS else "sounds.custom."
                raise ConfigError(f"{where}{label}.classes: {_unknown_class(name, classes)}")
            members[row, column] = index[name]
    return members


def _unknown_class(name: str, classes: Sequence[str]) -> str:
    folded = {known.casefold(): known for known in classes}
    containing = [known for low, known in folded.items() if name.casefold() in low]
    near = [folded[low] for low in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
    hint = ", ".join(repr(known) for known in dict.fromkeys([*near, *containing][:4]))
    nearest = f"the nearest are {hint}" if hint else "its classes are those of AudioSet"
    return f"the tagger has no class {name!r}; {nearest}"


def _thresholds(
    step: str, settings: Mapping[str, LabelSettings], wanted: Collection[str], urgent: Collection[str]
) -> Thresholds:
    shift = STRICTNESS_SHIFT[step]
    entries = settings.values()
    return Thresholds(
        strictness=step,
        on=np.array([shifted(entry.on, shift) for entry in entries], np.float32),
        off=np.array([shifted(entry.off, shift) for entry in entries], np.float32),
        windows=np.array([1 if step == "paranoid" else entry.windows for entry in entries]),
        of=np.array([entry.of for entry in entries]),
        hold_seconds=np.array([entry.hold_seconds for entry in entries]),
        reported=np.array([label in wanted and (step != "urgent_only" or label in urgent) for label in settings]),
    )


def logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def shifted(p: float, by: float) -> float:
    """The probability `by` further on the scale of logits; stays within (0, 1)."""
    return 1.0 / (1.0 + math.exp(-(logit(p) + by)))


def taught_table(labels: Sequence[str]) -> LabelTable:
    """A table of taught sounds: all alike, for their scores are made so that 0.5 is where a window counts."""
    settings = {label: LabelSettings.model_validate({"classes": [], **TAUGHT_DEFAULTS}) for label in labels}
    return LabelTable(
        labels=tuple(labels),
        wanted=frozenset(labels),
        urgent_rows=(),
        has_classes=(True,) * len(settings),
        members=np.zeros((len(settings), 1), np.int64),
        steps={step: _thresholds(step, settings, labels, ()) for step in STRICTNESS_STEPS},
    )
