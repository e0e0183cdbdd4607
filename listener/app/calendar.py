"""Which hours of the week are muted, as instants: local times happen once, never or twice when clocks change.

Local is what this machine's time zone says (`TZ`, /etc/localtime). Instants are seconds since 1970, UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from listener.config import HourSpan
from listener.config.privacy import DAY_MINUTES

DAYS_BACK = 9
"""A weekly span that is over began eight days ago at most."""


@dataclass(frozen=True, slots=True)
class Period:
    """What holds now, since which boundary (None: since before last week), and when the next boundary is."""

    muted: bool
    since: float | None
    until: float | None


def period(spans: Sequence[HourSpan], now: float) -> Period:
    """The period that `now` lies in."""
    last_end: float | None = None
    for start, end in _merged(_instants(spans, now)):
        if now < start:
            return Period(muted=False, since=last_end, until=start)
        if now < end:
            return Period(muted=True, since=start, until=end)
        last_end = end
    return Period(muted=False, since=last_end, until=None)


def _instants(spans: Iterable[HourSpan], now: float) -> Iterable[tuple[float, float]]:
    """Start and end of every span from last week to next week."""
    local = datetime.fromtimestamp(now)  # noqa: DTZ006 (naive is local, and knows when clocks change)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for offset in range(-DAYS_BACK, DAYS_BACK):
        day = today + timedelta(days=offset)  # on the wall clock: a day may have 23 hours
        for span in spans:
            if day.weekday() not in span.days:
                continue
            end = span.end_minute if span.end_minute > span.start_minute else span.end_minute + DAY_MINUTES
            yield min(_both(day, span.start_minute)), max(_both(day, end))


def _both(day: datetime, minute: int) -> tuple[float, float]:
    """The two instants that a local time may mean. They differ when clocks change: muted is then the longer reading."""
    local = day + timedelta(minutes=minute)
    return local.replace(fold=0).timestamp(), local.replace(fold=1).timestamp()


def _merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """In order, those that touch or overlap made one."""
    merged: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
