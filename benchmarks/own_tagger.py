"""Our own tagger beside YAMNet, in one run, on recordings that it has not heard. Writes docs/reports/own-tagger.md.

    python benchmarks/own_tagger.py --audio DIR --yamnet yamnet.tflite --folds DIR

`--folds` is the folder that `python -m training` left behind: for each of three parts of the recordings a network, its
calibration and its thresholds, none of which has seen that part. Each clip is a fresh stream through the room's own
perceiver; alarm patterns are left out, since both taggers have the same. Exits 1 where a bound is missed: a label of 20
clips and more, ten points below YAMNet's recall or with more false starts; an urgent label with more false alarms; a
chunk that costs more than 1 ms, or more than YAMNet's; a state above 256 kB.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import numpy as np
import yaml
from rich.progress import track
from sound_recall import AFTERWARDS, ALSO, SAME, UNLABELLED, NoPatterns, read_clip

from listener.bench.synthesis import at_level, mix, pink_noise, white_noise
from listener.config import SoundsConfig
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.both_taggers import BothTaggers
from listener.perceive.sounds.labels import LabelTable, label_table
from listener.perceive.sounds.own_tagger import OwnTagger
from listener.perceive.sounds.own_tagger_model import OwnModel, load_own
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.perceive.sounds.yamnet_model import load_yamnet
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, Samples, Tagger
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS

T = TypeVar("T", bound=Tagger)

REPORT: Final = Path(__file__).resolve().parents[1] / "docs" / "reports" / "own-tagger.md"
ENOUGH_CLIPS: Final = 20
POINTS: Final = 0.10
MOST_MS: Final = 1.0
MOST_STATE_BYTES: Final = 256_000
HOUR_SECONDS: Final = 3_600

HEAD = """# Our own tagger beside YAMNet

Written by `benchmarks/own_tagger.py`; do not edit. {clips} recordings, {hours:.1f} h: ESC-10 (K. J. Piczak, "ESC:
Dataset for Environmental Sound Classification", ACM Multimedia 2015) and household sounds. In three parts: the folds of
ESC-10, and thirds of the groups (one recording, one speaker) of the others. What hears a part was trained, calibrated
and given its thresholds on the two others. YAMNet is as shipped; its thresholds were chosen on all of these clips.
Both: the mean of the two (`sounds.tagger: both`). Strictness `balanced`, without the alarm patterns. A clip is found
when its label starts on it; a label that starts on a clip of another sound is a false start; mixed clips (folders
`other`, `background`) are left out."""


@dataclass(frozen=True)
class Ear(Generic[T]):
    tagger: T
    table: LabelTable


@dataclass(frozen=True)
class Clip:
    key: str
    chunks: tuple[Samples, ...]

    @property
    def folder(self) -> str:
        return self.key.split("/")[1]

    @property
    def label(self) -> str:
        return SAME.get(self.folder, self.folder)


def started(ear: Ear[Any], chunks: Sequence[Samples]) -> list[tuple[str, float]]:
    """Label and time of each sound that starts in one stream, which ends in silence."""
    room = RoomPerceiver("bench", ear.table, "balanced", patterns=NoPatterns, pattern_hold_seconds={})
    percepts = (room.perceive(Chunk(chunk, i), ear.tagger) for i, chunk in enumerate((*chunks, *AFTERWARDS)))
    return [(episode.label, percept.t) for percept in percepts for episode in percept.started]


def fold_model(folds: Path, part: int) -> OwnModel:
    """Our network as it is without that part: `folds` is the training's --out."""
    path = folds / f"own-without-{part}.tflite"
    return load_own(path, hashlib.sha256(path.read_bytes()).hexdigest())


def fold_ears(folds: Path, yamnet: YamnetTagger) -> tuple[list[Ear[OwnTagger]], list[Ear[BothTaggers]]]:
    """Our tagger, and the mean of both, as they are without each part."""
    ears, means = [], []
    for part in range(3):
        tagger = OwnTagger(fold_model(folds, part))
        both = BothTaggers(tagger, yamnet)
        ears.append(Ear(tagger, _table(tagger, folds / f"labels-without-{part}.yaml")))
        means.append(Ear(both, _table(both, folds / f"both-without-{part}.yaml")))
    return ears, means


def _table(tagger: Tagger, settings: Path) -> LabelTable:
    defaults = yaml.safe_load(settings.read_text(encoding="utf-8"))
    return label_table(SoundsConfig(), URGENT_LABELS, tagger.classes, defaults)


def is_false(label: str, clip: Clip) -> bool:
    return clip.label != label and label not in ALSO.get(clip.folder, set()) and clip.folder not in UNLABELLED


@dataclass(frozen=True)
class Row:
    """One label: clips of it, found by each, false starts by each; `both`: by the mean of the two."""

    label: str
    clips: int
    ours: int
    theirs: int
    both: int
    our_false: int
    their_false: int
    both_false: int

    @property
    def good(self) -> bool:
        if self.clips < ENOUGH_CLIPS:
            return True
        return self.ours >= self.theirs - POINTS * self.clips and self.our_false <= self.their_false


def rows(clips: Sequence[Clip], heard: Sequence[Mapping[str, set[str]]]) -> Iterator[Row]:
    for label in SOUND_LABELS:
        own = [clip for clip in clips if clip.label == label]
        others = [clip for clip in clips if is_false(label, clip)]
        yield Row(
            label,
            len(own),
            *(sum(label in found[clip.key] for clip in own) for found in heard),
            *(sum(label in found[clip.key] for clip in others) for found in heard),
        )


def table_lines(found: Sequence[Row]) -> list[str]:
    lines = [
        "## Label by label",
        "",
        f"The bound is for labels of {ENOUGH_CLIPS} clips and more: no more than {POINTS:.0%} of the clips fewer than "
        "YAMNet, and no more false starts.",
        "",
        "| label | clips | ours found | YAMNet found | both found | ours false | YAMNet false | both false | bound |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        verdict = "–" if row.clips < ENOUGH_CLIPS else "holds" if row.good else "**missed**"
        figures = (row.clips, row.ours, row.theirs, row.both, row.our_false, row.their_false, row.both_false, verdict)
        lines.append(f"| {row.label} | " + " | ".join(map(str, figures)) + " |")
    names = ("clips", "ours", "theirs", "both", "our_false", "their_false", "both_false")
    sums = [sum(getattr(row, name) for row in found) for name in names]
    return [*lines, "| all | " + " | ".join(map(str, sums)) + " | |"]


def urgent_lines(
    clips: Sequence[Clip], heard: Sequence[Mapping[str, set[str]]], hour: Sequence[dict[str, int]]
) -> tuple[list[str], bool]:
    """False alarms: on every clip of another sound, mixed ones too, and in an hour of speech and noise."""
    lines = [
        "## Urgent sounds",
        "",
        "On all clips that are not of that sound, mixed ones included, and starts in an hour of speech and noise.",
        "",
        "| label | ours, clips | YAMNet, clips | both, clips | ours, hour | YAMNet, hour | both, hour |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    sums = np.zeros(6, np.int64)
    for label in URGENT_LABELS:
        others = [c for c in clips if c.label != label and label not in ALSO.get(c.folder, set())]
        on_clips = [sum(label in found[clip.key] for clip in others) for found in heard]
        figures = [*on_clips, *(counts.get(label, 0) for counts in hour)]
        sums += figures
        lines.append(f"| {label} | " + " | ".join(map(str, figures)) + " |")
    lines.append("| all | " + " | ".join(map(str, sums)) + " |")
    return lines, bool(sums[0] <= sums[1] and sums[3] <= sums[4])


def speech_and_noise(clips: Sequence[Clip], part: int) -> Iterator[tuple[Samples, ...]]:
    """A third of an hour, a minute at a time: the part's speech, one after the other, in noise 5 to 25 dB below."""
    rng = np.random.default_rng(part)
    spoken = [np.concatenate(clip.chunks) for clip in clips if clip.label == "speech"]
    for minute in range(HOUR_SECONDS // 60 // 3):
        pieces: list[Samples] = []
        while sum(map(len, pieces)) < 60 * SAMPLE_RATE_HZ:
            pieces += [at_level(spoken[rng.integers(len(spoken))], float(rng.uniform(-25, -3)))]
            pieces += [np.zeros(rng.integers(SAMPLE_RATE_HZ // 5, 2 * SAMPLE_RATE_HZ), np.float32)]
        noise = (white_noise, pink_noise)[minute % 2](rng, 60.0)
        sound = mix(np.concatenate(pieces)[: 60 * SAMPLE_RATE_HZ], noise, float(rng.uniform(5, 25)))
        yield tuple(sound.reshape(-1, CHUNK_SAMPLES))


def cost_ms(tagger: Tagger, chunks: Sequence[Samples]) -> float:
    """CPU milliseconds of this thread a chunk, the median of five rounds; the room's spectrum is not counted."""
    spectrum, stream, rounds = Spectrum(), tagger.open(), []
    magnitudes = [spectrum.step(chunk) for chunk in chunks]
    for _ in range(5):
        begun = time.thread_time()
        for frames in magnitudes:
            tagger.hear(stream, frames)
            tagger.score(stream)
        rounds.append((time.thread_time() - begun) / len(magnitudes) * 1e3)
    return float(np.median(rounds))


def cost_lines(ours: OwnTagger, theirs: YamnetTagger, chunks: Sequence[Samples]) -> tuple[list[str], bool]:
    figures = [cost_ms(tagger, chunks) for tagger in (ours, theirs)]
    state = ours.open().state_bytes
    lines = ["## Cost", "", "CPU of one thread for a chunk of 0.4 s, after the room's spectrum, in this run:", ""]
    lines += [f"ours {figures[0]:.2f} ms, YAMNet {figures[1]:.2f} ms. State of a room: {state / 1e3:.0f} kB."]
    return lines, figures[0] <= min(MOST_MS, figures[1]) and state <= MOST_STATE_BYTES


def reliability_lines(folds: Path) -> list[str]:
    table = json.loads((folds / "reliability.json").read_text(encoding="utf-8"))
    lines = ["## How far a score can be believed", "", "Windows of clips not trained on, all labels together.", ""]
    lines += ["| score | windows | mean score | hold the sound |", "| --- | --- | --- | --- |"]
    row = "| {low:.1f} to {high:.1f} | {count} | {score:.2f} | {right:.2f} |"
    return [*lines, *(row.format(**entry) for entry in table)]


def made_lines(folds: Path) -> list[str]:
    """What is synthesized says little about homes: named as such, and not among the bounds."""
    table = json.loads((folds / "made.json").read_text(encoding="utf-8"))
    lines = ["## Synthesized sounds", "", "Made as the training's were, from other random numbers; not recordings.", ""]
    lines += ["| label | sounds | ours found | YAMNet found |", "| --- | --- | --- | --- |"]
    return [*lines, *("| {label} | {sounds} | {ours} | {theirs} |".format(**entry) for entry in table)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--yamnet", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True, help="the training's --out")
    parser.add_argument("--report", type=Path, default=REPORT)
    args = parser.parse_args()
    parts = json.loads((args.folds / "parts.json").read_text(encoding="utf-8"))
    clips = [Clip(key, read_clip(args.audio / key)) for key in parts]
    yamnet = YamnetTagger(load_yamnet(args.yamnet))
    teacher = Ear(yamnet, label_table(SoundsConfig(), URGENT_LABELS, yamnet.classes))
    own, means = fold_ears(args.folds, yamnet)
    ears: list[tuple[Ear[Any], ...]] = [(ours, teacher, both) for ours, both in zip(own, means, strict=True)]
    heard: list[dict[str, set[str]]] = [{}, {}, {}]
    for clip in track(clips, "clips", disable=not sys.stderr.isatty()):
        part = parts[clip.key]
        for found, ear in zip(heard, ears[part], strict=True):
            found[clip.key] = {label for label, _ in started(ear, clip.chunks)}
    hour: list[dict[str, int]] = [{}, {}, {}]
    for part in range(3):
        for minute in speech_and_noise([clip for clip in clips if parts[clip.key] == part], part):
            for counts, ear in zip(hour, ears[part], strict=True):
                for label, _ in started(ear, minute):
                    counts[label] = counts.get(label, 0) + 1
    labels = list(rows(clips, heard))
    urgent, quiet = urgent_lines(clips, heard, hour)
    busy = [chunk for clip in clips[::40] for chunk in clip.chunks]
    cost, cheap = cost_lines(own[0].tagger, yamnet, busy)
    good = quiet and cheap and all(row.good for row in labels)
    hours = sum(len(clip.chunks) for clip in clips) * 0.4 / HOUR_SECONDS
    sections = [table_lines(labels), urgent, cost, reliability_lines(args.folds), made_lines(args.folds)]
    text = "\n\n".join([HEAD.format(clips=len(clips), hours=hours), *("\n".join(lines) for lines in sections)]) + "\n"
    args.report.write_text(text, encoding="utf-8")
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
