"""Embeddings of common sounds for our own tagger's network, and how alike a sound is to itself when it comes again.

    python -m training.common_sounds --out DIR [--rows 1500]

Writes `listener/perceive/sounds/own_tagger_common.npz`: to be run whenever the network is another one, with the folder
of its training. Sounds are synthesized (training/made_sounds.py) and heard in rooms that are synthesized too; beside
them are the recordings that the network learnt from (training/heard_recordings.py). How alike is alike comes from
recordings (training/alike.py).
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from listener.bench import synthesis
from listener.perceive.sounds.common_sounds import CommonSounds, bundled_path, common_sounds, in_eight_bits
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.own_tagger_model import SHA256, OwnModel, load_own
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from training.alike import limit_alike
from training.character import Character, read_character
from training.heard_recordings import heard_recordings
from training.made_sounds import TONES_AND_MOTORS, speech
from training.recordings import PARTS
from training.rooms import some_noise

Array = np.ndarray
EACH: Final = 16
"""Sounds of each kind."""
TEXTURES: Final = 100
LOWEST_HZ: Final = 60.0
SEED: Final = 1
EDGE_SECONDS: Final = 1.2


def texture(rng: np.random.Generator, seconds: float = 4.0) -> Samples:
    """Noise of any colour that swells, rattles or crackles: water, wind, motors, fires are of this kind."""
    n = round(seconds * SAMPLE_RATE_HZ)
    t = np.arange(n) / SAMPLE_RATE_HZ
    hertz = np.maximum(np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ), LOWEST_HZ)
    octaves = np.arange(9)
    decibels = rng.uniform(-25, 0, 9) + rng.uniform(-4, 1) * octaves
    gain = 10 ** (np.interp(np.log2(hertz / LOWEST_HZ), octaves, decibels) / 20)
    sound = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * gain, n)
    kind = rng.integers(4)
    if kind == 1:
        sound *= 0.3 + np.abs(np.sin(np.pi * rng.uniform(0.3, 4) * t))
    elif kind == 2:
        sound *= np.exp(-((t * rng.uniform(8, 60)) % 1) * rng.uniform(1, 6))
    elif kind == 3:
        sound *= 0.15 + np.repeat(rng.random(n // 80 + 1) < rng.uniform(0.02, 0.3), 80)[:n]
    return (sound / np.abs(sound).max()).astype(np.float32)


def heard(rng: np.random.Generator, sound: Samples, snr_db: float, response: Samples) -> Samples:
    """In a room, over noise, with a little noise alone before and after."""
    edge = synthesis.silence(EDGE_SECONDS)
    wet = synthesis.reverberate(np.concatenate([edge, sound, edge]), response)
    loud = np.abs(wet) > 0.01 * np.abs(wet).max()
    noise = some_noise(rng, len(wet) / SAMPLE_RATE_HZ + 0.1)[: len(wet)]
    return synthesis.at_level(synthesis.mix(wet, noise, snr_db, loud), float(rng.uniform(-24, -6)))


def recorded(rng: np.random.Generator, sound: Samples) -> Samples:
    """From some place, at some level, over some noise."""
    response = synthesis.room_impulse_response(rng, float(rng.uniform(0.2, 0.6)), float(rng.uniform(0, 9)))
    return heard(rng, sound, float(rng.uniform(10, 25)), response)


def sounds(rng: np.random.Generator, folder: Path) -> Iterator[Samples]:
    for makers in TONES_AND_MOTORS.values():
        for n in range(EACH):
            yield makers[n % len(makers)](rng)
    yield from speech(folder)
    for _ in range(TEXTURES):
        yield texture(rng)


def embedded(embedder: Embedder, sound: Samples) -> Array:
    """`[chunks, width]`."""
    stream, spectrum = embedder.open(), Spectrum()
    rows = []
    for first in range(0, len(sound) - CHUNK_SAMPLES + 1, CHUNK_SAMPLES):
        embedder.hear(stream, spectrum.step(sound[first : first + CHUNK_SAMPLES]))
        rows.append(stream.embedding.copy())
    return np.array(rows)


def made_vectors(embedder: Embedder, folder: Path) -> Array:
    """Embeddings of all sounds and of noise."""
    rng = np.random.default_rng(SEED)
    found = [embedded(embedder, recorded(rng, sound)) for sound in sounds(rng, folder)]
    noise = [embedded(embedder, 0.05 * some_noise(rng, 8.0)) for _ in range(EACH)]
    return np.concatenate([*found, *noise])


def some_made(rows: int, folder: Path, model: OwnModel | None = None) -> Array:
    """So many of the embeddings of made sounds, `[rows, width]`, in eight bits. `folder`: of spoken sentences."""
    vectors = made_vectors(Embedder(model), folder)
    chosen = np.random.default_rng(SEED).permutation(len(vectors))[:rows]
    return in_eight_bits(vectors[np.sort(chosen)])


def held_out(made: Array, out: Path, parts: Sequence[int], like: Character, alike: float) -> CommonSounds:
    """What a room would get whose taught sounds and neighbours are in none of these parts, for benchmarks. `made`: see
    `some_made`; `like`: of the network that made them."""
    heard = heard_recordings(out, parts, like)
    labels = list(zip(heard.labels, heard.numbers, strict=True))
    return common_sounds(made.astype(np.float32), SHA256, alike, heard.vectors.astype(np.float32), labels)


def write(made: Array, out: Path, to: Path) -> None:
    """Of the network that learnt from all parts. `made`: see `some_made`; `out`: folder of the training."""
    heard, alike = heard_recordings(out, range(PARTS), read_character(out, range(PARTS))), limit_alike(out)
    which = {"network": np.array(SHA256), "alike": np.array(round(alike, 3))}
    of_clips = {"labels": np.array(heard.labels), "numbers": np.array(heard.numbers, np.int16)}
    np.savez_compressed(to, vectors=made, recorded=heard.vectors, **which, **of_clips)
    print(f"{to}: {len(made)} embeddings of {made.shape[1]} numbers, and {len(heard.vectors)} of {len(heard.labels)}")
    print(f"recordings, network {SHA256[:12]}, alike above {alike:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the training, with examples of recordings")
    parser.add_argument("--rows", type=int, default=1_500, help="embeddings to keep")
    args = parser.parse_args()
    write(some_made(args.rows, args.out / "speech", load_own()), args.out, bundled_path())


if __name__ == "__main__":
    main()
