"""How long to wait and how often to complain."""

import logging

import pytest

from listener.publish.backoff import LINES_A_MINUTE, Backoff, Complaints, Rationed


def test_it_doubles_to_ten_seconds_and_begins_again_after_a_healthy_minute() -> None:
    backoff = Backoff(lambda _low, high: high)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 10, 10, 10, 10]
    assert backoff.next(healthy_seconds=59) == 10
    assert backoff.next(healthy_seconds=60) == 1


def test_jitter_stays_within_half_of_it() -> None:
    seen: list[tuple[float, float]] = []

    def note(low: float, high: float) -> float:
        seen.append((low, high))
        return low

    Backoff(note).next()
    assert seen == [(0.5, 1.0)]


def test_the_same_reason_is_news_after_ten_minutes_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    complaints = Complaints()
    for now in (0, 60, 599, 600, 660):
        complaints.say("away", now)
    assert len(caplog.records) == 2
    complaints.say("refused", 661)
    complaints.forget()
    complaints.say("refused", 662)
    assert len(caplog.records) == 4


def test_a_flood_of_warnings_is_cut_off_and_counted_and_the_next_minute_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rationed = Rationed()
    for n in range(LINES_A_MINUTE + 100):
        rationed.say(f"payload {n}", n * 0.1)
    assert [r.getMessage() for r in caplog.records][-2:] == [
        f"payload {LINES_A_MINUTE - 1}",
        "more such lines follow, and are only counted until a minute has passed",
    ]
    assert len(caplog.records) == LINES_A_MINUTE + 1
    caplog.clear()
    rationed.say("another day", 61.0)
    assert [r.getMessage() for r in caplog.records] == ["100 more such lines were left out", "another day"]
