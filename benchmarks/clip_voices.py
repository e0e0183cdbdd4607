"""What the rule "no clip with a voice in it" lets through, and what it costs, by the tagger alone.

    python benchmarks/clip_voices.py --audio DIR [--model yamnet.tflite] [--tagger yamnet|own|both]

Speech is four sentences in four voices of flite, alone at three levels over faint noise, and over recordings of ESC-10
at three ratios: "kept" are pieces of 6 s with speech all through of which a clip would be kept. Pieces without speech
that are refused are the price.
"""

import argparse
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from listener.config import SoundsConfig
from listener.perceive.ears import Ear, EarPlan, RoomPlan
from listener.store.clips import voice_heard
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Chunk, Samples

SENTENCES = (
    "Please tell nobody about the money in the kitchen drawer, and do not call me at work about it again.",
    "I think that we should go to the doctor tomorrow morning, before the others are awake.",
    "What did she say on the phone? She said that they would rather not come for the holidays.",
    "The number of the safe is seven, four, nine, two, and after that you turn it to the left.",
)
VOICES = ("slt", "rms", "awb", "kal16")
PIECE = 15 * CHUNK_SAMPLES


def read(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = samples.mean(axis=1)
    return np.asarray(mono if rate == SAMPLE_RATE_HZ else soxr.resample(mono, rate, SAMPLE_RATE_HZ), np.float32)


def speech() -> Iterator[Samples]:
    """Pieces of 6 s that are full of words."""
    with tempfile.TemporaryDirectory() as folder:
        for voice in VOICES:
            for text in SENTENCES:
                path = Path(folder) / "said.wav"
                subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)
                said = read(path)
                yield np.resize(said, PIECE) / float(np.sqrt(np.mean(said**2)))


def kept(ear: Ear, samples: Samples) -> bool:
    """Whether no chunk of it, nor of the silence after it, is taken for a voice."""
    room, tagger = ear.room(RoomPlan("room")), ear.senses().tagger
    padded = np.concatenate([samples, np.zeros(3 * CHUNK_SAMPLES, np.float32)])
    chunks = [Chunk(part, i) for i, part in enumerate(np.split(padded, len(padded) // CHUNK_SAMPLES))]
    return not any(voice_heard(room.perceive(chunk, tagger)) for chunk in chunks)


def share(answers: list[bool]) -> str:
    return f"{sum(answers)} of {len(answers)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audio", type=Path, required=True, help="folder of ESC-10 recordings")
    parser.add_argument("--model", type=Path, help="YAMNet's file, where it hears")
    parser.add_argument("--tagger", choices=["yamnet", "own", "both"], default="yamnet")
    parser.add_argument("--files", type=int, default=60)
    args = parser.parse_args()
    if (args.model is None) != (args.tagger == "own"):
        parser.error("--model: give it with --tagger yamnet and both, and leave it out with own")
    ear = EarPlan(SoundsConfig(), ("smoke_alarm",), args.model, own=args.tagger != "yamnet").load()
    paths = sorted(p for p in args.audio.rglob("*") if p.suffix in (".ogg", ".wav", ".flac"))
    sounds = [np.resize(read(path), PIECE) for path in random.Random(1).sample(paths, min(args.files, len(paths)))]
    pieces = list(speech())
    noise = np.random.default_rng(0).normal(0, 0.0005, PIECE).astype(np.float32)
    print(f"without speech, refused: {share([not kept(ear, sound) for sound in sounds])}")
    for level in (0.1, 0.01, 0.001):
        answers = [kept(ear, level * piece + noise) for piece in pieces]
        print(f"speech alone at {20 * np.log10(level):.0f} dBFS, kept: {share(answers)}")
    for ratio_db in (10, 0, -10):
        answers = []
        for i, sound in enumerate(sounds):
            level = max(float(np.sqrt(np.mean(sound**2))), 1e-3) * 10 ** (ratio_db / 20)
            mixed = sound + level * pieces[i % len(pieces)]
            answers.append(kept(ear, (mixed / max(1.0, float(np.abs(mixed).max()))).astype(np.float32)))
        print(f"speech over a recording at {ratio_db} dB, kept: {share(answers)}")


if __name__ == "__main__":
    main()
