"""What is learnt from, made once and kept as files: examples of one part, and the recordings as they are."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.again import write_again
from training.examples import Ears, Example, Kitchen, Sound, active_frames, truth_of
from training.hearing import heard_out
from training.made_sounds import speech
from training.recordings import MIXED, Recording, read_recordings
from training.teacher import Teacher
from training.trunk import Trunk, read_layers

FIELDS: Final = ("features", "truth", "margins", "embedding")
"""Of every chunk; see `Example`."""

Pool = dict[str, NDArray[np.float16]]


def make_pool(audio: Path, yamnet: Path, out: Path, part: int, count: int) -> None:
    """Write `part-N-FIELD.npy`, `[chunks, ...]`, of so many examples; `clips-N-FIELD.npy` of the recordings, and
    `again-N-*.npy` of the recordings heard again and again."""
    out.mkdir(parents=True, exist_ok=True)
    recordings = [clip for clip in read_recordings(audio) if clip.part == part]
    trunk = Trunk(read_layers(yamnet))
    spoken = speech(out / "speech")[part::3]  # other sentences in every part
    ears = Ears(trunk, Teacher(yamnet))
    kitchen = Kitchen(recordings, spoken, ears, seed=part)
    quiet = not sys.stderr.isatty()
    _save(out, f"clips-{part}", [hear_clip(ears, clip) for clip in recordings])
    write_again(out, part, recordings, trunk)
    _save(out, f"part-{part}", [kitchen.example() for _ in track(range(count), f"part {part}", disable=quiet)])


def hear_clip(ears: Ears, clip: Recording) -> Example:
    sound = Sound(clip.samples, clip.label, clip.folder, clip.folder in MIXED, clip.name)
    samples = heard_out(clip.samples)
    active = active_frames(samples)
    return ears.hear(samples, truth_of(sound, active, len(active) // 40))


def _save(out: Path, name: str, examples: Sequence[Example]) -> None:
    for field in FIELDS:
        np.save(out / f"{name}-{field}.npy", np.concatenate([getattr(example, field) for example in examples]))


def read_pool(out: Path, parts: Sequence[int], kind: str) -> Pool:
    """The chunks of several parts, field by field; `kind`: part (the examples) or clips."""
    return {f: np.concatenate([np.load(out / f"{kind}-{part}-{f}.npy") for part in parts]) for f in FIELDS}
