"""Keeps the outbox's events on disk, by a thread of its own: the event loop never waits for a disk."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from listener.config import OutboxConfig
from listener.store.kept import Kept
from listener.store.outbox import MemoryOutbox
from listener.store.sqlite_file import OutboxFile

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.25
"""A disk that is slower than this does not hold an alarm back: it is sent, and kept as soon as may be."""
REMOVE_SECONDS = 0.5
"""What was acknowledged may stay on disk so long: sent twice is harmless, and one commit does for many."""
HANG_SECONDS = 10.0
RETRY_SECONDS = 30.0
CLOSE_SECONDS = 1.0


@dataclass
class _Batch:
    """What is to be written next; `afresh`: the file is opened anew, and then holds this and nothing else."""

    added: dict[int, Kept] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    afresh: bool = False


class SqliteJournal:
    """Implements `Journal`. Commits as fast as the disk takes it: what comes during one commit goes with the next.

    When the disk fails, events are in memory only; `trouble` says why, and every 30 s it is tried again with all that
    waits then.
    """

    def __init__(self, path: Path, max_bytes: int, retry_seconds: float = RETRY_SECONDS) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._retry_seconds = retry_seconds
        self._loop = asyncio.get_running_loop()
        self._unwritten: dict[int, float] = {}  # by key: since when, monotonic
        self._broken = False
        self._box: MemoryOutbox | None = None
        self._watching: asyncio.TimerHandle | None = None
        self._retrying: asyncio.TimerHandle | None = None
        self._changed = threading.Condition()
        self._batch = _Batch()  # guarded by the condition, as is `_ended`
        self._ended = False
        self._opened = asyncio.Event()
        self._loaded = False  # the thread's own, as is the file
        self._file: OutboxFile | None = None
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self.trouble: str | None = None

    async def open(self, box: MemoryOutbox) -> None:
        """Read what an earlier process left into `box`, then keep what it is given. Never fails: see `trouble`."""
        self._box = box
        box.absorb((), _first_key([]))
        self._thread.start()
        await self._opened.wait()

    async def close(self) -> None:
        """Write what is left, for a second at most."""
        for timer in (self._watching, self._retrying):
            if timer is not None:
                timer.cancel()
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
        if self._thread.is_alive():
            logger.error("%s: the disk does not answer; the last events may be sent twice, or not be kept", self._path)

    def add(self, kept: Kept) -> None:
        if self._broken:
            return
        self._unwritten[kept.key] = self._loop.time()
        self._watch()
        with self._changed:
            self._batch.added[kept.key] = kept
            self._changed.notify()

    def remove(self, key: int) -> None:
        self._unwritten.pop(key, None)
        if self._broken:
            return
        with self._changed:
            if self._batch.added.pop(key, None) is None:
                self._batch.removed.add(key)
                self._changed.notify()

    def may_go(self, key: int) -> bool:
        since = self._unwritten.get(key)
        return since is None or self._loop.time() - since >= PATIENCE_SECONDS

    def _watch(self) -> None:
        if self._watching is None:
            self._watching = self._loop.call_later(PATIENCE_SECONDS, self._look)

    def _look(self) -> None:
        """Let go what the disk has been too slow for, and say so when it does not answer at all."""
        self._watching = None
        if not self._unwritten:
            return
        waited_seconds = self._loop.time() - next(iter(self._unwritten.values()))
        if waited_seconds > HANG_SECONDS:
            self._complain("the disk does not answer")
        self._wake()
        self._watch()

    def _written(self, keys: list[int]) -> None:
        for key in keys:
            self._unwritten.pop(key, None)
        if self.trouble is not None and not self._broken:
            logger.warning("%s: events are kept on disk again", self._path)
            self.trouble = None
        self._wake()

    def _wake(self) -> None:
        if self._box is not None:
            self._box.wake()

    def _failed(self, error: Exception) -> None:
        self._complain(str(getattr(error, "strerror", None) or error))
        self._broken = True
        self._unwritten.clear()
        self._wake()
        if self._retrying is None:
            self._retrying = self._loop.call_later(self._retry_seconds, self._try_again)

    def _complain(self, reason: str) -> None:
        if self.trouble is None:
            self.trouble = (
                f"{self._path}: events cannot be kept on disk ({reason}); they are in memory only, and a restart would "
                "lose those that the broker does not have yet. Make room, or check the folder's owner and mode"
            )
            logger.error("%s", self.trouble)

    def _try_again(self) -> None:
        assert self._box is not None
        self._retrying = None
        self._broken = False
        with self._changed:
            self._batch = _Batch({kept.key: kept for kept in self._box.kept()}, afresh=True)
            self._changed.notify()

    def _absorb(self, kept: list[Kept]) -> None:
        assert self._box is not None
        self._box.absorb(kept, _first_key(kept))
        self._wake()

    # From here on: the thread.

    def _load(self) -> None:
        """The first success of a process brings what an earlier one has left."""
        if self._file is None:
            self._file = OutboxFile(self._path, self._max_bytes)
        if not self._loaded:
            left = self._file.load()
            self._loaded = True
            if left:
                logger.info("%d events of an earlier run wait for the broker", len(left))
            self._tell(partial(self._absorb, left))

    def _work(self) -> None:
        try:
            self._load()
        except (OSError, sqlite3.Error) as error:
            self._tell(partial(self._failed, error))
        self._tell(self._opened.set)
        while (batch := self._next()) is not None:
            try:
                first_time = not self._loaded
                self._load()
                assert self._file is not None
                # What was just loaded is in no snapshot yet, so it must stay.
                self._file.write(batch.added.values(), batch.removed, afresh=batch.afresh and not first_time)
            except (OSError, sqlite3.Error) as error:
                self._drop_file()
                self._tell(partial(self._failed, error))
            else:
                self._tell(partial(self._written, list(batch.added)))
        self._drop_file()

    def _next(self) -> _Batch | None:
        """The next batch; None at the end. Removals alone may wait."""
        due: float | None = None
        with self._changed:
            while not (self._batch.added or self._batch.afresh or self._ended):
                if self._batch.removed and due is None:
                    due = time.monotonic() + REMOVE_SECONDS
                left_seconds = None if due is None else due - time.monotonic()
                if left_seconds is not None and left_seconds <= 0:
                    break
                self._changed.wait(left_seconds)
            batch, self._batch = self._batch, _Batch()
            return batch if batch.added or batch.removed or batch.afresh or not self._ended else None

    def _drop_file(self) -> None:
        if self._file is not None:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
            self._file = None

    def _tell(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(call)


def _first_key(kept: list[Kept]) -> int:
    """Above all that is on disk, also above what could not be read yet: microseconds since 1970."""
    newest = max((item.key for item in kept), default=0)
    return max(newest + 1, time.time_ns() // 1_000)


@asynccontextmanager
async def open_outbox(folder: Path, config: OutboxConfig) -> AsyncIterator[MemoryOutbox]:
    """The outbox of the configuration, with what waits in `folder/outbox.sqlite` since the last run."""
    max_bytes = int(config.max_megabytes * 1e6)
    journal = SqliteJournal(folder / "outbox.sqlite", max_bytes) if config.durable else None
    box = MemoryOutbox(
        config.max_messages,
        capacity_bytes=max_bytes,
        max_age_seconds=config.max_age_hours * 3_600,
        max_urgent_age_seconds=config.max_urgent_age_hours * 3_600,
        journal=journal,
    )
    if journal is None:
        yield box
        return
    await journal.open(box)
    try:
        yield box
    finally:
        await journal.close()
