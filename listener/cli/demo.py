"""`listener demo`: the real daemon, a scene that it synthesizes, the embedded broker, and an independent client."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listener.bench.ports import free_port
from listener.errors import ListenerError

if TYPE_CHECKING:
    from paho.mqtt.client import Client
    from rich.console import Console

BASE = "listener"
ROOM = "kitchen"
START_SECONDS = 60.0
LABELS = ("smoke_alarm", "co_alarm", "glass_break", "scream", "doorbell")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "demo",
        help="show the main job: a scene is heard, and MQTT tells of it",
        description="Plays a synthesized kitchen of 40 s (a doorbell, a microwave oven, a smoke alarm) through the "
        "real daemon with its embedded broker, and prints what an independent MQTT client receives. "
        "Exits 0 only if the alarm arrived and nothing false did. Needs no microphone, no broker, no model.",
    )
    parser.set_defaults(run=run)


def run(_args: argparse.Namespace) -> int:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    with tempfile.TemporaryDirectory(prefix="listener-demo-") as folder:
        port = free_port()
        config = _write_scene(Path(folder), port)
        witness = Witness(console)
        _introduce(console)
        with _daemon(config, Path(folder)) as daemon:
            client = _connect(port, witness, daemon)
            _wait_for_the_end(witness, daemon)
            client.disconnect()
            client.loop_stop()
        return _judge(console, witness)


@dataclass
class Witness:
    """The MQTT client's memory: what arrived, and whether the recording has ended."""

    console: "Console"
    sounds: list[dict[str, Any]] = field(default_factory=list)
    responses: list[str] = field(default_factory=list)
    switched_on: set[str] = field(default_factory=set)
    entities: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def receive(self, topic: str, payload: bytes) -> None:
        text = payload.decode()
        if topic.startswith("homeassistant/device/"):
            self._discovered(topic, text)
        elif topic == f"{BASE}/{ROOM}/sound":
            self.sounds.append(json.loads(text))
            self._show(topic, text, "bold red")
        elif topic == f"{BASE}/{ROOM}/response":
            self.responses.append(text)
            self._show(topic, text, "bold yellow")
        elif topic.startswith(f"{BASE}/{ROOM}/sound/"):
            self._switched(topic, text)
        elif topic == f"{BASE}/{ROOM}/status":
            self._show(topic, text, "cyan")
            if "has ended" in json.loads(text)["detail"]:
                self.ended.set()

    def _discovered(self, topic: str, text: str) -> None:
        entities = len(json.loads(text)["cmps"]) if text else 0
        self.entities += entities
        self._show(topic, f"announces {entities} entities to Home Assistant", "dim")

    def _switched(self, topic: str, text: str) -> None:
        label = topic.rsplit("/", 1)[1]
        if text == "ON":
            self.switched_on.add(label)
        if label in self.switched_on:  # all of them are OFF at the start; that need not be shown
            self._show(topic, text, "red" if text == "ON" else "green")

    def _show(self, topic: str, text: str, style: str) -> None:
        from rich.markup import escape

        self.console.print(f"  [dim]{escape(topic)}[/]  [{style}]{escape(text)}[/]")


def _introduce(console: "Console") -> None:
    from listener.bench.scene import PARTS, SCENE_SECONDS

    console.print(f"A kitchen, {SCENE_SECONDS:.0f} s long, in real time:")
    for part in PARTS:
        console.print(f"  {part.start_seconds:4.0f} s  {part.name}")
    console.print("What an independent MQTT client receives from the daemon's broker:")


def _write_scene(folder: Path, port: int) -> Path:
    import soundfile
    import yaml

    from listener.bench.scene import kitchen
    from listener.types import SAMPLE_RATE_HZ

    soundfile.write(folder / "kitchen.wav", kitchen(), SAMPLE_RATE_HZ, subtype="PCM_16")
    config = {
        "rooms": [{"name": "Kitchen", "source": {"type": "file", "path": str(folder / "kitchen.wav")}}],
        "mqtt": {"broker": "embedded", "port": port, "base_topic": BASE},
        "sounds": {"labels": list(LABELS)},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def _daemon(config: Path, state: Path) -> "subprocess.Popen[bytes]":
    """`listener run`, as systemd would start it; its log goes where ours goes."""
    environ = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "STATE_DIRECTORY")}
    command = [sys.executable, "-m", "listener", "run", "-c", str(config)]
    return _Daemon(command, env={**environ, "LISTENER_STATE": str(state)})


class _Daemon(subprocess.Popen[bytes]):
    """Stopped on the way out, by SIGTERM first."""

    def __exit__(self, *error: object) -> None:
        self.send_signal(signal.SIGTERM)
        try:
            self.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()
        super().__exit__(None, None, None)


def _connect(port: int, witness: Witness, daemon: "subprocess.Popen[bytes]") -> "Client":
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    client = Client(CallbackAPIVersion.VERSION2, "demo-witness")
    client.on_connect = lambda c, *_: c.subscribe("#", qos=1)
    client.on_message = lambda _c, _u, message: witness.receive(message.topic, bytes(message.payload))
    until = time.monotonic() + START_SECONDS
    while True:
        if daemon.poll() is not None:
            raise ListenerError(f"the daemon ended with status {daemon.returncode}; its log above says why")
        try:
            client.connect("127.0.0.1", port)
        except OSError:
            if time.monotonic() > until:
                raise ListenerError("the daemon's broker did not start; its log above says why") from None
            time.sleep(0.1)
        else:
            client.loop_start()
            return client


def _wait_for_the_end(witness: Witness, daemon: "subprocess.Popen[bytes]") -> None:
    from listener.bench.scene import SCENE_SECONDS

    until = time.monotonic() + START_SECONDS + SCENE_SECONDS
    while not witness.ended.wait(timeout=0.5):
        if daemon.poll() is not None or time.monotonic() > until:
            raise ListenerError("the daemon did not play the scene to its end; its log above says why")


def _judge(console: "Console", witness: Witness) -> int:
    from listener.bench.scene import PARTS

    heard = [(s["event_type"], s["onset"]) for s in witness.sounds]
    allowed = {p.label: (p.start_seconds - 1.0, p.start_seconds + p.seconds) for p in PARTS if p.label}
    false = [f"{label} at {onset:.1f} s" for label, onset in heard if not _within(allowed.get(label), onset)]
    missed = [part for part in ("smoke_alarm",) if part not in [label for label, _ in heard]]
    if not witness.responses:
        missed.append("the spoken warning")
    if not witness.entities:
        missed.append("the entities for Home Assistant")
    for what, things in (("missed", missed), ("false", false)):
        if things:
            console.print(f"[bold red]{what}: {', '.join(things)}[/]")
    if not missed and not false:
        console.print("[bold green]The alarm arrived, and nothing false did.[/]")
    return 1 if missed or false else 0


def _within(span: tuple[float, float] | None, onset: float) -> bool:
    return span is not None and span[0] <= onset <= span[1]
