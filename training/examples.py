"""Examples to learn from: 2.4 s of a sound in a room, with what each of its windows holds and what the teacher says.

An example draws on one part of the recordings only, so that a network trained on two parts has never heard the third,
not even in the background.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.bench import synthesis
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from training.hearing import LATE_FRAMES, late, spectra
from training.made_sounds import DECOYS, MADE
from training.recordings import MAY_ALSO_HOLD, MIXED, Recording
from training.rooms import heard_in_a_room, some_noise, through_a_codec
from training.teacher import Teacher
from training.trunk import Trunk
from training.words import LABELS, URGENT

Generator = np.random.Generator

CHUNKS: Final = 6
SAMPLES: Final = CHUNKS * CHUNK_SAMPLES
SECONDS: Final = 2.4
FRAME: Final = 160
WINDOW_FRAMES: Final = 96
ACTIVE_DB: Final = -26.0
"""A frame counts as part of the sound above this, below the sound's loudest frame."""
ENOUGH_FRAMES: Final = 3
"""So many such frames in a window make it a window of that sound; fewer leave it open."""
FADED: Final = 0.25
"""Share of the examples that come or go by themselves. Recordings of bangs end in silence, those of the sea do not;
to a network that has heard nothing else die away, what does so was a bang."""


@dataclass(frozen=True)
class Sound:
    """Something to hear: samples, their label, and what a listener may also find in it. `mixed`: nobody knows what."""

    samples: Samples
    label: str | None
    folder: str
    mixed: bool = False
    name: str = ""


@dataclass(frozen=True)
class Example:
    """`features` `[chunks, 1024]`; `truth` `[chunks, labels]`: 1, 0, or NaN where nobody knows; `margins`
    `[chunks, labels]` and `embedding` `[chunks, 1024]`: the teacher's."""

    features: NDArray[np.float16]
    truth: NDArray[np.float16]
    margins: NDArray[np.float16]
    embedding: NDArray[np.float16]


@dataclass(frozen=True)
class Ears:
    """Who hears an example: the convolutions, whose features are learnt from, and the teacher."""

    trunk: Trunk
    teacher: Teacher

    def hear(self, sound: Samples, truth: NDArray[np.float32]) -> Example:
        chunks = spectra(sound)
        embedding, margins = self.teacher.hear(late(chunks))
        return Example(*(values.astype(np.float16) for values in (self.trunk.hear(chunks), truth, margins, embedding)))


class Kitchen:
    """Makes examples of one part of the recordings."""

    def __init__(self, recordings: Sequence[Recording], spoken: Sequence[Samples], ears: "Ears", seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._ears = ears
        self._spoken = spoken
        self._by_label: dict[str, list[Sound]] = defaultdict(list)
        self._others: dict[str, list[Sound]] = defaultdict(list)
        for clip in recordings:
            sound = Sound(clip.samples, clip.label, clip.folder, clip.folder in MIXED, clip.name)
            (self._by_label[clip.label] if clip.label else self._others[clip.folder]).append(sound)
        weights = {label: len(self._by_label[label]) ** 0.5 + 1.5 * (label in MADE) for label in LABELS}
        self._labels = [label for label, weight in weights.items() if weight > 0]
        shares = np.array([min(weights[label], 5.0) for label in self._labels])
        self._shares = shares / shares.sum()

    def example(self) -> Example:
        rng = self._rng
        main = self._main()
        clean, active = self._placed(main)
        if rng.random() < FADED:
            clean, active = faded(rng, clean, active)
        truth = truth_of(main, active)
        sound = clean if main.label is None and not main.mixed and not clean.any() else heard_in_a_room(rng, clean)
        if rng.random() < 0.12:
            second = self._main()
            placed, also_active = self._placed(second)
            sound = synthesis.mix(sound, heard_in_a_room(rng, placed), float(rng.uniform(-6, 6)))
            truth = both(truth, truth_of(second, also_active))
        if rng.random() < 0.65:
            noise, opens = self._background()
            sound = synthesis.mix(sound, noise, float(rng.uniform(3, 32)))
            truth[:, opens] = np.where(truth[:, opens] == 1, 1, np.nan)
        sound = synthesis.at_level(sound, float(rng.uniform(-34, -0.5)))
        if rng.random() < 0.08:
            sound = through_a_codec(rng, sound)
        sound = sound + synthesis.white_noise(rng, SECONDS) * np.float32(10 ** (rng.uniform(-95, -62) / 20))
        return self._ears.hear(sound.astype(np.float32), truth)

    def _main(self) -> Sound:
        rng = self._rng
        what = rng.random()
        if what < 0.72:
            return self._labelled(self._labels[rng.choice(len(self._labels), p=self._shares)])
        if what < 0.80:
            return Sound(self._spoken[rng.integers(len(self._spoken))], "speech", "speech")
        if what < 0.84:
            return Sound(DECOYS[rng.integers(len(DECOYS))](rng), None, "decoy")
        if what < 0.90 or not self._others:
            return Sound(some_noise(rng, SECONDS) * np.float32(rng.integers(2)), None, "noise")
        folders = sorted(self._others)
        return _one(rng, self._others[folders[rng.integers(len(folders))]])

    def _labelled(self, label: str) -> Sound:
        real = self._by_label[label]
        made = MADE.get(label, ())
        if made and (not real or self._rng.random() < 0.35):
            return Sound(made[self._rng.integers(len(made))](self._rng), label, label)
        return _one(self._rng, real)

    def _placed(self, sound: Sound) -> tuple[Samples, NDArray[np.bool_]]:
        """2.4 s around a place where the sound is, at times a little faster or slower; and which frames are of it."""
        rng, samples = self._rng, sound.samples
        if rng.random() < 0.4:
            places = np.arange(0, len(samples) - 1, float(rng.uniform(0.9, 1.1)))
            samples = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
        active = active_frames(samples)
        where = np.flatnonzero(active)
        middle = FRAME * int(where[rng.integers(len(where))]) if len(where) else 0
        start = middle - int(rng.uniform(0.1, 0.9) * SAMPLES)
        if sound.samples.size > SAMPLES:
            start = int(np.clip(start, 0, len(samples) - SAMPLES)) // FRAME * FRAME
        start = start // FRAME * FRAME
        out, marks = np.zeros(SAMPLES, np.float32), np.zeros(SAMPLES // FRAME, np.bool_)
        _overlay(out, samples, start)
        _overlay(marks, active, start // FRAME)
        return out, marks

    def _background(self) -> tuple[Samples, list[int]]:
        """Noise, a recording without a label, speech or music; and the labels that it leaves open."""
        rng = self._rng
        what = rng.random()
        if what < 0.45:
            return some_noise(rng, SECONDS)[:SAMPLES], []
        if what < 0.70 and self._others["background"]:
            sound = _one(rng, self._others["background"])
            return self._placed(sound)[0], [i for i, label in enumerate(LABELS) if label not in URGENT]
        sound = self._labelled(("speech", "music", "rain", "water")[rng.integers(4)])
        opens = {sound.label, *MAY_ALSO_HOLD.get(sound.folder, ())}
        return heard_in_a_room(rng, self._placed(sound)[0]), [i for i, label in enumerate(LABELS) if label in opens]


def faded(rng: Generator, samples: Samples, active: NDArray[np.bool_]) -> tuple[Samples, NDArray[np.bool_]]:
    """Dies away from some moment on, or comes up until then; with which frames are still of it."""
    away = np.arange(len(samples)) / SAMPLE_RATE_HZ - rng.uniform(0.0, 0.9) * SECONDS
    gain = np.exp(-np.maximum(away if rng.random() < 0.75 else -away, 0) / 10 ** rng.uniform(-1.6, 0.0))
    audible = 20 * np.log10(gain[::FRAME] + 1e-9) > ACTIVE_DB
    return (samples * gain).astype(np.float32), active & audible


def active_frames(samples: Samples) -> NDArray[np.bool_]:
    """Frames of 10 ms that are no more than 26 dB below the loudest."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1) if len(frames) else np.zeros(1)
    return np.asarray(power > max(power.max() * 10 ** (ACTIVE_DB / 10), 1e-10))


def truth_of(sound: Sound, active: NDArray[np.bool_], chunks: int = CHUNKS) -> NDArray[np.float32]:
    """What each window holds, `[chunks, labels]`; `active` has 40 frames a chunk. A window of 0.96 s ends as long
    before its chunk does as the network is late."""
    truth = np.zeros((chunks, len(LABELS)), np.float32)
    if sound.mixed:
        urgent = [i for i, label in enumerate(LABELS) if label in URGENT and not _suspicious(sound.name, label)]
        truth[:] = np.nan
        truth[:, urgent] = 0
        return truth
    for label in MAY_ALSO_HOLD.get(sound.folder, ()):
        if label in LABELS:
            truth[:, LABELS.index(label)] = np.nan
    if sound.label in LABELS:
        padded = np.concatenate((np.zeros(LATE_FRAMES + WINDOW_FRAMES, np.int64), np.cumsum(active)))
        for chunk in range(chunks):
            end = 40 * (chunk + 1) - 1
            count = padded[end + WINDOW_FRAMES] - padded[end]
            value = 1.0 if count >= ENOUGH_FRAMES else 0.0 if count == 0 else np.nan
            truth[chunk, LABELS.index(sound.label)] = value
    return truth


def both(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """What holds of two sounds at once: present in one is present, unknown in one is unknown."""
    return np.where((first == 1) | (second == 1), 1.0, first + second).astype(np.float32)


def _suspicious(name: str, label: str) -> bool:
    return {"glass_break": "smash", "scream": "anguish", "smoke_alarm": "alarm"}[label] in name


def _one(rng: Generator, sounds: Sequence[Sound]) -> Sound:
    return sounds[rng.integers(len(sounds))]


def _overlay(out: NDArray[np.generic], values: NDArray[np.generic], start: int) -> None:
    """Put `values` into `out` so that `values[start]` comes first; what does not fit is left out."""
    first, last = max(start, 0), min(start + len(out), len(values))
    if first < last:
        out[first - start : last - start] = values[first:last]
