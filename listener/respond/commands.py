"""From text to intent and slots, by hassil and Home Assistant's sentences."""

import logging
from typing import Any, Final

from hassil import RecognizeResult, recognize_best

from listener.sentences.loading import OWN_MARK, Sentences
from listener.types import Intent

log = logging.getLogger(__name__)

MAX_TEXT_CHARS: Final = 500
"""Nobody commands a house in more; hassil's search grows fast with length."""


class Commands:
    """Understands text in one language."""

    def __init__(self, sentences: Sentences) -> None:
        self._sentences = sentences

    def understand(self, text: str, confidence: float = 1.0, area: str | None = None) -> Intent | None:
        """The command that this text is, or None. `area`: where it was said, for "turn on the lights"."""
        if not text.strip():
            return None
        if len(text) > MAX_TEXT_CHARS:
            log.warning("a text of %d characters is no command; %d are the most", len(text), MAX_TEXT_CHARS)
            return None
        result = recognize_best(
            text,
            self._sentences.intents,
            slot_lists=dict(self._sentences.lists),
            intent_context={"area": area} if area else None,
            best_metadata_key=OWN_MARK,
            best_slot_name="name",
            language=self._sentences.language,
        )
        return None if result is None else Intent(result.intent.name, _slots(result), text, confidence)


def _slots(result: RecognizeResult) -> dict[str, str | int | float]:
    """Flat: what the sentence named, and what its template says of itself (`domain: light`)."""
    slots = {name: _value(entity.value) for name, entity in result.entities.items()}
    return {name: value for name, value in slots.items() if value != ""}


def _value(value: Any) -> str | int | float:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.strip() if isinstance(value, str) else value if isinstance(value, int | float) else str(value)
