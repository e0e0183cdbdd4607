"""The demo's scene: what it says is in it, is in it."""

from itertools import pairwise

import numpy as np

from listener.bench.scene import PARTS, SCENE_SECONDS, kitchen
from listener.perceive.sounds.alarm_patterns import AlarmPatterns
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, SAMPLE_RATE_HZ
from listener.vocabulary import SOUND_LABELS


def test_the_scene_is_the_same_at_every_call() -> None:
    scene = kitchen()
    assert (scene.dtype, scene.shape) == (np.float32, (round(SCENE_SECONDS * SAMPLE_RATE_HZ),))
    assert 0.3 < np.abs(scene).max() < 1.0, "loud, and not clipped"
    np.testing.assert_array_equal(scene, kitchen())


def test_each_part_sounds_when_it_says() -> None:
    level = np.sqrt(np.mean(kitchen().reshape(-1, SAMPLE_RATE_HZ // 10) ** 2, axis=1))
    quiet = np.median(level[:35])
    for part in PARTS[1:]:
        first = round(part.start_seconds * 10)
        assert level[first - 5 : first].max() < 2 * quiet, f"it is quiet before {part.name}"
        assert level[first : first + 10].max() > 4 * quiet, f"{part.name} is heard"


def test_parts_have_labels_of_ours_and_do_not_overlap() -> None:
    assert {part.label for part in PARTS} - {None} <= set(SOUND_LABELS)
    for earlier, later in pairwise(PARTS[1:]):
        assert earlier.start_seconds + earlier.seconds < later.start_seconds
    assert PARTS[-1].start_seconds + PARTS[-1].seconds < SCENE_SECONDS


def test_the_smoke_alarm_is_heard_by_its_pattern_and_nothing_before() -> None:
    alarm = next(part for part in PARTS if part.label == "smoke_alarm")
    spectrum, patterns = Spectrum(), AlarmPatterns()
    found = [
        (match.label, (index + 1) * CHUNK_SECONDS)
        for index, chunk in enumerate(kitchen().reshape(-1, CHUNK_SAMPLES))
        for match in patterns.step(spectrum.step(chunk))
    ]
    assert {label for label, _ in found} == {"smoke_alarm"}
    assert alarm.start_seconds < found[0][1] <= alarm.start_seconds + 8.5
