"""What appears in Home Assistant: every entity of the bridge and of two rooms, where a person looks for it."""

from typing import Any

import pytest

from acceptance.daemon import Daemon
from acceptance.expected import BRIDGE, ROOM, entities_of, everything
from acceptance.home_assistant import HomeAssistant
from listener import __version__

ROOMS = {"kitchen": "Kitchen", "living_room": "Living room"}


@pytest.fixture(scope="module")
def registries(home_assistant: HomeAssistant, daemon: Daemon) -> dict[str, list[dict[str, Any]]]:
    """Home Assistant's registries of entities, devices and areas."""
    with home_assistant.socket() as socket:
        return {name: socket.call(f"config/{name}_registry/list") for name in ("entity", "device", "area")}


def ours(registries: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {entry["entity_id"]: entry for entry in registries["entity"] if entry["platform"] == "mqtt"}


def device(registries: dict[str, list[dict[str, Any]]], name: str) -> dict[str, Any]:
    (found,) = [d for d in registries["device"] if d["name"] == name and d["manufacturer"] == "Listener"]
    return found


def test_exactly_these_entities_exist(registries: dict[str, list[dict[str, Any]]]) -> None:
    assert set(ours(registries)) == set(everything(list(ROOMS)))


def test_names_categories_and_classes_are_right(
    registries: dict[str, list[dict[str, Any]]], home_assistant: HomeAssistant
) -> None:
    states = home_assistant.states()
    for slug, device_name in {"listener": "Listener", **ROOMS}.items():
        for entity_id, expected in entities_of(slug, BRIDGE if slug == "listener" else ROOM).items():
            entry, attributes = ours(registries)[entity_id], states[entity_id]["attributes"]
            seen = (attributes["friendly_name"], entry["entity_category"], attributes.get("device_class"))
            assert seen == (f"{device_name} {expected.name}", expected.category, expected.device_class), entity_id
            assert attributes.get("unit_of_measurement") == expected.unit, entity_id
            assert entry["original_name"] == expected.name, entity_id
            assert entry["disabled_by"] is None, entity_id
            assert entry["hidden_by"] is None, entity_id


def test_every_entity_is_on_its_device(registries: dict[str, list[dict[str, Any]]]) -> None:
    by_device: dict[str, set[str]] = {}
    for entity_id, entry in ours(registries).items():
        by_device.setdefault(entry["device_id"], set()).add(entity_id)
    expected = {device(registries, "Listener")["id"]: set(entities_of("listener", BRIDGE))}
    expected |= {device(registries, name)["id"]: set(entities_of(slug, ROOM)) for slug, name in ROOMS.items()}
    assert by_device == expected


def test_devices_say_what_they_are_and_hang_below_the_bridge(registries: dict[str, list[dict[str, Any]]]) -> None:
    bridge = device(registries, "Listener")
    assert (bridge["model"], bridge["sw_version"], bridge["via_device_id"]) == ("Bridge", __version__, None)
    for name in ROOMS.values():
        room = device(registries, name)
        assert (room["model"], room["sw_version"], room["via_device_id"]) == ("Room", __version__, bridge["id"])


def test_each_room_is_in_the_area_of_its_name_and_the_bridge_in_none(
    registries: dict[str, list[dict[str, Any]]],
) -> None:
    areas = {area["area_id"]: area["name"] for area in registries["area"]}
    assert {name: areas[device(registries, name)["area_id"]] for name in ROOMS.values()} == {
        name: name for name in ROOMS.values()
    }
    assert device(registries, "Listener")["area_id"] is None


def test_unique_ids_do_not_depend_on_names(registries: dict[str, list[dict[str, Any]]]) -> None:
    found = ours(registries)
    assert found["binary_sensor.kitchen_smoke_alarm"]["unique_id"] == "listener-kitchen-sound_smoke_alarm"
    assert found["sensor.listener_version"]["unique_id"] == "listener-bridge-version"
    assert len({entry["unique_id"] for entry in found.values()}) == len(found)


def test_events_and_choices_offer_what_the_daemon_knows(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    sounds = home_assistant.attributes("event.kitchen_sound")["event_types"]
    assert len(sounds) == 33
    assert {"smoke_alarm", "dog_bark", "test"} <= set(sounds)
    commands = home_assistant.attributes("event.kitchen_command")["event_types"]
    assert {"HassTurnOn", "HassStartTimer", "ListenerStop", "denied", "unconfirmed"} <= set(commands)
    strictness = home_assistant.attributes("select.kitchen_strictness")["options"]
    assert strictness == ["paranoid", "sensitive", "balanced", "strict", "urgent_only"]
    assert home_assistant.attributes("select.kitchen_mode")["options"] == ["assistant", "monitor"]
    states = home_assistant.attributes("sensor.kitchen_status")["options"]
    assert states == ["listening", "speaking", "muted", "no_audio"]
    number = home_assistant.attributes("number.kitchen_response_threshold")
    assert (number["min"], number["max"], number["step"], number["mode"]) == (0, 1, 0.01, "slider")


def test_no_entity_is_unavailable(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    def unavailable() -> list[str]:
        states = home_assistant.states()
        return [e for e in everything(list(ROOMS)) if states[e]["state"] == "unavailable"]

    home_assistant.until(lambda: not unavailable(), f"all entities are available; these were not: {unavailable()}", 30)


def test_states_at_rest_are_what_is_configured(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    states = {entity_id: found["state"] for entity_id, found in home_assistant.states().items()}
    for slug in ROOMS:
        assert states[f"sensor.{slug}_status"] == "listening"
        assert states[f"switch.{slug}_mute"] == "off"
        assert states[f"select.{slug}_strictness"] == "balanced"
        assert states[f"select.{slug}_mode"] == "assistant"
        assert states[f"number.{slug}_response_threshold"] == "0.5"
        sounding = {states[e] for e in entities_of(slug, ROOM) if e.startswith("binary_sensor.") and "problem" not in e}
        assert sounding == {"off"}
    assert states["binary_sensor.listener_connection"] == "on"
    assert states["sensor.listener_version"] == __version__
    assert states["sensor.listener_engine"] == "cascade"
