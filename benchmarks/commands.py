"""Spoken commands and prose through the speech layer: what is understood, wrongly taken for a command, and how fast.

    python benchmarks/commands.py [--part clean,noisy,prose,wake] [--minutes 60] [--every N] [--within M]
                                  [--results FILE] [--report]

Sixty commands of twelve intents (data/commands.yaml) by Debian's flite voices slt, rms, awb and kal16, each in a room
of its own without a wake word; `clean`, and `noisy`: reverberation of 0.4 s (exponential decay, its energy equal to the
direct sound's, as a little over half a metre away) and pink noise 20 dB below. `prose`: data/prose.txt by flite and
espeak-ng, round and round; `wake`: the same in a room that waits for its wake word. Needs flite and espeak-ng.
Writes docs/reports/commands.md with --report. The parts can be measured one at a time: FILE (JSON) keeps what was
measured before for the report. Exits 1 when a bound is missed.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
import yaml
from rich.progress import track

from listener.config import HomeConfig, SpeechConfig
from listener.perceive.level import level_dbfs
from listener.perceive.speech.models import SpeechModels, plan_speech
from listener.perceive.speech.perceiver import SpeechPerceiver
from listener.respond.commands import Commands
from listener.sentences.loading import load_sentences
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ, Chunk, Intent, Samples, Spoken

DATA = Path(__file__).resolve().parent / "data"
REPORT = DATA.parents[1] / "docs" / "reports" / "commands.md"
FLITE = ("slt", "rms", "awb", "kal16")
ESPEAK = (("en-us", 150), ("en-gb", 165), ("en-us+f3", 160), ("en-gb+m3", 175))
LEVEL_DBFS = -26.0
BEFORE_SECONDS = 0.8
AFTER_SECONDS = 1.6


def speak(command: Sequence[str]) -> Samples:
    """Synthesize by a program of the system that takes the name of a file last: 16 kHz, speech at -26 dBFS."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run([*command, file.name], check=True, capture_output=True)
        samples, rate = sf.read(file.name, dtype="float32")
    samples = samples if rate == SAMPLE_RATE_HZ else soxr.resample(samples, rate, SAMPLE_RATE_HZ)
    loud = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max())
    spoken = samples[loud[0] : loud[-1] + 1]
    level = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(spoken**2))
    return np.asarray(spoken * level, np.float32)


def flite(voice: str, text: str) -> Samples:
    return speak(("flite", "-voice", voice, "-t", text, "-o"))


def espeak(voice: str, words_per_minute: int, text: str) -> Samples:
    return speak(("espeak-ng", "-v", voice, "-s", str(words_per_minute), text, "-w"))


def pink(count: int, rng: np.random.Generator) -> Samples:
    """Noise with 3 dB less each octave, of power 1."""
    spectrum = rng.normal(size=(2, count // 2 + 1)) / np.sqrt(np.maximum(1, np.arange(count // 2 + 1)))
    samples = np.fft.irfft(spectrum[0] + 1j * spectrum[1], count)
    return np.asarray(samples / np.sqrt(np.mean(samples**2)), np.float32)


@dataclass(frozen=True)
class Hall:
    """A room that is not quiet: how long it echoes, how loud the direct sound and the noise are in comparison."""

    reverberation_seconds: float = 0.4
    direct_to_reverberant_db: float = 0.0
    speech_to_noise_db: float = 20.0


def reverberant(samples: Samples, hall: Hall, rng: np.random.Generator) -> Samples:
    """Polack's model: the direct sound, then noise that falls by 60 dB in the reverberation time."""
    count = round(1.2 * hall.reverberation_seconds * SAMPLE_RATE_HZ)
    decay = np.exp(-6.9078 * np.arange(count) / SAMPLE_RATE_HZ / hall.reverberation_seconds)
    tail = rng.normal(size=count) * decay
    tail *= 10 ** (-hall.direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    size = len(samples) + count
    return np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)[: len(samples) + count // 2].astype(
        np.float32
    )


def in_a_room(samples: Samples, hall: Hall | None, rng: np.random.Generator) -> tuple[Samples, float]:
    """Silence before and after, noise over all; and the second at which the last word ends."""
    end = BEFORE_SECONDS + len(samples) / SAMPLE_RATE_HZ
    heard = samples if hall is None else reverberant(samples, hall, rng)
    around = [np.zeros(round(s * SAMPLE_RATE_HZ), np.float32) for s in (BEFORE_SECONDS, AFTER_SECONDS)]
    padded = np.concatenate((around[0], heard, around[1]))
    floor = -70.0 if hall is None else LEVEL_DBFS - hall.speech_to_noise_db
    return padded + pink(len(padded), rng) * np.float32(10 ** (floor / 20)), end


@dataclass
class Room:
    """The speech layer as a room runs it, and what it cost."""

    models: SpeechModels
    commands: Commands
    area: str
    seconds: list[float] = field(default_factory=list)

    def hear(self, samples: Samples, addressing: str) -> list[tuple[float, Spoken, Intent | None]]:
        """What was understood and when, in seconds of audio; surely enough or not."""
        perceiver = SpeechPerceiver("room", self.models, addressing=addressing)  # type: ignore[arg-type]
        heard = []
        for index in range(len(samples) // CHUNK_SAMPLES):
            chunk = Chunk(samples[index * CHUNK_SAMPLES : (index + 1) * CHUNK_SAMPLES], index)
            begun = time.process_time()
            percept = perceiver.step(chunk, level_dbfs(chunk.samples))
            found = [(spoken, self.understand(spoken)) for spoken in percept.spoken if spoken.final]
            self.seconds.append(time.process_time() - begun)
            heard += [(chunk.t, *pair) for pair in found]
        last = perceiver.finish(len(samples) / SAMPLE_RATE_HZ)  # gives the decoder back
        return heard + [(spoken.end, spoken, self.understand(spoken)) for spoken in last]

    def understand(self, spoken: Spoken) -> Intent | None:
        if spoken.confidence < self.models.plan.config.needed_confidence(spoken.addressed):
            return None
        return self.commands.understand(spoken.text, spoken.confidence, self.area)


def wanted(command: dict[str, Any], area: str) -> tuple[str, dict[str, Any]]:
    return command["intent"], {k: area if v == "here" else v for k, v in command["slots"].items()}


@dataclass
class Score:
    """One part. `heard`: commands, or seconds of prose; `doubted`: understood, but not surely enough."""

    name: str
    heard: float = 0
    right: int = 0
    wrong: int = 0
    doubted: int = 0
    delays: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    chunk_p99_seconds: float = 0.0


def run_commands(room: Room, data: dict[str, Any], name: str, options: argparse.Namespace) -> Score:
    """In a shuffled order that is always the same, so that what the time allows is a fair part."""
    rng, score = np.random.default_rng(4), Score(name)
    everything = list(itertools.product(data["commands"], FLITE))[:: options.every]
    begun = time.monotonic()
    for index in track(rng.permutation(len(everything)), description=name):
        if time.monotonic() - begun > options.within * 60:
            break
        command, voice = everything[index]
        samples, end = in_a_room(flite(voice, command["text"]), Hall() if name == "noisy" else None, rng)
        results = room.hear(samples, "open")
        accepted = [(t, intent) for t, _, intent in results if intent is not None]
        right = [t for t, intent in accepted if (intent.name, dict(intent.slots)) == wanted(command, room.area)]
        score.heard += 1
        score.right += bool(right) and len(accepted) == 1
        score.wrong += len(accepted) > len(right)
        score.delays += [t - end for t in right[:1]]
        score.doubted += not accepted and any(spoken.text for _, spoken, _ in results)
        if not right or len(accepted) > 1:
            said = "; ".join(f"{s.text} ({s.confidence:.2f})" for _, s, _ in results) or "nothing"
            score.failures.append(f"{voice}: {command['text']} -> {said}")
    return score


def prose(minutes: float) -> Iterator[Samples]:
    """Paragraphs by one voice after the other until there is enough."""
    paragraphs = (DATA / "prose.txt").read_text(encoding="utf-8").split("\n")
    voices = [*(partial(flite, voice) for voice in FLITE), *(partial(espeak, *voice) for voice in ESPEAK)]
    left = minutes * 60
    for read, text in itertools.cycle(itertools.product(voices, filter(None, paragraphs))):
        samples = read(text)
        yield samples
        left -= len(samples) / SAMPLE_RATE_HZ
        if left <= 0:
            return


def run_prose(room: Room, options: argparse.Namespace, addressing: str) -> Score:
    rng, score = np.random.default_rng(5), Score("wake" if addressing == "wake_word" else "prose")
    begun = time.monotonic()
    for samples in track(prose(options.minutes), description=score.name, total=None):
        if time.monotonic() - begun > options.within * 60:
            break
        heard = samples + pink(len(samples), rng) * np.float32(10**-3)
        score.heard += len(heard) / SAMPLE_RATE_HZ
        for _, spoken, intent in room.hear(heard, addressing):
            if intent is not None:
                score.wrong += 1
                score.failures.append(f"{spoken.text} ({spoken.confidence:.2f})")
    return score


@dataclass(frozen=True)
class Row:
    """Of the report: what was asked for and measured, and whether that is enough."""

    what: str
    asked: str
    measured: str
    fine: bool

    def line(self) -> str:
        mark = "" if self.fine else "**"
        return f"| {self.what} | {self.asked} | {mark}{self.measured}{mark} |"


def rows(score: Score) -> list[Row]:
    chunk = Row(
        f"{score.name}: CPU for a chunk of {CHUNK_SECONDS} s, p99",
        "0.2 s",
        f"{score.chunk_p99_seconds:.3f} s",
        score.chunk_p99_seconds <= 0.2,
    )
    if score.name in ("prose", "wake"):
        allowed = 1 if score.name == "prose" else 0
        where = "an open room" if score.name == "prose" else "a room that waits for its wake word"
        what = f"{score.name}: {score.heard / 3600:.2f} h of prose in {where}"
        asked = f"at most {allowed} accepted an hour"
        return [Row(what, asked, f"{score.wrong} accepted", score.wrong <= allowed), chunk]
    right, wrong = score.right / score.heard, score.wrong / score.heard
    delay = float(np.median(score.delays)) if score.delays else float("inf")
    need = 0.95 if score.name == "clean" else 0.80
    named = f"{score.name}: {score.heard:.0f} commands"
    return [
        Row(f"{named}, right", f"{need:.0%}", f"{right:.1%}", right >= need),
        Row(f"{named}, another accepted", "at most 1%", f"{wrong:.1%} ({score.wrong})", wrong <= 0.01),
        Row(f"{named}, not surely enough", "", f"{score.doubted / score.heard:.1%}", True),
        Row(f"{score.name}: end of speech to command, median", "0.8 s", f"{delay:.2f} s", delay <= 0.8),
        chunk,
    ]


def report(scores: Sequence[Score]) -> str:
    lines = [
        "# Spoken commands",
        "",
        "Written by `python benchmarks/commands.py --report`; what is missed is in bold.",
        "",
    ]
    lines += ["| what | asked for | measured |", "| --- | --- | --- |"]
    lines += [row.line() for score in scores for row in rows(score)]
    for score in scores:
        if score.failures:
            lines += [
                "",
                f"What was not understood or accepted wrongly, {score.name} (voice: said -> heard, confidence):",
                "",
            ]
            lines += [f"- {failure}" for failure in score.failures]
    return "\n".join([*lines, ""])


def measure(room: Room, data: dict[str, Any], part: str, options: argparse.Namespace) -> Score:
    room.seconds.clear()
    if part in ("clean", "noisy"):
        score = run_commands(room, data, part, options)
    else:
        score = run_prose(room, options, "wake_word" if part == "wake" else "open")
    score.chunk_p99_seconds = float(np.quantile(room.seconds, 0.99))
    return score


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", default="clean,noisy,prose,wake", help="empty: none, for a report on what is kept")
    parser.add_argument("--minutes", type=float, default=60.0, help="of prose")
    parser.add_argument("--every", type=int, default=1, help="every Nth command")
    parser.add_argument(
        "--within", type=float, default=np.inf, help="minutes that a part may take; then it is cut short"
    )
    parser.add_argument("--results", type=Path, help="file that keeps what was measured")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    data = yaml.safe_load((DATA / "commands.yaml").read_text(encoding="utf-8"))
    home = HomeConfig.model_validate(data["home"])
    models = SpeechModels(plan_speech(SpeechConfig(), home, ["en"], wake_word=True))
    room = Room(models, Commands(load_sentences("en", home)), data["here"])
    room.commands.understand("stop")  # hassil reads its templates when first needed; the daemon does so at start
    kept: dict[str, Score] = {}
    if options.results is not None and options.results.exists():
        kept = {d["name"]: Score(**d) for d in json.loads(options.results.read_text(encoding="utf-8"))}
    for part in filter(None, options.part.split(",")):
        kept[part] = measure(room, data, part, options)
        if options.results is not None:
            options.results.write_text(json.dumps([asdict(score) for score in kept.values()]), encoding="utf-8")
    scores = [kept[part] for part in ("clean", "noisy", "prose", "wake") if part in kept]
    text = report(scores)
    print(text)
    if options.report:
        REPORT.write_text(text, encoding="utf-8")
    return 0 if all(row.fine for score in scores for row in rows(score)) else 1


if __name__ == "__main__":
    sys.exit(main())
