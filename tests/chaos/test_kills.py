"""The broker and the daemon are killed while rooms hear: the short form of what `make chaos` does."""

import random
import sqlite3
from pathlib import Path

from chaos_parts import kill_broker, kill_daemon
from conftest import Mosquitto


def test_a_broker_that_is_killed_loses_no_sound(tmp_path: Path, mosquitto: Mosquitto) -> None:
    dice = random.Random(5)
    daemon, subscriber = kill_broker(tmp_path, mosquitto, 3, lambda: dice.uniform(0.5, 2.0))
    for room, ids in daemon.sounds().items():
        assert list(subscriber.ids[room]) == ids  # every id, in order of first arrival
    assert "Traceback" not in daemon.log


def test_a_daemon_that_is_killed_loses_nothing_older_than_100_ms(tmp_path: Path, mosquitto: Mosquitto) -> None:
    dice = random.Random(6)
    daemon, _, expected = kill_daemon(tmp_path, mosquitto, 5, lambda: dice.uniform(0.2, 1.0))
    assert expected >= 2, "events that had to arrive; how many there are depends on the machine"
    assert "Traceback" not in daemon.log
    connection = sqlite3.connect(tmp_path / "state" / "outbox.sqlite")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    connection.close()
