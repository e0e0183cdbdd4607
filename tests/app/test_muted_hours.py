"""Muted hours: the clock closes and opens, a person has the last word until the next boundary, and no hour is twice."""

import itertools
import logging
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.app.calendar import period
from listener.app.muted_hours import MutedHours, room_spans
from listener.config import parse, parse_hours
from listener.types import SetMute

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""The rule itself, as in POSIX: not every machine has a table of zones."""


@pytest.fixture(autouse=True, scope="module")
def in_berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", BERLIN)
        time.tzset()
        yield
    time.tzset()


def at(text: str, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(fold=fold).timestamp()


class House:
    """A room that obeys, a clock that is set by hand, and the hours over both; `restart` keeps the disk only."""

    def __init__(self, folder: Path, *hours: str, muted: bool = False) -> None:
        self.muted = muted
        self.now = at("2026-03-10 12:00")
        self._path = folder / "muted-hours.json"
        self._spans = {"kitchen": [parse_hours(text) for text in hours]}
        self.restart()

    def restart(self) -> None:
        self.hours = MutedHours(lambda: self._spans, self._path, lambda _room: self.muted, self._obey, lambda: self.now)

    def _obey(self, room: str, control: SetMute) -> None:
        assert room == "kitchen"
        self.muted = control.muted

    def at(self, text: str, fold: int = 0) -> bool:
        """Whether the room is muted when the clock says so."""
        self.now = at(text, fold)
        self.hours.apply_due()
        self.hours.save()
        return self.muted


def test_the_hours_close_and_open(tmp_path: Path) -> None:
    house = House(tmp_path, "22:00-07:00")
    expected = {"21:59": False, "22:00": True, "23:30": True}
    assert {hour: house.at(f"2026-03-10 {hour}") for hour in expected} == expected
    assert house.at("2026-03-11 06:59:59")
    assert not house.at("2026-03-11 07:00")


def test_a_person_has_the_last_word_until_the_next_boundary(tmp_path: Path) -> None:
    house = House(tmp_path, "22:00-07:00")
    assert house.at("2026-03-10 22:00")
    house.muted = False
    assert not house.at("2026-03-11 03:00")
    house.restart()
    assert not house.at("2026-03-11 04:00")
    assert not house.at("2026-03-11 07:00")
    assert house.at("2026-03-11 22:00")


def test_a_clock_never_opens_what_a_person_closed(tmp_path: Path) -> None:
    house = House(tmp_path, "22:00-07:00")
    house.at("2026-03-10 12:00")
    house.muted = True
    assert house.at("2026-03-10 22:00")
    house.restart()
    assert house.at("2026-03-11 07:00")
    assert house.at("2026-03-11 12:00")


def test_a_first_start_outside_the_hours_opens_nothing(tmp_path: Path) -> None:
    assert House(tmp_path, "22:00-07:00", muted=True).at("2026-03-10 12:00")


def test_a_daemon_that_slept_over_boundaries_catches_up(tmp_path: Path) -> None:
    house = House(tmp_path, "22:00-07:00")
    assert house.at("2026-03-10 22:30")
    house.restart()
    assert not house.at("2026-03-12 12:00")
    house.muted = False
    assert house.at("2026-03-14 23:00")


def test_days_are_those_on_which_it_begins(tmp_path: Path) -> None:
    house = House(tmp_path, "sat 22:00-09:00", "Wed 12:00-13:00")
    assert house.at("2026-03-11 12:30")  # a Wednesday
    assert not house.at("2026-03-12 12:30")
    assert house.at("2026-03-14 23:00")
    assert house.at("2026-03-15 08:59")
    assert not house.at("2026-03-15 22:30")


def test_the_hour_that_comes_twice_ends_once(tmp_path: Path) -> None:
    """On 2026-10-25 the clocks of Berlin go from 03:00 back to 02:00."""
    house = House(tmp_path, "22:00-02:30")
    assert house.at("2026-10-25 02:29")
    assert house.at("2026-10-25 02:45"), "the first 02:45 is before the second 02:30"
    assert house.at("2026-10-25 02:29", fold=1)
    assert not house.at("2026-10-25 02:30", fold=1)


def test_the_hour_that_is_left_out_is_muted(tmp_path: Path) -> None:
    """On 2026-03-29 the clocks of Berlin go from 02:00 to 03:00."""
    house = House(tmp_path, "02:30-06:00")
    assert house.at("2026-03-29 03:00")
    assert not house.at("2026-03-29 06:00")
    assert not house.at("2026-03-30 02:29")


@given(st.integers(1_767_225_600, 1_830_297_600), st.integers(0, 1439), st.integers(1, 1439))
def test_no_hour_is_left_open_that_the_wall_clock_calls_muted(now: int, start: int, length: int) -> None:
    """In 2026 and 2027."""
    end = (start + length) % 1440
    span = parse_hours(f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}")
    local = time.localtime(now)
    minute = 60 * local.tm_hour + local.tm_min
    inside = start <= minute < end if start < end else minute >= start or minute < end
    found = period([span], now)
    assert found.muted or not inside
    assert found.since is not None
    assert found.since <= now
    assert found.until is not None
    assert found.until > now


def test_every_boundary_comes_once(tmp_path: Path) -> None:
    """Minute by minute through the night of both changes: closed once, opened once a night."""
    for day in ("2026-10-24", "2026-03-28"):
        house = House(tmp_path / day, "02:10-02:50")
        history = []
        noon = at(f"{day} 12:00")
        for house.now in (noon + 60 * minute for minute in range(24 * 60)):
            house.hours.apply_due()
            history.append(house.muted)
        assert sum(a != b for a, b in itertools.pairwise(history)) == 2


def test_a_broken_file_is_said_and_overwritten(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for content in ("no json", "[]", '{"kitchen": 3}', '{"kitchen": {"boundary": "x", "closed": true}}'):
        (tmp_path / "muted-hours.json").write_text(content)
        caplog.clear()
        assert House(tmp_path, "22:00-07:00").at("2026-03-10 23:00")
        assert "muted-hours.json: is not what we wrote" in caplog.text


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "file").touch()
    assert House(tmp_path / "file", "22:00-07:00").at("2026-03-10 23:00")
    assert "muted-hours.json: cannot be saved" in caplog.text


def test_a_room_s_own_hours_go_before_the_house_s() -> None:
    rooms = [
        {"name": name, "source": {"type": "microphone"}, **more}
        for name, more in (("A", {}), ("B", {"muted_hours": []}), ("C", {"muted_hours": ["sun 00:00-24:00"]}))
    ]
    spans = room_spans(parse({"rooms": rooms, "privacy": {"muted_hours": ["22:00-07:00"]}}))
    assert spans == {"a": [parse_hours("22:00-07:00")], "b": [], "c": [parse_hours("sun 00:00-24:00")]}


@pytest.mark.parametrize("text", ["22-7", "22:00", "25:00-07:00", "22:00-22:00", "fun 22:00-07:00", "22:00-24:01", ""])
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 22:00-07:00|same minute"):
        parse_hours(text)
