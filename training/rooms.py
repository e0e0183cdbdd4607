"""What a room, a microphone and a cheap codec make of a sound: drawn at random, applied in one Fourier transform."""

import io

import numpy as np
import soundfile as sf

from listener.bench import synthesis
from listener.types import SAMPLE_RATE_HZ, Samples

Generator = np.random.Generator


def heard_in_a_room(rng: Generator, sound: Samples) -> Samples:
    """As long as before: reverberation in half of the cases, a microphone's response in most."""
    response = np.zeros(1, np.float32) + 1
    if rng.random() < 0.5:
        response = synthesis.room_impulse_response(rng, float(rng.uniform(0.15, 0.8)), float(rng.uniform(-4, 12)))
    length = 1 << (len(sound) + len(response) - 1).bit_length()
    spectrum = np.fft.rfft(sound, length) * np.fft.rfft(response, length)
    if rng.random() < 0.7:
        spectrum *= _microphone(rng, len(spectrum))
    return np.fft.irfft(spectrum, length)[: len(sound)].astype(np.float32)


def _microphone(rng: Generator, bins: int) -> np.ndarray:
    """A gain for each bin: a high-pass, in a third of the cases a low-pass (telephone, camera), a tilt, one ripple."""
    hertz = np.linspace(1.0, SAMPLE_RATE_HZ / 2, bins)
    gain = 1 / np.sqrt(1 + (rng.uniform(20, 250) / hertz) ** 4)
    if rng.random() < 0.33:
        gain = gain / np.sqrt(1 + (hertz / rng.uniform(2_800, 7_500)) ** 8)
    octaves = np.log2(hertz / 1_000)
    decibels = rng.uniform(-2.0, 2.0) * octaves + rng.uniform(0, 3) * np.sin(octaves * 2.5 + rng.uniform(0, 6))
    return np.asarray(gain * 10 ** (decibels / 20))


def through_a_codec(rng: Generator, sound: Samples) -> Samples:
    """Vorbis at its lowest qualities, and back: as long as before."""
    file = io.BytesIO()
    quality = float(rng.uniform(0.6, 1.0))  # libsndfile: 1.0 is the smallest file
    sf.write(file, sound, SAMPLE_RATE_HZ, format="OGG", subtype="VORBIS", compression_level=quality)
    file.seek(0)
    decoded = sf.read(file, dtype="float32")[0]
    return np.pad(decoded, (0, max(0, len(sound) - len(decoded))))[: len(sound)].astype(np.float32)


def some_noise(rng: Generator, seconds: float) -> Samples:
    """White, pink or brown noise, or mains hum, RMS 1."""
    kind = rng.integers(4)
    if kind == 0:
        return synthesis.white_noise(rng, seconds)
    if kind == 1:
        return synthesis.pink_noise(rng, seconds)
    if kind == 2:
        brown = np.cumsum(rng.standard_normal(round(seconds * SAMPLE_RATE_HZ)))
        brown -= np.convolve(brown, np.ones(800) / 800, mode="same")
        return (brown / max(float(np.std(brown)), 1e-9)).astype(np.float32)
    mains = float(rng.choice([50.0, 60.0]))
    hum = sum(synthesis.tone(seconds, mains * k) * rng.uniform(0, 1) / k for k in range(1, 9))
    noisy = np.asarray(hum) / max(float(np.std(hum)), 1e-9) + 0.3 * synthesis.pink_noise(rng, seconds)
    return noisy.astype(np.float32)
