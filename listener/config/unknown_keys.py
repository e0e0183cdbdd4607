"""What to say of a key that does not exist: how it is called today, where it belongs, or what is nearest to it."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

RENAMED: Final[Mapping[str, str]] = {}
"""Keys of earlier releases and what they are called now, as dotted paths without list positions: `rooms.mic`.

A key that is renamed or moved gets its row here, for good: whoever updates is told the new name.
"""

Schema = Mapping[str, Any]


def hint(location: Sequence[int | str], schema: Schema, renamed: Mapping[str, str] = RENAMED) -> str:
    """For the key at `location` (pydantic's `loc`) of a configuration that `schema` (JSON schema) describes."""
    path = ".".join(part for part in location if isinstance(part, str))
    key = str(location[-1])
    if path in renamed:
        return f"is called {renamed[path]} since a later release; rename it"
    if near := get_close_matches(key, set(keys(section(schema, location[:-1]))), n=1):
        return f"unknown key; did you mean `{near[0]}`?"
    if elsewhere := sorted(path for path in _paths(schema, schema) if path.split(".")[-1] == key):
        return f"unknown key here; there is `{'` and `'.join(elsewhere[:3])}`"
    return "unknown key; see config.example.yaml, or `listener config example`, for those that exist"


def _resolved(node: Schema, root: Schema) -> Iterator[Schema]:
    """The objects that a node of the schema may be."""
    if "$ref" in node:
        yield from _resolved(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    elif choices := [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]:
        for choice in choices:
            yield from _resolved(choice, root)
    else:
        yield node


def section(root: Schema, location: Sequence[int | str]) -> list[Schema]:
    """What the schema has at a location; a part that is no key of it (a discriminator) is passed over."""
    nodes = list(_resolved(root, root))
    for part in location:
        below = [child for node in nodes if (child := _child(node, part)) is not None]
        nodes = [found for child in below for found in _resolved(child, root)] or nodes
    return nodes


def _child(node: Schema, part: int | str) -> Schema | None:
    if isinstance(part, int):
        inner = (*node.get("prefixItems", ()), node.get("items"))[0]  # a pair's two are alike
    else:
        inner = node.get("properties", {}).get(part)
    if inner is None and isinstance(part, str):  # a mapping by names of the user's own
        inner = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
    return inner if isinstance(inner, Mapping) else None


def keys(nodes: Sequence[Schema]) -> Iterator[str]:
    """Those that a place may have, one variant after the other."""
    for node in nodes:
        yield from node.get("properties", ())


def _paths(node: Schema, root: Schema, above: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key there is, as a dotted path."""
    for found in _resolved(node, root):
        for key, child in found.get("properties", {}).items():
            yield ".".join((*above, key))
            yield from _paths(child, root, (*above, key))
        if isinstance(found.get("items"), Mapping):
            yield from _paths(found["items"], root, above)
