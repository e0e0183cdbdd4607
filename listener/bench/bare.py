"""What the tagger's network alone can do on all cores: the bound that `listener bench rooms` is a part of.

A number of rooms says as much of the machine as of the program; a part of this bound, taken in the same run, does not.
"""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np

from listener.models.files import find
from listener.types import CHUNK_SECONDS

SECONDS: Final = 3.0
WARM_UP_WINDOWS: Final = 50


@dataclass(frozen=True, slots=True)
class Bare:
    """`window_ms`: of one window on one core while all are busy. `rooms`: how many would be heard in real time if
    nothing else had to be done, a window every 0.4 s."""

    window_ms: float
    rooms: int


def measure_bare(model: Path | None = None, seconds: float = SECONDS) -> Bare | None:
    """Run YAMNet's network on every core for so long; None where YAMNet is not there. Raises ModelError."""
    path = find("yamnet", model)
    if path is None:
        return None
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        per_second = list(pool.map(_windows_per_second, [path] * cores, [seconds] * cores))
    return Bare(round(1e3 * cores / sum(per_second), 2), int(sum(per_second) * CHUNK_SECONDS))


def _windows_per_second(path: Path, seconds: float) -> float:
    from listener.perceive.sounds.yamnet import YamnetTagger
    from listener.perceive.sounds.yamnet_model import load_yamnet
    from listener.perceive.spectrum import BINS

    tagger = YamnetTagger(load_yamnet(path))
    stream = tagger.open()
    tagger.hear(stream, np.random.default_rng(1).random((40, BINS), np.float32))
    for _ in range(WARM_UP_WINDOWS):
        tagger.score(stream)
    windows, start = 0, time.monotonic()
    while (now := time.monotonic()) - start < seconds:
        tagger.score(stream)
        windows += 1
    return windows / (now - start)
