"""State files of other releases: older ones are brought up to date, newer ones are left whole and said."""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from listener import __version__
from listener.app import muted_hours
from listener.config import OutboxConfig
from listener.errors import StoreError
from listener.store import timers
from listener.store.day import DayFile
from listener.store.journal import open_outbox
from listener.store.settings import SettingsStore
from listener.store.timers import SqliteTimers
from listener.store.versions import NewerFileError, migrate_database, migrate_json
from listener.types import Message, RoomSettings, Timer

PASTA = Timer("1", "kitchen", "timer", "pasta", 540.0, 2_000.0)


def tables(path: Path) -> tuple[int, list[str]]:
    with closing(sqlite3.connect(path)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        return version, [row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")]


def first(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE notes (text TEXT)")


def second(database: sqlite3.Connection) -> None:
    database.execute("ALTER TABLE notes ADD COLUMN room TEXT NOT NULL DEFAULT 'kitchen'")


def test_a_database_takes_the_steps_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        migrate_database(database, (first,))
        database.execute("INSERT INTO notes VALUES ('milk')")
        migrate_database(database, (first,))
        migrate_database(database, (first, second))
        assert database.execute("SELECT text, room FROM notes").fetchall() == [("milk", "kitchen")]
    assert tables(path)[0] == 2


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def breaks(database: sqlite3.Connection) -> None:
        second(database)
        database.execute("INSERT INTO nowhere VALUES (1)")

    path = tmp_path / "notes.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        migrate_database(database, (first,))
        before = tables(path)
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            migrate_database(database, (first, breaks))
        assert not database.in_transaction
    assert tables(path) == before


def test_json_takes_the_steps_that_it_lacks() -> None:
    steps = {0: lambda old: {"rooms": old}, 1: lambda old: {"rooms": {k: {"on": v} for k, v in old["rooms"].items()}}}
    assert migrate_json({"hall": True}, steps, 2) == {"version": 2, "rooms": {"hall": {"on": True}}}
    assert migrate_json({"version": 1, "rooms": {}}, steps, 2) == {"version": 2, "rooms": {}}
    newest = {"version": 2, "rooms": {}, "more": 1}
    assert migrate_json(newest, steps, 2) is newest


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"rooms": {}}, "has version 0, and this release reads 1 to 2"),
        ({"version": True, "rooms": {}}, "has version 0, and this release reads 1 to 2"),
        ({"version": -7, "rooms": {}}, "has version -7, and this release reads 1 to 2"),
        ({"version": 1, "rooms": []}, "is of version 1, but not as that release wrote it"),
        ({"version": 3, "rooms": {}}, f"has version 3, and this release ({__version__}) reads up to 2"),
    ],
)
def test_json_that_no_step_leads_from_is_said(data: dict[str, Any], words: str) -> None:
    with pytest.raises(StoreError) as caught:
        migrate_json(data, {1: lambda old: {"rooms": dict(old["rooms"].items())}}, 2)
    assert words in str(caught.value)
    assert isinstance(caught.value, NewerFileError) is (data.get("version") == 3)


def test_timers_of_a_release_without_versions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "timers.sqlite3"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE timers (id TEXT PRIMARY KEY, room TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
            "seconds REAL NOT NULL, due REAL, left_seconds REAL NOT NULL)"
        )
        database.execute("INSERT INTO timers VALUES ('1', 'kitchen', 'timer', 'pasta', 540.0, 2000.0, 0.0)")
    assert SqliteTimers(path).load() == [PASTA]
    assert tables(path)[0] == len(timers.STEPS)


def test_muted_hours_of_a_release_without_versions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "muted-hours.json"
    path.write_text('{"version": {"boundary": 5.0, "closed": true}}')  # a room may be called `version`
    marks = muted_hours._load(path)
    assert marks == {"version": muted_hours.Mark(5.0, True)}


async def newer_outbox(path: Path) -> None:
    async with open_outbox(path.parent, OutboxConfig()) as box:
        assert box.take(events=True) is None


async def newer_timers(path: Path) -> None:
    assert SqliteTimers(path).load() == []


async def newer_settings(path: Path) -> None:
    store = SettingsStore(path)
    assert store.get("kitchen", RoomSettings()) == RoomSettings()
    assert store.save()


async def newer_hours(path: Path) -> None:
    assert muted_hours._load(path) == {}


async def newer_day(path: Path) -> None:
    file = DayFile(path)
    assert file.load() == {}
    assert file.save({})


def database_of_tomorrow(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE tomorrow (what TEXT)")
        database.execute("INSERT INTO tomorrow VALUES ('rain')")
        database.execute("PRAGMA user_version = 7")


def json_of_tomorrow(path: Path) -> None:
    path.write_text(json.dumps({"version": 7, "homes": {"ours": {}}}))


@pytest.mark.parametrize(
    ("name", "write", "use"),
    [
        ("outbox.sqlite", database_of_tomorrow, newer_outbox),
        ("timers.sqlite3", database_of_tomorrow, newer_timers),
        ("settings.json", json_of_tomorrow, newer_settings),
        ("muted-hours.json", json_of_tomorrow, newer_hours),
        ("day.json", json_of_tomorrow, newer_day),
    ],
)
async def test_a_newer_file_is_set_aside_whole_and_said_in_one_line(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    write: Callable[[Path], None],
    use: Callable[[Path], Any],
) -> None:
    path = tmp_path / name
    write(path)
    before = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        await use(path)
    (aside,) = tmp_path.glob(f"{name}.version-7-*")
    assert aside.read_bytes() == before
    (said,) = (record.getMessage() for record in caplog.records)
    assert str(path) in said
    assert f"has version 7, and this release ({__version__}) reads up to 1" in said
    assert f"it was set aside as {aside.name}; to have it back, stop the daemon, install the newer release" in said


async def test_a_copy_of_the_state_folder_restores_it(tmp_path: Path) -> None:
    """As docs/backup.md says: the files are copied while they are in use, one after the other."""
    state, copy = tmp_path / "state", tmp_path / "copy"
    kept, store = SqliteTimers(state / "timers.sqlite3"), SettingsStore(state / "settings.json")
    kept.put(PASTA)
    store.put("kitchen", RoomSettings(muted=True, strictness="strict"))
    store.save()
    async with open_outbox(state, OutboxConfig()) as box:
        box.put(Message("listener/kitchen/sound", b"alarm", "kitchen", "sound"))
        await until_on_disk(state / "outbox.sqlite")
        copy.mkdir(mode=0o700)
        for path in sorted(state.iterdir()):
            (copy / path.name).write_bytes(path.read_bytes())
    assert SqliteTimers(copy / "timers.sqlite3").load() == [PASTA]
    assert SettingsStore(copy / "settings.json").get("kitchen", RoomSettings()).strictness == "strict"
    async with open_outbox(copy, OutboxConfig()) as box:
        taken = box.take(events=True)
    assert taken is not None
    assert taken[1].payload == b"alarm"


async def until_on_disk(path: Path) -> None:
    """Wait until the outbox's file has an event, by looking from another connection."""
    async with asyncio.timeout(10):
        while True:
            with closing(sqlite3.connect(path, timeout=5)) as database:
                if database.execute("SELECT count(*) FROM outbox").fetchone() != (0,):
                    return
            await asyncio.sleep(0.02)
