"""Timers on a real disk."""

import logging
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from listener.errors import StoreError
from listener.store.timers import SqliteTimers
from listener.types import Timer

PASTA = Timer("1", "kitchen", "timer", "Nudeln 🍝", 540.0, 2_000.0)
PAUSED = Timer("2", "kitchen", "timer", "", 60.0, None, 30.0)
CALL = Timer("3", "hall", "reminder", "call mom", 60.0, 1_000.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "timers.sqlite3"


def test_what_is_put_is_there_after_a_restart(path: Path) -> None:
    store = SqliteTimers(path)
    assert store.load() == []
    for timer in (PAUSED, PASTA, CALL):
        store.put(timer)
    assert SqliteTimers(path).load() == [CALL, PASTA, PAUSED]
    store.put(Timer("1", "kitchen", "timer", "Nudeln 🍝", 540.0, 500.0))
    store.delete("3")
    store.delete("unheard of")
    assert [(timer.id, timer.due) for timer in SqliteTimers(path).load()] == [("1", 500.0), ("2", None)]


def test_the_file_is_private(path: Path) -> None:
    SqliteTimers(path).put(PASTA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_threads_may_write_at_once(path: Path) -> None:
    store = SqliteTimers(path)
    timers = [Timer(str(n), "kitchen", "timer", "", 60.0, float(n)) for n in range(20)]
    threads = [threading.Thread(target=store.put, args=(timer,)) for timer in timers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.load() == timers


@pytest.mark.parametrize("damage", ["text", "cut", "flipped"])
def test_a_broken_file_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture, damage: str) -> None:
    store = SqliteTimers(path)
    store.put(PASTA)
    whole = path.read_bytes()
    broken = {"text": b"these are no timers " * 1_000, "cut": whole[:4_000], "flipped": whole[:4_096] + bytes(4_096)}
    path.write_bytes(broken[damage])
    with caplog.at_level(logging.ERROR):
        assert store.load() == []
    assert "was set aside as timers.sqlite3.broken-" in caplog.text
    (aside,) = (file for file in path.parent.iterdir() if ".broken-" in file.name)
    assert aside.read_bytes() == broken[damage]
    store.put(CALL)
    assert store.load() == [CALL]


def test_a_file_that_breaks_while_we_run_is_one_line(path: Path) -> None:
    store = SqliteTimers(path)
    store.put(PASTA)
    path.write_bytes(b"rubbish " * 1_000)
    with pytest.raises(StoreError, match=r"timers\.sqlite3: timers cannot be read or kept: file is not a database"):
        store.put(CALL)


def test_rows_that_make_no_sense_are_named_and_left_out(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = SqliteTimers(path)
    store.put(PASTA)
    rows = [
        ("a", "kitchen", "bomb", "", 60.0, 1.0, 0.0),
        ("b", "kitchen", "timer", "", 60.0, "soon", 0.0),
        ("c", "kitchen", "timer", "", float("inf"), 1.0, 0.0),
        ("d", "kitchen", "timer", b"\xff", 60.0, 1.0, 0.0),
        ("e", "kitchen", "timer", "", 60.0, 1e300, 0.0),
        ("f", "kitchen", "timer", "", -60.0, 1.0, 0.0),
    ]
    with sqlite3.connect(path) as database:
        database.executemany("INSERT INTO timers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    database.close()
    assert store.load() == [PASTA]
    for row in rows:
        assert f"{row[0]!r} makes no sense and is ignored" in caplog.text


@pytest.mark.parametrize("obstacle", ["folder", "pipe"])
def test_what_is_no_file_is_said(path: Path, obstacle: str) -> None:
    path.parent.mkdir()
    path.mkdir() if obstacle == "folder" else os.mkfifo(path)
    with pytest.raises(StoreError, match="timers cannot be kept: "):
        SqliteTimers(path).load()


def test_another_program_that_holds_the_file_is_waited_for_and_then_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteTimers(path)
    store.put(PASTA)
    monkeypatch.setattr("listener.store.timers.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="timers cannot be kept: database is locked"):
        store.put(CALL)
    other.close()
    store.put(CALL)
