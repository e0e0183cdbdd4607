"""Mutations for the short tests and for `make chaos`. All comes from a seed, so that a failure can be repeated."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from listener.config import Config, parse
from listener.config.reading import _Loader
from listener.errors import ConfigError
from listener.vocabulary import STRICTNESS_STEPS

WORDS = ("ON", "OFF", "PRESS", "0.5", "1.0", "smoke_alarm", "assistant", "Dinner is ready", *STRICTNESS_STEPS)
NASTY: tuple[Any, ...] = (
    None, True, False, -1, 0, 10**18, 1e308, float("nan"), "", " ", "ON", "\0", "\ud800", "a" * 10_000,
    "../../etc/passwd",
    "{{7*7}}", [], {}, [[]], {"a": 1}, ["x"] * 50, "🔥", "null", "1e3", "0x10", "٣", "+/#",
)  # fmt: skip


def payloads(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Topics below `listener/` that somebody could send to, and what they could send: words, and mutations of them."""
    dice = random.Random(seed)
    leaves = ("mute/set", "strictness/set", "threshold/set", "mode/set", "snooze", "test", "say", "stop", "volume/set")
    for _ in range(count):
        room = dice.choice(("kitchen", "kitchen", "hall", "", "bridge", "küche", "+", "a" * 300))
        leaf = dice.choice((*leaves, *leaves, "x/set", "set", "mute/set/set", "mute"))
        yield f"listener/{room}/{leaf}", mutated(dice, dice.choice(WORDS).encode())


def mutated(dice: random.Random, data: bytes) -> bytes:
    """The bytes themselves, or with some of them changed, added, taken away or repeated."""
    body = bytearray(data)
    for _ in range(dice.choice((0, 0, 1, 2, 8))):
        at = dice.randrange(len(body) + 1)
        match dice.randrange(5):
            case 0:
                body[at:at] = dice.randbytes(dice.choice((1, 3, 300)))
            case 1:
                del body[at : at + dice.randrange(1, 5)]
            case 2:
                body[at:at] = body
            case 3 if at < len(body):
                body[at] ^= 1 << dice.randrange(8)
            case _:
                body[at:at] = dice.choice((b"\0", b"\n", b"\xff", b"\xc3\x28", "é".encode(), b" ", b"{}", b"NaN"))
    return bytes(body[:4_096])


def configurations(seed: int, count: int, example: str) -> Iterator[str | dict[str, Any]]:
    """The example with its text damaged, or with values of its tree exchanged for others, moved, or taken away."""
    dice = random.Random(seed)
    whole = yaml.load(example, Loader=_Loader)
    for n in range(count):
        if n % 3 == 0:
            yield mutated_text(dice, example)
        else:
            tree = copy.deepcopy(whole)
            for _ in range(dice.randrange(1, 4)):
                _change(dice, tree)
            yield tree


def mutated_text(dice: random.Random, text: str) -> str:
    lines = text.splitlines()
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(lines))
        match dice.randrange(5):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[dice.randrange(len(lines))])
            case 2:
                lines[at] = " " * dice.randrange(4) + lines[at]
            case 3:
                lines[at] = lines[at].replace(
                    ":", dice.choice((" :", "::", "", ": &a", ": *a", ": !!python/object:os.system "))
                )
            case _:
                lines[at] = "".join(c for c in lines[at] if dice.random() > 0.1) + dice.choice(
                    ("\t", "{", "]", '"', "\x07")
                )
    return "\n".join(lines)


def _change(dice: random.Random, tree: Any) -> None:
    node, key = _somewhere(dice, tree)
    match dice.randrange(3):
        case 0:
            node[key] = dice.choice(NASTY)
        case 1 if isinstance(node, dict):
            node[str(key) + "s"] = node.pop(key)
        case _:
            del node[key]


def _somewhere(dice: random.Random, tree: Any) -> tuple[Any, Any]:
    node = tree
    while True:
        key = dice.choice(list(node)) if isinstance(node, dict) else dice.randrange(len(node))
        if not isinstance(node[key], dict | list) or not node[key] or dice.random() < 0.2:
            return node, key
        node = node[key]


def verdict(read: Callable[[], Config]) -> str:
    """`valid`, or the error in lines; anything else that happens is raised."""
    try:
        config = read()
    except ConfigError as error:
        return str(error)
    assert config.rooms
    return "valid"


def read_tree(tree: dict[str, Any]) -> Config:
    return parse(tree, "fuzz.yaml")
