"""Timers and reminders on disk: SQLite, one row each, there from the moment it is set until it has been said.

Losing the file loses timers, and is never a reason to stop hearing: what cannot be read is set aside and logged.
"""

import logging
import math
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from listener.errors import StoreError
from listener.store.aside import set_aside
from listener.store.versions import NewerFileError, TableStep, migrate_database
from listener.types import Timer

logger = logging.getLogger(__name__)

BUSY_SECONDS = 5.0
_TABLE = """
CREATE TABLE IF NOT EXISTS timers (
    id TEXT PRIMARY KEY, room TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    seconds REAL NOT NULL, due REAL, left_seconds REAL NOT NULL
)
"""
STEPS: tuple[TableStep, ...] = (lambda database: database.execute(_TABLE),)
"""To each version from the one before it. The first releases wrote the table and no version: IF NOT EXISTS."""
_COLUMNS = ("id", "room", "kind", "name", "seconds", "due", "left_seconds")
_TYPES: tuple[tuple[type, ...], ...] = ((str,), (str,), (str,), (str,), (float,), (float, type(None)), (float,))


class _BrokenError(StoreError):
    """The file is no database of ours, a damaged one, or one of a newer release."""


class SqliteTimers:
    """`TimerStore` in one SQLite file, mode 0600. Any thread may call it; each call waits for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = threading.Lock()

    def load(self) -> list[Timer]:
        """All timers that have not been said, the next first; paused ones last. Raises StoreError: disk, permissions.

        A file that is no database of ours, or a newer one, is set aside; a row that makes no sense is named in the log
        and left out.
        """
        try:
            rows = self._rows()
        except _BrokenError as error:
            logger.error("%s; %s. No timer is left", error, self._aside(error))
            rows = self._rows()
        return sorted(filter(None, map(self._timer, rows)), key=lambda timer: (timer.due is None, timer.due))

    def _rows(self) -> list[tuple[Any, ...]]:
        with self._open() as database:
            return list(database.execute(f"SELECT {', '.join(_COLUMNS)} FROM timers"))  # noqa: S608 (our own names)

    def put(self, timer: Timer) -> None:
        values = tuple(getattr(timer, column) for column in _COLUMNS)
        with self._open() as database:
            database.execute("INSERT OR REPLACE INTO timers VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def delete(self, timer_id: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM timers WHERE id = ?", (timer_id,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block has ended (the rollback journal, synchronous=FULL).

        The file is opened anew each time: timers are rare, and a disk that was full or away is tried again.
        """
        with self._one_at_a_time:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                _make_private(self._path)
                database = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
            except (OSError, sqlite3.OperationalError) as error:
                raise StoreError(f"{self._path}: timers cannot be kept: {error}") from None
            try:
                with database:
                    database.execute("PRAGMA synchronous = FULL")
                    migrate_database(database, STEPS)
                    yield database
            except NewerFileError as error:
                raise _BrokenError(f"{self._path}: {error}") from error
            except sqlite3.OperationalError as error:  # full, read-only, locked, another schema
                raise StoreError(f"{self._path}: timers cannot be kept: {error}") from None
            except sqlite3.DatabaseError as error:
                raise _BrokenError(f"{self._path}: timers cannot be read or kept: {error}") from None
            finally:
                database.close()

    def _aside(self, error: _BrokenError) -> str:
        with self._one_at_a_time:
            return set_aside(self._path, error.__cause__)

    def _timer(self, row: tuple[Any, ...]) -> Timer | None:
        """The row's timer, or None where somebody has written what cannot be one."""
        right_types = all(isinstance(value, types) for value, types in zip(row, _TYPES, strict=True))
        if right_types and row[2] in ("timer", "reminder") and all(map(_possible, row)):
            return Timer(*row)
        logger.warning("%s: timer %.40r makes no sense and is ignored", self._path, row[0])
        return None


def _make_private(path: Path) -> None:
    """An empty file of mode 0600 where there is none. Raises OSError, also for what is no file."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("is no file")
    finally:
        os.close(descriptor)


def _possible(value: object) -> bool:
    return not isinstance(value, float) or (math.isfinite(value) and 0 <= value < 1e11)
