"""`listener mute`: closes or opens a room's microphone in the running daemon, and says when it is so."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from listener.cli.common import add_config_option, load_config
from listener.config import Config, MqttConfig, RoomConfig
from listener.errors import ConfigError, PublishError

if TYPE_CHECKING:
    from listener.publish.link import Link
    from listener.publish.remote import Remote
    from listener.publish.topics import Topics

CONFIRM_SECONDS = 15.0
"""A capture process that hangs is killed within two seconds; the rest is for a broker that is slow."""

HERE_SECONDS = 5.0
EVERY_ROOM = "all"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "mute",
        help="close or open a room's microphone, or say how it is",
        description="Done when the daemon has confirmed it: muted means that the device is closed. Bind it to a key.",
    )
    parser.add_argument("room", metavar="ROOM", help=f"name or slug of a room, or `{EVERY_ROOM}`")
    parser.add_argument("what", nargs="?", choices=("on", "off", "status"), default="on")
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = load_config(args.config)
    rooms = find_rooms(config, args.room)
    if config.mqtt is None:
        raise ConfigError("mute: the daemon is reached over MQTT, and the configuration has no `mqtt` section")
    return asyncio.run(_all(config.mqtt, rooms, args.what))


def find_rooms(config: Config, name: str) -> list[RoomConfig]:
    """The room with that slug or name, or every room. Raises ConfigError that lists them."""
    found = [r for r in config.rooms if r.slug == name] or [r for r in config.rooms if r.name.lower() == name.lower()]
    if not found and name == EVERY_ROOM:
        return list(config.rooms)
    if not found:
        raise ConfigError(f"mute: there is no room {name!r}; rooms are {', '.join(r.slug for r in config.rooms)}")
    return found


async def _all(mqtt: MqttConfig, rooms: Sequence[RoomConfig], what: str) -> int:
    """Every room has its line; exit status 1 if one has not done what was asked."""
    from listener.publish.remote import open_remote
    from listener.publish.topics import Topics

    topics = Topics(mqtt.base_topic)
    bridge = topics.bridge("state")
    watched = [topics.room(room.slug, leaf) for room in rooms for leaf in ("mute", "status")]
    async with open_remote(mqtt, (bridge, *watched)) as (remote, link):
        await _until_here(remote, bridge)
        results = await asyncio.gather(
            *(_one(remote, link, topics, room, what) for room in rooms), return_exceptions=True
        )
    failed = 0
    for room, result in zip(rooms, results, strict=True):
        if isinstance(result, PublishError):
            failed += 1
            print(f"listener: {room.name}: {result}", file=sys.stderr)
        elif isinstance(result, BaseException):
            raise result
        else:
            print(f"{room.name}: {result}")
    return 1 if failed else 0


async def _until_here(remote: "Remote", bridge: str) -> None:
    nobody = "no daemon answers at the broker; is `listener run` running, with this broker and base topic?"
    await remote.until(lambda: remote.text(bridge) is not None, HERE_SECONDS, nobody)
    if '"online"' not in (remote.text(bridge) or ""):
        raise PublishError("the daemon is not running (the broker has its good-bye), so its microphones are closed")


async def _one(remote: "Remote", link: "Link", topics: "Topics", room: RoomConfig, what: str) -> str:
    """How the room is in the end, in words. Raises PublishError when it does not do it."""
    from listener.types import Message

    setting, status = topics.room(room.slug, "mute"), topics.room(room.slug, "status")
    if what == "status":
        unknown = "the daemon says nothing about this room; does it run with this configuration?"
        await remote.until(lambda: _state(remote, status) is not None, HERE_SECONDS, unknown)
        return _words(remote, status)
    wanted = what.upper()
    link.send(Message(topics.set(room.slug, "mute"), wanted.encode()))

    def confirmed() -> bool:
        # The setting must come anew: one that stood there may be of a daemon that died. The status comes from the
        # capture itself, once the device is closed.
        is_set = remote.is_live(setting) and remote.text(setting) == wanted
        state = _state(remote, status)
        return is_set and state is not None and (state == "muted") == (what == "on")

    await remote.until(confirmed, CONFIRM_SECONDS, f"not confirmed within {CONFIRM_SECONDS:g} s; look at its log")
    return _words(remote, status)


def _status(remote: "Remote", topic: str) -> dict[str, object]:
    try:
        found = json.loads(remote.text(topic) or "null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _state(remote: "Remote", topic: str) -> str | None:
    state = _status(remote, topic).get("state")
    return state if isinstance(state, str) else None


def _words(remote: "Remote", topic: str) -> str:
    detail = _status(remote, topic).get("detail")
    state = _state(remote, topic) or "unknown"
    return " ".join(f"{state}: {detail}".split()) if detail else state
