"""Rooms and sounds that are configured no more leave Home Assistant; renamed ones keep what people set there."""

from collections.abc import Collection
from typing import Any

import pytest

from acceptance.conftest import MakeDaemon
from acceptance.daemon import Daemon, Room
from acceptance.expected import ROOM, everything
from acceptance.home_assistant import HomeAssistant


@pytest.fixture(scope="module")
def changing(make_daemon: MakeDaemon, home_assistant: HomeAssistant) -> Daemon:
    """A daemon of three rooms; the tests take from it, one after the other."""
    daemon = make_daemon({"kitchen": "Kitchen", "living_room": "Living room", "attic": "Attic"})
    daemon.start()
    until_entities(home_assistant, daemon)
    return daemon


def entities(home_assistant: HomeAssistant) -> dict[str, dict[str, Any]]:
    with home_assistant.socket() as socket:
        entries = socket.call("config/entity_registry/list")
    return {entry["entity_id"]: entry for entry in entries if entry["platform"] == "mqtt"}


def devices(home_assistant: HomeAssistant) -> set[str]:
    with home_assistant.socket() as socket:
        found = socket.call("config/device_registry/list")
    return {device["name"] for device in found if device["manufacturer"] == "Listener"}


def until_entities(home_assistant: HomeAssistant, daemon: Daemon, without: Collection[str] = ()) -> None:
    wanted = set(everything(list(daemon.rooms))).difference(without)
    found: set[str] = set()

    def same() -> bool:
        found.clear()
        found.update(entities(home_assistant))
        return found == wanted

    try:
        home_assistant.until(same, "exactly the entities of the configured rooms")
    except AssertionError as error:
        raise AssertionError(
            f"{error}: too many {sorted(found - wanted)[:9]}, none {sorted(wanted - found)[:9]}"
        ) from None


def test_a_room_that_is_removed_while_the_daemon_runs_is_removed_at_once(
    changing: Daemon, home_assistant: HomeAssistant
) -> None:
    assert "Attic" in devices(home_assistant)
    remove(changing, "attic")
    changing.reload()
    until_entities(home_assistant, changing)
    assert devices(home_assistant) == {"Listener", "Kitchen", "Living room"}
    assert not [e for e in home_assistant.states() if ".attic" in e]


def test_a_room_that_is_removed_between_two_runs_is_removed(changing: Daemon, home_assistant: HomeAssistant) -> None:
    changing.stop()
    remove(changing, "living_room")
    changing.start()
    until_entities(home_assistant, changing)
    assert devices(home_assistant) == {"Listener", "Kitchen"}


def test_a_room_that_is_renamed_keeps_its_entities(changing: Daemon, home_assistant: HomeAssistant) -> None:
    before = {entity_id: entry["id"] for entity_id, entry in entities(home_assistant).items()}
    changing.room("kitchen").name = "Big kitchen"
    changing.restart()
    home_assistant.until(lambda: devices(home_assistant) == {"Listener", "Big kitchen"}, "the device has its new name")
    assert {entity_id: entry["id"] for entity_id, entry in entities(home_assistant).items()} == before
    home_assistant.until_state("sensor.kitchen_status", "listening")
    assert home_assistant.attributes("switch.kitchen_mute")["friendly_name"] == "Big kitchen Mute"


def test_a_room_with_a_new_slug_is_another_room(changing: Daemon, home_assistant: HomeAssistant) -> None:
    room = changing.rooms.pop("kitchen")
    changing.rooms["pantry"] = Room("Pantry", "pantry", room.microphone)
    changing.restart()
    until_entities(home_assistant, changing)
    assert devices(home_assistant) == {"Listener", "Pantry"}


def test_sounds_that_are_reported_no_more_are_removed(changing: Daemon, home_assistant: HomeAssistant) -> None:
    changing.sections["sounds"] = {"tagger": "none", "labels": ["smoke_alarm", "co_alarm"]}
    changing.restart()
    sounds = {f"binary_sensor.pantry_{e.suffix}" for e in ROOM["binary_sensor"]}
    gone = {e for e in sounds if not e.endswith(("_smoke_alarm", "_co_alarm", "_problem"))}
    assert len(gone) == 30
    until_entities(home_assistant, changing, without=gone)


def test_without_discovery_everything_is_taken_back(changing: Daemon, home_assistant: HomeAssistant) -> None:
    changing.sections["mqtt"]["discovery"] = False
    changing.restart()
    home_assistant.until(lambda: not entities(home_assistant), "nothing of us is left")
    assert devices(home_assistant) == set()


def remove(daemon: Daemon, slug: str) -> None:
    """The room leaves the configuration; its microphone is unplugged with the others, at the end."""
    daemon.rooms.pop(slug).microphone.unplug()
