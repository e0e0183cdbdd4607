"""The Audio-Interaction engine's figures of docs/performance.md: age of a stream, re-encoding, a day, a full duplex.

    python benchmarks/audio_interaction.py [--hours 24] [--shape small] [--only long_stream] [--budget SECONDS]

Random weights of a given shape: what takes the time is the shape.
"""

import argparse
import gc
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil

from listener.bench.engine import NEVER, measure_age, measure_reencoding, sound
from listener.decide.audio_interaction.device import use_threads
from listener.decide.audio_interaction.happenings import Decided, Happening
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.random_model import random_model
from listener.decide.audio_interaction.sampling import GREEDY
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.stream import Limits

CHUNKS_AN_HOUR = 9_000
CHUNKS_IN_TEN_MINUTES = 1_500


def a_long_stream(hours: float, budget_seconds: float = float("inf")) -> dict[str, Any]:
    """One session of the tiny shape, chunk after chunk: resident memory and cost at 10 min and at the end.

    The end is after `hours` of audio, or when the budget of wall time is spent; what was reached is in the report.
    """
    limits = Limits()
    loaded = random_model("tiny", "cpu", "float32")
    scheduler = Scheduler(Model(loaded, 1, limits.window + SPARE_POSITIONS), limits)
    decided: list[float] = []

    def sink(happening: Happening) -> None:
        if isinstance(happening, Decided):
            decided.append(happening.probability)

    stream = scheduler.admit("day", NEVER, GREEDY, 0, sink)
    sounds = [sound(seed) for seed in range(97)]
    total = round(hours * CHUNKS_AN_HOUR)
    early = late = float("nan")
    started = time.perf_counter()
    seconds: deque[float] = deque(maxlen=CHUNKS_IN_TEN_MINUTES)
    first = float("nan")
    for k in range(total):
        began = time.perf_counter()
        scheduler.hear(stream, sounds[k % 97])
        while scheduler.busy:
            scheduler.tick()
        seconds.append(time.perf_counter() - began)
        decided.clear()
        if k + 1 == CHUNKS_IN_TEN_MINUTES:
            first, early = float(np.median(seconds)), _resident_mb()
        if k + 1 > CHUNKS_IN_TEN_MINUTES and time.perf_counter() - started > budget_seconds:
            break
    late = _resident_mb()
    return {
        "hours": stream.heard_chunks / CHUNKS_AN_HOUR,
        "heard_chunks": stream.heard_chunks,
        "lost_chunks": stream.lost_chunks,
        "rolled": stream.rolled,
        "turns_kept": len(stream.context.turns),
        "rss_mb_at_10_min": early,
        "rss_mb_at_end": late,
        "rss_growth": late / early - 1.0,
        "chunk_median_seconds_first_10_min": first,
        "chunk_median_seconds_last_10_min": float(np.median(seconds)),
    }


def _resident_mb() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0, help="of the long stream (at least 0.5)")
    parser.add_argument("--minutes", type=float, default=10.0, help="age of the old stream")
    parser.add_argument("--shape", default="small", help="for age and re-encoding")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=float("inf"), metavar="S", help="wall time of the long stream")
    parser.add_argument("--only", choices=["reencoding", "age", "long_stream"], help="just this one")
    args = parser.parse_args()
    use_threads(args.threads)
    measurements: dict[str, Callable[[], dict[str, Any]]] = {
        "reencoding": lambda: measure_reencoding(args.shape),
        "age": lambda: measure_age(args.shape, minutes=args.minutes),
        "long_stream": lambda: a_long_stream(args.hours, args.budget),
    }
    for name, measure in measurements.items():
        if args.only in (None, name):
            print(json.dumps({name: measure()}), flush=True)


if __name__ == "__main__":
    main()
