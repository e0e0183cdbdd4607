"""One daemon for each state folder: two would undo each other's settings and send each other's messages."""

import contextlib
import errno
import fcntl
import logging
import os
from pathlib import Path
from typing import Self

from listener.errors import StoreError

logger = logging.getLogger(__name__)

PID_FILE = "daemon.pid"


class StateLock:
    """Holds the folder itself by flock(2), for as long as the context is open or the process lives.

    The folder and not a file in it, because that works where nothing can be written. Of the process that holds it only
    the number is written down, for the message that the second one gives. Where there can be no lock (no folder, a file
    system without locks) that is logged, and the daemon runs: hearing matters more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Raises StoreError when another process has the folder."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._close()
            if error.errno == errno.EWOULDBLOCK:
                raise StoreError(self._refusal()) from None
            logger.warning(
                "%s: cannot be locked (%s); nothing is remembered there, and a second daemon would not be noticed. "
                "Correct the folder's owner and mode, or choose another with LISTENER_STATE",
                *(self._folder, error.strerror),
            )
            return self
        with contextlib.suppress(OSError):  # only for a message
            (self._folder / PID_FILE).write_text(f"{os.getpid()}\n", encoding="ascii")
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                (self._folder / PID_FILE).unlink()
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _refusal(self) -> str:
        who = "another listener"
        with contextlib.suppress(OSError, ValueError):
            who = f"another listener (process {int((self._folder / PID_FILE).read_bytes()[:20])})"
        return (
            f"{self._folder}: {who} runs with this state folder; stop it first, or give this one a folder of its own "
            "with LISTENER_STATE"
        )
