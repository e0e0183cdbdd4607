"""`listener run` as a process, with rooms that a test speaks into."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from conftest import Mosquitto, free_port
from program import command, environment
from programs import end

from acceptance.microphone import Microphone

START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass
class Room:
    """A room of the configuration: `name` and `slug` as there, and the microphone that it listens to."""

    name: str
    slug: str
    microphone: Microphone
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        source = {"type": "wyoming", "host": "127.0.0.1", "port": self.microphone.port}
        return {"name": self.name, "slug": self.slug, "source": source, **self.more}


class Daemon:
    """`start`, `stop` and `restart` as often as a test likes; its state stays in `folder` in between."""

    def __init__(self, folder: Path, broker: Mosquitto, rooms: Mapping[str, str], **sections: Any) -> None:
        """`rooms`: names by slug. `sections` replace or add sections of the configuration."""
        self.folder = folder
        self.broker = broker
        folder.mkdir(parents=True, exist_ok=True)
        self.rooms = {slug: Room(name, slug, Microphone(free_port())) for slug, name in rooms.items()}
        self.sections: dict[str, Any] = {
            "mqtt": {"port": broker.port},
            "sounds": {"tagger": "none"},  # the alarm patterns need no model
            "engine": {"threads": 1, "processes": 0},
            "speech": {"enabled": False},
            **sections,
        }
        self._process: subprocess.Popen[bytes] | None = None
        for room in self.rooms.values():
            room.microphone.__enter__()

    def room(self, slug: str) -> Room:
        return self.rooms[slug]

    def play(self, slug: str, samples: Any) -> None:
        """Make a sound in a room: float32 mono at 16 kHz."""
        self.rooms[slug].microphone.play(samples)

    def write_config(self) -> Path:
        path = self.folder / "config.yaml"
        config = {"rooms": [room.config for room in self.rooms.values()], **self.sections}
        path.write_text(yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False), encoding="utf-8")
        return path

    def start(self) -> None:
        """Start it; it is not yet connected then."""
        assert self._process is None, "it is running already"
        told = environment(self.folder, LISTENER_STATE=str(self.folder / "state"), OMP_NUM_THREADS="1")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command("run", "-c", self.write_config()), env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def stop(self, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, kill, STOP_SECONDS)

    def restart(self, kill: bool = False) -> None:
        self.stop(kill)
        self.start()

    def reload(self) -> None:
        """SIGHUP after the configuration was written anew."""
        assert self._process is not None
        self.write_config()
        os.kill(self._process.pid, signal.SIGHUP)

    def close(self) -> None:
        self.stop()
        for room in self.rooms.values():
            room.microphone.__exit__()

    def wait_for_log(self, words: str, times: int = 1, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while self.log().count(words) < times:
            assert self._process is None or self._process.poll() is None, f"the daemon has ended: {self.log()[-2_000:]}"
            assert time.monotonic() < deadline, f"{words!r} is not in its log: {self.log()[-2_000:]}"
            time.sleep(0.05)

    @property
    def log_file(self) -> Path:
        return self.folder / "daemon.log"

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""
