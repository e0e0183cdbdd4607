"""Home Assistant's log after all of the suite (this file is put last): it has nothing to complain about us."""

import re

from acceptance.home_assistant import HomeAssistant

MQTT_CLIENT = r"\[homeassistant\.components\.mqtt\.client\] "
NOT_ABOUT_US = (
    r"\[homeassistant\.bootstrap\] Skipping pip installation",  # we asked for that
    # Tests stop and kill the broker, …
    MQTT_CLIENT + r"Error returned from MQTT server: The connection was lost",
    MQTT_CLIENT + r"(Disconnected from|Failed to connect to) MQTT server",
    r"\[paho\.mqtt\.client\] failed to receive on socket",
    r"\[homeassistant\] Error doing job: Task exception was never retrieved.*\n(.*\n)*.*birth_message(.*\n)*.*"
    r"Error talking to MQTT: The client is not currently connected",
    # … and Home Assistant itself.
    r"\[homeassistant\.components\.recorder.*\] (The system could not validate|Ended unfinished session)",
)


def test_the_log_has_no_warning_and_no_error(home_assistant: HomeAssistant) -> None:
    complaints = home_assistant.complaints()
    assert any("Skipping pip installation" in line for line in complaints), "the log was read"
    assert unexplained(complaints) == []


def unexplained(complaints: list[str]) -> list[str]:
    return [line for line in complaints if not any(re.search(known, line) for known in NOT_ABOUT_US)]


def test_a_complaint_about_us_is_found() -> None:
    """The guard bites: these are lines of real logs, about devices that were no good."""
    lines = [
        "2026-01-31 12:00:00.123 WARNING (MainThread) [homeassistant.components.mqtt.entity] Unable to parse JSON",
        "2026-01-31 12:00:00.123 ERROR (MainThread) [homeassistant.components.mqtt.discovery] Invalid MQTT device "
        "discovery payload for listener-kitchen, required key not provided @ data['device']: '{}'",
    ]
    assert unexplained(lines) == lines
