"""Sounds made from nothing: alarms, the beepers they must not be mistaken for, noise, rooms. Pure numpy.

Everything is mono float32 at 16 kHz, shape `[n]`. What is random draws from the numpy Generator it is given, so a
seed names a sound exactly. The demo and the benchmarks play these; nothing here hears anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from listener.types import SAMPLE_RATE_HZ, Samples

Wave = Literal["sine", "square"]
Generator = np.random.Generator

EDGE_SECONDS: Final = 0.002
"""Rise and fall of a beep: a piezo disc neither starts nor stops at once."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Beeps and silences that repeat: `steps` are (on seconds, off seconds)."""

    steps: tuple[tuple[float, float], ...]

    @property
    def cycle_seconds(self) -> float:
        return sum(on + off for on, off in self.steps)

    def scaled(self, timing: float) -> "Cadence":
        """Every duration times `timing`."""
        return Cadence(tuple((on * timing, off * timing) for on, off in self.steps))

    def jittered(self, rng: Generator, spread: float = 0.1) -> "Cadence":
        """Every duration on its own within ±`spread`."""
        return Cadence(tuple((on * _about(rng, spread), off * _about(rng, spread)) for on, off in self.steps))

    def beeps(self, seconds: float, start_seconds: float = 0.0) -> Iterator[tuple[float, float]]:
        """(start, end) of each beep in `seconds`, s. A negative start begins in the middle of a cycle."""
        t = start_seconds
        for on, off in cycle(self.steps):
            if t >= seconds:
                return
            if t + on > 0:
                yield max(t, 0.0), min(t + on, seconds)
            t += on + off


TEMPORAL_THREE: Final = Cadence(((0.5, 0.5), (0.5, 0.5), (0.5, 1.5)))
"""Evacuation, smoke: ISO 8201:2017 and NFPA 72 (2022), 18.4.2."""

TEMPORAL_FOUR: Final = Cadence(((0.1, 0.1), (0.1, 0.1), (0.1, 0.1), (0.1, 5.0)))
"""Carbon monoxide: NFPA 72 (2022), 29.5.1.1 (once NFPA 720), UL 2034."""

REVERSING: Final = Cadence(((0.5, 0.5),))
"""A truck's reversing alarm: 1 Hz, as long as it backs up (SAE J994 allows 1-2 Hz at about equal on and off)."""


def _about(rng: Generator, spread: float) -> float:
    return float(rng.uniform(1 - spread, 1 + spread))


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ)


def silence(seconds: float) -> Samples:
    return np.zeros(_samples(seconds), np.float32)


def tone(seconds: float, frequency_hz: float, wave: Wave = "sine", phase: float = 0.0) -> Samples:
    """A steady tone of amplitude 1. A square wave is the sum of its odd harmonics below 8 kHz, so nothing aliases."""
    angle = 2 * np.pi * frequency_hz * np.arange(_samples(seconds)) / SAMPLE_RATE_HZ + phase
    if wave == "sine":
        return np.sin(angle).astype(np.float32)
    odd = range(1, int(SAMPLE_RATE_HZ / 2 / frequency_hz) + 1, 2)
    out: Samples = np.sum([np.sin(k * angle) / k for k in odd], axis=0).astype(np.float32) * np.float32(4 / np.pi)
    return out


def gate(seconds: float, beeps: Sequence[tuple[float, float]]) -> Samples:
    """1 during each (start, end) and 0 elsewhere, with raised-cosine edges."""
    envelope = np.zeros(_samples(seconds), np.float32)
    edge = _samples(EDGE_SECONDS)
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)).astype(np.float32)
    for start, end in beeps:
        beep = envelope[_samples(start) : _samples(end)]
        beep[:] = 1.0
        if len(beep) >= 2 * edge:
            beep[:edge] = rise
            beep[-edge:] = rise[::-1]
    return envelope


def cadenced(
    cadence: Cadence, seconds: float, frequency_hz: float, wave: Wave = "sine", start_seconds: float = 0.0
) -> Samples:
    """A tone that is switched on and off by `cadence` from `start_seconds` on, for `seconds` in all."""
    return tone(seconds, frequency_hz, wave) * gate(seconds, list(cadence.beeps(seconds, start_seconds)))


def low_battery_chirps(
    seconds: float,
    frequency_hz: float = 3_100.0,
    every_seconds: float = 40.0,
    chirp_seconds: float = 0.1,
    start_seconds: float = 1.0,
) -> Samples:
    """The one short beep with which an alarm asks for a battery, every 30-60 s."""
    cadence = Cadence(((chirp_seconds, every_seconds - chirp_seconds),))
    return cadenced(cadence, seconds, frequency_hz, start_seconds=start_seconds)


# ---------------------------------------------------------------- noise and rooms


def white_noise(rng: Generator, seconds: float) -> Samples:
    """Gaussian, RMS 1."""
    return rng.standard_normal(_samples(seconds), np.float32)


def pink_noise(rng: Generator, seconds: float) -> Samples:
    """Power per octave constant above 20 Hz, RMS 1."""
    n = max(_samples(seconds), 2)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hertz = np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ)
    pink = np.fft.irfft(np.where(hertz < 20, 0, spectrum / np.sqrt(np.maximum(hertz, 20))), n)
    out: Samples = (pink / max(np.sqrt(np.mean(pink**2)), 1e-12)).astype(np.float32)[: _samples(seconds)]
    return out


def room_impulse_response(rng: Generator, rt60_seconds: float, direct_to_reverberant_db: float = 0.0) -> Samples:
    """A direct sound and an exponentially decaying diffuse tail of Gaussian noise, energy 1.

    The tail falls by 60 dB in `rt60_seconds` (Polack's model: "La transmission de l'energie sonore dans les salles",
    1988). `direct_to_reverberant_db`: energy of the one over energy of the other.
    """
    t = np.arange(_samples(rt60_seconds)) / SAMPLE_RATE_HZ
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / rt60_seconds)
    tail[: _samples(0.002)] = 0  # the first reflection comes a few milliseconds after the direct sound
    response = tail / np.sqrt(np.sum(tail**2))
    response[0] = 10 ** (direct_to_reverberant_db / 20)
    out: Samples = (response / np.sqrt(np.sum(response**2))).astype(np.float32)
    return out


def reverberate(sound: Samples, response: Samples) -> Samples:
    """`sound` in the room of `response`, as long as before."""
    n = 1 << (len(sound) + len(response) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(sound, n) * np.fft.rfft(response, n), n)
    return wet[: len(sound)].astype(np.float32)


def looped(sound: Samples, seconds: float) -> Samples:
    """`sound` over and over until it lasts `seconds`."""
    return np.resize(sound, _samples(seconds)).astype(np.float32)


def mix(sound: Samples, noise: Samples, snr_db: float, over: NDArray[np.bool_] | None = None) -> Samples:
    """`sound` over `noise`, with the noise scaled so that their powers are `snr_db` apart; same length.

    `over` says which samples of `sound` count for its power (the beeps only, say); left out, all of them do. The
    noise's power is taken over all of it. Silent noise or sound stays as it is.
    """
    active = sound if over is None else sound[over]
    sound_power = float(np.mean(active.astype(np.float64) ** 2)) if active.size else 0.0
    noise_power = float(np.mean(noise.astype(np.float64) ** 2))
    if sound_power == 0 or noise_power == 0:
        return sound + noise
    return sound + noise * np.float32(np.sqrt(sound_power / noise_power) * 10 ** (-snr_db / 20))


def at_level(sound: Samples, peak_dbfs: float) -> Samples:
    """`sound` with its largest sample at `peak_dbfs`. Above 0 it clips, as a microphone would."""
    peak = float(np.max(np.abs(sound), initial=0.0))
    out: Samples = np.clip(sound * np.float32(10 ** (peak_dbfs / 20) / max(peak, 1e-12)), -1.0, 1.0)
    return out


# ---------------------------------------------------------------- household sounds that are no alarm


@dataclass(frozen=True, slots=True)
class Note:
    """A struck note: `start_seconds`, `frequency_hz`, and how long it rings until it is 60 dB down."""

    start_seconds: float
    frequency_hz: float
    ring_seconds: float
    hold_seconds: float = 10.0


def struck(seconds: float, notes: Sequence[Note]) -> Samples:
    """Notes with three partials that decay as a bell or a string does; a note is damped after `hold_seconds`."""
    out = silence(seconds)
    for note in notes:
        length = min(seconds - note.start_seconds, note.ring_seconds, note.hold_seconds)
        if length <= 0:
            continue
        decay = 10 ** (-3 * np.arange(_samples(length)) / SAMPLE_RATE_HZ / note.ring_seconds)
        partials = sum(tone(length, k * note.frequency_hz) / k for k in (1, 2, 3) if k * note.frequency_hz < 7_500)
        first = _samples(note.start_seconds)
        piece = (partials * decay * gate(length, [(0, length)])).astype(np.float32)[: len(out) - first]
        out[first : first + len(piece)] += piece
    return out


def doorbell(rng: Generator, seconds: float) -> Samples:
    """Ding-dong: two struck notes a third apart, once or twice."""
    high = float(rng.uniform(550, 750))
    gap = float(rng.uniform(0.5, 0.8))
    notes = [Note(t, f, 2.0) for k in range(rng.integers(1, 3)) for t, f in ((2 * k, high), (2 * k + gap, high / 1.26))]
    return struck(seconds, notes)


def microwave_beeps(rng: Generator, seconds: float, frequency_hz: float | None = None) -> Samples:
    """3-5 beeps of 0.3-1 s at 2-3.5 kHz when the food is ready, and a reminder a minute later."""
    hertz = float(rng.uniform(2_000, 3_500)) if frequency_hz is None else frequency_hz
    on = float(rng.uniform(0.3, 1.0))
    off = float(rng.uniform(0.3, 1.0))
    count = int(rng.integers(3, 6))
    cadence = Cadence(((on, off),) * (count - 1) + ((on, 60.0),))
    return cadenced(cadence, seconds, hertz, "square", start_seconds=0.5)


def phone_ring(rng: Generator, seconds: float) -> Samples:
    """An electronic ringer: two tones that alternate at 10-25 Hz, in the cadence of one of several countries."""
    low = float(rng.uniform(450, 2_800))
    high = low * float(rng.uniform(1.1, 1.4))
    cadences = (((2.0, 4.0),), ((0.4, 0.2), (0.4, 2.0)), ((1.0, 4.0),), ((0.8, 3.2),), ((1.5, 3.5),))  # US UK DE JP FR
    ringing = Cadence(cadences[rng.integers(len(cadences))])
    half = 0.5 / float(rng.uniform(10, 25))
    first = cadenced(Cadence(((half, half),)), seconds, low)
    second = cadenced(Cadence(((half, half),)), seconds, high, start_seconds=half)
    return (first + second) * gate(seconds, list(ringing.beeps(seconds)))


def reversing_truck(rng: Generator, seconds: float, frequency_hz: float | None = None) -> Samples:
    """1 Hz, half on and half off, without end, at 1-3.4 kHz."""
    hertz = float(rng.uniform(1_000, 3_400)) if frequency_hz is None else frequency_hz
    return cadenced(REVERSING, seconds, hertz, "square", start_seconds=-float(rng.uniform(0, 1)))


def digital_alarm_clock(rng: Generator, seconds: float) -> Samples:
    """Bursts of 1-4 short beeps every second at 2-4 kHz, without end."""
    count = int(rng.integers(1, 5))
    on = float(rng.uniform(0.06, 0.11))
    last_off = max(1.0 - (2 * count - 1) * on, 0.15)
    cadence = Cadence(((on, on),) * (count - 1) + ((on, last_off),))
    return cadenced(cadence, seconds, float(rng.uniform(2_000, 4_000)), "square")


def scale(rng: Generator, seconds: float, tonic_hz: float = 261.63) -> Samples:
    """A major scale up and down, over and over; each note 0.2-0.6 s."""
    steps = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2)
    return _melody(rng, seconds, tonic_hz, steps)


def arpeggio(rng: Generator, seconds: float, tonic_hz: float = 261.63) -> Samples:
    """A broken major chord, up and down, over and over; each note 0.2-0.6 s."""
    return _melody(rng, seconds, tonic_hz, (0, 4, 7, 12, 7, 4))


def _melody(rng: Generator, seconds: float, tonic_hz: float, semitones: Sequence[int]) -> Samples:
    beat = float(rng.uniform(0.2, 0.6))
    held = beat * float(rng.uniform(0.5, 1.0))
    template = Note(0.0, tonic_hz, 3.0, held)
    pitches = zip(np.arange(0, seconds, beat), cycle(semitones), strict=False)
    return struck(
        seconds, [replace(template, start_seconds=float(t), frequency_hz=tonic_hz * 2 ** (k / 12)) for t, k in pitches]
    )
