"""Home Assistant, the broker and the daemon come back in every order, and everything is there again, once."""

import itertools

import pytest
from conftest import Mosquitto

from acceptance.daemon import Daemon
from acceptance.expected import everything
from acceptance.home_assistant import HomeAssistant

Part = HomeAssistant | Mosquitto | Daemon
PARTS = ("home_assistant", "broker", "daemon")
CONNECTED = "connected as"
"""What the daemon logs; without waiting for it, a test would find what was there before anything happened."""

BACK_SECONDS = 60.0
"""Home Assistant looks for a broker every ten seconds, the daemon every ten at most."""


def check_all_is_there(home_assistant: HomeAssistant, daemon: Daemon, levels: bool = False) -> None:
    """Exactly our entities, none of them unavailable or restored from a past that is gone.

    A level is a figure of ten seconds, and unavailable before the first; only with `levels` is it waited for.
    """
    expected = set(everything(list(daemon.rooms)))

    def amiss() -> list[str]:
        states = home_assistant.states()
        late = () if levels else tuple(f"sensor.{slug}_level" for slug in daemon.rooms)
        lost = [e for e in expected if e not in states or (states[e]["state"] == "unavailable" and e not in late)]
        return lost or [e for e in expected if states[e]["attributes"].get("restored")]

    found: list[str] = []

    def complete() -> bool:
        found[:] = amiss()
        return not found

    try:
        home_assistant.until(complete, "every entity is available", BACK_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(found)[:12]}; {daemon.log()[-1_500:]}") from None
    with home_assistant.socket() as socket:
        entries = socket.call("config/entity_registry/list")
    assert {entry["entity_id"] for entry in entries if entry["platform"] == "mqtt"} == expected


@pytest.mark.parametrize("order", list(itertools.permutations(PARTS)), ids="-".join)
def test_all_of_them_start_in_any_order(
    order: tuple[str, ...], home_assistant: HomeAssistant, broker: Mosquitto, daemon: Daemon
) -> None:
    """The broker forgets what was retained, as one without persistence does."""
    parts: dict[str, Part] = {"home_assistant": home_assistant, "broker": broker, "daemon": daemon}
    connections = daemon.log().count(CONNECTED)
    for name in reversed(order):
        parts[name].stop()
    for name in order:
        parts[name].start()
    daemon.wait_for_log(CONNECTED, connections + 1)
    check_all_is_there(home_assistant, daemon)


@pytest.mark.parametrize("part", PARTS)
def test_one_of_them_is_killed_and_comes_back(
    part: str, home_assistant: HomeAssistant, broker: Mosquitto, daemon: Daemon
) -> None:
    parts: dict[str, Part] = {"home_assistant": home_assistant, "broker": broker, "daemon": daemon}
    connections = daemon.log().count(CONNECTED)
    parts[part].stop(kill=True)
    parts[part].start()
    if part != "home_assistant":  # else nothing has happened to the daemon
        daemon.wait_for_log(CONNECTED, connections + 1)
    check_all_is_there(home_assistant, daemon)


def test_a_daemon_that_is_gone_is_shown_as_such(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    daemon.stop(kill=True)
    home_assistant.until_state("binary_sensor.listener_connection", "off")
    home_assistant.until_state("switch.kitchen_mute", "unavailable")
    daemon.start()
    home_assistant.until_state("binary_sensor.listener_connection", "on")
    check_all_is_there(home_assistant, daemon, levels=True)


def test_a_setting_outlives_everybody(home_assistant: HomeAssistant, broker: Mosquitto, daemon: Daemon) -> None:
    home_assistant.call("select.select_option", entity_id="select.kitchen_strictness", option="strict")
    home_assistant.until_state("select.kitchen_strictness", "strict")
    connections = daemon.log().count(CONNECTED)
    daemon.stop()
    broker.stop()
    broker.start()
    daemon.start()
    daemon.wait_for_log(CONNECTED, connections + 1)
    check_all_is_there(home_assistant, daemon)
    assert home_assistant.state("select.kitchen_strictness") == "strict"
    home_assistant.call("select.select_option", entity_id="select.kitchen_strictness", option="balanced")
    home_assistant.until_state("select.kitchen_strictness", "balanced")
