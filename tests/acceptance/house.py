"""A furnished house for what people load into Home Assistant: lamps, cameras, players, phones, a voice, two rooms.

It has a broker and a Home Assistant of its own, so that its furniture is in nobody's way.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from conftest import Mosquitto, free_port

from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.installation import hass
from acceptance.phone import Phone, open_phone
from acceptance.voice_server import voice_server
from acceptance.witness import Witness, witness

BLUEPRINTS = Path(__file__).resolve().parents[2] / "integrations/home_assistant/blueprints/automation/listener"

FURNITURE = """\
demo:
mobile_app:
media_source:
"""
"""`demo` has lamps, cameras and media players that work without devices (home-assistant.io/integrations/demo)."""


@dataclass
class House:
    home: HomeAssistant
    daemon: Daemon
    mqtt: Witness
    phones: dict[str, Phone]
    media: Path
    _numbers: Iterator[int]

    def import_blueprint(self, name: str) -> None:
        """As the dialog does that imports one: Home Assistant reads it, checks it, and keeps it."""
        yaml = (BLUEPRINTS / f"{name}.yaml").read_text(encoding="utf-8")
        with self.home.socket() as socket:
            socket.call("blueprint/save", domain="automation", path=f"listener/{name}.yaml", yaml=yaml)

    @contextmanager
    def automation(self, blueprint: str, **inputs: Any) -> Iterator[str]:
        """An automation made from an imported blueprint, as its editor makes it; its entity id. Off at the end."""
        key = f"{blueprint}_{next(self._numbers)}"
        use = {"path": f"listener/{blueprint}.yaml", "input": inputs}
        self.home.post(f"config/automation/config/{key}", {"alias": key, "use_blueprint": use})
        entity = f"automation.{key}"
        self.home.until_state(entity, "on")
        try:
            yield entity
        finally:
            self.home.call("automation.turn_off", entity_id=entity)

    def download(self, path: str) -> bytes:
        """What a phone or a player gets at a path of Home Assistant."""
        headers = {"Authorization": f"Bearer {self.home.token}"}
        answer = requests.get(f"{self.home.url}{path}", headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.content

    def device(self, name: str) -> str:
        """The id of a device."""
        with self.home.socket() as socket:
            devices = socket.call("config/device_registry/list")
        return str(next(device["id"] for device in devices if device["name"] == name))

    def times_run(self, automation: str) -> int:
        """How often its actions began, as its traces tell."""
        item = automation.removeprefix("automation.")
        with self.home.socket() as socket:
            traces = socket.call("trace/list", domain="automation", item_id=item)
        return sum(trace["last_step"] is not None and trace["last_step"].startswith("action") for trace in traces)


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Two persons with phones, at home; a kitchen and a living room that hear. Raises NotInstallableError."""
    program = hass()
    with ExitStack() as stack:
        broker = Mosquitto(folder, free_port())
        broker.start()
        stack.callback(broker.stop)
        home = HomeAssistant(program, folder / "config", free_port(), broker.host, broker.port)
        media = _furnish(home)
        stack.callback(home.close)
        home.start()
        phones = {name: stack.enter_context(open_phone(home, name)) for name in ("Ada", "Bert")}
        _move_in(home, phones)
        _let_speak(home, stack.enter_context(voice_server()))
        daemon = Daemon(folder / "daemon", broker, {"kitchen": "Kitchen", "living_room": "Living room"})
        stack.callback(daemon.close)
        daemon.start()
        for slug in daemon.rooms:
            home.until_state(f"sensor.{slug}_status", "listening")
        mqtt = stack.enter_context(witness(broker.host, broker.port))
        yield House(home, daemon, mqtt, phones, media, itertools.count(1))


def _furnish(home: HomeAssistant) -> Path:
    """Its media folder; what is not found in packages goes into the core configuration itself."""
    media = home.folder / "media"
    media.mkdir()
    core = home.folder / "configuration.yaml"
    own = f"  media_dirs:\n    local: {media}\n  packages:"
    core.write_text(core.read_text(encoding="utf-8").replace("  packages:", own, 1), encoding="utf-8")
    home.package("furniture", FURNITURE)
    return media


def _move_in(home: HomeAssistant, phones: Mapping[str, Phone]) -> None:
    with home.socket() as socket:
        for name, phone in phones.items():
            phone.move_to("home")
            home.until_state(phone.tracker, "home")
            socket.call("person/create", name=name, device_trackers=[phone.tracker])
    for name in phones:
        home.until_state(f"person.{name.lower()}", "home")


def _let_speak(home: HomeAssistant, port: int) -> None:
    """Add a voice by its integration's own dialog."""
    flow = home.post("config/config_entries/flow", {"handler": "wyoming"})
    done = home.post(f"config/config_entries/flow/{flow['flow_id']}", {"host": "127.0.0.1", "port": port})
    assert done["type"] == "create_entry", json.dumps(done)
    home.until(lambda: "tts.test_voice" in home.states(), "the voice is there")
