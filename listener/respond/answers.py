"""What is answered to commands: sentences by language from `answers.yaml`."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import yaml

from listener.errors import ConfigError
from listener.respond.words import Words


class Answers:
    """The sentences of one language, and its words for numbers and times."""

    def __init__(self, language: str, data: Mapping[str, Any], sounds: Mapping[str, str]) -> None:
        self._says: Mapping[str, str] = data["says"]
        self._sounds = sounds
        self.words = Words(language, data["words"])

    def say(self, key: str, **places: str) -> str:
        """The sentence `key`, with a capital letter. Places are filled once: a name may hold braces."""
        sentence = self._fill(self._says[key], places)
        return sentence[:1].upper() + sentence[1:]

    def part(self, key: str, **places: str) -> str:
        """As `say`, for what goes into a sentence."""
        return self._fill(self._says[key], places)

    def sound(self, label: str) -> str:
        return self._sounds.get(label, label.replace("_", " "))

    @staticmethod
    def _fill(sentence: str, places: Mapping[str, str]) -> str:
        pieces = sentence.split("{")
        filled = [pieces[0]]
        for piece in pieces[1:]:
            place, _, rest = piece.partition("}")
            filled += [places[place], rest]
        return "".join(filled)


def all_answers() -> dict[str, Any]:
    """`answers.yaml`, by language."""
    loaded: dict[str, Any] = yaml.safe_load(files("listener.respond").joinpath("answers.yaml").read_text("utf-8"))
    return loaded


def languages() -> tuple[str, ...]:
    """The language codes in which commands are answered."""
    return tuple(all_answers())


def load_answers(language: str, sounds: Mapping[str, str]) -> Answers:
    """The answers of `language`; `sounds` are names of sounds by label. Raises ConfigError when there are none."""
    everything = all_answers()
    if language not in everything:
        raise ConfigError(f"language: there are no answers in {language!r}; choose one of {', '.join(everything)}")
    return Answers(language, everything[language], sounds)
