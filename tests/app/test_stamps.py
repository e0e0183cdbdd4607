"""Stamps tell answers apart, whatever the clock does."""

from hypothesis import given
from hypothesis import strategies as st

from listener.app.stamps import Stamps


@given(st.lists(st.floats(0, 4e9), min_size=1, max_size=50))
def test_each_is_later_than_the_one_before(clock: list[float]) -> None:
    times = iter(clock)
    stamps = Stamps(lambda: next(times))
    told = [stamps.next() for _ in clock]
    assert told == sorted(set(told))


def test_they_are_rfc_3339_in_utc() -> None:
    now = 1_795_372_205.123
    stamps = Stamps(lambda: now)
    assert [stamps.next() for _ in range(2)] == ["2026-11-22T18:30:05.123Z", "2026-11-22T18:30:05.124Z"]
