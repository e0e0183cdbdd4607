"""SIGHUP and an end that hangs, on real processes."""

import signal
import subprocess
import sys
from pathlib import Path

from chaos_parts import Daemon, configuration, running, until
from conftest import Mosquitto

HANGS = """
import time
from listener.cli.run import _end_by_force_after
_end_by_force_after(0.2)
time.sleep(60)
"""


def heard(daemon: Daemon, room: str) -> list[float]:
    return [e["t"] for _, e in tuple(daemon.told) if e["event"] == "decision" and e["room"] == room]


def test_sighup_exchanges_rooms_and_a_mistake_changes_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    with running(daemon):
        assert daemon.process is not None
        until(lambda: heard(daemon, "kitchen") and heard(daemon, "hall"), daemon.log)
        good = daemon.config.read_text()
        daemon.config.write_text("rooms: []\n")
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: "all stays as it was" in daemon.log, daemon.log)
        daemon.config.write_text(good.replace("Hall", "Attic"))
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: heard(daemon, "attic"), daemon.log)
        before = len(heard(daemon, "hall"))
        chunks = len(heard(daemon, "kitchen"))
        until(lambda: len(heard(daemon, "kitchen")) > chunks + 100, daemon.log)
        assert len(heard(daemon, "hall")) == before
    kitchen = heard(daemon, "kitchen")
    assert kitchen == [round(0.4 * (n + 1), 3) for n in range(len(kitchen))]
    assert "Traceback" not in daemon.log


def test_what_hangs_at_the_end_is_ended_by_force() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "ended by force" in done.stderr
