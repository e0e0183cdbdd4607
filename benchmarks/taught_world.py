"""Ten household sounds that no label means, each in many takes, and the room that they are heard in.

Five are recordings of one source each, five are appliances that are synthesized: each take anew, a little otherwise, as
machines sound. A take is heard from a place of its own in the room, at a level of its own, over noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf
import soxr

from listener.bench import synthesis
from listener.types import SAMPLE_RATE_HZ, Samples

Generator = np.random.Generator
REVERBERATION_SECONDS: Final = 0.4
LEAD_SECONDS: Final = 1.6
"""Of noise alone, before and after a take."""
EXCERPT_SECONDS: Final = 2.0


@dataclass(frozen=True)
class HomeSound:
    """`taught` and `later` make a dry take: those it is taught with, and those it is to be known by. `sources`: keys
    of the recordings it is made of, which are no impostors."""

    name: str
    taught: Callable[[Generator, int], Samples]
    later: Callable[[Generator, int], Samples]
    sources: tuple[str, ...] = ()


def read(path: Path) -> Samples:
    """Mono at 16 kHz."""
    frames, rate = sf.read(path, dtype="float32", always_2d=True)
    mono = frames.mean(axis=1)
    return np.asarray(mono if rate == SAMPLE_RATE_HZ else soxr.resample(mono, rate, SAMPLE_RATE_HZ), np.float32)


def noise(rng: Generator, seconds: float) -> Samples:
    """White, pink or brown, or mains hum over pink; RMS 1."""
    kind = rng.integers(4)
    if kind == 0:
        found = synthesis.white_noise(rng, seconds)
    elif kind == 1:
        found = synthesis.pink_noise(rng, seconds)
    elif kind == 2:
        brown = np.cumsum(rng.standard_normal(round(seconds * SAMPLE_RATE_HZ)))
        found = (brown - np.convolve(brown, np.ones(800) / 800, mode="same")).astype(np.float32)
    else:
        hum = sum(synthesis.tone(seconds, 50.0 * k) * np.float32(rng.uniform(0, 1) / k) for k in range(1, 9))
        found = np.asarray(hum) / max(float(np.std(hum)), 1e-9) + 0.3 * synthesis.pink_noise(rng, seconds)
    return (found / max(float(np.std(found)), 1e-9)).astype(np.float32)


def in_the_room(
    rng: Generator,
    dry: Samples,
    snr_db: float,
    place: int | None = None,
    peak_dbfs: tuple[float, float] = (-24.0, -6.0),
) -> Samples:
    """The sound from somewhere in the room, over noise `snr_db` below it, with noise alone before and after. The same
    `place` is the same place and level; left out: any."""
    where = rng if place is None else np.random.default_rng(place)
    response = synthesis.room_impulse_response(where, REVERBERATION_SECONDS, float(where.uniform(0.0, 9.0)))
    pause = synthesis.silence(LEAD_SECONDS)
    sound = synthesis.reverberate(np.concatenate([pause, dry, pause]), response)
    active = np.zeros(len(sound), np.bool_)
    active[len(pause) : len(pause) + len(dry)] = True
    active &= np.abs(sound) > 0.01 * np.abs(sound).max()
    mixed = synthesis.mix(sound, noise(rng, len(sound) / SAMPLE_RATE_HZ + 0.1)[: len(sound)], snr_db, active)
    return synthesis.at_level(mixed, float(where.uniform(*peak_dbfs)))


def _about(rng: Generator, value: float, spread: float) -> float:
    return value * float(rng.uniform(1 - spread, 1 + spread))


def washer(rng: Generator, _number: int) -> Samples:
    """The tune of a washer that is done: five notes."""
    steps = ((0.0, 1047.0), (0.22, 1319.0), (0.44, 1568.0), (0.66, 1319.0), (0.88, 2093.0))
    pace = _about(rng, 1.0, 0.02)
    return synthesis.struck(1.8, [synthesis.Note(t * pace, f * _about(rng, 1.0, 0.003), 0.9) for t, f in steps])


def dryer(rng: Generator, _number: int) -> Samples:
    """A dryer's buzzer: a buzz of 120 Hz, three times."""
    beeps = [(0.05 + 0.7 * n, 0.5 + 0.7 * n) for n in range(3)]
    buzz = synthesis.tone(2.2, _about(rng, 120.0, 0.005), "square") + 0.1 * synthesis.white_noise(rng, 2.2)
    return (buzz * synthesis.gate(2.2, beeps)).astype(np.float32)


def gate(rng: Generator, _number: int) -> Samples:
    """A garden gate's motor: it runs up, whirrs with a rattle of its chain, and stops."""
    seconds = _about(rng, 3.0, 0.1)
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch = 95.0 * np.minimum(1.0, 0.4 + t) * (1 + 0.01 * np.sin(2 * np.pi * 6.5 * t))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    motor = sum(np.sin(k * phase + k) / k**0.7 for k in range(1, 20))
    rattle = rng.standard_normal(len(t)) * (np.sin(2 * np.pi * 11.0 * t) > 0.7)
    return np.asarray(motor + 1.2 * rattle, np.float32)


def grinder(rng: Generator, _number: int) -> Samples:
    """A coffee grinder: beans that crack under a whine at 340 Hz."""
    seconds = _about(rng, 2.4, 0.1)
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    phase = (
        2 * np.pi * np.cumsum(340.0 * (1 - 0.08 * np.exp(-t / 0.3)) + 4 * np.sin(2 * np.pi * 3 * t)) / SAMPLE_RATE_HZ
    )
    whine = sum(np.sin(k * phase) / k for k in range(1, 15))
    cracks = rng.standard_normal(len(t)) * np.repeat(rng.random(len(t) // 160 + 1) < 0.3, 160)[: len(t)]
    return np.asarray(whine + 2.0 * cracks + 0.5 * rng.standard_normal(len(t)), np.float32)


def kettle(rng: Generator, _number: int) -> Samples:
    """A whistling kettle: two tones that beat, and steam."""
    seconds = _about(rng, 2.5, 0.1)
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wobble = 1 + 0.004 * np.sin(2 * np.pi * rng.uniform(4, 6) * t)
    tones = [np.sin(2 * np.pi * np.cumsum(f * wobble) / SAMPLE_RATE_HZ) for f in (1_560.0, 1_930.0)]
    steam = synthesis.white_noise(rng, seconds + 0.1)[: len(t)]
    return np.asarray((tones[0] + 0.7 * tones[1]) * np.minimum(1, t / 0.4) + 0.3 * steam, np.float32)


def _excerpts(sound: Samples, first: float, last: float) -> Callable[[Generator, int], Samples]:
    """Two seconds from anywhere between `first` and `last`, parts of the recording."""

    def take(rng: Generator, _number: int) -> Samples:
        low, high = int(first * len(sound)), int(last * len(sound)) - round(EXCERPT_SECONDS * SAMPLE_RATE_HZ)
        begin = int(rng.integers(low, max(high, low + 1)))
        return sound[begin : begin + round(EXCERPT_SECONDS * SAMPLE_RATE_HZ)]

    return take


def _part_of(sounds: Sequence[Samples]) -> Callable[[Generator, int], Samples]:
    """Two seconds from anywhere in one of the sounds, each in turn."""
    takes = [_excerpts(sound, 0, 1) for sound in sounds]
    return lambda rng, number: takes[number % len(takes)](rng, number)


def _one_of(sounds: Sequence[Samples]) -> Callable[[Generator, int], Samples]:
    return lambda _rng, number: sounds[number % len(sounds)]


def recorded(audio: Path) -> list[HomeSound]:
    """Raises OSError, LibsndfileError: recordings that are not there."""
    home, esc10 = audio / "home", audio / "esc10"
    tap = read(home / "water/gspeechcmd__running_tap.wav")
    bike = read(home / "background/gspeechcmd__exercise_bike.wav")
    saws = sorted(esc10.glob("chainsaw/*-19898-*.ogg"))
    hinge, bell = home / "door/openclonk__HingeCreak1.ogg", home / "other/marinara__reception_bell.mp3"
    keys = [tuple(path.relative_to(audio).as_posix() for path in paths) for paths in (saws, [hinge], [bell])]
    creak, ring = _one_of([read(hinge)]), _one_of([read(bell)])
    halves = [np.array_split(read(path), 2) for path in saws]
    return [
        HomeSound("Tap", _excerpts(tap, 0, 0.5), _excerpts(tap, 0.5, 1), ("home/water/gspeechcmd__running_tap.wav",)),
        HomeSound(
            *("Exercise bike", _excerpts(bike, 0, 0.5), _excerpts(bike, 0.5, 1)),
            ("home/background/gspeechcmd__exercise_bike.wav",),
        ),
        HomeSound(
            *("Hedge trimmer", _part_of([half for half, _ in halves]), _part_of([half for _, half in halves])), keys[0]
        ),
        HomeSound("Hinge", creak, creak, keys[1]),
        HomeSound("Desk bell", ring, ring, keys[2]),
    ]


def spare(audio: Path) -> Iterator[HomeSound]:
    """In place of those that a lesson refuses: recordings of no label in the order of their names, heard again."""
    for path in sorted((audio / "home" / "other").iterdir()):
        take = _one_of([read(path)])
        name = path.stem.split("__")[-1].replace("_", " ").capitalize()
        yield HomeSound(name, take, take, (path.relative_to(audio).as_posix(),))


def too_various(audio: Path) -> HomeSound:
    """What a lesson should refuse: a fist, a shoulder, a boot against a door, half a second each."""
    knocks = [audio / f"home/knock/ccsounds__door_smash_fail_{n}.ogg" for n in (2, 3, 4, 5)]
    take = _one_of([read(path) for path in knocks])
    return HomeSound("Back door", take, take, tuple(path.relative_to(audio).as_posix() for path in knocks))


def made() -> list[HomeSound]:
    makers = {"Washer": washer, "Dryer": dryer, "Gate": gate, "Coffee grinder": grinder, "Kettle": kettle}
    return [HomeSound(name, make, make) for name, make in makers.items()]
