"""What a worker needs to hear: built from configuration alone, so that a thread and a process build the same."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from listener.config import SoundsConfig
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.alarm_patterns import PATTERN_HOLD_SECONDS, AlarmPatterns
from listener.perceive.sounds.labels import LabelTable, label_table
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.perceive.sounds.yamnet_model import YamnetModel, load_yamnet
from listener.types import Tagger


def random_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class EarPlan:
    """What to build. Can be pickled. `model` is the tagger's file, None when there is none."""

    sounds: SoundsConfig
    urgent: tuple[str, ...]
    model: Path | None

    def load(self) -> "Ear":
        """Raises ModelError for a file that is not the right one, ConfigError for an unknown class."""
        model = None if self.model is None else load_yamnet(self.model)
        return Ear(label_table(self.sounds, self.urgent, model.classes if model else ()), model)


@dataclass(frozen=True)
class Ear:
    """The labels and the tagger's model, loaded once; threads share it."""

    table: LabelTable
    model: YamnetModel | None = field(repr=False)

    def tagger(self) -> Tagger | None:
        """A tagger for the calling thread, None without a model. Raises ModelError."""
        return None if self.model is None else YamnetTagger(self.model)

    def room(self, slug: str, strictness: str, new_id: Callable[[], str] = random_id) -> RoomPerceiver:
        """Raises PerceiveError for a strictness that does not exist."""
        return RoomPerceiver(
            slug,
            self.table,
            strictness,
            patterns=AlarmPatterns,
            pattern_hold_seconds=PATTERN_HOLD_SECONDS,
            new_id=new_id,
        )
