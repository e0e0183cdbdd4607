"""What may be done by voice, and what may not."""

from datetime import datetime

import pytest

from listener.config import CommandsConfig
from listener.respond.policy import Policy, RateLimit, within
from listener.respond.targets import Target, Targets
from listener.types import Intent

HOUSE = (
    Target(("Ceiling light", "Lamp"), "light", "Kitchen"),
    Target(("Garage",), "light", "Garage"),
    Target(("Garage",), "cover", "Garage", "garage"),
    Target(("Blinds",), "cover", "Kitchen", "blind"),
    Target(("Garden gate",), "cover", "Garden"),
    Target(("Front door",), "lock", "Hall"),
    Target(("Alarm",), "alarm_control_panel", "Cellar"),
    Target(("Water main",), "valve", "Cellar"),
)
NOON = datetime(2026, 11, 22, 12, 0)  # noqa: DTZ001 (a time on the wall; a Sunday)


def intent(name: str, /, **slots: str | int | float) -> Intent:
    return Intent(name, slots, "the words", 0.9)


def rule(command: Intent, config: dict[str, object] | None = None, at: datetime = NOON, room: str = "kitchen") -> str:
    policy = Policy(CommandsConfig.model_validate(config or {}), Targets(HOUSE), {"HassStartTimer", "ListenerStop"})
    ruling = policy.rule(room, command, at)
    return ruling.verdict if ruling.reason is None else f"{ruling.verdict}: {ruling.reason}"


@pytest.mark.parametrize(
    "command",
    [
        intent("HassTurnOn", name="ceiling LIGHT"),
        intent("HassTurnOn", name="Lamp"),
        intent("HassLightSet", name="Garage", brightness=50),
        intent("HassTurnOn", name="Garage", domain="light"),
        intent("HassTurnOff", area="Kitchen", domain="light"),
        intent("HassTurnOn", area="Kitchen", domain="cover", device_class="blind"),
        intent("HassTurnOn", domain="cover", device_class="['blind', 'shutter']"),
        intent("HassSetPosition", name="Blinds", position=30),
        intent("HassMediaPause"),
        intent("HassListAddItem", item="milk", name="Shopping"),
        intent("HassGetState", name="Front door", domain="lock"),
        intent("HassStartTimer", minutes=9, name="Front door"),
        intent("HassBroadcast", message="dinner"),
    ],
    ids=str,
)
def test_what_does_no_harm_is_accepted(command: Intent) -> None:
    assert rule(command) == "accepted"


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (intent("HassTurnOff", name="Front door"), "lock"),
        (intent("HassTurnOff", name="Front door", domain="lock"), "lock"),
        (intent("HassTurnOff", name="Alarm"), "alarm_control_panel"),
        (intent("HassTurnOn", name="Garage"), "garage"),
        (intent("HassTurnOn", name="Garden gate"), "door"),  # nobody said what kind of cover, and it sounds like one
        (intent("HassSetPosition", name="Garage", position=100), "garage"),
        (intent("HassTurnOn", area="Garage", domain="cover"), "garage"),
        (intent("HassTurnOn", area="Hall"), "lock"),
        (intent("HassTurnOn", device_class="garage", area="Kitchen"), "garage"),
        (intent("HassTurnOn", device_class="['gate', 'blind']"), "gate"),
        (intent("HassTurnOff", domain="lock"), "lock"),
    ],
    ids=str,
)
def test_what_lets_people_in_is_denied_unless_configured_and_then_asks(command: Intent, kind: str) -> None:
    assert rule(command) == f"denied: {kind} is denied unless commands.dangerous names it"
    everything = ["lock", "alarm_control_panel", "door", "garage", "gate"]
    assert rule(command, {"dangerous": everything}).startswith(f"unconfirmed: waits for a yes: {kind}")
    assert rule(command, {"dangerous": [x for x in everything if x != kind]}).startswith("denied")
    assert rule(command, {"dangerous": everything, "rooms": {"kitchen": {"dangerous": []}}}).startswith("denied")


def test_a_name_that_is_not_configured_is_denied() -> None:
    assert rule(intent("HassTurnOn", name="Reactor")) == "denied: what it would act on is not in home.entities"
    assert rule(intent("HassTurnOn")).startswith("denied")  # of everything: there is a lock in it
    nothing = Policy(CommandsConfig(), Targets(()), ())
    assert nothing.rule("kitchen", intent("HassTurnOn"), NOON).verdict == "denied"


def test_domains_and_intents_are_allowed_by_room() -> None:
    assert rule(intent("HassTurnOn", name="Water main")) == "denied: valve is not in commands.domains of this room"
    assert rule(intent("HassTurnOn", name="Water main"), {"rooms": {"kitchen": {"domains": ["valve"]}}}) == "accepted"
    assert rule(intent("HassTurnOn", name="Water main"), {"rooms": {"hall": {"domains": ["valve"]}}}) != "accepted"
    no_covers = {"domains": ["light"], "dangerous": ["garage"]}
    assert rule(intent("HassTurnOn", name="Garage", domain="cover"), no_covers).startswith("denied: cover is not")
    few = {"rooms": {"kitchen": {"intents": ["HassTurnOff"]}}}
    assert rule(intent("HassTurnOff", name="Lamp"), few) == "accepted"
    assert rule(intent("HassTurnOn", name="Lamp"), few).startswith("denied: HassTurnOn is not in commands.intents")
    assert rule(intent("HassStartTimer"), few).startswith("denied")
    assert rule(intent("ListenerStop"), few) == "accepted"


def test_hours() -> None:
    day = {"hours": ["07:00-20:00"]}
    assert rule(intent("HassMediaPause"), day) == "accepted"
    night = NOON.replace(hour=20)
    assert rule(intent("HassMediaPause"), day, night) == "denied: it is 20:00; commands.hours are 07:00-20:00"
    assert rule(intent("HassMediaPause"), {**day, "rooms": {"kitchen": {"hours": []}}}, night) == "accepted"
    assert rule(intent("HassNevermind"), day, night) == "accepted"


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("07:00-20:00", ["22 07:00", "22 19:59"], ["22 20:00", "22 06:59"]),
        ("22:00-07:00", ["22 22:00", "22 06:59", "22 00:00"], ["22 07:00", "22 21:59"]),
        ("sat 22:00-07:00", ["21 23:00", "22 06:59"], ["22 22:00", "21 06:00", "20 23:00"]),
        ("sun 00:00-24:00", ["22 00:00", "22 23:59"], ["21 23:59", "23 00:00"]),
    ],
)
def test_spans_of_hours(hours: str, inside: list[str], outside: list[str]) -> None:
    def at(text: str) -> datetime:
        return datetime.strptime(f"2026-11-{text}", "%Y-%m-%d %H:%M")  # noqa: DTZ007 (a time on the wall)

    assert all(within([hours], at(text)) for text in inside)
    assert not any(within([hours], at(text)) for text in outside)


def test_a_limit_per_minute_and_room() -> None:
    limit = RateLimit(2)
    assert [limit.take("a", t) for t in (0.0, 10.0, 20.0, 59.9, 60.0, 61.0, 70.0)] == [
        *(True, True, False, False),
        *(True, False, True),
    ]
    assert limit.take("b", 20.0)
