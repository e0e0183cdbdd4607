"""Fits the confidence of the closed recognizer, on other sentences than benchmarks/commands.py counts.

    python benchmarks/fit_confidence.py [--every N]

The home, commands, foreign commands and talk of data/fit.yaml by flite and espeak-ng, every second one in a room with
reverberation of 0.2-0.6 s and pink noise 15-25 dB below. What is understood as it was meant is an example; what is
taken for another command is a counterexample. Logistic regression, both classes of equal weight; the table is
cross-validated in five parts by sentence. Prints the figures for `Calibration` in listener/perceive/speech/closed.py.
"""

import argparse
import itertools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import yaml
from commands import DATA, ESPEAK, FLITE, Hall, Room, espeak, flite, in_a_room
from numpy.typing import NDArray
from rich.progress import track

from listener.config import HomeConfig, SpeechConfig
from listener.perceive.speech.closed import Calibration, Decoded
from listener.perceive.speech.models import SpeechModels, plan_speech
from listener.respond.commands import Commands
from listener.sentences.loading import load_sentences
from listener.types import Samples

Array = NDArray[np.float64]
FIGURES: Final = ("ratio", "worst", "gaps", "margin")
RIDGE: Final = 1e-3
"""Of the standardized figures: keeps separable examples from infinite certainty."""
FOLDS: Final = 5


@dataclass(frozen=True)
class Recorder(Calibration):
    """Believes everything, and keeps what it was believed on."""

    found: list[Decoded] = field(default_factory=list)

    def confidence(self, found: Decoded) -> float:
        self.found.append(found)
        return 1.0

    def is_worth_verifying(self, _found: Decoded) -> bool:
        return True


@dataclass(frozen=True)
class Example:
    kind: str
    text: str
    noisy: bool
    right: bool
    figures: tuple[float, ...]


def spoken(data: dict[str, Any], every: int) -> Iterator[tuple[str, str, bool, Samples]]:
    """Kind, text, noisy or not, sound. Each sentence of `talk` and `foreign` by half of the voices."""
    rng = np.random.default_rng(9)
    voices = [*(partial(flite, voice) for voice in FLITE), *(partial(espeak, *voice) for voice in ESPEAK)]
    everything = [
        (kind, row, column)
        for kind in ("commands", "foreign", "talk")
        for row, column in itertools.product(range(len(data[kind])), range(len(voices)))
        if (kind == "commands" and column < len(FLITE)) or (row // 2 + column) % 2 == 0
    ]
    for kind, row, column in track(everything[::every]):
        noisy = (row + column) % 2 == 1
        hall = Hall(rng.uniform(0.2, 0.6), rng.uniform(-1, 4), rng.uniform(15, 25)) if noisy else None
        samples, _ = in_a_room(voices[column](data[kind][row]), hall, rng)
        yield kind, data[kind][row], noisy, samples


def examples(data: dict[str, Any], every: int) -> tuple[list[Example], int]:
    """Those that were taken for a command, and how many commands were not."""
    home, recorder = HomeConfig.model_validate(data["home"]), Recorder()
    models = SpeechModels(plan_speech(SpeechConfig(), home, ["en"], wake_word=True), recorder)
    room = Room(models, Commands(load_sentences("en", home)), data["here"])
    found, lost = [], 0
    for kind, text, noisy, samples in spoken(data, every):
        recorder.found.clear()
        told = room.hear(samples, "open")
        meant = room.commands.understand(text, 1.0, room.area) if kind == "commands" else None
        taken = [(intent, figures_of(d)) for (_, _, intent), d in zip(told, recorder.found, strict=False) if intent]
        lost += kind == "commands" and not taken
        for intent, figures in taken:
            right = meant is not None and (intent.name, intent.slots) == (meant.name, meant.slots)
            found.append(Example(kind, text, noisy, right, figures))
    return found, lost


def figures_of(found: Decoded) -> tuple[float, ...]:
    clipped = Calibration.clipped(found)
    return tuple(float(getattr(clipped, name)) for name in FIGURES)


def regress(figures: Array, right: Array) -> Array:
    """Newton's method; bias first. Figures `[n, k]`, `right` of 0 and 1; both classes weigh the same."""
    mean, scale = figures.mean(0), figures.std(0) + 1e-9
    design = np.c_[np.ones(len(figures)), (figures - mean) / scale]
    weight = np.where(right > 0, 0.5 / right.sum(), 0.5 / (1 - right).sum())
    ridge = RIDGE * np.diag([0.0] + [1.0] * figures.shape[1])
    b = np.zeros(design.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-design @ b))
        hessian = design.T @ (design * (weight * p * (1 - p))[:, None]) + ridge
        b += np.linalg.solve(hessian, design.T @ (weight * (right - p)) - ridge @ b)
    slopes: Array = b[1:] / scale
    fitted: Array = np.r_[b[0] - slopes @ mean, slopes]
    return fitted


def held_out(found: list[Example]) -> Array:
    """The confidence of each example by a fit that saw none of its sentence."""
    figures, right = np.array([e.figures for e in found]), np.array([float(e.right) for e in found])
    fold = np.array([zlib.crc32(e.text.encode()) % FOLDS for e in found])
    confidence = np.zeros(len(found))
    for k in range(FOLDS):
        b = regress(figures[fold != k], right[fold != k])
        confidence[fold == k] = 1 / (1 + np.exp(-(b[0] + figures[fold == k] @ b[1:])))
    return confidence


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="every Nth utterance")
    options = parser.parse_args()
    data = yaml.safe_load((DATA / "fit.yaml").read_text(encoding="utf-8"))
    found, lost = examples(data, options.every)
    confidence = held_out(found)
    print(f"{len(found)} taken for commands, {sum(e.right for e in found)} rightly; {lost} commands were not")
    print(
        "| at least | right, clean | right, noisy | misheard | foreign | talk |\n| --- | --- | --- | --- | --- | --- |"
    )
    for least in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        kept = [e for e, c in zip(found, confidence, strict=True) if c >= least]
        wrong = [sum(not e.right and e.kind == kind for e in kept) for kind in ("commands", "foreign", "talk")]
        clean, noisy = (sum(e.right and e.noisy == n for e in kept) for n in (False, True))
        print(f"| {least} | {clean} | {noisy} | {wrong[0]} | {wrong[1]} | {wrong[2]} |")
    b = regress(np.array([e.figures for e in found]), np.array([float(e.right) for e in found]))
    print(", ".join(f"{name}={value:.3g}" for name, value in zip(("bias", *FIGURES), b, strict=True)))


if __name__ == "__main__":
    main()
