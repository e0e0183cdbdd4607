"""Short noises that we make ourselves: shots, explosions and fireworks, a fire's crackle, drums, footsteps, waves.

What bangs in a home is seldom recorded and never alike twice, and a log that cracks in the fire is a small bang. Each
function draws what is random from the generator it is given; samples are mono float32 at 16 kHz, 4 s.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from listener.bench import synthesis
from listener.types import SAMPLE_RATE_HZ, Samples

Generator = np.random.Generator
SECONDS: Final = 4.0


def bang(rng: Generator) -> Samples:
    """One shot or explosion, or two to six of them as fireworks and guns make; some of them far away."""
    out = synthesis.silence(SECONDS)
    blast = _explosion if rng.random() < 0.5 else _shot
    count = 1 if rng.random() < 0.6 else int(rng.integers(2, 7))
    starts = rng.uniform(0.05, 0.5) + np.cumsum(rng.exponential(rng.uniform(0.1, 0.6), count)) - 0.05
    alike = rng.random() < 0.5  # the same gun again, or other fireworks
    seed = int(rng.integers(1 << 32))
    for start in starts:
        _add(out, blast(np.random.default_rng(seed) if alike else rng) * rng.uniform(0.5, 1.0), start)
    if rng.random() < 0.25:
        out = low_passed(out, float(rng.uniform(150, 900)), 2)  # over the hill
    return out


def _shot(rng: Generator) -> Samples:
    """A crack of a millisecond or two, the gas after it, and what walls or trees give back."""
    seconds = float(rng.uniform(0.3, 1.5))
    crack = _burst(rng, seconds, rng.uniform(0.000_5, 0.004), 0.0, float(rng.uniform(3_000, 8_000)))
    gas = _burst(rng, seconds, rng.uniform(0.01, 0.08), 0.0, float(rng.uniform(400, 3_000)))
    back = _burst(rng, seconds, rng.uniform(0.08, 0.5), rng.uniform(0.0, 0.05), float(rng.uniform(300, 2_500)))
    return (rng.uniform(0.2, 1.0) * crack + gas + rng.uniform(0.03, 0.35) * back).astype(np.float32)


def _explosion(rng: Generator) -> Samples:
    """A blow below some hundred hertz that rolls on for a second or more, at times with debris."""
    seconds = float(rng.uniform(1.0, 3.5))
    blow = _burst(rng, seconds, rng.uniform(0.05, 0.3), rng.uniform(0.0, 0.02), float(rng.uniform(200, 2_500)))
    roll = _burst(rng, seconds, rng.uniform(0.25, 1.2), rng.uniform(0.0, 0.15), float(rng.uniform(80, 700)))
    out = blow + rng.uniform(0.2, 1.0) * roll
    if rng.random() < 0.3:
        _add(out, _clicks(rng, seconds, rng.uniform(10, 60)) * rng.uniform(0.02, 0.15), 0.2)
    return out.astype(np.float32)


def fire(rng: Generator) -> Samples:
    """Logs: cracks by the dozen a second, a few much louder than the others, over a low roar; at times one pops."""
    cracks = _clicks(rng, SECONDS, float(10 ** rng.uniform(0.4, 1.8)))
    if rng.random() < 0.5:
        cracks *= 10 ** rng.uniform(-2.0, -0.3)
        for start in rng.uniform(0.0, SECONDS - 0.1, int(rng.integers(1, 5))):
            _add(cracks, _pop(rng) * 10 ** rng.uniform(-0.7, 0.0), start)
    roar = low_passed(synthesis.pink_noise(rng, SECONDS), float(rng.uniform(100, 1_500)), 1)
    roar *= np.float32(10 ** rng.uniform(-2.2, -0.7)) / max(float(np.std(roar)), 1e-9)
    return (cracks + roar).astype(np.float32)


def _pop(rng: Generator) -> NDArray[np.float64]:
    """A knot bursts: as sharp as a shot, without the gas that makes a shot heavy, and the hearth's ring after it."""
    crack = _burst(rng, 0.8, 10 ** rng.uniform(-3.5, -2.0), 0.0, float(rng.uniform(4_000, 8_000)))
    crack += rng.uniform(0.05, 0.6) * _burst(rng, 0.8, 10 ** rng.uniform(-1.7, -0.7), 0.002, 8_000.0)
    return crack - low_passed(crack.astype(np.float32), float(rng.uniform(300, 1_500)), 2)


def drums(rng: Generator) -> Samples:
    """Four beats to the bar: bass drum, snare and cymbals, each where it likes in a bar that repeats."""
    out = synthesis.silence(SECONDS)
    t = np.arange(round(0.4 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    low, fall = rng.uniform(40, 70), rng.uniform(0.05, 0.2)
    bass = np.sin(2 * np.pi * (low * t - rng.uniform(2, 8) * 0.03 * np.exp(-t / 0.03))) * np.exp(-t / fall)
    snare = _burst(rng, 0.4, rng.uniform(0.04, 0.15), 0.0, 8_000.0)
    snare += rng.uniform(0.2, 0.8) * np.sin(2 * np.pi * rng.uniform(150, 260) * t) * np.exp(-t / 0.06)
    hiss = _burst(rng, 0.4, 10 ** rng.uniform(-2.0, -0.7), 0.0, 8_000.0)
    cymbal = hiss - low_passed(hiss.astype(np.float32), 5_000.0, 2)
    step = 60 / rng.uniform(70, 170) / 4
    kit = ((bass, 0.35, 1.0), (snare, 0.25, rng.uniform(0.4, 1.0)), (cymbal, 0.5, rng.uniform(0.1, 0.5)))
    for sound, often, loud in kit:
        bar = rng.random(16) < often
        for n in np.flatnonzero(np.resize(bar, int((SECONDS - 0.1) / step))):
            _add(out, sound * loud * rng.uniform(0.7, 1.0), n * step)
    return out + np.float32(1e-3) * synthesis.white_noise(rng, SECONDS)


def footsteps(rng: Generator) -> Samples:
    """Two feet, one to three steps a second: a dull heel, and the sole's rustle."""
    out = synthesis.silence(SECONDS)
    pace, dull = rng.uniform(0.33, 0.9), rng.uniform(80, 600, 2)
    for n, start in enumerate(np.arange(rng.uniform(0.0, 0.5), SECONDS - 0.2, pace)):
        heel = _burst(rng, 0.25, rng.uniform(0.008, 0.03), 0.001, float(dull[n % 2]))
        sole = _burst(rng, 0.25, rng.uniform(0.02, 0.06), rng.uniform(0.005, 0.04), float(rng.uniform(1_000, 6_000)))
        _add(out, heel * rng.uniform(0.6, 1.0) + rng.uniform(0.05, 0.5) * sole, start + rng.uniform(-0.02, 0.02))
    return out


def waves(rng: Generator) -> Samples:
    """The sea: noise that swells, breaks and runs out."""
    t = np.arange(round(SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    breaks, rise, fall = rng.uniform(0.3, 3.5), rng.uniform(0.1, 1.2), rng.uniform(0.4, 2.0)
    swell = np.where(t < breaks, np.exp((t - breaks) / rise), np.exp((breaks - t) / fall))
    noise = low_passed(synthesis.pink_noise(rng, SECONDS), float(rng.uniform(600, 6_000)), 1)
    return (noise * (rng.uniform(0.03, 0.3) + swell)).astype(np.float32)


def low_passed(sound: Samples, hertz: float, order: int) -> Samples:
    """Butterworth's gain without its phase, so that an onset stays where it is."""
    spectrum = np.fft.rfft(sound, 2 * len(sound))
    bins = np.fft.rfftfreq(2 * len(sound), 1 / SAMPLE_RATE_HZ)
    return np.fft.irfft(spectrum / np.sqrt(1 + (bins / hertz) ** (2 * order)))[: len(sound)].astype(np.float32)


def _burst(rng: Generator, seconds: float, decay: float, rise: float, hertz: float) -> NDArray[np.float64]:
    """Noise below `hertz` that rises in `rise` s and falls by 1/e in `decay` s, peak 1."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    shape = np.exp(-t / decay) * (1 - np.exp(-t / max(rise, 1e-5)))
    noise = low_passed(synthesis.white_noise(rng, seconds), hertz, int(rng.integers(1, 3))) * shape
    return np.asarray(noise / max(float(np.abs(noise).max()), 1e-9), np.float64)


def _clicks(rng: Generator, seconds: float, each_second: float) -> NDArray[np.float64]:
    """Cracks of 0.3 to 8 ms at random moments, of which a few are much louder than the others; peak 1."""
    out = np.zeros(round(seconds * SAMPLE_RATE_HZ))
    t = np.arange(round(0.04 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for start in rng.uniform(0, seconds, max(1, rng.poisson(each_second * seconds))):
        ring = np.sin(2 * np.pi * rng.uniform(500, 6_000) * t) + rng.standard_normal(len(t))
        loud = 10 ** (-rng.exponential(0.5))
        _add(out, loud * ring * np.exp(-t / 10 ** rng.uniform(-3.5, -2.1)), start)
    return out / max(float(np.abs(out).max()), 1e-9)


def _add(out: NDArray[np.floating], sound: NDArray[np.floating], start: float) -> None:
    first = max(0, round(start * SAMPLE_RATE_HZ))
    if first < len(out):
        out[first : first + len(sound)] += sound[: len(out) - first]
