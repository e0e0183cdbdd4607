"""Parts that several tests of perception share."""

import importlib.resources
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import yaml

from listener.config import SoundsConfig
from listener.errors import PerceiveError
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.labels import LabelTable, label_table
from listener.types import CHUNK_SAMPLES, Chunk, Magnitudes, Percept, Scores, TaggerStream
from listener.vocabulary import URGENT_LABELS

SHARED = Path(os.environ.get("LISTENER_SHARED", Path(__file__).resolve().parents[3] / "shared"))
MODEL = SHARED / "models" / "yamnet.tflite"
AUDIO = SHARED / "audio"

needs_model = pytest.mark.skipif(
    not MODEL.is_file(), reason=f"no {MODEL}: set LISTENER_SHARED to the folder that has it"
)
needs_audio = pytest.mark.skipif(
    not AUDIO.is_dir(), reason=f"no {AUDIO}: set LISTENER_SHARED to the folder that has it"
)

LABELS = yaml.safe_load(
    importlib.resources.files("listener.perceive.sounds").joinpath("labels.yaml").read_text("utf-8")
)
CLASSES = tuple(sorted({name for entry in LABELS.values() for name in entry["classes"]}))
"""What a tagger must at least know."""

PATTERN_HOLD = {"smoke_alarm": 5.0, "co_alarm": 8.0}


def table(urgent: Sequence[str] = URGENT_LABELS, **sounds: object) -> LabelTable:
    return label_table(SoundsConfig.model_validate(sounds), urgent, CLASSES)


def scores(of: LabelTable, **labels: float) -> Scores:
    values = np.zeros(len(of.labels), np.float32)
    for label, score in labels.items():
        values[of.labels.index(label)] = score
    return values


@dataclass(frozen=True)
class FakeMatch:
    label: str
    score: float = 0.9
    onset_seconds_ago: float = 3.0


@dataclass
class FakePatterns:
    """Matches from a script by chunk since it was made."""

    script: Mapping[int, tuple[FakeMatch, ...]] = field(default_factory=dict)
    chunks: int = 0

    def step(self, magnitudes: Magnitudes) -> tuple[FakeMatch, ...]:
        self.chunks += 1
        return self.script.get(self.chunks - 1, ())


@dataclass
class FakeStream:
    chunks: int = 0


class FakeTagger:
    """Scores from a script, a mapping of class to score per chunk of its stream; silence where it ends; None fails."""

    def __init__(self, *script: Mapping[str, float] | None) -> None:
        self._script = script
        self.opened = 0

    @property
    def classes(self) -> tuple[str, ...]:
        return CLASSES

    def open(self) -> FakeStream:
        self.opened += 1
        return FakeStream()

    def hear(self, stream: TaggerStream, magnitudes: Magnitudes) -> None:
        assert isinstance(stream, FakeStream)
        stream.chunks += 1

    def score(self, stream: TaggerStream) -> Scores:
        assert isinstance(stream, FakeStream)
        at = stream.chunks - 1
        heard = self._script[at] if at < len(self._script) else {}
        if heard is None:
            raise PerceiveError("the fake tagger was told to fail")
        return np.array([heard.get(name, 0.0) for name in CLASSES], np.float32)


def room(of: LabelTable, strictness: str = "balanced", patterns: FakePatterns | None = None) -> RoomPerceiver:
    numbers = count(1)
    return RoomPerceiver(
        "kitchen",
        of,
        strictness,
        patterns=lambda: patterns or FakePatterns(),
        pattern_hold_seconds=PATTERN_HOLD,
        new_id=lambda: f"id-{next(numbers)}",
    )


def silence(index: int) -> Chunk:
    return Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index)


def started(percepts: Sequence[Percept]) -> list[str]:
    return [episode.label for percept in percepts for episode in percept.started]
