"""`listener teach --rename`, `--forget` and `--undo`: by the daemon if one runs, else in the state folder."""

import argparse
import json

from rich.console import Console
from rich.markup import escape

from listener.app.learning import open_taught
from listener.app.taught import Taught
from listener.config import Config
from listener.store.lock import StateLock
from listener.store.settings import state_folder


def change(console: Console, config: Config, args: argparse.Namespace) -> int:
    """Raises ListenerError."""
    from listener.cli.teach_remote import ask, daemon_answers

    if config.mqtt is not None and daemon_answers(config.mqtt):
        room = config.rooms[0].slug  # whichever: sounds and corrections are the house's
        console.print(escape(ask(config.mqtt, room, *_request(args))))
        return 0
    folder = state_folder()
    with StateLock(folder):
        taught = open_taught(config, folder)
        done = _change(taught, args)
        taught.save()
    where = f" (no daemon answers; in {folder})" if config.mqtt is not None else ""
    console.print(escape(f"{done}{where}"))
    return 0


def _request(args: argparse.Namespace) -> tuple[str, str, str]:
    """Of the daemon: the command's topic, its payload, and the topic on which it answers."""
    if args.rename:
        old, new = args.rename
        return "rename", json.dumps({"old": old, "new": new}, ensure_ascii=False), "taught"
    if args.forget:
        return "forget", args.forget, "taught"
    return "undo_correction", args.undo, "corrections"


def _change(taught: Taught, args: argparse.Namespace) -> str:
    if args.rename:
        return taught.rename(*args.rename)
    return taught.forget(args.forget) if args.forget else taught.undo(args.undo)
