"""`listener run` as systemd starts it: a real process, a real broker, sound from a recording or a pipe."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile
from conftest import Mosquitto, free_port
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from program import command, environment, events, listener

from listener.bench.scene import kitchen
from listener.vocabulary import URGENT_LABELS

WAIT_SECONDS = 60.0


class Watcher:
    """An independent client that keeps the last payload of every topic, and all of them in order."""

    def __init__(self, port: int) -> None:
        self.seen: list[tuple[str, str]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, "witness")
        self._client.on_connect = lambda c, *_: c.subscribe("#", 1)
        self._client.on_message = lambda _c, _u, m: self.seen.append(
            (m.topic, bytes(m.payload).decode(errors="replace"))
        )
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with contextlib.suppress(OSError):
                self._client.connect("127.0.0.1", port)
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, topic: str, payload: str | bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(WAIT_SECONDS)

    def all(self, topic: str) -> list[str]:
        return [payload for t, payload in self.seen if t == topic]

    def last(self, topic: str) -> Any:
        payloads = self.all(topic)
        return json.loads(payloads[-1]) if payloads else None

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.seen[-5:]
            time.sleep(0.02)


@contextmanager
def daemon(folder: Path, config: str, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    path = folder / "config.yaml"
    path.write_text(config)
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command("run", "-c", path, *options),
            env=environment(folder, LISTENER_STATE=str(folder / "state")),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@contextmanager
def witness(port: int) -> Iterator[Watcher]:
    client = Watcher(port)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "kitchen.wav"
    soundfile.write(path, kitchen(), 16_000)
    return path


def one_room(scene: Path, mqtt: str, source: str = "") -> str:
    source = source or f"{{type: file, path: {scene}, realtime: false}}"
    return f"rooms: [{{name: Kitchen, source: {source}}}]\nmqtt: {mqtt}\n"


@pytest.mark.parametrize("processes", [0, 1])
def test_an_alarm_reaches_an_independent_client(
    processes: int, tmp_path: Path, scene: Path, mosquitto: Mosquitto
) -> None:
    mosquitto.start()
    config = one_room(scene, f"{{port: {mosquitto.port}}}") + f"engine: {{processes: {processes}}}\n"
    with witness(mosquitto.port) as client, daemon(tmp_path, config) as process:
        client.until(lambda: client.last("listener/kitchen/response"))
        client.until(lambda: "OFF" in client.all("listener/kitchen/sound/smoke_alarm")[2:])
        sounds = [json.loads(sound) for sound in client.all("listener/kitchen/sound")]
        (sound,) = (sound for sound in sounds if sound["label"] in URGENT_LABELS)  # the doorbell is heard as well
        assert (sound["event_type"], sound["room"], sound["label"]) == ("smoke_alarm", "kitchen", "smoke_alarm")
        assert client.last("listener/kitchen/response")["text"] == "Smoke alarm in Kitchen! Check for fire now."
        assert client.all("listener/kitchen/sound/smoke_alarm") == ["OFF", "ON", "OFF"]
        assert client.last("listener/kitchen/availability") == {"state": "online"}
        assert client.last("listener/bridge/state") == {"state": "online"}
        assert client.last("listener/bridge/info")["rooms"] == ["kitchen"]
        assert client.last("listener/bridge/health")["memory_mb"] < 150 + 80 * processes
        client.until(lambda: client.last("listener/kitchen/status")["state"] == "no_audio")
        assert "has ended" in client.last("listener/kitchen/status")["detail"]
        assert sum(topic.startswith("homeassistant/device/") for topic, _ in client.seen) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        client.until(lambda: client.last("listener/bridge/state") == {"state": "offline"})


def test_settings_from_mqtt_survive_a_restart(tmp_path: Path, scene: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = one_room(scene, f"{{port: {mosquitto.port}}}", f"{{type: file, path: {scene}, loop: true}}")
    with witness(mosquitto.port) as client:
        with daemon(tmp_path, config):
            client.until(lambda: client.last("listener/kitchen/status"))
            client.send("listener/kitchen/mute/set", "ON")
            client.send("listener/kitchen/strictness/set", "paranoid")
            client.send("listener/kitchen/threshold/set", "0.25")
            client.send("listener/kitchen/threshold/set", "nine")
            client.send("listener/kitchen/mute/set", b"\xff" * 1_000_000)
            client.until(lambda: client.all("listener/kitchen/threshold")[-1] == "0.25")
            client.until(lambda: client.last("listener/kitchen/status")["state"] == "muted")
        client.seen.clear()
        with daemon(tmp_path, config):
            client.until(lambda: client.last("listener/bridge/info"))
            client.until(lambda: client.last("listener/kitchen/status"))
            assert client.last("listener/kitchen/status")["state"] == "muted"
            client.until(lambda: client.all("listener/kitchen/threshold"))
            assert client.all("listener/kitchen/mute")[-1] == "ON"
            assert client.all("listener/kitchen/strictness")[-1] == "paranoid"
            assert client.all("listener/kitchen/threshold")[-1] == "0.25"
            client.send("listener/kitchen/mute/set", "OFF")
            client.until(lambda: client.last("listener/kitchen/status")["state"] == "listening")
    log = (tmp_path / "log").read_text()
    assert "'nine' is no number from 0 to 1" in log
    assert "is longer than 256 bytes" in log
    assert "Traceback" not in log


def test_the_test_button_goes_through_the_whole_chain(tmp_path: Path, scene: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = one_room(scene, f"{{port: {mosquitto.port}}}", f"{{type: file, path: {scene}, loop: true}}")
    with witness(mosquitto.port) as client, daemon(tmp_path, config):
        client.until(lambda: (client.last("listener/kitchen/status") or {}).get("state") == "listening")
        client.send("listener/kitchen/test", "PRESS")
        client.until(lambda: client.last("listener/kitchen/response"))
        sound = next(s for s in map(json.loads, client.all("listener/kitchen/sound")) if s["event_type"] == "test")
        assert sound["test"] is True
        assert client.last("listener/kitchen/response")["text"].startswith("This is a test in Kitchen.")


def test_the_embedded_broker_needs_nothing_else(tmp_path: Path, scene: Path) -> None:
    port = free_port()
    with daemon(tmp_path, one_room(scene, f"{{broker: embedded, port: {port}}}")) as process, witness(port) as client:
        client.until(lambda: client.all("listener/kitchen/sound/smoke_alarm"))
        client.until(lambda: client.last("listener/kitchen/response"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_pipe_that_ends_ends_the_daemon(tmp_path: Path, scene: Path) -> None:
    samples, _ = soundfile.read(scene, dtype="int16")
    config = "rooms: [{name: Kitchen, source: {type: pipe}}]\n"
    with daemon(tmp_path, config, "--json") as process:
        stdout, _ = process.communicate(samples.tobytes(), timeout=60)
        assert process.returncode == 0
    told = events(stdout.decode())
    assert "smoke_alarm" in [e["label"] for e in told if e["event"] == "sound_started"]
    assert [e["t"] for e in told if e["event"] == "decision"] == [round(0.4 * n, 3) for n in range(1, 101)]
    assert all(e["time"].endswith("Z") for e in told if e["event"] == "decision")


def test_one_room_without_sound_does_not_hurt_the_other(tmp_path: Path, scene: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = f"""
rooms:
  - {{name: Kitchen, source: {{type: file, path: {scene}, realtime: false}}}}
  - {{name: Attic, source: {{type: file, path: {tmp_path}/none.wav}}}}
mqtt: {{port: {mosquitto.port}}}
"""
    with witness(mosquitto.port) as client, daemon(tmp_path, config):
        client.until(lambda: client.last("listener/kitchen/response"))
        client.until(lambda: client.last("listener/attic/status"))
        assert client.last("listener/attic/status")["state"] == "no_audio"
        assert "none.wav" in client.last("listener/attic/status")["detail"]


def test_a_daemon_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        path = tmp_path / "c.yaml"
        path.write_text(
            "rooms: [{name: A, source: {type: pipe}}]\n"
            f"mqtt: {{broker: embedded, port: {taken.getsockname()[1]}}}\n"
        )
        done = listener(tmp_path, "run", "-c", path)
    assert done.returncode == 1
    assert "the port is in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["rooms: []", "rooms: [{name: A}]", "nonsense", ""])
def test_a_bad_configuration_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(content)
    done = listener(tmp_path, "run", "-c", path)
    assert done.returncode == 78
    assert all(line.startswith(f"listener: {path}: ") for line in done.stderr.splitlines())
    assert done.stderr


def test_without_a_configuration_the_places_are_named(tmp_path: Path) -> None:
    done = listener(tmp_path, "run")
    assert done.returncode == 78
    assert "`listener config example` prints every key; or give -c FILE" in done.stderr
