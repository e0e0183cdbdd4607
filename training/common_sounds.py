"""Embeddings of common sounds for our own tagger's network, and how alike a sound is to itself when it comes again.

    python -m training.common_sounds --out DIR [--rows 1500]

Writes `listener/perceive/sounds/own_tagger_common.npz`: to be run whenever the network is another one, with the folder
of its training. Every sound is synthesized (training/made_sounds.py) and heard in rooms that are synthesized too; no
recording is among them. How alike is alike comes from recordings (training/alike.py).
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from listener.bench import synthesis
from listener.perceive.sounds.common_sounds import bundled_path
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.own_tagger_model import SHA256, OwnModel, load_own
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples
from training.alike import limit_alike
from training.made_sounds import MADE, speech
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
    for makers in MADE.values():
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


def write(rows: int, folder: Path, to: Path, alike: float, model: OwnModel | None = None) -> None:
    """`folder`: of spoken sentences; `alike`: see `limit_alike`."""
    vectors = made_vectors(Embedder(model), folder)
    chosen = np.random.default_rng(SEED).permutation(len(vectors))[:rows]
    kept = vectors[np.sort(chosen)].astype(np.float16)
    np.savez_compressed(to, vectors=kept, network=np.array(SHA256), alike=np.array(round(alike, 3)))
    print(f"{to}: {len(kept)} embeddings of {kept.shape[1]} numbers, network {SHA256[:12]}, alike above {alike:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the training, with examples of recordings")
    parser.add_argument("--rows", type=int, default=1_500, help="embeddings to keep")
    args = parser.parse_args()
    write(args.rows, args.out / "speech", bundled_path(), limit_alike(args.out), load_own())


if __name__ == "__main__":
    main()
