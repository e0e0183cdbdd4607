"""`listener teach NAME` without a daemon: guided at a microphone or stdin, or from recordings."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.prompt import Confirm
from rich.text import Text

from listener.app import build_source
from listener.app.learning import open_taught
from listener.app.lesson import quality_in_words, sound_of
from listener.app.taught import Taught
from listener.cli.teach_sound import Ear, Memory, meter, open_ear
from listener.config import Config, FileSource, PipeSource, RoomConfig
from listener.errors import ConfigError, PerceiveError, SourceError
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.offsets import at_offsets
from listener.perceive.sounds.taught import Lesson, takes_in
from listener.store.lock import StateLock
from listener.store.settings import state_folder
from listener.types import Source
from listener.types.taught import Embedding, Knowledge, Take


@dataclass
class Material:
    """What a sound is made of, wherever it was heard."""

    memory: Memory = field(default_factory=lambda: Memory([], [], []))
    takes: list[Take] = field(default_factory=list)
    background: list[Embedding] = field(default_factory=list)
    heard_as: list[Mapping[str, float]] = field(default_factory=list)


def teach_here(console: Console, config: Config, room: RoomConfig | None, name: str, args: argparse.Namespace) -> int:
    """Returns the exit status: 1 when the sound was not kept. Raises ListenerError."""
    folder = state_folder()
    with _Alone(folder):
        taught = open_taught(config, folder)
        taught.label(name)  # before anybody makes a noise for nothing
        material = asyncio.run(_hear(console, config, room or config.rooms[0], args))
        where = room.slug if args.room is not None and room is not None else None
        _show_takes(console, material)
        if args.plot is not None:
            material.memory.draw(args.plot, name, material.takes)
        return _keep(console, taught, name, material, where, args.yes)


class _Alone(StateLock):
    """The taught sounds have one owner at a time."""

    def _refusal(self) -> str:
        return (
            f"{super()._refusal()}. A daemon that runs learns by itself: leave --from out, with an `mqtt` section in "
            "the configuration; or press `Learn the next sound` in Home Assistant"
        )


async def _hear(console: Console, config: Config, room: RoomConfig, args: argparse.Namespace) -> Material:
    async with open_ear(config, room, Knowledge()) as ear:
        if args.files is None:
            return await _lesson(console, ear, build_source(room.source))
        if args.files == ["-"]:
            return await _lesson(console, ear, stdin_source(args))
        return await _recordings(console, ear, [Path(name) for name in args.files], args.background)


def stdin_source(args: argparse.Namespace) -> Source:
    try:
        return build_source(PipeSource(type="pipe", rate=args.rate, channels=args.channels, format=args.format))
    except ValueError as error:
        raise ConfigError(f"--rate or --channels cannot be used: {error}") from None


async def _lesson(console: Console, ear: Ear, source: Source) -> Material:
    """Guided: what to do, what was heard, what was no example, as it happens. Raises SourceError, PerceiveError."""
    material, lesson = Material(), Lesson()
    console.print(f"Listening to {escape(source.description)}. Ctrl-C ends it; nothing is kept then.")
    told = lesson.begin().message
    console.print(f"[bold]{escape(told)}[/]")
    shown = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
    with shown or nullcontext():
        async with aclosing(cast(Any, ear.hear(source))) as heard:
            async for chunk, percept in heard:
                material.memory.take_in(ear.room.slug, chunk, percept)
                if percept.sense is None:
                    continue
                progress = lesson.hear(percept.sense, percept.hearing)
                if progress is not None:
                    told = progress.message
                    style = "green" if progress.take is not None else "bold"
                    console.print(f"[{style}]{escape(told)}[/]")
                if shown is not None:
                    line = f"{meter(percept.level_dbfs)} {percept.level_dbfs:6.1f} dBFS  {told}"
                    shown.update(Text(line, overflow="crop", no_wrap=True), refresh=True)
                if lesson.complete:
                    break
    if not lesson.complete:
        raise SourceError(f"{source.description}: the sound ended after {len(lesson.takes)} examples; begin again")
    embedder = Embedder()
    material.takes = [at_offsets(take, material.memory.chunks, embedder) for take in lesson.takes]
    material.background = lesson.background
    material.heard_as = list(lesson.heard_as)
    return material


async def _recordings(console: Console, ear: Ear, files: Sequence[Path], background: Path | None) -> Material:
    """Each file may hold several examples. Raises SourceError: one that cannot be read."""
    material, embedder = Material(), Embedder()
    for path in files:
        t, senses = len(material.memory.chunks) * 0.4, len(material.memory.senses)
        await _listen_to(ear, path, material.memory, t)
        takes, between, complaints = takes_in(material.memory.senses[senses:])
        material.takes += [at_offsets(take, material.memory.chunks[senses:], embedder) for take in takes]
        material.background += between
        for complaint in complaints:
            console.print(f"[yellow]{escape(path.name)}: {escape(complaint)}[/]")
        if not takes:
            console.print(f"[yellow]{escape(path.name)}: no example in it[/]")
    if background is not None:
        quiet = Memory([], [], [])
        await _listen_to(ear, background, quiet, 0.0)
        material.background += [sense.embedding for sense in quiet.senses]
    material.heard_as = [material.memory.heard_as(take) for take in material.takes]
    return material


async def _listen_to(ear: Ear, path: Path, memory: Memory, t: float) -> None:
    source = build_source(FileSource(type="file", path=path, realtime=False))
    async with aclosing(cast(Any, ear.hear(source, t))) as heard:
        async for chunk, percept in heard:
            memory.take_in(ear.room.slug, chunk, percept)


def _show_takes(console: Console, material: Material) -> None:
    for number, take in enumerate(material.takes, 1):
        picture = material.memory.picture(take)
        console.print(f"  {number:2}  [cyan]{picture}[/]  {take.seconds:.1f} s  {take.level_dbfs:.0f} dBFS")


def _keep(console: Console, taught: Taught, name: str, material: Material, room: str | None, sure: bool) -> int:
    """Judge, show, ask, keep. Raises PerceiveError, StoreError."""
    sound, quality = taught.make(name, material.takes, material.background, material.heard_as, room)
    console.print(f"{escape(sound.name)} (`{sound.label}`): {escape(quality_in_words(quality))}")
    if quality.refusal is not None:
        raise PerceiveError(f"{sound.name} was not learnt: {quality.refusal}")
    if not (sure or _agreed(console, sound.name)):
        console.print("Nothing was kept.")
        return 1
    taught.keep(sound, [sound_of(take, material.memory.chunks) for take in material.takes])
    taught.save()
    where = ", ".join(sound.rooms) or "every room"
    console.print(f"[bold green]Kept.[/] It is listened for in {escape(where)} when the daemon is started.")
    return 0


def _agreed(console: Console, name: str) -> bool:
    if not (sys.stdin.isatty() and console.is_terminal):
        raise ConfigError(f"{name}: nobody can be asked here; give --yes to keep what is not refused")
    return Confirm.ask(f"Keep {escape(name)}?", console=console, default=True)
