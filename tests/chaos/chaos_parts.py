"""Parts of the chaos tests and of `make chaos`: a broker and a subscriber with a memory, a daemon to be killed."""

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import soundfile
from conftest import Mosquitto
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from program import command, environment

from listener.bench.scene import kitchen
from listener.perceive.process.client import MODULE as EAR

WAIT_SECONDS = 60.0
GRACE_SECONDS = 0.1
"""What was decided within the last 100 ms before a kill may be lost; nothing else."""

TOPICS = ("listener/+/sound", "listener/+/threshold", "listener/bridge/health")

MEMORY = (
    "allow_anonymous true",
    "persistence true",
    "autosave_on_changes true",
    "autosave_interval 1",
    "max_queued_messages 0",
)


def remember(broker: Mosquitto, folder: Path, *settings: str) -> None:
    """From the next start on the broker keeps what it has acknowledged, also over a kill."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    broker.configure(*(settings or MEMORY), f"persistence_location {folder}/")


def until(condition: Callable[[], object], what: str = "") -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Subscriber:
    """An independent client with a persistent session. `ids` are those of each room's sounds, in order of arrival."""

    def __init__(self, port: int) -> None:
        self.ids: dict[str, dict[str, None]] = {}
        self.doubles = 0
        self.states: dict[str, tuple[float, Any]] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, "chaos-subscriber", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in TOPICS])
        self._client.on_message = lambda _c, _d, message: self._note(message.topic, json.loads(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(self._client.is_connected)

    def send(self, topic: str, payload: str) -> None:
        self._client.publish(topic, payload, 1)

    def _note(self, topic: str, sound: Any) -> None:
        if not topic.endswith("/sound"):
            self.states[topic] = (time.monotonic(), sound)
            return
        ids = self.ids.setdefault(sound["room"], {})
        self.doubles += sound["id"] in ids
        ids[sound["id"]] = None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_connect = self._client.on_message = None


@dataclass
class Daemon:
    """`listener run --json` in a process of its own; `told` is what it has decided, and when we read it."""

    folder: Path
    config: Path
    env: dict[str, str] = field(default_factory=dict)
    told: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None
    _reader: threading.Thread | None = None

    def start(self) -> None:
        env = environment(self.folder, LISTENER_STATE=str(self.folder / "state"), **self.env)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["nice", *command("run", "-c", self.config, "--json")],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._reader = threading.Thread(target=self._read, args=(self.process,))
        self._reader.start()

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith(b"\n"):
                self.told.append((time.monotonic(), json.loads(line)))

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Seconds that it took to end."""
        assert self.process is not None
        assert self._reader is not None
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        took = time.monotonic() - began
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return took

    def sounds(self, before: float | None = None) -> dict[str, list[str]]:
        """Ids of the sounds that each room told, in order; those until `before`, by the monotonic clock."""
        found: dict[str, list[str]] = {}
        for at, event in tuple(self.told):
            if event["event"] == "sound_started" and (before is None or at <= before):
                found.setdefault(event["room"], []).append(event["id"])
        return found

    def of(self, room: str, *names: str) -> list[dict[str, Any]]:
        """The events of a room with these names, in order."""
        return [event for _, event in tuple(self.told) if event["room"] == room and event["event"] in names]

    def ears(self) -> list[psutil.Process]:
        """The processes that hear, in the order in which they were started."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return sorted((c for c in children if EAR in c.cmdline()), key=lambda c: c.create_time())

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")


def write_scene(folder: Path) -> Path:
    """40 s with one smoke alarm in it."""
    path = folder / "kitchen.wav"
    soundfile.write(path, kitchen(), 16_000)
    return path


def configuration(
    folder: Path,
    port: int,
    rooms: Sequence[str] = ("Kitchen", "Hall"),
    more: str = "",
    *,
    realtime: bool = False,
    speech: bool = False,
) -> Path:
    """Rooms that hear the scene for ever, as fast as it goes; without discovery nothing waits for Home Assistant.

    Speech, where it is on, is heard in processes beside the daemon.
    """
    scene = write_scene(folder)
    source = f"{{type: file, path: {scene}, realtime: {str(realtime).lower()}, loop: true}}"
    lines = [
        "rooms:",
        *(f"  - {{name: {room}, source: {source}}}" for room in rooms),
        f"mqtt: {{port: {port}, discovery: false}}",
        "sounds: {tagger: none}",
        f"speech: {{enabled: {str(speech).lower()}}}",
        more,
    ]
    path = folder / "config.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@contextlib.contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    daemon.start()
    try:
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.stdout is not None and not daemon.process.stdout.closed:
            daemon.stop()


def kill_broker(folder: Path, broker: Mosquitto, times: int, pause: Callable[[], float]) -> tuple[Daemon, Subscriber]:
    """The broker is killed again and again; afterwards the daemon ends in order, and all that it told has arrived."""
    remember(broker, folder / "broker")
    broker.start()
    subscriber = Subscriber(broker.port)
    daemon = Daemon(folder, configuration(folder, broker.port))
    with running(daemon):
        until(lambda: len(subscriber.ids) == 2)
        for _ in range(times):
            time.sleep(pause())
            broker.stop(kill=True)
            time.sleep(pause() / 4)
            broker.start()
        told = len(daemon.told)
        until(lambda: len(daemon.told) > told)  # it hears on
        already = daemon.sounds()
        until(lambda: all(set(ids) <= set(subscriber.ids[room]) for room, ids in already.items()), "ids are missing")
    expected = daemon.sounds()
    until(lambda: all(set(ids) <= set(subscriber.ids[room]) for room, ids in expected.items()), "ids are missing")
    subscriber.close()
    return daemon, subscriber


def kill_daemon(
    folder: Path, broker: Mosquitto, times: int, pause: Callable[[], float]
) -> tuple[Daemon, Subscriber, int]:
    """The daemon is killed again and again; returns it, who listened, and how many ids had to arrive."""
    broker.start()
    subscriber = Subscriber(broker.port)
    daemon = Daemon(folder, configuration(folder, broker.port))
    must_arrive: dict[str, dict[str, None]] = {}
    killed_at = 0.0
    for n in range(times + 1):
        daemon.start()
        until(lambda: daemon.told)  # forgotten after each kill
        _check_settings(folder, subscriber, killed_at)
        time.sleep(pause())
        subscriber.send("listener/kitchen/threshold/set", f"{n / 1_000:.3f}")
        time.sleep(pause())
        if n % 2:
            broker.pause()  # what is told from now on is in the outbox only
            time.sleep(pause())
        if n == times:
            broker.resume()
            daemon.stop()
        else:
            killed_at = time.monotonic()
            daemon.stop(signal.SIGKILL)
            broker.resume()
            for room, ids in daemon.sounds(before=killed_at - GRACE_SECONDS).items():
                must_arrive.setdefault(room, {}).update(dict.fromkeys(ids))
            daemon.told.clear()
    for room, ids in must_arrive.items():
        until(lambda room=room, ids=ids: set(ids) <= set(subscriber.ids.get(room, ())), "ids are missing")  # type: ignore[misc]
        arrived = [name for name in subscriber.ids[room] if name in ids]
        assert arrived == list(ids), f"{room}: not in order of decision"
    subscriber.close()
    return daemon, subscriber, sum(map(len, must_arrive.values()))


def _check_settings(folder: Path, subscriber: Subscriber, killed_at: float) -> None:
    """What a person had set, and the daemon had told 100 ms before the kill, is on disk."""
    at, threshold = subscriber.states.get("listener/kitchen/threshold", (killed_at, None))
    if at < killed_at - GRACE_SECONDS:
        kept = json.loads((folder / "state" / "settings.json").read_text(encoding="utf-8"))
        assert kept["rooms"]["kitchen"]["threshold"] == threshold
