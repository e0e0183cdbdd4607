"""Sounds that we make ourselves, for labels of which there are few recordings, and for what must not be mistaken.

Beside those of `listener.bench.synthesis`: sirens, knocks, applause, ticks, vacuum cleaners, chimes. Each function
draws what is random from the generator it is given; samples are mono float32 at 16 kHz.
"""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from listener.bench import synthesis
from listener.types import SAMPLE_RATE_HZ, Samples
from training.bursts import SECONDS, bang, drums, fire, footsteps, waves
from training.recordings import read_samples

Generator = np.random.Generator

SENTENCES: Final = (
    "Turn off the light in the kitchen, please.",
    "Did you remember to buy the milk?",
    "I do not think that it will rain tomorrow, but take an umbrella.",
    "The train leaves at seven thirty from platform four.",
    "Well, that is what she told me yesterday evening.",
    "Come here and look at this, it is wonderful!",
    "No, no, no. I said the other one.",
    "We could go for a walk after lunch if you like.",
    "Scientists have found a new kind of beetle in the mountains.",
    "Good morning. What would you like for breakfast?",
    "He laughed so much that he could not finish the story.",
    "One, two, three, four, five, six, seven, eight.",
    "Please call the office again on Monday before noon.",
    "What time is it? I have to be at school by eight.",
)
ESPEAK_VOICES: Final = ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+f4", "en-us+m5", "de", "fr", "ru", "es")
FLITE_VOICES: Final = ("kal", "awb", "rms", "slt")


def siren(rng: Generator) -> Samples:
    """Wail (sweeps in 3-6 s), yelp (3-5 a second), or two tones in turn, with a few harmonics."""
    t = np.arange(int(SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    low, high = float(rng.uniform(380, 750)), float(rng.uniform(900, 1_700))
    kind = rng.integers(3)
    if kind == 2:
        low, high = float(rng.uniform(380, 500)), float(rng.uniform(520, 700))
        hertz = np.where((t * rng.uniform(1.0, 2.2)) % 1 < 0.5, low, high)
    else:
        rate = rng.uniform(0.15, 0.35) if kind == 0 else rng.uniform(3.0, 5.0)
        hertz = low + (high - low) * (0.5 - 0.5 * np.cos(2 * np.pi * (rate * t + rng.uniform())))
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE_HZ
    return np.asarray(sum(np.sin(k * phase) / k ** rng.uniform(0.8, 2.0) for k in range(1, 5)), np.float32)


def knock(rng: Generator) -> Samples:
    """2-6 blows on wood: short noise through two damped resonances."""
    out = synthesis.silence(SECONDS)
    pitch, decay, gap = rng.uniform(90, 420), rng.uniform(0.012, 0.05), rng.uniform(0.13, 0.42)
    t = np.arange(int(0.25 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for n in range(int(rng.integers(2, 7))):
        blow = np.exp(-t / decay) * np.sin(2 * np.pi * pitch * t)
        blow += 0.5 * np.exp(-t / decay * 2) * np.sin(2 * np.pi * pitch * rng.uniform(2.1, 2.9) * t)
        blow += 0.6 * np.exp(-t / 0.004) * rng.standard_normal(len(t))
        first = int((0.3 + n * gap * rng.uniform(0.95, 1.05)) * SAMPLE_RATE_HZ)
        if first + len(t) < len(out):
            out[first : first + len(t)] += (rng.uniform(0.6, 1.0) * blow).astype(np.float32)
    return out


def applause(rng: Generator) -> Samples:
    """Claps of 5-60 people, each a burst of band noise of a few milliseconds."""
    out = synthesis.silence(SECONDS)
    t = np.arange(int(0.03 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    for _ in range(int(rng.integers(5, 60))):
        centre, rate, loud = rng.uniform(700, 2_600), rng.uniform(2.5, 5.0), rng.uniform(0.2, 1.0)
        for beat in np.arange(rng.uniform(0, 1 / rate), SECONDS - 0.1, 1 / rate):
            clap = np.exp(-t / rng.uniform(0.003, 0.009)) * np.sin(2 * np.pi * centre * t) * rng.standard_normal(len(t))
            first = int((beat + rng.uniform(0, 0.03)) * SAMPLE_RATE_HZ)
            out[first : first + len(t)] += (loud * clap).astype(np.float32)
    return out


def ticking(rng: Generator) -> Samples:
    """A clock: ticks of a millisecond or two through a case's resonance, 1-5 a second, every other one duller."""
    out = synthesis.silence(SECONDS)
    pitches = rng.uniform(900, 5_500, 2)
    t = np.arange(int(0.03 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    shape = np.exp(-t / rng.uniform(0.001, 0.006))
    for n, beat in enumerate(np.arange(rng.uniform(0, 0.3), SECONDS - 0.1, 1 / rng.choice([1.0, 2.0, 2.0, 4.0, 5.0]))):
        tick = shape * (np.sin(2 * np.pi * pitches[n % 2] * t) + 0.5 * rng.standard_normal(len(t)))
        first = int(beat * SAMPLE_RATE_HZ)
        out[first : first + len(t)] += tick.astype(np.float32)
    return out


def vacuum_cleaner(rng: Generator) -> Samples:
    """A motor's harmonics with their whine over the rush of air, swelling as it moves."""
    t = np.arange(int(SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch = rng.uniform(180, 420) * (1 + 0.01 * np.sin(2 * np.pi * rng.uniform(0.2, 0.8) * t))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    motor = sum(np.sin(k * phase + rng.uniform(0, 6)) / k ** rng.uniform(0.5, 1.2) for k in range(1, 12))
    air = synthesis.pink_noise(rng, SECONDS)[: len(t)] * rng.uniform(1.0, 4.0)
    swell = 1 + 0.3 * np.sin(2 * np.pi * rng.uniform(0.2, 0.9) * t + rng.uniform(0, 6))
    return np.asarray((motor + air) * swell, np.float32)


def bell_alarm_clock(rng: Generator) -> Samples:
    """A hammer between two bells, 12-22 blows a second."""
    rate, pitch = rng.uniform(12, 22), rng.uniform(1_400, 3_200)
    blows = np.arange(0.1, SECONDS, 1 / rate)
    notes = [synthesis.Note(float(t), float(pitch * (1 + 0.06 * (n % 2))), 0.5) for n, t in enumerate(blows)]
    return synthesis.struck(SECONDS, notes)


def single_beeps(rng: Generator) -> Samples:
    """An appliance that is done: one to four beeps of one pitch."""
    on, off = rng.uniform(0.08, 0.6), rng.uniform(0.1, 0.7)
    beeps = [(0.4 + n * (on + off), 0.4 + n * (on + off) + on) for n in range(int(rng.integers(1, 5)))]
    wave = "square" if rng.random() < 0.5 else "sine"
    return synthesis.tone(SECONDS, rng.uniform(900, 4_000), wave) * synthesis.gate(SECONDS, beeps)


def chimes(rng: Generator) -> Samples:
    """A doorbell of three to eight struck notes."""
    notes, base = int(rng.integers(3, 9)), rng.uniform(300, 700)
    steps = rng.choice([0, 4, 5, 7, 9, 12], notes)
    gap = rng.uniform(0.25, 0.6)
    tones = [synthesis.Note(0.1 + n * gap, float(base * 2 ** (k / 12)), 1.8) for n, k in enumerate(steps)]
    return synthesis.struck(SECONDS, tones)


def _lasting(make: Callable[[Generator, float], Samples]) -> Callable[[Generator], Samples]:
    return lambda rng: make(rng, SECONDS)


Makers = tuple[Callable[[Generator], Samples], ...]

TONES_AND_MOTORS: Final[Mapping[str, Makers]] = {
    "siren": (siren,),
    "doorbell": (_lasting(synthesis.doorbell), chimes),
    "phone_ring": (_lasting(synthesis.phone_ring),),
    "alarm_clock": (_lasting(synthesis.digital_alarm_clock), bell_alarm_clock),
    "appliance_beep": (_lasting(synthesis.microwave_beeps), single_beeps),
    "knock": (knock,),
    "applause": (applause,),
    "clock": (ticking,),
    "vacuum_cleaner": (vacuum_cleaner,),
    "music": (_lasting(synthesis.scale), _lasting(synthesis.arpeggio)),
}
"""Taught sounds are told from these, too (common_sounds.py)."""
MADE: Final[Mapping[str, Makers]] = {
    **TONES_AND_MOTORS,
    "music": (*TONES_AND_MOTORS["music"], drums),
    "bang": (bang,),
    "fire_crackling": (fire,),
}
"""All that is made, by label."""
DECOYS: Final[Makers] = (
    _lasting(synthesis.reversing_truck),
    footsteps,
    waves,
)
"""Sounds that no label means."""


def speech(folder: Path) -> list[Samples]:
    """Each sentence by some voices of espeak-ng and flite, kept in `folder`. Raises CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    spoken = []
    for n, sentence in enumerate(SENTENCES):
        for voice in (ESPEAK_VOICES[n % 10], ESPEAK_VOICES[(3 * n + 4) % 10], FLITE_VOICES[n % 4]):
            path = folder / f"{n}-{voice}.wav"
            if not path.exists():
                _speak(sentence, voice, path)
            spoken.append(read_samples(path))
    return spoken


def _speak(sentence: str, voice: str, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # parts may be made side by side
        half = Path(folder) / path.name
        program = ["flite", "-voice", voice, "-t", sentence, "-o", str(half)]
        if voice not in FLITE_VOICES:
            program = ["espeak-ng", "-v", voice, "-w", str(half), sentence]
        subprocess.run(program, check=True, capture_output=True)
        half.replace(path)
