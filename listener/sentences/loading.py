"""Sentence templates by language, and the names of the home as hassil's lists."""

import logging
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import yaml
from hassil import Intents, SlotList, TextChunk, TextSlotList, TextSlotValue, merge_dict
from home_assistant_intents import get_intents, get_speech_to_phrase_intents

from listener.config import AreaConfig, EntityConfig, FloorConfig, HomeConfig
from listener.errors import ConfigError
from listener.sentences.numbers import said_numbers
from listener.sentences.spoken import spoken_words

log = logging.getLogger(__name__)

OWN_LANGUAGES: Final = ("en", "de", "ru")
"""Those that have templates of our own; others have Home Assistant's alone."""

OWN_INTENTS: Final = "Listener"
OWN_MARK: Final = "listener"
"""In the metadata of what is said to us: "stop" stops us, and not the music."""

REGIONS: Final = {"zh": "zh-CN", "pt": "pt-BR"}
"""Home Assistant has no templates under the bare code."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """All templates of a language, to understand text with; `lists` are the home's names."""

    language: str
    intents: Intents
    lists: Mapping[str, SlotList]


def load_sentences(language: str, home: HomeConfig) -> Sentences:
    """Everything that can be understood as text. Raises ConfigError for a language that nobody has templates for."""
    theirs = get_intents(REGIONS.get(language, language))
    if theirs is None:
        raise ConfigError(
            f"language {language!r}: Home Assistant has no sentences for it; use another, such as en or de"
        )
    templates = deepcopy(theirs)
    merge_dict(templates, deepcopy(_own(language)))
    return Sentences(language, Intents.from_dict(templates), _names(home, language))


def load_closed_sentences(
    language: str,
    home: HomeConfig,
    intents: Sequence[str],
    max_names: int = 500,
    temperatures: tuple[int, int] = (5, 30),
) -> Sentences:
    """What a closed grammar listens for: the lean templates (Home Assistant's for Speech-to-Phrase) and our own.

    Timers and reminders, which may be called anything as text, have the names of the configuration here; numbers are
    those that people say, `temperatures` the least and the most.
    Raises ConfigError for a language without such templates, and for an intent that has none.
    """
    lean = get_speech_to_phrase_intents(language)
    if lean is None:
        raise ConfigError(
            f"language {language!r}: there are no sentences for a closed grammar; use recognizer: whisper"
        )
    templates = deepcopy(lean)
    merge_dict(templates, deepcopy(_own(language)))
    for name in intents:
        if name not in templates["intents"]:
            known = ", ".join(sorted(templates["intents"]))
            raise ConfigError(f"speech.intents: the closed recognizer has no sentence for {name!r}; there are {known}")
    templates["intents"] = {name: templates["intents"][name] for name in intents}
    if len(home.entities) > max_names:
        log.warning(
            "speech: the closed recognizer listens for the first %d of %d entities; see speech.max_names",
            max_names,
            len(home.entities),
        )
        home = home.model_copy(update={"entities": home.entities[:max_names]})
    things: tuple[AreaConfig | FloorConfig | EntityConfig, ...] = (*home.areas, *home.floors, *home.entities)
    for thing in things:
        if not _said([thing.name, *thing.aliases], language):
            log.warning("home: %r cannot be said in this language's letters; give it an alias", thing.name)
    lists = {
        **_names(home, language),
        **said_numbers(temperatures),
        "timer_name": TextSlotList.from_strings(_said(home.timer_names, language), allow_template=False),
        "reminder": TextSlotList.from_strings(_said(home.reminders, language), allow_template=False),
    }
    return Sentences(language, Intents.from_dict(templates), lists)


def _own(language: str) -> Mapping[str, Any]:
    if language not in OWN_LANGUAGES:
        return {"intents": {}}
    text = resources.files("listener.sentences").joinpath("own", f"{language}.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    for name, intent in data["intents"].items():
        for block in intent["data"] if name.startswith(OWN_INTENTS) else ():
            block["metadata"] = {OWN_MARK: True}
    return data


def _said(names: Sequence[str], language: str) -> list[str]:
    return [" ".join(words) for name in names if (words := spoken_words(name, language))]


def _names(home: HomeConfig, language: str) -> dict[str, SlotList]:
    entities = [value for entity in home.entities for value in _values(entity, language, {"domain": entity.domain})]
    return {
        "name": TextSlotList("name", entities),
        "area": TextSlotList("area", [value for area in home.areas for value in _values(area, language)]),
        "floor": TextSlotList("floor", [value for floor in home.floors for value in _values(floor, language)]),
    }


def _values(
    thing: AreaConfig | FloorConfig | EntityConfig, language: str, context: dict[str, Any] | None = None
) -> list[TextSlotValue]:
    """The name and its aliases, as they are written and as they are said; each stands for the name."""
    written = [thing.name, *thing.aliases]
    forms = dict.fromkeys([*written, *_said(written, language)])
    return [TextSlotValue(TextChunk(form), thing.name, context) for form in forms]
