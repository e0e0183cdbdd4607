"""Commands from Home Assistant act, and the state that confirms them comes from the daemon."""

from typing import Any

import pytest

from acceptance import sounds
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.witness import Witness


def test_mute_closes_the_microphone_and_opens_it_again(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    microphone = daemon.room("kitchen").microphone
    assert microphone.listeners == 1
    home_assistant.call("switch.turn_on", entity_id="switch.kitchen_mute")
    home_assistant.until_state("sensor.kitchen_status", "muted")
    home_assistant.until_state("switch.kitchen_mute", "on")
    home_assistant.until(lambda: microphone.listeners == 0, "nobody listens to a microphone that is muted")
    assert home_assistant.state("sensor.living_room_status") == "listening"
    home_assistant.call("switch.turn_off", entity_id="switch.kitchen_mute")
    home_assistant.until_state("sensor.kitchen_status", "listening")
    home_assistant.until_state("switch.kitchen_mute", "off")
    assert microphone.listeners == 1


@pytest.mark.parametrize(
    ("action", "entity_id", "data", "confirmed", "topic"),
    [
        ("select.select_option", "select.kitchen_mode", {"option": "monitor"}, "monitor", "mode"),
        ("select.select_option", "select.kitchen_mode", {"option": "assistant"}, "assistant", "mode"),
        ("select.select_option", "select.kitchen_strictness", {"option": "paranoid"}, "paranoid", "strictness"),
        ("select.select_option", "select.kitchen_strictness", {"option": "balanced"}, "balanced", "strictness"),
        ("number.set_value", "number.kitchen_response_threshold", {"value": 0.25}, "0.25", "threshold"),
        ("number.set_value", "number.kitchen_response_threshold", {"value": 0.5}, "0.5", "threshold"),
    ],
)
def test_settings_are_taken_over_and_confirmed(
    home_assistant: HomeAssistant,
    daemon: Daemon,
    mqtt: Witness,
    action: str,
    entity_id: str,
    data: dict[str, Any],
    confirmed: str,
    topic: str,
) -> None:
    """Home Assistant shows what the daemon says on the state's topic: it assumes nothing by itself."""
    before = len(mqtt.on(f"listener/kitchen/{topic}"))
    home_assistant.call(action, entity_id=entity_id, **data)
    mqtt.until(lambda: any(s.payload == confirmed.encode() for s in mqtt.on(f"listener/kitchen/{topic}")[before:]))
    home_assistant.until_state(entity_id, confirmed)
    other = entity_id.replace("kitchen", "living_room")
    assert home_assistant.state(other) in ("assistant", "balanced", "0.5")


def test_what_a_person_wants_to_say_is_said(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    home_assistant.call("notify.send_message", entity_id="notify.kitchen_say", message="Dinner is ready.")
    home_assistant.until_state("sensor.kitchen_last_response", "Dinner is ready.")
    assert home_assistant.attributes("sensor.kitchen_last_response")["trigger"] == "request"


def test_the_test_button_goes_through_the_whole_chain(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    with home_assistant.socket("state_changed") as socket:
        home_assistant.call("button.press", entity_id="button.living_room_test")
        heard = socket.until(lambda e: e.data["entity_id"] == "event.living_room_sound")
        said = socket.until(lambda e: e.data["entity_id"] == "sensor.living_room_last_response")
        changed = {e.data["entity_id"] for e in socket.events}
    assert heard.data["new_state"]["attributes"]["event_type"] == "test"
    assert heard.data["new_state"]["attributes"]["test"] is True
    assert said.data["new_state"]["state"].startswith("This is a test in Living room.")
    assert not any(entity_id.startswith("binary_sensor.") for entity_id in changed), changed


def test_snooze_keeps_an_alarm_from_being_announced_again(
    home_assistant: HomeAssistant, daemon: Daemon, mqtt: Witness
) -> None:
    smoke, responses = "binary_sensor.kitchen_smoke_alarm", "listener/kitchen/response"
    with home_assistant.socket("state_changed") as socket:
        daemon.play("kitchen", sounds.smoke_alarm())
        socket.until_state(smoke, "on")
        mqtt.next(responses)
        home_assistant.call("button.press", entity_id="button.kitchen_snooze")
        daemon.room("kitchen").microphone.hush()
        socket.until_state(smoke, "off")
        socket.events.clear()
        daemon.play("kitchen", sounds.smoke_alarm())
        socket.until_state(smoke, "on")  # what sounds is still shown …
        daemon.room("kitchen").microphone.hush()
        socket.until_state(smoke, "off")
    assert len(mqtt.on(responses)) == 1  # … and not said again
