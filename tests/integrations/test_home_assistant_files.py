"""What people load into Home Assistant, without one: it is well formed, explained, and names what we announce."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from listener.config import RoomConfig
from listener.publish.discovery import devices
from listener.publish.topics import Topics
from listener.respond.skills.clock import ClockSkill
from listener.respond.skills.talk import TalkSkill
from listener.respond.skills.timers import TimerSkill
from listener.vocabulary import INTENTS, SOUND_LABELS

FOLDER = Path(__file__).resolve().parents[2] / "integrations" / "home_assistant"
BLUEPRINTS = sorted((FOLDER / "blueprints/automation/listener").glob("*.yaml"))
DASHBOARD = FOLDER / "dashboard.yaml"
MIN_VERSION = "2025.4.0"
ENTITY = re.compile(r"\b(?:binary_sensor|button|event|notify|number|select|sensor|switch)\.[a-z0-9_]+")


class Input(str):
    """`!input NAME` of a blueprint."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """YAML with Home Assistant's tag `!input`."""


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def inputs(blueprint: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every input, those in sections too."""
    for name, item in blueprint["blueprint"]["input"].items():
        yield from item["input"].items() if "input" in item else [(name, item)]


def values(tree: Any) -> Iterator[Any]:
    """Every leaf."""
    if isinstance(tree, dict | list):
        for inner in tree.values() if isinstance(tree, dict) else tree:
            yield from values(inner)
    else:
        yield tree


def entities_of_ours() -> set[str]:
    names = ("Kitchen", "Living room")
    rooms = [RoomConfig.model_validate({"name": name, "source": {"type": "pipe"}}) for name in names]
    announced = devices(Topics(), rooms, SOUND_LABELS, "1")
    return {cell["default_entity_id"] for device in announced.values() for cell in device["cmps"].values()}


def test_all_seven_are_there() -> None:
    names = {path.stem for path in BLUEPRINTS}
    assert names == {
        "appliance_done",
        "baby_or_dog",
        "camera_when_away",
        "spoken_command",
        "spoken_reply",
        "urgent_sound",
        "was_that_right",
    }


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_a_blueprint_says_what_it_is_and_what_it_needs(path: Path) -> None:
    about = load(path)["blueprint"]
    assert about["name"].startswith("Listener: ")
    assert len(about["description"]) > 100
    assert about["domain"] == "automation"
    assert about["homeassistant"] == {"min_version": MIN_VERSION}


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_every_input_is_described_and_used(path: Path) -> None:
    blueprint = load(path)
    declared = dict(inputs(blueprint))
    for name, item in declared.items():
        assert item["name"], name
        assert item["description"].rstrip().endswith((".", "?")), name
        assert item["selector"], name
    body = [part for key, part in blueprint.items() if key != "blueprint"]
    used = {str(value) for value in values(body) if isinstance(value, Input)}
    assert used == set(declared)


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_a_section_that_can_be_left_alone_has_defaults(path: Path) -> None:
    """Home Assistant refuses to fold a section in which something must be filled in."""
    for name, item in load(path)["blueprint"]["input"].items():
        if item.get("collapsed"):
            assert all("default" in inner for inner in item["input"].values()), name


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_every_template_can_be_read(path: Path) -> None:
    environment = pytest.importorskip("jinja2").Environment(autoescape=False)
    texts = [value for value in values(load(path)) if isinstance(value, str) and ("{{" in value or "{%" in value)]
    assert texts
    for text in texts:
        environment.parse(text)


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_what_comes_back_is_no_news(path: Path) -> None:
    """Entities take up their last state when they come back; no trigger may take that for a sound."""
    blueprint = load(path)
    for trigger in blueprint["triggers"]:
        from_off = trigger.get("from") == "off" and trigger.get("to") == "on"
        not_back = trigger.get("not_from") == ["unavailable"] and trigger.get("not_to") == ["unavailable", "unknown"]
        by_id = trigger.get("attribute") == "id" and "from_state.state != 'unavailable'" in str(blueprint["conditions"])
        assert from_off or not_back or by_id


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda p: p.stem)
def test_sounds_that_are_offered_exist(path: Path) -> None:
    for name, item in inputs(load(path)):
        if name == "labels":
            offered = item["selector"]["select"]["options"]
            assert set(item["default"]) <= set(offered) <= set(SOUND_LABELS)


def test_commands_that_are_handed_on_are_those_that_we_do_not_answer() -> None:
    answered = load(FOLDER / "blueprints/automation/listener/spoken_command.yaml")["variables"]["answered"]
    own = [name for name in answered if name not in ("denied", "unconfirmed")]
    assert set(own) == {name for name in skills() | {"HassNevermind"} if not name.startswith("Listener")}
    assert set(own) <= set(INTENTS)
    assert {"denied", "unconfirmed"} <= set(answered)


def skills() -> set[str]:
    """The intents of every skill. What a skill answers is known without anything to answer with."""
    parts: Any = None
    found = (ClockSkill(), TimerSkill(parts, parts), TalkSkill(parts, parts))
    return {name for skill in found for name in skill.intents}


def test_the_dashboard_names_entities_that_we_announce() -> None:
    text = "\n".join(line for line in DASHBOARD.read_text(encoding="utf-8").splitlines() if "#" not in line)
    named = set(ENTITY.findall(text))
    assert len(named) > 30
    assert named - entities_of_ours() == set()


def test_the_dashboard_is_made_of_cards_of_the_core() -> None:
    view = yaml.safe_load(DASHBOARD.read_text(encoding="utf-8"))["views"][0]
    cards = [card for section in view["sections"] for card in section["cards"]]
    assert {card["type"] for card in cards} == {"heading", "tile", "markdown", "logbook", "history-graph"}
    headings = [card["heading"] for card in cards if card["type"] == "heading" and "heading_style" not in card]
    assert headings == ["Rooms", "Hearing now", "History", "Tuning"]


def test_rooms_of_the_dashboard_have_the_same_cards() -> None:
    named = set(ENTITY.findall(DASHBOARD.read_text(encoding="utf-8")))
    kitchen = {entity.replace(".kitchen_", ".") for entity in named if ".kitchen_" in entity}
    assert kitchen == {entity.replace(".living_room_", ".") for entity in named if ".living_room_" in entity}
