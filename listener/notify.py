"""Telling systemd how we are: ready, a line of status, alive. Without systemd every call does nothing.

The protocol is one datagram of `NAME=value` lines to the socket named in NOTIFY_SOCKET: sd_notify(3),
sd_watchdog_enabled(3).
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

logger = logging.getLogger(__name__)

SEND_TIMEOUT_SECONDS = 1.0
BEATS_PER_INTERVAL = 3
"""sd_watchdog_enabled(3) advises to notify at half the interval; with a third, one beat may be lost."""


class Notifier:
    """Sends to one notification socket; `address` as in NOTIFY_SOCKET, `@` for an abstract one, None for no systemd.

    A message that cannot be sent is logged (the first of a row) and counted in `lost`; it never raises, because
    hearing does not depend on systemd.
    """

    def __init__(self, address: str | None) -> None:
        self._address = _usable(address)
        self._failing = False
        self.lost = 0

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Notifier":
        return cls((os.environ if environ is None else environ).get("NOTIFY_SOCKET"))

    def ready(self, status: str = "") -> None:
        """Start-up, or a reload, is complete."""
        self._send("READY=1", *_status(status))

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(*_status(text))

    def watchdog(self) -> None:
        """Still making progress: start the watchdog's interval anew."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """The configuration is being read again. Type=notify-reload wants the monotonic time (us) with it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1_000}")

    def stopping(self, status: str = "") -> None:
        """Shutdown has begun."""
        self._send("STOPPING=1", *_status(status))

    def _send(self, *lines: str) -> None:
        if self._address is None or not lines:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.settimeout(SEND_TIMEOUT_SECONDS)
                sock.connect(self._address)
                sock.sendall("\n".join(lines).encode())
            self._failing = False
        except OSError as error:
            self.lost += 1
            if not self._failing:
                logger.warning("systemd's socket %r takes no message: %s; it may restart us", self._address, error)
            self._failing = True


def _usable(address: str | None) -> str | None:
    """The address for `connect`: an abstract socket's `@` stands for a zero byte. Only AF_UNIX is spoken."""
    if not address:
        return None
    if address.startswith("@"):
        return "\0" + address[1:]
    if address.startswith("/"):
        return address
    logger.warning("NOTIFY_SOCKET=%r is no Unix socket; systemd is not told that we are ready", address)
    return None


def _status(text: str) -> tuple[str, ...]:
    """A line break would begin another variable, and a room's name may hold anything: keep it on one line."""
    return (f"STATUS={' '.join(text.split())}",) if text.strip() else ()


def watchdog_interval_seconds(environ: Mapping[str, str] | None = None, pid: int | None = None) -> float | None:
    """How long systemd waits for a beat, in seconds; None when no watchdog is set, or it is for another process."""
    environ = os.environ if environ is None else environ
    microseconds = environ.get("WATCHDOG_USEC", "")
    if not microseconds:
        return None
    if not (microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0):
        logger.warning("WATCHDOG_USEC=%r is no number of microseconds; the watchdog is not fed", microseconds)
        return None
    meant_for = environ.get("WATCHDOG_PID", "")
    if meant_for and meant_for != str(os.getpid() if pid is None else pid):
        return None
    return int(microseconds) / 1_000_000


@dataclass(frozen=True, slots=True)
class Progress:
    """A number that grows while its owner works. While `idle` says so (every room muted or dead) it may stand still."""

    count: Callable[[], int]
    idle: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a `Progress`."""

    count: int
    idle: bool


def stalled(before: Mapping[str, Reading], now: Mapping[str, Reading]) -> tuple[str, ...]:
    """Names of what should have moved between two looks and did not.

    Idle at either look excuses: a room that was unmuted a moment ago has had no time for a chunk.
    """
    return tuple(
        name
        for name, reading in now.items()
        if reading.count == before[name].count and not (reading.idle or before[name].idle)
    )


class Watchdog:
    """Feeds systemd's watchdog, but only while every `Progress` that should move does.

    It is fed by what was done and not by a timer alone: a worker that hangs is then restarted, although the event
    loop, which runs this, is well.
    """

    def __init__(self, notifier: Notifier, interval_seconds: float, progress: Mapping[str, Progress]) -> None:
        self._notifier = notifier
        self._interval_seconds = interval_seconds
        self._progress = dict(progress)
        self._last = self._look()
        self._stalled: tuple[str, ...] = ()

    async def run(self) -> None:
        """Beat until cancelled."""
        self._last = self._look()
        self._notifier.watchdog()
        while True:
            await asyncio.sleep(self._interval_seconds / BEATS_PER_INTERVAL)
            self.beat()

    def beat(self) -> tuple[str, ...]:
        """Look once, and feed the watchdog if all is well. Returns the names of what has stalled."""
        now = self._look()
        names = stalled(self._last, now)
        self._last = now
        if not names:
            self._notifier.watchdog()
        if names != self._stalled:
            self._tell(names)
        self._stalled = names
        return names

    def _tell(self, names: tuple[str, ...]) -> None:
        if names:
            logger.error("no progress: %s; systemd restarts us if this lasts", ", ".join(names))
            self._notifier.status(f"No progress: {', '.join(names)}")
        else:
            logger.warning("progress again: %s", ", ".join(self._stalled))
            self._notifier.status("Progress again")

    def _look(self) -> dict[str, Reading]:
        return {name: Reading(p.count(), p.idle()) for name, p in self._progress.items()}
