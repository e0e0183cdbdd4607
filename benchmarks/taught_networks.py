"""Networks with the common sounds that taught sounds are told from, as they are without some parts of the recordings.

What comes with the package holds embeddings of recordings, among them the very ones that a benchmark plays. So the
benchmark makes that file anew each time, without the parts that it judges by.
"""

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from own_tagger import fold_model

from listener.perceive.sounds.common_sounds import CommonSounds, load_common
from listener.perceive.sounds.own_tagger_model import OwnModel, load_own

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from training.character import Character, read_character
from training.common_sounds import held_out, some_made
from training.recordings import PARTS

MADE = 1_500


@dataclass(frozen=True)
class Network:
    """`parts`: of each recording, as its path below the folder of recordings; those that are left out none has heard.
    `made`: embeddings of synthesized sounds, `[n, width]`; `out`: folder of the training."""

    model: OwnModel
    made: np.ndarray
    like: Character
    parts: Mapping[str, int]
    out: Path

    def common(self, without: Collection[int]) -> CommonSounds:
        left = [part for part in range(PARTS) if part not in without]
        return held_out(self.made, self.out, left, self.like, load_common().alike)


def shipped_network(out: Path) -> Network:
    return _network(load_own(), out, range(PARTS))


def fold_network(out: Path, part: int) -> Network:
    """Without that part. It was given no recording of it; nor is it, by `House`, in the common sounds."""
    return _network(fold_model(out, part), out, [one for one in range(PARTS) if one != part])


def _network(model: OwnModel, out: Path, heard: Collection[int]) -> Network:
    parts = json.loads((out / "parts.json").read_text(encoding="utf-8"))
    return Network(model, some_made(MADE, out / "speech", model), read_character(out, sorted(heard)), parts, out)
