"""The chirp of a low battery: the third of an even row is told, and nothing else."""

from collections.abc import Sequence

import numpy as np
import pytest
from pattern_ears import Find, hear

from listener.bench.synthesis import at_level, gate, pink_noise, tone
from listener.types import Samples

CHIRP_SECONDS = 0.1


def chirps(at: Sequence[float], seconds: float, frequency_hz: float = 3_100.0, peak_dbfs: float = -32.0) -> Samples:
    """A chirp at each of those moments, in a room with a little noise (peaks at -30 dBFS)."""
    sound = tone(seconds, frequency_hz) * gate(seconds, [(t, t + CHIRP_SECONDS) for t in at])
    return at_level(sound, peak_dbfs) + at_level(pink_noise(np.random.default_rng(3), seconds), -30.0)


def every(period_seconds: float, count: int) -> list[float]:
    return [5.0 + n * period_seconds for n in range(count)]


def heard(at: Sequence[float], **options: float) -> list[Find]:
    return hear(chirps(at, at[-1] + 4.0, **options))


@pytest.mark.parametrize("period_seconds", [31.0, 40.0, 59.0])
def test_the_third_of_an_even_row_is_a_low_battery(period_seconds: float) -> None:
    finds = heard(every(period_seconds, 4))
    assert [find.label for find in finds] == ["appliance_beep"] * 2
    assert [find.onset for find in finds] == pytest.approx(every(period_seconds, 4)[2:], abs=0.1)
    assert all(1.0 <= find.t - find.onset <= 2.0 for find in finds), "told a second later, when it proved to be lone"


def test_two_are_not_enough() -> None:
    assert heard(every(40.0, 2)) == []


@pytest.mark.parametrize("peak_dbfs", [-36.0, -20.0, -6.0], ids=["faint", "near", "loud"])
def test_how_loud_it_is_does_not_matter(peak_dbfs: float) -> None:
    assert [find.label for find in heard(every(40.0, 3), peak_dbfs=peak_dbfs)] == ["appliance_beep"]


@pytest.mark.parametrize("period_seconds", [5.0, 20.0, 75.0])
def test_a_row_that_is_too_quick_or_too_slow_is_none(period_seconds: float) -> None:
    assert heard(every(period_seconds, 5)) == []


def test_an_uneven_row_is_none() -> None:
    assert heard([5.0, 38.0, 95.0, 130.0, 190.0, 225.0]) == []


def test_a_chirp_in_between_breaks_the_row() -> None:
    assert heard([5.0, 45.0, 60.0, 85.0]) == []


def test_another_tone_is_none() -> None:
    assert heard(every(40.0, 4), frequency_hz=2_000.0) == []


def test_a_click_is_none() -> None:
    """As short and as regular, but at all frequencies: a relay, a tick of the heating."""
    seconds = 140.0
    at = every(40.0, 3)
    burst = np.random.default_rng(4).standard_normal(int(seconds * 16_000)).astype(np.float32)
    clicks = at_level(burst * gate(seconds, [(t, t + CHIRP_SECONDS) for t in at]), -32.0)
    assert hear(clicks + chirps(at, seconds, peak_dbfs=-90.0)) == []
