"""`listener teach --test`: what taught sounds score, live or in recordings."""

import argparse
import asyncio
from collections.abc import Mapping
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import Any, Final, cast

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from listener.app import build_source
from listener.app.learning import open_taught
from listener.app.taught import Taught
from listener.cli.teach_here import stdin_source
from listener.cli.teach_sound import Ear, meter, open_ear
from listener.config import Config, FileSource, RoomConfig
from listener.errors import StoreError
from listener.perceive.sounds.taught import TaughtScorer
from listener.store.settings import state_folder
from listener.types import Chunk, Percept, Source
from listener.types.taught import Knowledge, TaughtSound

DECIDES: Final = 0.5
"""A chunk with a greater score counts as the sound, at `balanced`."""


def test(console: Console, config: Config, room: RoomConfig | None, args: argparse.Namespace) -> int:
    """Raises ListenerError."""
    taught = open_taught(config, state_folder(), owner=False)
    sounds = _sounds(taught, args.test)
    room = room or config.rooms[0]
    if args.files is None:
        from listener.cli.teach_remote import daemon_answers, follow_hearing

        if config.mqtt is not None and daemon_answers(config.mqtt):
            follow_hearing(console, config.mqtt, room, sounds[0].label if args.test else None)
            return 0
    for label, why in TaughtScorer(sounds).unusable.items():
        console.print(f"[yellow]{escape(label)}: {escape(why)}[/]")
    asyncio.run(_try(console, config, room, args, Knowledge(sounds, taught.store.corrections)))
    return 0


test.__test__ = False  # type: ignore[attr-defined]  # not a test case, whatever pytest thinks of the name


def _sounds(taught: Taught, name: str) -> tuple[TaughtSound, ...]:
    """The one with that name, or all. Raises StoreError when there are none."""
    sounds = (taught.found(name),) if name else taught.store.sounds
    if not sounds:
        raise StoreError("nothing was taught yet, so nothing can be tried: `listener teach NAME` begins")
    return sounds


async def _try(
    console: Console, config: Config, room: RoomConfig, args: argparse.Namespace, knowledge: Knowledge
) -> None:
    async with open_ear(config, room, knowledge) as ear:
        if args.files is None:
            await _show(console, ear, build_source(room.source), room.source.type)
        for name in args.files or ():
            recording = FileSource(type="file", path=Path(name), realtime=False)
            source = stdin_source(args) if name == "-" else build_source(recording)
            await _show(console, ear, source, Path(name).name)


async def _show(console: Console, ear: Ear, source: Source, title: str) -> None:
    """A live line of scores, a line for each start, and at the end the best of each. Raises SourceError."""
    scorer = TaughtScorer(ear.knowledge.sounds)
    best: dict[str, float] = dict.fromkeys(scorer.labels, 0.0)
    live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    with live or nullcontext():
        async with aclosing(cast(Any, ear.hear(source))) as heard:
            async for chunk, percept in heard:
                scores = {} if percept.sense is None else scorer.scores(percept.sense.embedding)
                best.update({label: max(best[label], score) for label, score in scores.items()})
                if live is not None:
                    live.update(_line(chunk, percept, scores), refresh=True)
                for episode in percept.started:
                    if episode.label in best:
                        words = f"{escape(title)} {chunk.t:7.1f} s  [bold green]{escape(episode.label)}[/]"
                        console.print(f"{words} ({episode.score:.2f}), from {episode.onset:.1f} s")
    for label, score in sorted(best.items(), key=lambda item: -item[1]):
        console.print(f"{escape(title)}  {escape(label)}: at most {score:.2f}; counts above {DECIDES:.2f}")


def _line(chunk: Chunk, percept: Percept, scores: Mapping[str, float]) -> Text:
    told = "  ".join(f"{label} {score:.2f}" for label, score in sorted(scores.items(), key=lambda item: -item[1])[:4])
    line = f"{chunk.t:8.1f} s  {meter(percept.level_dbfs, 12)} {percept.level_dbfs:6.1f} dBFS  {told}"
    return Text(line, overflow="crop", no_wrap=True)
