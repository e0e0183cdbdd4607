"""The outbox on disk: real files, real damage, a real full disk, and a real kill -9."""

import asyncio
import logging
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from listener.config import OutboxConfig
from listener.store import journal as journal_module
from listener.store.journal import SqliteJournal, open_outbox
from listener.store.outbox import MemoryOutbox
from listener.types import Message

FILE = "outbox.sqlite"


def event(name: str, room: str = "kitchen", urgent: bool = False) -> Message:
    return Message(f"listener/{room}/sound", name.encode(), room, "sound", urgent=urgent)


def names(path: Path) -> list[str]:
    """What another process reads in the file."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return [bytes(row[0]).decode() for row in connection.execute("SELECT payload FROM outbox ORDER BY key")]
    finally:
        connection.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def taken(box: MemoryOutbox) -> list[str]:
    found = []
    while (item := box.take(True)) is not None:
        found.append(item[1].payload.decode())
    return found


async def test_events_outlive_the_process_in_their_order_and_leave_when_acknowledged(tmp_path: Path) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        for n in range(5):
            box.put(event(str(n), urgent=n == 3))
        await until(lambda: box.take(True))  # it may go as soon as it is on disk
        first = box.take(True)
        assert first is not None
        box.acknowledge(first[0])
    assert names(tmp_path / FILE) == ["0", "2", "3", "4"]
    async with open_outbox(tmp_path, OutboxConfig()) as again:
        again.put(event("5"))
        found: list[str] = []
        await until(lambda: found.extend(taken(again)) or len(found) == 5)
        assert found == ["0", "2", "3", "4", "5"]


async def test_nothing_is_sent_before_it_is_on_disk(tmp_path: Path) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        woken = asyncio.Event()
        box.on_ready(woken.set)
        box.put(event("a"))
        assert box.take(True) is None
        await woken.wait()
        assert names(tmp_path / FILE) == ["a"]
        assert box.take(True) is not None


async def test_a_disk_that_hangs_holds_no_alarm_back_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_module, "PATIENCE_SECONDS", 0.02)
    monkeypatch.setattr(journal_module, "HANG_SECONDS", 0.05)
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        with locked(tmp_path / FILE):
            box.put(event("fire", urgent=True))
            await until(lambda: box.take(True))
            await until(lambda: box.trouble)
            assert "does not answer" in caplog.text
        await until(lambda: box.trouble is None)
        await until(lambda: names(tmp_path / FILE) == ["fire"])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the database: a write waits, for a second at most."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def test_states_and_what_concerns_no_room_are_told_anew_and_not_kept(tmp_path: Path) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        box.put(Message("listener/kitchen/status", b"{}", "kitchen", retain=True))
        box.put(Message("homeassistant/device/x/config", b"{}", kind="discovery"))
        box.put(event("a"))
        await until(lambda: names(tmp_path / FILE) == ["a"])


async def test_only_we_may_read_it(tmp_path: Path) -> None:
    async with open_outbox(tmp_path / "state", OutboxConfig()) as box:
        box.put(event("a"))
        await until(lambda: names(tmp_path / "state" / FILE))
        for path in (tmp_path / "state").iterdir():
            assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0


def damage_header(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)


def damage_pages(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def other_table(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE outbox; CREATE TABLE outbox (key INTEGER PRIMARY KEY)")
    connection.close()


@pytest.mark.parametrize("harm", [damage_header, damage_pages, cut, other_table])
async def test_a_broken_file_is_set_aside_and_said_in_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None]
) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        for n in range(200):
            box.put(event(f"{n}" * 50))
        await until(lambda: len(names(tmp_path / FILE)) == 200)
    harm(tmp_path / FILE)
    caplog.clear()
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        assert box.trouble is None
        box.put(event("new"))
        await until(lambda: names(tmp_path / FILE) == ["new"])
    assert len(list(tmp_path.glob(f"{FILE}.broken-*"))) == 1
    errors = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(errors) == 1
    assert "set aside" in errors[0].getMessage()
    assert errors[0].exc_info is None


async def test_rows_that_make_no_sense_are_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        box.put(event("good"))
        await until(lambda: names(tmp_path / FILE))
    connection = sqlite3.connect(tmp_path / FILE)
    with connection:
        for topic, payload in (
            ("a/#", b"x"),
            ("", b"x"),
            ("a\0b", b"x"),
            ("a", "text"),
            (b"a", b"x"),
            ("a", b"x" * 2_000_000),
        ):
            row = (topic, payload, "r", "sound", 0, 1.0)
            connection.execute("INSERT INTO outbox VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
    connection.close()
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        assert taken(box) == ["good"]
        assert "6 events on disk make no sense" in caplog.text
    assert names(tmp_path / FILE) == ["good"]


async def test_without_a_place_on_disk_it_is_memory_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    async with open_outbox(tmp_path / "state", OutboxConfig()) as box:
        assert "in memory only" in (box.trouble or "")
        for n in range(3):
            box.put(event(str(n)))
        assert taken(box) == ["0", "1", "2"]
    assert "in memory only" in caplog.text


@contextmanager
def full_disk(more_bytes: int = 0) -> Iterator[None]:
    """No file of this process may grow beyond that: setrlimit(2)."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (more_bytes, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


async def test_a_full_disk_is_said_once_and_caught_up_with_when_there_is_room_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = SqliteJournal(tmp_path / FILE, 1_000_000, retry_seconds=0.05)
    box = MemoryOutbox(journal=journal)
    await journal.open(box)
    box.put(event("before"))
    await until(lambda: names(tmp_path / FILE) == ["before"])
    with full_disk():
        box.put(event("during"))
        await until(lambda: box.trouble)
        box.put(event("meanwhile"))
        assert taken(box) == ["before", "during", "meanwhile"]
        await asyncio.sleep(0.2)  # several attempts
        assert sum("cannot be kept on disk" in r.getMessage() for r in caplog.records) == 1
    await until(lambda: box.trouble is None)
    assert names(tmp_path / FILE) == ["before", "during", "meanwhile"]
    box.release()
    assert taken(box) == ["before", "during", "meanwhile"]
    await journal.close()


async def test_what_cannot_be_read_at_first_is_read_later_and_goes_first(tmp_path: Path) -> None:
    async with open_outbox(tmp_path, OutboxConfig()) as box:
        box.put(event("yesterday"))
        await until(lambda: names(tmp_path / FILE))
    (tmp_path / FILE).rename(tmp_path / "elsewhere")
    (tmp_path / FILE).mkdir()
    journal = SqliteJournal(tmp_path / FILE, 1_000_000, retry_seconds=0.05)
    box = MemoryOutbox(journal=journal)
    await journal.open(box)
    assert box.trouble
    box.put(event("today"))
    (tmp_path / FILE).rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / FILE)
    await until(lambda: box.trouble is None)
    assert taken(box) == ["yesterday", "today"]
    assert names(tmp_path / FILE) == ["yesterday", "today"]
    await journal.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from listener.config import OutboxConfig
from listener.store.journal import open_outbox
from listener.types import Message

async def main():
    async with open_outbox(Path(sys.argv[1]), OutboxConfig(max_messages=100_000)) as box:
        n = len(box)
        while True:
            box.put(Message("listener/kitchen/sound", str(n).encode(), "kitchen", "sound"))
            print(n, flush=True)
            n += 1
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


def test_kill_9_loses_nothing_that_is_older_than_100_ms(tmp_path: Path) -> None:
    """Five processes, one after the other, each killed in the middle of its work; each finds all that was before."""
    put = 0
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        seen = [(int(process.stdout.readline()), time.monotonic()) for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        killed_at = time.monotonic()
        process.communicate()
        assert seen[0][0] >= put  # it began with all that the one before had left
        put = max(n for n, at in seen if at < killed_at - 0.1)
        kept = [int(name) for name in names(tmp_path / FILE)]
        assert kept == list(range(len(kept)))  # in order, without a gap, over all processes
        assert len(kept) > put
    assert sqlite3.connect(tmp_path / FILE).execute("PRAGMA integrity_check").fetchone() == ("ok",)
