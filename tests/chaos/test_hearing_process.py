"""A process that hears for a room dies or hangs, with speech on, while two rooms play; and the daemon dies."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from chaos_parts import Daemon, Subscriber, configuration, running, until
from conftest import Mosquitto

CURED_SECONDS = 15.0
TWO_EARS = "engine: {processes: 2}"


@pytest.fixture
def daemon(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Daemon]:
    """Kitchen and hall play the scene, each heard by a process of its own, in this order."""
    mosquitto.start()
    config = configuration(tmp_path, mosquitto.port, more=TWO_EARS, realtime=True, speech=True)
    one = Daemon(tmp_path, config)
    with running(one):
        until(lambda: one.of("kitchen", "decision") and one.of("hall", "decision"), one.log)
        yield one
    assert "Traceback" not in one.log


def is_degraded(daemon: Daemon, room: str) -> bool:
    return "degraded" in daemon.of(room, "status")[-1]["flags"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_its_room_says_so_and_hears_again_and_the_other_misses_nothing(
    daemon: Daemon, mosquitto: Mosquitto, number: signal.Signals
) -> None:
    subscriber = Subscriber(mosquitto.port)
    subscriber.send("listener/kitchen/test", "smoke_alarm")
    until(lambda: daemon.of("kitchen", "sound_started"), daemon.log)
    (open_sound,) = daemon.of("kitchen", "sound_started")

    daemon.ears()[0].send_signal(number)
    began = daemon.of("hall", "decision")[-1]["t"]  # the clock of a room that is well: a slow machine is no failure
    until(lambda: is_degraded(daemon, "kitchen"), daemon.log)
    until(lambda: not is_degraded(daemon, "kitchen"), daemon.log)
    assert daemon.of("hall", "decision")[-1]["t"] - began <= CURED_SECONDS
    until(lambda: daemon.of("kitchen", "sound_ended"), daemon.log)  # told in the same chunk, after the status
    (ended,) = daemon.of("kitchen", "sound_ended")
    assert ended["id"] == open_sound["id"]
    until(lambda: daemon.of("kitchen", "decision")[-1]["t"] > ended["t"] + 2, daemon.log)

    hall = [event["t"] for event in daemon.of("hall", "decision")]
    assert hall == [round(0.4 * (n + 1), 3) for n in range(len(hall))]
    assert all("degraded" not in event["flags"] for event in daemon.of("hall", "status"))
    subscriber.close()


def test_a_daemon_that_is_killed_leaves_no_process_behind(daemon: Daemon) -> None:
    assert daemon.process is not None
    children = psutil.Process(daemon.process.pid).children(recursive=True)
    assert len(daemon.ears()) == 2
    daemon.stop(signal.SIGKILL)
    until(lambda: not any(child.is_running() for child in children), f"{children}")
