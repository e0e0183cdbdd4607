"""`listener teach --list` and `--corrections`: what the state folder holds, or what a daemon with another says."""

from collections.abc import Mapping
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from listener.app.learning import open_taught
from listener.config import Config
from listener.perceive.sounds.taught import TaughtScorer
from listener.store.settings import state_folder

SHOWN_ID: Final = 8
"""Enough to tell two hundred apart, and to undo one."""
SHOWN_TIME: Final = len("2026-01-31T23:59")
SHOWN_TEXT: Final = 60


def show_sounds(console: Console, config: Config) -> int:
    sounds = open_taught(config, state_folder(), owner=False).store.sounds
    if not sounds:
        columns = {"name": "name", "label": "label", "examples": "takes", "taught": "taught_at"}
        if not _show_told(console, config, ("taught", "sounds"), columns):
            console.print("Nothing was taught yet: `listener teach NAME` begins.")
        return 0
    _ask_to_be_let_in(config)
    unusable = TaughtScorer(sounds).unusable
    table = Table("name", "label", "examples", "rooms", "taught", "", box=None, pad_edge=False)
    for sound in sounds:
        rooms = ", ".join(sound.rooms) or "all"
        when, trouble = sound.taught_at[:SHOWN_TIME], unusable.get(sound.label, "")
        table.add_row(*map(escape, (sound.name, sound.label, str(len(sound.takes)), rooms, when, trouble)))
    console.print(table)
    return 0


def show_corrections(console: Console, config: Config) -> int:
    corrections = open_taught(config, state_folder(), owner=False).store.corrections
    if not corrections:
        columns = {"id": "id", "was taken for": "label", "was": "was", "said": "said_at"}
        if not _show_told(console, config, ("corrections", "corrections"), columns):
            console.print("Nothing was said to be wrong yet.")
        return 0
    _ask_to_be_let_in(config)
    table = Table("id", "room", "was taken for", "was", "said", box=None, pad_edge=False)
    for correction in corrections:
        was = correction.was or "something else"
        short, when = correction.id[:SHOWN_ID], correction.said_at[:SHOWN_TIME]
        table.add_row(*map(escape, (short, correction.room, correction.label, was, when)))
    console.print(table)
    return 0


def _ask_to_be_let_in(config: Config) -> None:
    """What stands here is not all there is where a broker refuses us. Raises PublishError, ConfigError."""
    if config.mqtt is not None:
        from listener.cli.teach_remote import must_let_us_in

        must_let_us_in(config.mqtt)


def _show_told(console: Console, config: Config, where: tuple[str, str], columns: Mapping[str, str]) -> bool:
    """What a daemon that runs with another state folder says, if it says anything. `where`: the topic's last word, and
    the key of its list; `columns`: each with its field."""
    if config.mqtt is None:
        return False
    from listener.cli.teach_remote import standing

    leaf, key = where
    table = Table("room", *columns, box=None, pad_edge=False)
    for room, told in standing(config.mqtt, [room.slug for room in config.rooms], leaf).items():
        lines = told.get(key)
        for line in lines if isinstance(lines, list) else ():
            if isinstance(line, dict):
                fields = (str(line.get(field, ""))[:SHOWN_TEXT] for field in columns.values())
                table.add_row(*map(escape, (room, *fields)))
    if table.row_count:
        console.print("As the daemon that runs tells it:")
        console.print(table)
    return bool(table.row_count)
