"""A room that speaks: what is sent from Home Assistant is heard at the satellite, and stops when it is told to."""

import pytest

from acceptance.conftest import MakeDaemon
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.witness import Witness

pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")

LONG = "This is a sentence that nobody wants to hear to its end. " * 8


@pytest.fixture(scope="module")
def speaking(make_daemon: MakeDaemon, home_assistant: HomeAssistant) -> Daemon:
    daemon = make_daemon({"kitchen": "Kitchen"}, voice={"engine": "espeak"})
    daemon.room("kitchen").more["output"] = "satellite"
    daemon.start()
    home_assistant.until_state("sensor.kitchen_status", "listening")
    return daemon


def test_a_message_is_spoken_and_the_status_says_so(
    speaking: Daemon, home_assistant: HomeAssistant, mqtt: Witness
) -> None:
    microphone = speaking.room("kitchen").microphone
    with home_assistant.socket("state_changed") as socket:
        home_assistant.call("notify.send_message", entity_id="notify.kitchen_say", message="Dinner is ready.")
        socket.until_state("sensor.kitchen_status", "speaking")
        socket.until_state("sensor.kitchen_last_response", "Dinner is ready.")
        socket.until_state("sensor.kitchen_status", "listening")
    assert microphone.spoken_bytes > 22_050  # more than half a second
    assert mqtt.next("listener/kitchen/response").json["reason"] == "complete"


def test_stop_ends_what_is_being_said(speaking: Daemon, home_assistant: HomeAssistant, mqtt: Witness) -> None:
    with home_assistant.socket("state_changed") as socket:
        home_assistant.call("notify.send_message", entity_id="notify.kitchen_say", message=LONG)
        socket.until_state("sensor.kitchen_status", "speaking")
        home_assistant.call("button.press", entity_id="button.kitchen_stop_speaking")
        socket.until_state("sensor.kitchen_status", "listening")
    assert mqtt.next("listener/kitchen/response").json["reason"] == "interrupted"
    home_assistant.until_state("sensor.kitchen_status", "listening")
