"""`listener teach --list` and `--corrections`: what the state folder holds."""

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


def show_sounds(console: Console, config: Config) -> int:
    sounds = open_taught(config, state_folder()).store.sounds
    if not sounds:
        console.print("Nothing was taught yet: `listener teach NAME` begins.")
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
    corrections = open_taught(config, state_folder()).store.corrections
    if not corrections:
        console.print("Nothing was said to be wrong yet.")
        return 0
    table = Table("id", "room", "was taken for", "was", "said", box=None, pad_edge=False)
    for correction in corrections:
        was = correction.was or "something else"
        short, when = correction.id[:SHOWN_ID], correction.said_at[:SHOWN_TIME]
        table.add_row(*map(escape, (short, correction.room, correction.label, was, when)))
    console.print(table)
    return 0
