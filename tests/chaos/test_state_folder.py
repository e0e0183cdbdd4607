"""The state folder is full, cannot be written, or holds nonsense: the daemon hears and publishes, and says so."""

import os
import resource
import subprocess
from pathlib import Path

from chaos_parts import Daemon, Subscriber, configuration, running, until
from conftest import Mosquitto
from program import listener


def healthy_despite(daemon: Daemon, broker: Mosquitto, words: str) -> None:
    """Sounds are heard and arrive, the log says what is wrong, and there is no traceback."""
    broker.start()
    subscriber = Subscriber(broker.port)
    with running(daemon):
        until(lambda: all(len(subscriber.ids.get(room, ())) > 2 for room in ("kitchen", "hall")), daemon.log)
        until(lambda: words in daemon.log, daemon.log)
        trouble = subscriber.states["listener/bridge/health"][1]["trouble"]
        assert any(words in line for line in trouble) == (words == "in memory only")
    subscriber.close()
    assert "Traceback" not in daemon.log


def test_a_full_disk(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """A file system of 64 kB, where it can be mounted; else a limit on the size of files, which every write meets."""
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    state = tmp_path / "state"
    state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state], capture_output=True, check=False
    )
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        if mounted.returncode == 0:
            filler = state / "filler"
            filler.write_bytes(b"x" * 64 * 1024)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, limits[1]))
            daemon.env["PYTHONDONTWRITEBYTECODE"] = "1"
        healthy_despite(daemon, mosquitto, "in memory only")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        if mounted.returncode == 0:
            subprocess.run(["umount", state], check=True)


def test_a_folder_that_cannot_be_written(tmp_path: Path, mosquitto: Mosquitto) -> None:
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    daemon.folder.joinpath("state").symlink_to("/proc/self")  # nobody can write there, not even root
    healthy_despite(daemon, mosquitto, "in memory only")


def test_files_full_of_nonsense(tmp_path: Path, mosquitto: Mosquitto) -> None:
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    state = tmp_path / "state"
    state.mkdir()
    for name in ("outbox.sqlite", "settings.json", "daemon.pid"):
        (state / name).write_bytes(os.urandom(20_000))
    healthy_despite(daemon, mosquitto, "set aside")
    assert len(list(state.glob("*.broken-*"))) == 2


def test_a_second_daemon_is_refused_in_one_line(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    with running(daemon):
        until(lambda: daemon.told, daemon.log)
        second = listener(tmp_path, "run", "-c", daemon.config, env={"LISTENER_STATE": str(tmp_path / "state")})
        assert second.returncode == 1
        assert second.stderr.count("\n") == 1
        assert daemon.process is not None
        assert "stop it first" in second.stderr


def test_sigterm_ends_it_in_order_while_the_broker_answers_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    """What could not be sent is on disk, and arrives after the next start."""
    mosquitto.start()
    daemon = Daemon(tmp_path, configuration(tmp_path, mosquitto.port))
    subscriber = Subscriber(mosquitto.port)
    daemon.start()
    until(lambda: len(subscriber.ids) == 2, daemon.log)
    mosquitto.pause()
    heard = len(daemon.sounds()["kitchen"])
    until(lambda: len(daemon.sounds()["kitchen"]) > heard + 2, daemon.log)
    daemon.stop()
    assert daemon.process is not None
    assert daemon.process.returncode == 0  # not by force, which would be 1, after 5 s
    mosquitto.resume()
    expected = daemon.sounds()
    with running(daemon):
        until(lambda: all(set(ids) <= set(subscriber.ids[room]) for room, ids in expected.items()), daemon.log)
    for room, ids in expected.items():
        assert list(subscriber.ids[room])[: len(ids)] == ids
    subscriber.close()
