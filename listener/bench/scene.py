"""The demo's scene: about 40 s of a kitchen in which a smoke alarm goes off."""

from dataclasses import dataclass

import numpy as np

from listener.bench.synthesis import (
    TEMPORAL_THREE,
    at_level,
    cadenced,
    doorbell,
    microwave_beeps,
    pink_noise,
    reverberate,
    room_impulse_response,
    silence,
)
from listener.types import SAMPLE_RATE_HZ, Samples

SCENE_SECONDS = 40.0
SEED = 20


@dataclass(frozen=True, slots=True)
class Part:
    """What sounds in the scene, when (s), and the label that may be heard for it (None: nothing urgent may)."""

    name: str
    start_seconds: float
    seconds: float
    label: str | None


PARTS = (
    Part("room noise", 0.0, SCENE_SECONDS, None),
    Part("a doorbell", 4.0, 4.0, "doorbell"),
    Part("a microwave oven that is done", 11.0, 6.0, None),
    Part("a smoke alarm (temporal-three, 3.1 kHz)", 20.0, 14.0, "smoke_alarm"),
)


def kitchen() -> Samples:
    """The scene, mono at 16 kHz, the same at every call."""
    rng = np.random.default_rng(SEED)
    sounds = {
        "a doorbell": at_level(doorbell(rng, 4.0), -12.0),
        "a microwave oven that is done": at_level(microwave_beeps(rng, 6.0, 2_000.0), -15.0),
        "a smoke alarm (temporal-three, 3.1 kHz)": at_level(cadenced(TEMPORAL_THREE, 14.0, 3_100.0), -10.0),
    }
    scene = silence(SCENE_SECONDS)
    for part in PARTS:
        if part.name in sounds:
            first = round(part.start_seconds * SAMPLE_RATE_HZ)
            scene[first : first + len(sounds[part.name])] += sounds[part.name]
    in_the_room = reverberate(scene, room_impulse_response(rng, 0.4))[: len(scene)]
    mixed: Samples = np.clip(at_level(in_the_room, -8.0) + at_level(pink_noise(rng, SCENE_SECONDS), -34.0), -1.0, 1.0)
    return mixed
