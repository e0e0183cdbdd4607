"""Examples of one part, made once and kept as files: front end and teacher cost more than a step of training."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.examples import Example, Kitchen
from training.made_sounds import speech
from training.recordings import read_recordings
from training.teacher import Teacher

FIELDS = ("log_mel", "truth", "margins", "embedding")


def make_pool(audio: Path, yamnet: Path, out: Path, part: int, count: int) -> None:
    """Write `part-N-FIELD.npy` for each field of an example, `[count, …]`."""
    out.mkdir(parents=True, exist_ok=True)
    recordings = [clip for clip in read_recordings(audio) if clip.part == part]
    spoken = speech(out / "speech")[part::3]  # other sentences in every part
    kitchen = Kitchen(recordings, spoken, Teacher(yamnet), seed=part)
    quiet = not sys.stderr.isatty()
    examples: list[Example] = [kitchen.example() for _ in track(range(count), f"part {part}", disable=quiet)]
    for field in FIELDS:
        np.save(out / f"part-{part}-{field}.npy", np.stack([getattr(example, field) for example in examples]))


def read_pool(out: Path, parts: tuple[int, ...]) -> dict[str, NDArray[np.float16]]:
    """The examples of several parts, field by field."""
    return {f: np.concatenate([np.load(out / f"part-{part}-{f}.npy") for part in parts]) for f in FIELDS}
