"""A sentence that is spoken in a room switches a light in Home Assistant, by its own conversation agent."""

import pytest

from acceptance import sounds
from acceptance.conftest import MakeDaemon
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.witness import Witness

LIGHT = """\
input_boolean:
  acceptance_lamp:
    name: Lamp of the template light
light:
  - platform: template
    lights:
      acceptance_kitchen_light:
        friendly_name: Kitchen light
        value_template: "{{ is_state('input_boolean.acceptance_lamp', 'on') }}"
        turn_on: {action: input_boolean.turn_on, target: {entity_id: input_boolean.acceptance_lamp}}
        turn_off: {action: input_boolean.turn_off, target: {entity_id: input_boolean.acceptance_lamp}}
"""
ENTITY = "light.acceptance_kitchen_light"
SENTENCE = "turn on the kitchen light"


@pytest.fixture(scope="module")
def light(home_assistant: HomeAssistant) -> str:
    """A template light that Assist may switch, off."""
    home_assistant.package("conversation", LIGHT)
    home_assistant.restart()
    home_assistant.until_state(ENTITY, "off")
    with home_assistant.socket() as socket:
        socket.call("homeassistant/expose_entity", assistants=["conversation"], entity_ids=[ENTITY], should_expose=True)
    return ENTITY


@pytest.fixture(scope="module")
def obedient(make_daemon: MakeDaemon, home_assistant: HomeAssistant, light: str) -> Daemon:
    """An open room that hands accepted commands to Home Assistant."""
    daemon = make_daemon(
        {"kitchen": "Kitchen"},
        engine={},
        speech={"enabled": True, "intents": ["HassTurnOn", "HassTurnOff"]},
        home={"areas": [{"name": "Kitchen"}], "entities": [{"name": "Kitchen light", "domain": "light"}]},
        commands={"act": "home_assistant"},
        home_assistant={"url": home_assistant.url, "token_file": str(home_assistant.token_file)},
    )
    daemon.room("kitchen").more["addressing"] = "open"
    daemon.start()
    home_assistant.until_state("sensor.kitchen_status", "listening")
    return daemon


def test_a_spoken_sentence_switches_the_light_and_is_answered(
    obedient: Daemon, home_assistant: HomeAssistant, light: str, mqtt: Witness
) -> None:
    with home_assistant.socket("state_changed") as socket:
        for sentence, intent, state in (
            (SENTENCE, "HassTurnOn", "on"),
            ("turn off the kitchen light", "HassTurnOff", "off"),
        ):
            known = len(mqtt.on("listener/kitchen/command")), len(mqtt.on("listener/kitchen/response"))
            obedient.play("kitchen", sounds.spoken(sentence))
            socket.until_state(light, state)
            command = mqtt.next("listener/kitchen/command", after=known[0]).json
            assert (command["event_type"], command["verdict"]) == (intent, "accepted")
            assert command["slots"] == {"name": "Kitchen light"}
            answer = mqtt.next("listener/kitchen/response", after=known[1]).json
            assert answer["trigger"] == "speech"
            assert f"Turned {state}" in answer["text"]
            socket.events.clear()


def test_the_command_is_an_event_in_home_assistant_too(obedient: Daemon, home_assistant: HomeAssistant) -> None:
    attributes = home_assistant.attributes("event.kitchen_command")
    assert attributes["event_type"] == "HassTurnOff", attributes
    assert attributes["slots"] == {"name": "Kitchen light"}


def test_what_home_assistant_may_not_do_is_answered_in_its_own_words(
    obedient: Daemon, home_assistant: HomeAssistant, light: str, mqtt: Witness
) -> None:
    """We accept it, Home Assistant does not: nothing is switched."""
    with home_assistant.socket() as socket:
        socket.call("homeassistant/expose_entity", assistants=["conversation"], entity_ids=[light], should_expose=False)
    said = home_assistant.post("conversation/process", {"text": SENTENCE, "language": "en"})
    refusal = said["response"]["speech"]["plain"]["speech"]
    assert said["response"]["response_type"] == "error"
    obedient.play("kitchen", sounds.spoken(SENTENCE))
    answer = mqtt.next("listener/kitchen/response").json
    assert (answer["trigger"], answer["text"]) == ("speech", refusal)
    assert home_assistant.state(light) == "off"
