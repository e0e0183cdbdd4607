"""What the cascade says: sentences by language from `texts.yaml`, overridden by the configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import yaml

from listener.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language. `own` are the user's, by label; they may use `{room}` and `{sound}`."""

    urgent: Mapping[str, str]
    other: str
    test: str
    sounds: Mapping[str, str]
    own: Mapping[str, str] = field(default_factory=dict)

    def announcement(self, label: str, room: str) -> str:
        """The sentence for a sound that has started."""
        sentence = self.own.get(label) or self.urgent.get(label) or self.other
        sound = self.sounds.get(label, label.replace("_", " "))
        # Plain replacement: a user's sentence with other braces must not fail at the moment of an alarm.
        return sentence.replace("{room}", room).replace("{sound}", sound)

    def test_announcement(self, room: str) -> str:
        return self.test.replace("{room}", room)


def _all_texts() -> dict[str, dict[str, object]]:
    text = files("listener.decide").joinpath("texts.yaml").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, object]] = yaml.safe_load(text)
    return loaded


def languages() -> tuple[str, ...]:
    """The language codes that have sentences."""
    return tuple(_all_texts())


def load_texts(language: str, own: Mapping[str, str]) -> Texts:
    """The sentences of `language`. Raises ConfigError when there are none."""
    everything = _all_texts()
    if language not in everything:
        raise ConfigError(f"language: there are no texts in {language!r}; choose one of {', '.join(everything)}")
    return Texts(**everything[language], own=own)  # type: ignore[arg-type]
