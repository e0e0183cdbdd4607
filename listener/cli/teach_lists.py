"""`listener teach --list` and `--corrections`: what the state folder holds, or what a daemon with another says."""

from collections.abc import Iterator, Sequence
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
        rows = list(_told(config, "taught", "sounds", ("name", "label", "takes", "taught_at")))
        if not rows:
            console.print("Nothing was taught yet: `listener teach NAME` begins.")
        else:
            _show(console, ("room", "name", "label", "examples", "taught"), rows)
        return 0
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
        rows = list(_told(config, "corrections", "corrections", ("id", "label", "was", "said_at")))
        if not rows:
            console.print("Nothing was said to be wrong yet.")
        else:
            _show(console, ("room", "id", "was taken for", "was", "said"), rows)
        return 0
    table = Table("id", "room", "was taken for", "was", "said", box=None, pad_edge=False)
    for correction in corrections:
        was = correction.was or "something else"
        short, when = correction.id[:SHOWN_ID], correction.said_at[:SHOWN_TIME]
        table.add_row(*map(escape, (short, correction.room, correction.label, was, when)))
    console.print(table)
    return 0


def _told(config: Config, leaf: str, key: str, fields: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Rows of what a daemon that runs with another state folder says, each with its room first."""
    if config.mqtt is None:
        return
    from listener.cli.teach_remote import standing

    for room, told in standing(config.mqtt, [room.slug for room in config.rooms], leaf).items():
        lines = told.get(key)
        for line in lines if isinstance(lines, list) else ():
            if isinstance(line, dict):
                yield (room, *(str(line.get(field, ""))[:SHOWN_TEXT] for field in fields))


def _show(console: Console, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    console.print("As the daemon that runs tells it:")
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)
