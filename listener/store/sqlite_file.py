"""The outbox's file: an SQLite database with one table. Everything here waits for the disk; call it in a thread."""

import logging
import os
import sqlite3
import stat
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from listener.errors import StoreError
from listener.store.aside import set_aside
from listener.store.kept import Kept
from listener.store.versions import TableStep, migrate_database
from listener.types import Message

logger = logging.getLogger(__name__)

MAX_TOPIC_BYTES = 65_535  # MQTT 3.1.1, section 1.5.3
MAX_PAYLOAD_BYTES = 1_000_000
SPARE_BYTES = 64_000_000
"""What the file may be larger than the payloads in it: free pages, and the outbox's bounds having been lowered."""

_CREATE = """CREATE TABLE IF NOT EXISTS outbox (
    key INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, room TEXT NOT NULL, kind TEXT NOT NULL,
    urgent INTEGER NOT NULL, unix_seconds REAL NOT NULL)"""

STEPS: tuple[TableStep, ...] = (lambda database: database.execute(_CREATE),)
"""To each version from the one before it; the first makes it of an empty file."""


class OutboxFile:
    """One open database. Write-ahead log; each commit is on the disk when it returns (`synchronous=FULL`), so that
    the power may go at any time: https://www.sqlite.org/pragma.html#pragma_synchronous.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Open or create it; a damaged or newer one is set aside, and said. Raises OSError, sqlite3.Error: the disk."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._connection = _open(path, max_bytes)
        except (StoreError, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # the disk's fault, not the file's
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            logger.error("%s: %s; %s. Events that waited in it are not sent", path, error, set_aside(path, error))
            self._connection = _open(path, max_bytes)

    def load(self) -> list[Kept]:
        """All events, oldest first. What makes no sense is removed and counted in the log. Raises sqlite3.Error."""
        rows = self._connection.execute(
            "SELECT key, topic, payload, room, kind, urgent, unix_seconds FROM outbox ORDER BY key"
        ).fetchall()
        kept = [item for row in rows if (item := _sensible(row)) is not None]
        if senseless := len(rows) - len(kept):
            logger.warning("outbox: %d events on disk make no sense and are dropped", senseless)
            self.write((), {row[0] for row in rows} - {item.key for item in kept})
        return kept

    def write(self, added: Iterable[Kept], removed: Collection[int], afresh: bool = False) -> None:
        """All of it or nothing; `afresh` empties the table first. Raises sqlite3.Error."""
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if afresh:
                self._connection.execute("DELETE FROM outbox")
            self._connection.executemany("DELETE FROM outbox WHERE key = ?", ((key,) for key in removed))
            self._connection.executemany("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)", map(_row, added))

    def close(self) -> None:
        self._connection.close()


def _open(path: Path, max_bytes: int) -> sqlite3.Connection:
    """Raises StoreError for what is no outbox of ours or a newer one, sqlite3.DatabaseError for a damaged one."""
    # Created here and not by SQLite, for the mode; and a pipe in its place must not be waited for.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    info = os.fstat(descriptor)
    os.close(descriptor)
    if not stat.S_ISREG(info.st_mode) or info.st_size > max_bytes + SPARE_BYTES:
        raise StoreError(f"is no file of up to {(max_bytes + SPARE_BYTES) // 1_000_000} MB")
    connection = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    try:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise StoreError(f"is damaged ({verdict})")
        migrate_database(connection, STEPS)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("SELECT key, topic, payload, room, kind, urgent, unix_seconds FROM outbox LIMIT 1")
    except sqlite3.OperationalError as error:
        connection.close()
        if "no such column" in str(error):
            raise StoreError("has another table than this release") from None
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _row(kept: Kept) -> tuple[int | str | bytes | float, ...]:
    m = kept.message
    return kept.key, m.topic, m.payload, m.room, m.kind, int(m.urgent), kept.unix_seconds


def _sensible(row: tuple[Any, ...]) -> Kept | None:
    """The event of a row; None for one that no outbox of ours would have written, and no broker would take."""
    key, topic, payload, room, kind, urgent, unix_seconds = row
    texts = all(isinstance(text, str) for text in (topic, room, kind))
    if not texts or not isinstance(payload, bytes) or not isinstance(unix_seconds, int | float):
        return None
    if not 0 < len(topic.encode()) <= MAX_TOPIC_BYTES or set("+#\0") & set(topic) or len(payload) > MAX_PAYLOAD_BYTES:
        return None
    return Kept(key, Message(topic, payload, room, kind, urgent=bool(urgent)), float(unix_seconds))
