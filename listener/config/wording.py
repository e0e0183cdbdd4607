"""What is wrong with a value, in words for who wrote it: what must stand there, and what does. Pure."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from listener.config.unknown_keys import Schema, hint, keys, section

SHOWN_CHARACTERS: Final = 60
SHOWN_KEYS: Final = 6
CHOICES: Final = ("literal_error", "union_tag_invalid")
SOURCES: Final = ("microphone", "file", "pipe", "stream", "wyoming")
"""Values of `rooms[].source.type`, which pydantic's `loc` names as if they were keys."""

KINDS: Final[Mapping[str, str]] = {
    "bool": "true or false",
    "string": "text",
    "list": "a list: `[one, two]`, or lines that begin with `- `",
    "tuple": "a list: `[one, two]`",
    "path": "a path",
}
"""What must stand there, by the first word of pydantic's error type."""

UNIT: Final = re.compile(r"[0-9.]+ *[a-z%]+", re.IGNORECASE)


def where(error: Mapping[str, Any]) -> str:
    """The key, as a person would write it."""
    parts = [part for n, part in enumerate(error["loc"]) if not (part in SOURCES and error["loc"][n - 1] == "source")]
    if parts[-1:] == ["[key]"]:
        del parts[-2:]
    elif error["type"] == "invalid_key":
        del parts[-1]
    elif error["type"].startswith("union_tag"):
        parts.append("type")
    found = ""
    for part in parts:
        found += f"[{part}]" if isinstance(part, int) else f".{part}" if found else str(part)
    return found


def what(error: Mapping[str, Any], schema: Schema) -> str:
    """For one of pydantic's errors in a configuration that `schema` (JSON schema) describes."""
    kind, location = str(error["type"]), error["loc"]
    if location[-1:] == ("[key]",) or kind == "invalid_key":
        return _bad_key(error)
    match kind:
        case "value_error":
            return _own(error)
        case "time_parsing":
            return 'is no time of day; write "21:30"'
        case "extra_forbidden":
            return hint(location, schema)
        case "missing":
            meant = (node["description"] for node in section(schema, location) if "description" in node)
            return ". ".join(("is missing", *meant))
        case "too_short" | "too_long" | "string_too_short" | "string_too_long":
            return _length(kind, error)
        case _:
            expected = _expected(kind, [node for node in section(schema, location) if node.get("type") != "null"])
            return _must_be(expected, kind, error["input"]) if expected else str(error["msg"])


def _own(error: Mapping[str, Any]) -> str:
    """What a validator of ours says."""
    return str(error["msg"]).removeprefix("Value error, ")


def _bad_key(error: Mapping[str, Any]) -> str:
    """Of a mapping by names of the user's own, or one that is no text."""
    key, kind = error["input"], str(error["type"])
    reason = _own(error) if kind == "value_error" else _length(kind, error) if "_too_" in kind else "is no text"
    if isinstance(key, str):
        return f"the key {key[:SHOWN_CHARACTERS]!r} {reason}"
    return f"the key {str(key).lower().replace('none', 'null')} {reason}; put it in quotes"


def _length(kind: str, error: Mapping[str, Any]) -> str:
    context, value = error["ctx"], error["input"]
    things = "character" if kind.startswith("string") else "entry"
    limit = context["min_length"] if kind.endswith("short") else context["max_length"]
    many = things if limit == 1 else {"character": "characters", "entry": "entries"}[things]
    if not value:
        return f"is empty; it must have at least {limit} {many}"
    return f"must have {'at least' if kind.endswith('short') else 'at most'} {limit} {many}, not {len(value)}"


def _expected(kind: str, nodes: Sequence[Schema]) -> str | None:
    """What must stand there; None: of that error we know no words."""
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        names = [name for name in keys(nodes[:1]) if all(name in node.get("properties", ()) for node in nodes)]
        return f"keys with values{f' ({_some(names)})' if names else ''}"
    if kind.startswith("union_tag"):
        return _one_of([node["properties"]["type"]["const"] for node in nodes])
    if kind == "literal_error":
        return _one_of([word for node in nodes for word in node.get("enum", ())])
    if any("minimum" in n or "maximum" in n or n.get("type") in ("integer", "number") for n in nodes):
        return _number(nodes)
    return KINDS.get(kind.split("_")[0])


def _one_of(words: Sequence[str]) -> str:
    return f"{'one of ' if len(words) > 2 else ''}{' or '.join((', '.join(words[:-1]), words[-1]))}"


def _some(names: Sequence[str]) -> str:
    return ", ".join((*names[:SHOWN_KEYS], *("…" for _ in names[SHOWN_KEYS : SHOWN_KEYS + 1])))


def _number(nodes: Sequence[Schema]) -> str:
    """With its bounds."""
    node = next(n for n in nodes if n.get("type") in ("integer", "number"))
    said = "a whole number" if node["type"] == "integer" else "a number"
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f"{said} from {_plain(least)} to {_plain(most)}"
    bounds = {
        "at least": least,
        "above": node.get("exclusiveMinimum"),
        "at most": most,
        "below": node.get("exclusiveMaximum"),
    }
    found = [f"{words} {_plain(bound)}" for words, bound in bounds.items() if bound is not None]
    return " ".join((said, " and ".join(found))).strip()


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


def _must_be(expected: str, kind: str, value: object) -> str:
    """With what kind of thing stands there, and what to do. Of what stands there only a number in the place of one is
    shown: anything else may be a password that was put in the wrong place."""
    if kind.startswith("union_tag") and isinstance(value, dict):
        value = value.get("type")
    if value is None:
        return f"is empty; it must be {expected}"
    chosen = kind in CHOICES or kind.startswith("bool")
    words = set(expected.replace(",", "").split()) - {"one", "of", "or"} if chosen else set()
    match value:
        case bool() | int() | float() if expected.startswith(("a number", "a whole number")):
            return f"must be {expected}, not {str(value).lower()[:SHOWN_CHARACTERS]}"
        case bool() | int() | float() if kind in ("string_type", "path_type") or str(value) in words:
            return f"must be {expected}, not {kind_of(value)}; put it in quotes"
        case str() if near := get_close_matches(value, words, n=1):
            return f"must be {expected}; did you mean `{near[0]}`?"
        case str() if UNIT.fullmatch(value):
            return f"must be {expected}, not text; write the number alone"
        case _:
            return f"must be {expected}, not {'that' if kind in CHOICES else kind_of(value)}"


def kind_of(value: object) -> str:
    """What a value is, as who writes YAML would say."""
    match value:
        case dict():
            return "keys with values"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case int() | float():
            return "a number"
        case _:
            return "nothing" if value is None else "text"
