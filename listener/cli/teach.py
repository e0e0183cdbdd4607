"""`listener teach`: a sound gets a name, from the microphone, from recordings, or by the daemon that runs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from listener.cli.common import add_config_option, add_pcm_options, config_places, load_config
from listener.config import Config, RoomConfig, parse
from listener.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

EPILOG = """\
examples:
  listener teach "Garden gate"                       guided, at the microphone of the only room
  listener teach "Garden gate" --room kitchen        at that room's, and heard there only
  listener teach Dryer --from 1.wav 2.wav 3.wav --background hum.wav
  arecord -q -f S16_LE -r 16000 -t raw | listener teach Dryer --from -
  listener teach --test                              what each taught sound scores, live
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "teach",
        help="teach a sound of your own, and look after those that were taught",
        description="Be quiet, make the sound five times, done. When the daemon runs and can be reached over MQTT, it "
        "learns with the room's own microphone.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help='what it is called: "Garden gate"')
    add_config_option(parser)
    parser.add_argument("--room", metavar="ROOM", help="learn and listen for it there; otherwise: in all rooms")
    parser.add_argument(
        "--from", dest="files", nargs="+", metavar="FILE", help="recordings of it; - is sound on stdin, as it comes"
    )
    parser.add_argument("--background", type=Path, metavar="FILE", help="with --from: the room without the sound")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw what was heard, and which parts were taken")
    parser.add_argument("-y", "--yes", action="store_true", help="keep it without asking, unless it is refused")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--list", action="store_true", help="what was taught")
    other.add_argument("--rename", nargs=2, metavar=("OLD", "NEW"))
    other.add_argument("--forget", metavar="NAME")
    other.add_argument("--test", nargs="?", const="", metavar="NAME", help="listen, and show scores; or with --from")
    other.add_argument("--corrections", action="store_true", help="what was said to be wrong")
    other.add_argument("--undo", metavar="ID", help="take one of the corrections back")
    add_pcm_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    config = _config(args.config)
    room = None if args.room is None else _room(config, args.room)
    if args.list or args.corrections:
        from listener.cli.teach_lists import show_corrections, show_sounds

        return show_sounds(console, config) if args.list else show_corrections(console, config)
    if args.rename or args.forget or args.undo:
        from listener.cli.teach_changes import change

        return change(console, config, args)
    if args.test is not None:
        from listener.cli.teach_test import test

        return test(console, config, room, args)
    return _teach(console, config, room, args)


def _teach(console: "Console", config: Config, room: RoomConfig | None, args: argparse.Namespace) -> int:
    name = " ".join((args.name or "").split())
    if not name:
        raise ConfigError("teach: give the sound a name, such as `listener teach 'Garden gate'`; or --list, --test …")
    if args.background is not None and (args.files is None or "-" in args.files):
        raise ConfigError("--background: goes with --from and recordings; a lesson begins with quiet anyway")
    if args.files is None:
        from listener.cli.teach_remote import daemon_answers, teach_remotely

        if config.mqtt is not None and daemon_answers(config.mqtt):
            if args.plot is not None:
                raise ConfigError("--plot: the daemon holds the lesson, and draws nothing; use --from, or leave it out")
            return teach_remotely(console, config.mqtt, room or _only_room(config), name)
        room = room or _only_room(config)
    from listener.cli.teach_here import teach_here

    return teach_here(console, config, room, name, args)


def _config(given: Path | None) -> Config:
    """The configuration; where there is none, the default microphone is a room."""
    if given is None and not any(place.is_file() for place in config_places()):
        return parse({"rooms": [{"name": "room", "source": {"type": "microphone"}}]})
    return load_config(given)


def _room(config: Config, wanted: str) -> RoomConfig:
    from listener.cli.say import find_room

    return find_room(config, wanted)


def _only_room(config: Config) -> RoomConfig:
    if len(config.rooms) > 1:
        names = ", ".join(room.name for room in config.rooms[:20])
        raise ConfigError(f"--room: which room hears the sound? There are {names}")
    return config.rooms[0]
