"""Teaching and correcting by MQTT: what the payloads of those topics mean. Strict, and pure.

Names come from people and ids from us; both come over a broker that anybody may write to.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from listener.errors import PayloadError
from listener.publish.lessons import LONGEST_NAME
from listener.publish.showing import PRESSED, show
from listener.types import (
    ForgetSound,
    Learn,
    RenameSound,
    SetLearnName,
    StopLearning,
    Teaching,
    UndoCorrection,
    Wrong,
)

CANCEL: Final = "CANCEL"
ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.:-]{0,63}")
"""An episode's or a correction's. Ours are UUIDs; whatever else is sent is looked up and not found."""


def learn_name(text: str) -> Teaching:
    return SetLearnName(_name(text) if text.strip() else "")


def learn(text: str) -> Teaching:
    if text == CANCEL:
        return StopLearning()
    return Learn(None if text == PRESSED else _name(text))


def rename(text: str) -> Teaching:
    return RenameSound(*_object(text, "old", "new"))


def forget(text: str) -> Teaching:
    return ForgetSound(_name(text))


def wrong(text: str) -> Teaching:
    return Wrong(None if text == PRESSED else _id(text))


def was(text: str) -> Teaching:
    """A name, of the last sound; or a JSON object of `episode` and `name`."""
    if not text.startswith("{"):
        return Wrong(was=_name(text))
    episode, name = _object(text, "episode", "name")
    return Wrong(_id(episode), name)


def undo_correction(text: str) -> Teaching:
    return UndoCorrection(None if text == PRESSED else _id(text))


READERS: Final[Mapping[str, Callable[[str], Teaching]]] = {
    reader.__name__: reader for reader in (learn_name, learn, rename, forget, wrong, was, undo_correction)
}
"""By the topic's last word. Each raises PayloadError."""


def _name(text: Any) -> str:
    name = " ".join(text.split()) if isinstance(text, str) else ""
    if not name or not name.isprintable() or len(name) > LONGEST_NAME:
        raise PayloadError(f"{show(str(text))} is no name of a sound; give 1 to {LONGEST_NAME} letters, such as 'Gate'")
    return name


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise PayloadError(f"{show(text)} is neither PRESS nor the `id` of an event")
    return text


def _object(text: str, *keys: str) -> tuple[str, str]:
    """Two strings; the second is a name, and so is the first unless it is an id."""
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    first, second = keys
    if not isinstance(words, dict) or set(words) != set(keys):
        raise PayloadError(f'{show(text)} is no {{"{first}": "…", "{second}": "…"}}')
    given = words[first] if isinstance(words[first], str) else ""
    return (given if first == "episode" else _name(given)), _name(words[second])
