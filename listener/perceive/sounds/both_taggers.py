"""YAMNet and our own tagger together: the mean of what they say is right more often than either."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from listener.config import SoundsConfig
from listener.errors import PerceiveError
from listener.perceive.sounds.labels import label_table
from listener.perceive.sounds.own_tagger import OwnStream, OwnTagger
from listener.perceive.sounds.own_tagger_model import OwnModel
from listener.perceive.sounds.yamnet import YamnetStream, YamnetTagger
from listener.perceive.sounds.yamnet_model import YamnetModel
from listener.types import Magnitudes, Scores, TaggerStream

BOTH_LABELS: Final = "both_labels.yaml"
"""Beside this module: thresholds for the mean."""
SUREST: Final = 4.5
"""Neither is believed to be surer, in logits: below lies what YAMNet's eight bits round to zero."""
_HALF_STEP: Final = 1 / 512

Logits = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class BothModels:
    """The files of both; can be shared by threads."""

    own: OwnModel
    yamnet: YamnetModel

    @property
    def classes(self) -> tuple[str, ...]:
        """Our labels, and behind them YAMNet's own classes."""
        return (*self.own.classes, *self.yamnet.classes)


@dataclass(slots=True)
class BothStream:
    own: OwnStream = field(repr=False)
    yamnet: YamnetStream = field(repr=False)


class BothTaggers:
    """Implements `Tagger`. Its classes are our labels, each the mean of both, and behind them YAMNet's own classes."""

    def __init__(self, own: OwnTagger, yamnet: YamnetTagger) -> None:
        self._own, self._yamnet = own, yamnet
        self._table = label_table(SoundsConfig(), (), yamnet.classes)
        self._rows = [self._table.labels.index(label) for label in own.classes]
        self._on = _logit(self._table.steps["balanced"].on[self._rows])

    @classmethod
    def of(cls, models: BothModels) -> Self:
        """Raises ModelError when LiteRT refuses one of the networks."""
        return cls(OwnTagger(models.own), YamnetTagger(models.yamnet))

    @property
    def classes(self) -> tuple[str, ...]:
        return (*self._own.classes, *self._yamnet.classes)

    def open(self) -> BothStream:
        return BothStream(self._own.open(), self._yamnet.open())

    def hear(self, stream: TaggerStream, magnitudes: Magnitudes) -> None:
        """Take the next 40 frames, `[40, 257]`. Raises PerceiveError as the two do."""
        stream = _both(stream)
        self._own.hear(stream.own, magnitudes)
        self._yamnet.hear(stream.yamnet, magnitudes)

    def score(self, stream: TaggerStream) -> Scores:
        """Scores in [0, 1], `[our labels + 521]`. Raises PerceiveError as the two do."""
        stream = _both(stream)
        theirs = self._yamnet.score(stream.yamnet)
        ours = self._own.score(stream.own)
        margins = _logit(self._table.scores(theirs)[self._rows]) - self._on
        return np.concatenate((sigmoid(together(_logit(ours), margins)), theirs))


def together(ours: Logits, margins: Logits) -> Logits:
    """Mean of our logits `[..., labels]` and of how far YAMNet's lie above those of its thresholds."""
    mean: Logits = (np.clip(ours, -SUREST, SUREST) + np.clip(margins, -SUREST, SUREST)) / 2
    return mean


def sigmoid(logits: Logits) -> Scores:
    return (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)


def _logit(p: Scores) -> Logits:
    p = np.clip(p, _HALF_STEP, 1 - _HALF_STEP)
    logits: Logits = np.log(p / (1 - p))
    return logits


def _both(stream: TaggerStream) -> BothStream:
    if not isinstance(stream, BothStream):
        raise PerceiveError(f"two taggers were given a stream of one: {type(stream).__name__}")
    return stream
