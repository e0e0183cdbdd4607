"""What an earlier run left at the broker and nobody will update again: rooms and sounds that are configured no more.

Pure. Only what we can prove to be ours is touched: a device whose origin and topics are ours, a room that has our
availability, a sound state that says ON or OFF.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from listener.publish.discovery import ORIGIN, Device
from listener.publish.payloads import OFFLINE, ONLINE, encode, on_off
from listener.publish.topics import Topics
from listener.types import Message

SLUG = re.compile("[a-z0-9_]+")
NOTHING_TAUGHT: Mapping[str, Collection[str]] = {}


def leftovers(
    found: Mapping[str, bytes],
    wanted: Mapping[str, Device],
    topics: Topics,
    rooms: Collection[str],
    labels: Collection[str],
    taught: Mapping[str, Collection[str]] = NOTHING_TAUGHT,
) -> list[Message]:
    """What to publish, given the retained payloads by topic: empty ones, and devices without what they lost.

    `taught`: labels of single rooms.
    """
    return [*_devices(found, wanted, topics), *_states(found, topics, rooms, labels, taught)]


def _devices(found: Mapping[str, bytes], wanted: Mapping[str, Device], topics: Topics) -> list[Message]:
    messages = []
    for topic, payload in found.items():
        old = _our_device(topic, payload, topics)
        if old is None:
            continue
        if topic not in wanted:
            messages.append(_clear(topic, "discovery"))
        elif without := _without(old, wanted[topic]):
            messages.append(Message(topic, encode(without), kind="discovery"))
    return messages


def _our_device(topic: str, payload: bytes, topics: Topics) -> Device | None:
    """The device that is announced there if it is one of this daemon's."""
    ours = re.escape(f"{topics.prefix}/device/{topics.device('')}") + r"[a-z0-9_]+/config"
    if not re.fullmatch(ours, topic):
        return None
    try:
        device = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(device, dict) or not isinstance(device.get("cmps"), dict):
        return None
    origin = device.get("o")
    by_us = isinstance(origin, dict) and origin.get("name") == ORIGIN
    return device if by_us and all(_is_below(cell, topics.base) for cell in device["cmps"].values()) else None


def _is_below(component: Any, base: str) -> bool:
    if not isinstance(component, dict):
        return False
    topic = component.get("state_topic", component.get("command_topic"))
    return isinstance(topic, str) and topic.startswith(f"{base}/")


def _without(old: Device, new: Device) -> Device | None:
    """The new device that also names what is gone, by its platform alone, as Home Assistant wants to be told.

    It is not retained: the retained one is the new device, which leaves those components out.
    """
    gone = {key: {"p": cell.get("p", "sensor")} for key, cell in old["cmps"].items() if key not in new["cmps"]}
    return {**new, "cmps": {**new["cmps"], **gone}} if gone else None


def _states(
    found: Mapping[str, bytes],
    topics: Topics,
    rooms: Collection[str],
    labels: Collection[str],
    taught: Mapping[str, Collection[str]],
) -> list[Message]:
    messages = []
    for topic, payload in found.items():
        slug, _, leaf = topic.removeprefix(f"{topics.base}/").partition("/")
        if not topic.startswith(f"{topics.base}/") or not SLUG.fullmatch(slug) or slug == "bridge":
            continue
        if slug not in rooms:
            stale = found.get(topics.room(slug, "availability")) in (ONLINE, OFFLINE)
        else:
            kind, _, label = leaf.partition("/")
            ours = label in labels or label in taught.get(slug, ())
            stale = kind == "sound" and not ours and payload in (on_off(True), on_off(False))
        if stale:
            messages.append(_clear(topic, "state"))
    return messages


def _clear(topic: str, kind: str) -> Message:
    return Message(topic, b"", kind=kind, retain=True)
