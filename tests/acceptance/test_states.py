"""States follow what is heard: a real alarm, played into one room."""

from typing import Any

from acceptance import sounds
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.socket_client import Event
from acceptance.witness import Witness

SMOKE = "binary_sensor.kitchen_smoke_alarm"


def test_an_alarm_is_on_while_it_sounds_in_its_room_alone(
    home_assistant: HomeAssistant, daemon: Daemon, mqtt: Witness
) -> None:
    with home_assistant.socket("state_changed") as socket:
        daemon.play("kitchen", sounds.smoke_alarm())
        socket.until_state(SMOKE, "on")
        heard = socket.until(lambda e: attribute(e, "event.kitchen_sound", "event_type") == "smoke_alarm")
        socket.until_state("sensor.kitchen_hearing", "smoke_alarm")
        said = socket.until(lambda e: e.data.get("entity_id") == "sensor.kitchen_last_response")
        socket.until_state(SMOKE, "off")
        changed = {e.data["entity_id"] for e in socket.events if e.data["entity_id"].startswith("binary_sensor.")}
    assert changed == {SMOKE}
    sound = heard.data["new_state"]["attributes"]
    published = mqtt.next("listener/kitchen/sound").json
    for key in ("id", "label", "score", "onset", "group", "room", "t", "time"):
        assert sound[key] == published[key], key
    response = said.data["new_state"]
    assert response["state"] == "Smoke alarm in Kitchen! Check for fire now."
    assert response["attributes"]["sounds"] == [published["id"]]
    assert response["attributes"]["emotion"] == "urgent"


def test_hearing_tells_the_five_best_and_why_they_do_not_sound(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    labels = home_assistant.attributes("sensor.kitchen_hearing")["labels"]
    assert 1 <= len(labels) <= 5
    assert all({"label", "score", "reason"} == set(label) for label in labels)


def test_the_level_is_a_number_of_the_quiet_room(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    def level() -> float | None:
        state = home_assistant.state("sensor.living_room_level")
        return None if state in (None, "unknown", "unavailable") else float(state)

    home_assistant.until(lambda: level() is not None, "a level, every ten seconds", 30)
    found = level()
    assert found is not None
    assert -80 < found < -60


def test_a_room_without_sound_is_a_problem_that_names_its_reason(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    """A satellite that is gone is shown, and that it is back, too; the other room goes on."""
    microphone = daemon.room("living_room").microphone
    microphone.unplug()
    home_assistant.until_state("sensor.living_room_status", "no_audio")
    assert home_assistant.state("binary_sensor.living_room_problem") == "on"
    assert str(microphone.port) in home_assistant.attributes("sensor.living_room_status")["detail"]
    assert home_assistant.state("sensor.kitchen_status") == "listening"
    microphone.plug_in()
    home_assistant.until_state("sensor.living_room_status", "listening")


def attribute(event: Event, entity_id: str, name: str) -> Any:
    """An attribute of the entity's new state, if the event is a change of it."""
    if event.data.get("entity_id") != entity_id or event.data["new_state"] is None:
        return None
    return event.data["new_state"]["attributes"].get(name)
