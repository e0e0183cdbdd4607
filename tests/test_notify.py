import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.notify import Notifier, Progress, Reading, Watchdog, stalled, watchdog_interval_seconds


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The receiving end, as systemd opens it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def received(sock: socket.socket) -> list[str]:
    """What has arrived; datagrams on AF_UNIX are there as soon as `send` returns."""
    sock.setblocking(False)
    messages = []
    while True:
        try:
            messages.append(sock.recv(4_096).decode())
        except BlockingIOError:
            return messages


def test_each_message_is_one_datagram(systemd: socket.socket) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": systemd.getsockname()})
    notifier.ready("listening in 2 rooms")
    notifier.status("kitchen: no audio")
    notifier.watchdog()
    notifier.stopping()
    assert received(systemd) == [
        "READY=1\nSTATUS=listening in 2 rooms",
        "STATUS=kitchen: no audio",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_reloading_carries_the_monotonic_time(systemd: socket.socket) -> None:
    Notifier(systemd.getsockname()).reloading()
    (message,) = received(systemd)
    assert message.startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert int(message.rpartition("=")[2]) > 0


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0listener-test-{os.getpid()}")
        Notifier(f"@listener-test-{os.getpid()}").watchdog()
        assert received(sock) == ["WATCHDOG=1"]


def test_a_status_cannot_smuggle_in_another_variable(systemd: socket.socket) -> None:
    notifier = Notifier(systemd.getsockname())
    notifier.status("kitchen\nMAINPID=1\nWATCHDOG=1")
    notifier.status("  \n ")
    assert received(systemd) == ["STATUS=kitchen MAINPID=1 WATCHDOG=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier.from_environment(environ)
    notifier.ready()
    assert notifier.lost == 0


def test_a_kind_of_socket_that_we_do_not_speak_is_named(caplog: pytest.LogCaptureFixture) -> None:
    Notifier("vsock:2:1234").ready()
    assert "vsock:2:1234" in caplog.text


def test_a_dead_socket_is_logged_once_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier(str(tmp_path / "gone"))
    notifier.watchdog()
    notifier.watchdog()
    assert notifier.lost == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "²"}, None),
    ],
)
def test_the_interval_comes_from_the_environment(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_interval_seconds(environ, pid=7) == seconds


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (Reading(5, False), Reading(6, False), ()),
        (Reading(5, False), Reading(5, False), ("decisions",)),
        (Reading(5, True), Reading(5, True), ()),
        (Reading(5, True), Reading(5, False), ()),  # unmuted a moment ago
        (Reading(5, False), Reading(5, True), ()),  # muted a moment ago
        (Reading(5, False), Reading(0, False), ()),  # began anew: that is a movement
    ],
)
def test_what_has_stalled(before: Reading, now: Reading, expected: tuple[str, ...]) -> None:
    loop = {"loop": Reading(1, False)}, {"loop": Reading(2, False)}
    assert stalled({**loop[0], "decisions": before}, {**loop[1], "decisions": now}) == expected


class House:
    """Counters as the daemon has them."""

    def __init__(self) -> None:
        self.ticks = 0
        self.decided = 0
        self.all_muted = False

    def watchdog(self, sock: socket.socket) -> Watchdog:
        progress = {
            "loop": Progress(lambda: self.ticks),
            "decisions": Progress(lambda: self.decided, lambda: self.all_muted),
        }
        return Watchdog(Notifier(sock.getsockname()), 30.0, progress)


def test_it_is_fed_while_everything_moves(systemd: socket.socket) -> None:
    house = House()
    watchdog = house.watchdog(systemd)
    for _ in range(3):
        house.ticks += 1
        house.decided += 25
        assert watchdog.beat() == ()
    assert received(systemd) == ["WATCHDOG=1"] * 3


def test_a_worker_that_hangs_is_not_covered_up(systemd: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    house = House()
    watchdog = house.watchdog(systemd)
    for _ in range(3):
        house.ticks += 1
        assert watchdog.beat() == ("decisions",)
    assert received(systemd) == ["STATUS=No progress: decisions"]
    assert [r.levelno for r in caplog.records] == [logging.ERROR]

    house.ticks += 1
    house.decided += 1
    assert watchdog.beat() == ()
    assert received(systemd) == ["WATCHDOG=1", "STATUS=Progress again"]


def test_a_muted_house_is_no_reason_to_restart(systemd: socket.socket) -> None:
    house = House()
    house.all_muted = True
    watchdog = house.watchdog(systemd)
    house.ticks += 1
    assert watchdog.beat() == ()
    assert watchdog.beat() == ("loop",)  # muted or not, the main loop must move


async def test_run_feeds_at_once_and_goes_on(systemd: socket.socket) -> None:
    import asyncio

    house = House()

    def tick() -> int:
        house.ticks += 1
        return house.ticks

    watchdog = Watchdog(Notifier(systemd.getsockname()), 0.03, {"loop": Progress(tick)})
    task = asyncio.create_task(watchdog.run())
    for _ in range(3):
        assert await asyncio.to_thread(systemd.recv, 4_096) == b"WATCHDOG=1"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
