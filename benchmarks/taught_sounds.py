"""How well taught sounds are known again, and what one "that was wrong" does. Writes docs/reports/taught-sounds.md.

    python benchmarks/taught_sounds.py --audio DIR --yamnet yamnet.tflite --folds DIR

`--folds` is the folder that `python -m training` left behind: the recordings as they were heard again and again, and
for each of three parts of them a network that has heard nothing of that part, with which all is measured once more.

Ten sounds (benchmarks/taught_world.py) are taught to one room by lessons of five takes, over noise 10 dB below them,
and are then to be known in fifteen other takes each, over other noise; every other clip of DIR comes by as an impostor.
Three times, each with the impostors of one part: what comes with the package holds embeddings of recordings, and nobody
is judged here with those of his own part (benchmarks/taught_networks.py).
Then sounds that YAMNet reports are told to be wrong, one at a time: the same clip, recorded again over other noise,
must be suppressed, and other clips of its label must not. All of it through the room's own perceiver. Exits 1 where a
bound is missed with the network that is shipped.
"""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from rich.progress import track
from sound_recall import SAME, NoPatterns
from taught_networks import Network, fold_network, shipped_network
from taught_report import (
    AGAIN,
    CORRECTED_OF_A_LABEL,
    HEAD,
    LEAST_CLIPS,
    LEAST_OF_A_PART,
    OTHERS,
    SNR_DB,
    TAKES,
    Known,
    Recall,
    Told,
    sound_lines,
    told_lines,
    unheard_lines,
)
from taught_world import HomeSound, in_the_room, made, read, recorded, spare, too_various

from listener.app.lesson import RoomLesson
from listener.bench import synthesis
from listener.config import SoundsConfig
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.labels import label_table
from listener.perceive.sounds.learned import Learned
from listener.perceive.sounds.lesson import Lesson
from listener.perceive.sounds.offsets import at_offsets
from listener.perceive.sounds.own_tagger_model import SHA256
from listener.perceive.sounds.taught import assess, taught_sound
from listener.perceive.sounds.yamnet import YamnetTagger
from listener.perceive.sounds.yamnet_model import load_yamnet
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Attend, Chunk, Episode, Know, Samples
from listener.types.taught import Correction, Knowledge, Quality, TaughtSound
from listener.vocabulary import URGENT_LABELS

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from training.recordings import PARTS

Generator = np.random.Generator
REPORT: Final = Path(__file__).resolve().parents[1] / "docs" / "reports" / "taught-sounds.md"
TRIES: Final = 15
SOUNDS: Final = 10
SUFFIXES: Final = {".ogg", ".wav", ".mp3", ".flac", ".aiff"}


@dataclass
class Bench:
    """A room's parts, of which every stream gets fresh ones."""

    tagger: YamnetTagger
    embedder: Embedder

    def __post_init__(self) -> None:
        self.table = label_table(SoundsConfig(), URGENT_LABELS, self.tagger.classes)

    def room(self, knowledge: Knowledge) -> "Hearer":
        names = iter(range(10_000_000))
        new_id = lambda: f"{next(names):08d}"  # noqa: E731
        learned = Learned("bench", self.embedder, new_id, URGENT_LABELS)
        room = RoomPerceiver(
            *("bench", self.table, "balanced"),
            patterns=NoPatterns,
            pattern_hold_seconds={},
            new_id=new_id,
            learned=learned,
        )
        room.apply(Know(knowledge))
        return Hearer(room, self.tagger)

    def taught_room(self, taught: Sequence[TaughtSound]) -> "Hearer":
        """Without YAMNet, which taught sounds do not ask."""
        return Hearer(self.room(Knowledge(tuple(taught))).room, None)


@dataclass
class Hearer:
    """A room that hears one stream after the other, and remembers nothing of those before."""

    room: RoomPerceiver
    tagger: YamnetTagger | None
    heard_chunks: int = 0

    def teach(self, held: RoomLesson, sound: Samples) -> None:
        """The next sounds of a lesson."""
        self.room.apply(Attend(True))
        for chunk in chunks(sound):
            heard = replace(chunk, index=self.heard_chunks)
            held.hear(heard, self.room.perceive(heard, self.tagger))
            self.heard_chunks += 1

    def hear(self, sound: Samples) -> tuple[list[Episode], set[str]]:
        """The episodes of a stream as they have ended, in the order of their starts, and the labels that were kept from
        starting."""
        ended: list[Episode] = []
        suppressed: set[str] = set()
        t = 0.0
        for chunk in chunks(sound):
            percept = self.room.perceive(replace(chunk, index=self.heard_chunks), self.tagger)
            self.heard_chunks += 1
            ended += percept.ended
            suppressed |= {line.label for line in percept.hearing if (line.reason or "").startswith("suppressed")}
            t = percept.t
        self.heard_chunks += 10
        return sorted((*ended, *self.room.finish(t).ended), key=lambda episode: episode.id), suppressed


def chunks(sound: Samples) -> Iterator[Chunk]:
    for index in range(len(sound) // CHUNK_SAMPLES):
        yield Chunk(sound[index * CHUNK_SAMPLES : (index + 1) * CHUNK_SAMPLES], index)


def lesson(bench: Bench, sound: HomeSound, rng: Generator) -> tuple[TaughtSound, RoomLesson]:
    """One stream: quiet, then takes, each over noise of its own, until there are five."""
    held, room = RoomLesson(sound.name, lesson=Lesson(TAKES)), bench.room(Knowledge())
    quiet = in_the_room(rng, synthesis.silence(4.0) + 1e-6, 0.0, peak_dbfs=(-40.0, -36.0))
    room.teach(held, quiet)
    for number in range(4 * TAKES):
        if held.lesson.complete:
            break
        take = in_the_room(rng, sound.taught(rng, number), SNR_DB)
        room.teach(held, at_noise(take, held.lesson.background_dbfs))
    takes = [at_offsets(*take, bench.embedder) for take in zip(held.lesson.takes, held.around, strict=True)]
    return taught_sound(sound.name, (), takes, held.lesson.background), held


def at_noise(take: Samples, noise_dbfs: float | None) -> Samples:
    """The take with the noise before it as loud as the lesson's background: a person does not move between takes."""
    now = 10 * np.log10(float(np.mean(take[: SAMPLE_RATE_HZ // 2] ** 2)) + 1e-12)
    wanted = -40.0 if noise_dbfs is None else noise_dbfs - 1.0
    return np.asarray(np.clip(take * 10 ** ((wanted - now) / 20), -0.98, 0.98), np.float32)


@dataclass(frozen=True)
class Lessons:
    """`taught`: those that were not refused, each with what it is made of; `refused`: what the lessons said."""

    sounds: tuple[HomeSound, ...]
    taught: tuple[TaughtSound, ...]
    qualities: tuple[Quality, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class House:
    """Where impostors of one part come by: for each part, the bench of what is taught from its recordings."""

    network: Network
    impostors_part: int
    benches: tuple[Bench, ...]

    def part_of(self, sound: HomeSound) -> int:
        """Of what it is made of; what nobody has heard, and what is synthesized, goes with the impostors."""
        parts = {self.network.parts.get(key, self.impostors_part) for key in sound.sources}
        assert len(parts) <= 1, f"{sound.name} is of several parts"
        return min(parts, default=self.impostors_part)

    def lesson(self, sound: HomeSound, others: Sequence[TaughtSound], rng: Generator) -> tuple[TaughtSound, Quality]:
        bench = self.benches[self.part_of(sound)]
        taught, held = lesson(bench, sound, rng)
        return taught, assess(taught, others, held.lesson.heard_as, bench.embedder.common())


def house(network: Network, yamnet: YamnetTagger, part: int) -> House:
    commons = [network.common({part, own}) for own in range(PARTS)]
    return House(network, part, tuple(Bench(yamnet, Embedder(network.model, common)) for common in commons))


def lessons(where: House, audio: Path, rng: Generator) -> Lessons:
    """Until ten sounds are accepted."""
    kept: list[tuple[HomeSound, TaughtSound, Quality]] = []
    refused = []
    for sound in chain(recorded(audio), made(), spare(audio)):
        if len(kept) == SOUNDS:
            break
        one, quality = where.lesson(sound, [taught for _, taught, _ in kept], rng)
        if quality.refusal is None:
            kept.append((sound, one, quality))
        else:
            refused.append((sound.name, quality.refusal))
    various = too_various(audio)
    _, quality = where.lesson(various, [taught for _, taught, _ in kept], rng)
    refused.append((various.name, quality.refusal or "**accepted**"))
    sounds, taught, qualities = zip(*kept, strict=True)
    return Lessons(sounds, taught, qualities, tuple(refused))


def known_again(where: House, audio: Path, clips: Sequence[tuple[str, Samples]]) -> Recall:
    """`clips`: of the house's part."""
    rng = np.random.default_rng(7)
    held = lessons(where, audio, rng)
    of_part = [
        [one for sound, one in zip(held.sounds, held.taught, strict=True) if where.part_of(sound) == part]
        for part in range(PARTS)
    ]
    rooms = [bench.taught_room(taught) for bench, taught in zip(where.benches, of_part, strict=True)]
    found, false = Counter[str](), Counter[str]()
    for sound, one in track(list(zip(held.sounds, held.taught, strict=True)), "again"):
        for number in range(TRIES):
            heard, _ = rooms[where.part_of(sound)].hear(in_the_room(rng, sound.later(rng, number), SNR_DB))
            found[one.label] += any(episode.label == one.label for episode in heard)
    sources = {key for sound in (*recorded(audio), *held.sounds) for key in sound.sources}
    names, seconds = {one.label for one in held.taught}, 0.0
    mistakes = []
    for key, samples in track([clip for clip in clips if clip[0] not in sources], "impostors"):
        stream = in_the_room(rng, samples, SNR_DB)
        seconds += len(stream) / SAMPLE_RATE_HZ
        for episode in chain.from_iterable(room.hear(stream)[0] for room in rooms):
            if episode.label in names:
                false[episode.label] += 1
                mistakes.append(f"`{key}` for {episode.label}")
    rows = [
        Known(sound.name, not sound.sources, quality, TRIES, found[one.label], false[one.label])
        for sound, one, quality in zip(held.sounds, held.taught, held.qualities, strict=True)
    ]
    return Recall(tuple(rows), held.refused, seconds / 3_600, tuple(mistakes))


def told_wrong(bench: Bench, clips: Sequence[tuple[str, Samples]], least: int = LEAST_CLIPS) -> dict[str, Told]:
    """By label, for those that are not urgent and of which YAMNet finds at least so many clips."""
    rng, before = np.random.default_rng(11), bench.room(Knowledge())
    by_label: dict[str, list[Samples]] = defaultdict(list)
    for key, samples in clips:
        folder = key.split("/")[1]
        by_label[SAME.get(folder, folder)].append(samples)
    told = {}
    for label, sounds in track(sorted(by_label.items()), "corrections"):
        if label not in bench.table.labels or label in URGENT_LABELS:
            continue
        rng.shuffle(sounds)
        places = [(one, int(rng.integers(2**31))) for one in sounds[: 2 * OTHERS]]
        found = [(*one, heard) for one in places if (heard := start_of(before, label, rng, *one))]
        if len(found) >= least:
            told[label] = corrections_of(bench, label, rng, found[:OTHERS])
    return told


def corrections_of(bench: Bench, label: str, rng: Generator, found: Sequence[tuple[Samples, int, Episode]]) -> Told:
    figures = Told()
    for number, (wrong, place, episode) in enumerate(found[:CORRECTED_OF_A_LABEL]):
        figures.corrections += 1
        correction = Correction("c", episode.id, "bench", label, "2026-01-01", episode.embeddings)
        room = bench.room(Knowledge((), (correction,)))
        for _ in range(AGAIN):
            started, suppressed = outcome(room, label, in_the_room(rng, wrong, SNR_DB, place))
            figures.again += started or suppressed
            figures.suppressed += suppressed and not started
        for other, *_ in (*found[:number], *found[number + 1 :]):
            started, suppressed = outcome(room, label, in_the_room(rng, other, SNR_DB))
            figures.others += started or suppressed
            figures.still_found += started
    return figures


def start_of(room: Hearer, label: str, rng: Generator, sound: Samples, place: int) -> Episode | None:
    heard, _ = room.hear(in_the_room(rng, sound, SNR_DB, place))
    return next((episode for episode in heard if episode.label == label), None)


def outcome(room: Hearer, label: str, stream: Samples) -> tuple[bool, bool]:
    """Whether the label started, and whether it was kept from starting: either, and it would have without."""
    heard, suppressed = room.hear(stream)
    return any(episode.label == label for episode in heard), label in suppressed


def read_clips(audio: Path) -> list[tuple[str, Samples]]:
    paths = [path for path in sorted(audio.glob("*/*/*")) if path.suffix in SUFFIXES]
    return [(path.relative_to(audio).as_posix(), read(path)) for path in track(paths, "reading")]


def by_part(parts: Mapping[str, int], clips: Sequence[tuple[str, Samples]]) -> list[list[tuple[str, Samples]]]:
    """Those that no network has heard are in the first."""
    return [[clip for clip in clips if parts.get(clip[0], 0) == part] for part in range(PARTS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--yamnet", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True, help="the training's --out")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--every", type=int, default=1, help="use every n-th clip only, to try things out")
    args = parser.parse_args()
    yamnet = YamnetTagger(load_yamnet(args.yamnet))
    clips = read_clips(args.audio)[:: args.every]
    shipped = shipped_network(args.folds)
    parts = by_part(shipped.parts, clips)
    heard = [known_again(house(shipped, yamnet, part), args.audio, of_part) for part, of_part in enumerate(parts)]
    first, good = sound_lines(heard)
    second, also_good = told_lines(told_wrong(Bench(yamnet, Embedder()), clips))
    houses = [house(fold_network(args.folds, part), yamnet, part) for part in range(PARTS)]
    recalls = [known_again(where, args.audio, of_part) for where, of_part in zip(houses, parts, strict=True)]
    told = [
        told_wrong(where.benches[part], of_part, LEAST_OF_A_PART)
        for part, (where, of_part) in enumerate(zip(houses, parts, strict=True))
    ]
    third = unheard_lines(recalls, (label for of_part in told for label in of_part.values()))
    text = "\n".join([HEAD.format(network=f"`{SHA256[:12]}`", snr=SNR_DB), *first, *second, *third, ""])
    args.report.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(0 if good and also_good else 1)


if __name__ == "__main__":
    main()
