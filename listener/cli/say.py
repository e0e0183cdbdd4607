"""`listener say ROOM TEXT`: the daemon that runs says it in that room, as Home Assistant's `notify` would."""

import argparse
import asyncio

from listener.cli.common import add_config_option, load_config
from listener.config import Config, RoomConfig
from listener.errors import ConfigError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "say",
        help="let a room say something",
        description="Sends the text over MQTT to the daemon that runs. Without a voice it is an event, as answers are.",
    )
    add_config_option(parser)
    parser.add_argument("room", metavar="ROOM", help="its name or slug")
    parser.add_argument("text", metavar="TEXT", nargs="+", help="what to say")
    parser.add_argument("--urgent", action="store_true", help="before, and instead of, what is being said")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.publish.say import send_say

    config, text = load_config(args.config), " ".join(args.text).strip()
    room = find_room(config, args.room)
    if not text:
        raise ConfigError("there is nothing to say; give a sentence")
    if config.mqtt is None:
        raise ConfigError("this needs MQTT, and the configuration has no `mqtt` section")
    where = asyncio.run(send_say(config.mqtt, room.slug, text, urgent=args.urgent))
    print(
        f"{room.name}: sent by {where}" if room.output else f"{room.name}: sent by {where}; it has no output: text only"
    )
    return 0


def find_room(config: Config, wanted: str) -> RoomConfig:
    """By slug or name, whatever the case. Raises ConfigError with the rooms that there are."""
    for room in config.rooms:
        if wanted.casefold() in (room.slug, room.name.casefold()):
            return room
    raise ConfigError(f"there is no room {wanted!r}; rooms are {', '.join(room.name for room in config.rooms[:20])}")
