"""`listener check`: would the daemon work with this configuration, and if not, what to do."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from listener.cli import check_speech, check_wyoming
from listener.cli.common import add_config_option, config_path
from listener.config import SATELLITE, Config, MicrophoneSource, MqttConfig, RoomConfig, load
from listener.errors import ListenerError, PublishError

if TYPE_CHECKING:
    from listener.perceive.sounds.yamnet_model import YamnetModel

DEEP_CHUNKS = 5
DEEP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. An `error` keeps the daemon, or a room, from working; a `warning` does not."""

    severity: Literal["ok", "warning", "error"]
    text: str


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check",
        help="check configuration, devices, broker and models",
        description="Exits 1 when there is an error, 0 when there are only warnings.",
    )
    add_config_option(parser)
    parser.add_argument("--deep", action="store_true", help="also listen to each microphone for two seconds")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape

    path = config_path(args.config)
    config = load(path)
    console = Console(highlight=False, soft_wrap=True)
    marks = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "error": "[red]error  [/]"}
    console.print(f"{marks['ok']} {escape(str(path))}: {len(config.rooms)} room(s)")
    errors = 0
    for finding in asyncio.run(findings(config, args.deep)):
        errors += finding.severity == "error"
        console.print(f"{marks[finding.severity]} {escape(finding.text)}")
    return 1 if errors else 0


async def findings(config: Config, deep: bool) -> list[Finding]:
    """Look at everything; it takes as long as the broker and the devices do."""
    tagger, model = _tagger(config)
    findings = [tagger, *_settings(config, model), *_state()]
    for room in config.rooms:
        findings += [*_output(config, room), *_source(room)]
        on_network = room.source.type in ("stream", "wyoming")
        if on_network or (deep and findings[-1].severity != "error" and room.source.type == "microphone"):
            findings += [finding async for finding in _level(room)]
    findings += [Finding(*told) for told in check_speech.speech(config)]
    findings += [finding async for finding in _voice(config)]
    findings += [Finding(*told) async for told in check_speech.house(config)]
    findings += [Finding(*told) async for told in check_wyoming.assist(config)]
    return findings + [finding async for finding in _broker(config)]


def _try(subject: str, attempt: Callable[[], str]) -> Finding:
    """`attempt` returns what is fine in words, or raises what is not."""
    try:
        return Finding("ok", f"{subject}: {attempt()}")
    except ListenerError as error:
        text = " ".join(str(error).split("\n"))
        return Finding("error", text if text.startswith(subject) else f"{subject}: {text}")


def _tagger(config: Config) -> "tuple[Finding, YamnetModel | None]":
    """What is found, and YAMNet where it hears."""
    from listener.app import NO_TAGGER, OWN_TAGGER, find_tagger_model, hears_itself
    from listener.perceive.sounds.own_tagger_model import load_own
    from listener.perceive.sounds.yamnet_model import load_yamnet

    if config.sounds.tagger == "none":
        return Finding("ok", "sounds.tagger: none, as configured: only alarm patterns are heard"), None
    try:
        path = find_tagger_model(config)
        model = None if path is None else load_yamnet(path)
        own = load_own() if hears_itself(config, path) else None
    except ListenerError as error:
        subject = "tagger" if config.sounds.model is None else "sounds.model"
        return Finding("error", f"{subject}: {error}"), None
    if own is not None and config.sounds.tagger == "own":
        return Finding("ok", "tagger: our own, as configured"), None
    if own is not None and model is not None:
        why = "as configured" if config.sounds.tagger == "both" else "for there are few rooms"
        return Finding("ok", f"tagger: YAMNet, {model.path}, and our own together, {why}"), model
    if own is not None:
        return Finding("warning", OWN_TAGGER), None
    if model is None:
        return Finding("warning", NO_TAGGER), None
    return Finding("ok", f"tagger: YAMNet, {model.path}"), model


def _settings(config: Config, model: "YamnetModel | None") -> Iterator[Finding]:
    from listener.perceive.sounds.labels import label_table

    def labels() -> str:
        table = label_table(config.sounds, config.respond.urgent, model.classes if model else ())
        return f"{len(config.sounds.reported_labels)} of {len(table.labels)} labels are reported"

    yield _try("sounds", labels)
    for language in dict.fromkeys(room.language for room in config.rooms):
        yield _try(f"language {language}", partial(_has_texts, language))


def _has_texts(language: str) -> str:
    from listener.decide.texts import load_texts

    return f"{len(load_texts(language, {}).sounds)} sounds can be named"


def _state() -> Iterator[Finding]:
    import os

    from listener.store.settings import state_folder

    folder = state_folder()
    nearest = next((p for p in (folder, *folder.parents) if p.exists()), folder)
    if os.access(nearest, os.W_OK | os.X_OK):
        yield Finding("ok", f"state folder: {folder}")
    else:
        yield Finding(
            "warning", f"state folder: {folder} cannot be written; settings are lost at a restart. Check its owner"
        )


def _output(config: Config, room: RoomConfig) -> Iterator[Finding]:
    from listener.respond.playback import DEFAULT_DEVICE
    from listener.sources.devices import find_output

    if room.output is None:
        return
    if config.voice.engine == "none":
        yield Finding("warning", f"{room.name}: output {room.output!r} is not used: voice.engine is none")
        return
    if room.output == SATELLITE:
        yield Finding("ok", f"{room.name}: loudspeaker of its satellite")
        return
    wanted = None if room.output == DEFAULT_DEVICE else room.output
    yield _try(room.name, lambda: f"loudspeaker {find_output(wanted).name!r}")


async def _voice(config: Config) -> AsyncIterator[Finding]:
    """Is there a synthesizer, and does it speak the languages of the rooms that have a loudspeaker?"""
    from listener.respond.prosody import Prosody
    from listener.respond.voice.synthesis import SynthesisProcess

    voice, languages = config.voice, dict.fromkeys(room.language for room in config.rooms if room.output)
    if voice.engine == "none":
        yield Finding("ok", "voice: none, as configured: answers are text only (MQTT)")
        return
    if not languages and config.wyoming_server is None:
        yield Finding("warning", "voice: no room has an `output`, so nothing is spoken; name a loudspeaker there")
    async with SynthesisProcess(voice.engine, voice.model if voice.engine == "piper" else None) as process:
        try:
            yield Finding("ok", f"voice: {await process.start()}")
            for language in languages:
                await process.synthesize("1", language, Prosody())
        except ListenerError as error:
            yield Finding("error", f"voice: {error}")


def _source(room: RoomConfig) -> Iterator[Finding]:
    from listener.config import FileSource
    from listener.sources.devices import find_input
    from listener.sources.file import describe

    if isinstance(room.source, MicrophoneSource):
        wanted = room.source.device
        yield _try(room.name, lambda: f"microphone {find_input(wanted).name!r}")
    elif isinstance(room.source, FileSource):
        path = room.source.path
        yield _try(room.name, lambda: describe(path))
    elif room.source.type == "pipe":
        yield Finding("ok", f"{room.name}: sound comes from stdin when the daemon runs")


async def _level(room: RoomConfig) -> AsyncIterator[Finding]:
    """Open the source, which tells whether it can be reached, and say how loud it is."""
    from contextlib import aclosing

    from listener.app import build_source
    from listener.perceive.level import level_dbfs

    levels: list[float] = []
    try:
        async with asyncio.timeout(DEEP_SECONDS), aclosing(build_source(room.source).chunks()) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                levels.append(level_dbfs(chunk.samples))
                if len(levels) == DEEP_CHUNKS:
                    break
    except ListenerError as error:
        yield Finding("error", f"{room.name}: {error}")
    except TimeoutError:
        yield Finding("error", f"{room.name}: no sound came within {DEEP_SECONDS:.0f} s")
    else:
        quiet = max(levels) < -90
        hint = "; that is digital silence: is it muted in the mixer (`alsamixer`)?" if quiet else ""
        yield Finding("warning" if quiet else "ok", f"{room.name}: heard up to {max(levels):.0f} dBFS{hint}")


async def _broker(config: Config) -> AsyncIterator[Finding]:
    from listener.publish.probe import probe

    if config.mqtt is None:
        yield Finding("warning", "mqtt: not configured; events are only printed, with `listener run --json`")
        return
    try:
        if config.mqtt.broker == "embedded":
            yield await _embedded_broker(config.mqtt)
        else:
            yield Finding("ok", f"{await probe(config.mqtt)}: connected")
    except ListenerError as error:
        yield Finding("error", f"mqtt: {error}")


async def _embedded_broker(config: MqttConfig) -> Finding:
    """Could it be started? A daemon of ours that runs has its port, and that is as it should be."""
    from listener.publish.broker import EmbeddedBroker
    from listener.publish.probe import probe

    with suppress(PublishError):
        where = await probe(config)
        text = "something answers MQTT there already: this daemon, if it runs; if not, set another mqtt.port"
        return Finding("warning", f"{where}: {text}")
    async with EmbeddedBroker(config) as broker:
        return Finding("ok", f"{broker.where}: can be started")
