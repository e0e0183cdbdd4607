"""What Home Assistant is told, against the rules that make it reject or ignore things."""

import json
import re

import pytest
from mqtt_witness import rooms

from listener.publish.discovery import devices
from listener.publish.sweep import leftovers
from listener.publish.topics import Topics
from listener.vocabulary import SOUND_LABELS

TOPICS = Topics()
DEVICES = devices(TOPICS, rooms("Kitchen", "Küche 2"), SOUND_LABELS, "1.2.3")
KITCHEN = DEVICES["homeassistant/device/listener-kitchen/config"]
BRIDGE = DEVICES["homeassistant/device/listener-bridge/config"]

ROOT = {"dev", "o", "cmps", "availability", "availability_mode"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version", "suggested_area", "via_device"}


def test_every_device_has_only_keys_that_do_not_reject_it() -> None:
    for topic, device in DEVICES.items():
        assert re.fullmatch(r"homeassistant/device/[A-Za-z0-9_-]+/config", topic)
        assert set(device) <= ROOT
        assert set(device["dev"]) <= DEVICE
        assert set(device["o"]) == {"name", "sw_version"}
        json.dumps(device, allow_nan=False)


def test_every_component_is_complete_and_its_ids_are_unique() -> None:
    cells = [cell for device in DEVICES.values() for cell in device["cmps"].values()]
    for cell in cells:
        assert {"p", "name", "unique_id", "default_entity_id", "qos"} <= set(cell)
        assert "object_id" not in cell
        assert cell["default_entity_id"].startswith(f"{cell['p']}.")
        assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", cell["default_entity_id"])
        assert cell["p"] in ("button", "notify", "text") or "state_topic" in cell
    for key in ("unique_id", "default_entity_id"):
        assert len({cell[key] for cell in cells}) == len(cells)
    assert KITCHEN["cmps"]["level"]["default_entity_id"] == "sensor.kitchen_level"
    assert KITCHEN["cmps"]["threshold"]["default_entity_id"] == "number.kitchen_response_threshold"
    assert BRIDGE["cmps"]["memory_mb"]["default_entity_id"] == "sensor.listener_memory"


def test_a_room_has_what_it_should() -> None:
    cells = KITCHEN["cmps"]
    platforms = {key: cell["p"] for key, cell in cells.items() if not key.startswith("sound_")}
    assert platforms == {
        "sound": "event",
        "command": "event",
        "status": "sensor",
        "problem": "binary_sensor",
        "hearing": "sensor",
        "level": "sensor",
        "response": "sensor",
        "mute": "switch",
        "strictness": "select",
        "threshold": "number",
        "mode": "select",
        "say": "notify",
        "stop": "button",
        "snooze": "button",
        "test": "button",
        "learn_name": "text",
        "learn": "button",
        "learn_cancel": "button",
        "learning": "sensor",
        "taught": "sensor",
        "wrong": "button",
        "was": "text",
        "corrections": "sensor",
    }
    assert cells["sound"]["event_types"] == [*SOUND_LABELS, "test"]
    classes = {label: cells[f"sound_{label}"]["device_class"] for label in SOUND_LABELS}
    assert classes["smoke_alarm"] == "smoke"
    assert classes["co_alarm"] == "carbon_monoxide"
    assert classes["glass_break"] == "safety"
    assert set(classes.values()) == {"smoke", "carbon_monoxide", "safety", "sound"}
    assert KITCHEN["dev"]["via_device"] in BRIDGE["dev"]["identifiers"]
    assert KITCHEN["dev"]["suggested_area"] == "Kitchen"


def test_modes_are_those_that_the_engine_offers() -> None:
    assert KITCHEN["cmps"]["mode"]["options"] == ["assistant", "monitor"]
    modes = ("assistant", "monitor", "transcribe", "translate to Chinese")
    other = devices(TOPICS, rooms("Kitchen"), ("siren",), "1", modes)[TOPICS.discovery("kitchen")]
    cell = other["cmps"]["mode"]
    assert cell["options"] == list(modes)
    assert (cell["command_topic"], cell["state_topic"]) == ("listener/kitchen/mode/set", "listener/kitchen/mode")


def test_a_room_is_available_while_it_and_the_daemon_are_but_the_connection_always_says_which() -> None:
    assert [a["topic"] for a in KITCHEN["availability"]] == ["listener/bridge/state", "listener/kitchen/availability"]
    assert KITCHEN["availability_mode"] == "all"
    for key, cell in BRIDGE["cmps"].items():
        assert ("availability" in cell) == (key != "connection")


def test_daemons_with_other_base_topics_are_other_devices() -> None:
    other = devices(Topics("home/ears"), rooms("Kitchen"), ("siren",), "1")
    assert not set(other) & set(DEVICES)
    ids = {cell["unique_id"] for device in other.values() for cell in device["cmps"].values()}
    assert "home_ears-kitchen-sound" in ids


def test_nothing_is_cleared_that_is_not_ours() -> None:
    topic = "homeassistant/device/listener-gone/config"
    ours = json.dumps(KITCHEN)
    found = {
        "homeassistant/device/zigbee-gone/config": ours,
        "homeassistant/device/listener-gone/else/config": ours,
        topic: json.dumps({**KITCHEN, "o": {"name": "someone"}}),
        "homeassistant/device/listener-gone2/config": json.dumps({**KITCHEN, "cmps": {"a": {"state_topic": "x/y"}}}),
        "homeassistant/device/listener-gone3/config": "{not json",
        "homeassistant/device/listener-gone4/config": "[" * 100_000,
        "homeassistant/device/listener-gone5/config": '{"o":{"name":"Listener"},"cmps":{"a":7}}',
        "listener/gone/status": "x",  # without our availability
        "listener/kitchen/sound/mine": "maybe",  # no word of ours
        "other/kitchen/sound/siren": "ON",
    }
    raw = {k: v.encode() for k, v in found.items()}
    assert leftovers(raw, DEVICES, TOPICS, ("kitchen",), SOUND_LABELS) == []
    (message,) = leftovers({topic: ours.encode()}, DEVICES, TOPICS, ("kitchen",), SOUND_LABELS)
    assert (message.topic, message.payload, message.retain) == (topic, b"", True)


def test_what_a_room_was_taught_is_its_own() -> None:
    taught = {"kitchen": {"gate": "Garden gate"}}
    found = devices(TOPICS, rooms("Kitchen", "Hall"), ("siren",), "1", taught=taught)
    kitchen, hall = (found[TOPICS.discovery(slug)]["cmps"] for slug in ("kitchen", "hall"))
    assert kitchen["sound"]["event_types"] == ["siren", "gate", "test"]
    assert kitchen["sound_gate"]["name"] == "Garden gate"
    assert kitchen["sound_gate"]["state_topic"] == "listener/kitchen/sound/gate"
    assert "sound_gate" not in hall
    assert hall["sound"]["event_types"] == ["siren", "test"]


def test_what_was_forgotten_is_cleared_in_its_room_only() -> None:
    found = {f"listener/{slug}/sound/gate": b"OFF" for slug in ("kitchen", "hall")}
    (message,) = leftovers(found, {}, TOPICS, ("kitchen", "hall"), ("siren",), {"kitchen": {"gate": "Gate"}})
    assert (message.topic, message.payload, message.retain) == ("listener/hall/sound/gate", b"", True)


@pytest.mark.parametrize(
    ("state", "flags", "shown"),
    [
        ("listening", [], "OFF"),
        ("listening", ["no_tagger"], "OFF"),  # as it was configured
        ("listening", ["degraded", "no_tagger"], "ON"),
        ("listening", ["clipping"], "ON"),
        ("no_audio", [], "ON"),
    ],
)
def test_a_problem_is_what_nobody_chose(state: str, flags: list[str], shown: str) -> None:
    jinja2 = pytest.importorskip("jinja2")  # as Home Assistant reads it
    template = jinja2.Environment(autoescape=False).from_string(KITCHEN["cmps"]["problem"]["value_template"])
    assert template.render(value_json={"state": state, "flags": flags}) == shown
