"""`listener mute` against a real daemon and a real broker: what it says is what the capture did."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from conftest import Mosquitto, free_port
from paho.mqtt import publish
from program import command, environment, listener

from listener.bench.synthesis import tone


@pytest.fixture
def config(tmp_path: Path, mosquitto: Mosquitto) -> Path:
    mosquitto.start()
    return write_config(tmp_path, f"mqtt: {{port: {mosquitto.port}}}")


def write_config(folder: Path, *more: str) -> Path:
    soundfile.write(folder / "tone.wav", tone(2.0, 440.0), 16_000)
    source = f"{{type: file, path: {folder}/tone.wav, loop: true}}"
    path = folder / "c.yaml"
    rooms = [f"  - {{name: {name}, source: {source}}}" for name in ("Kitchen", "Living Room")]
    path.write_text("\n".join(("rooms:", *rooms, "sounds: {tagger: none}", *more)) + "\n")
    return path


@contextlib.contextmanager
def daemon(config: Path, kill: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
    folder = config.parent
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command("run", "-c", config), env=environment(folder, LISTENER_STATE=str(folder / "state")), stderr=log
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        process.wait(20)


def mute(config: Path, *words: str) -> tuple[int, str, str]:
    done = listener(config.parent, "mute", *words, "-c", config)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_it_closes_opens_and_tells(config: Path) -> None:
    with daemon(config):
        until_online(config)
        assert mute(config, "kitchen") == (0, "Kitchen: muted: the microphone is closed", "")
        assert mute(config, "KITCHEN", "on") == (0, "Kitchen: muted: the microphone is closed", "")
        assert mute(config, "all", "status")[1].splitlines()[0] == "Kitchen: muted: the microphone is closed"
        assert mute(config, "living room", "status")[1] == "Living Room: listening"
        assert mute(config, "kitchen", "off")[:2] == (0, "Kitchen: listening")
        assert mute(config, "all", "on")[1].count("the microphone is closed") == 2


def until_online(config: Path) -> None:
    while mute(config, "all", "status")[0]:
        pass


def test_a_daemon_that_has_gone_confirms_nothing(config: Path) -> None:
    assert "no daemon answers at the broker" in mute(config, "kitchen")[2]
    with daemon(config):
        until_online(config)
        assert mute(config, "kitchen", "on")[0] == 0
    status, out, err = mute(config, "kitchen", "on")
    assert (status, out) == (1, "")
    assert "the daemon is not running" in err


def test_what_stands_at_the_broker_is_no_confirmation(
    config: Path, mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it says muted, but nobody is there: a daemon that died, or a broker that lies."""
    from listener.cli import mute as module

    states = (("bridge/state", '{"state":"online"}'), ("kitchen/mute", "ON"), ("kitchen/status", '{"state":"muted"}'))
    for topic, payload in states:
        publish.single(f"listener/{topic}", payload, qos=1, retain=True, port=mosquitto.port)
    monkeypatch.setattr(module, "CONFIRM_SECONDS", 1.0)
    from listener.cli.main import build_parser

    args = build_parser().parse_args(["mute", "kitchen", "-c", str(config)])
    assert args.run(args) == 1


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    assert "no `mqtt` section" in mute(config, "kitchen")[2]
    assert "rooms are kitchen, living_room" in mute(config, "attic")[2]
    config = write_config(tmp_path, f"mqtt: {{port: {free_port()}}}")
    assert "nobody listens there" in mute(config, "kitchen")[2]
