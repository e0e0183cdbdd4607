"""`listener listen FILE…`: hear recordings with the very room of the daemon."""

import argparse
import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listener.cli.common import add_config_option, add_pcm_options
from listener.config import Config, FileSource, load, parse
from listener.errors import ConfigError, PublishError, SourceError

if TYPE_CHECKING:
    from listener.app import Recordings
    from listener.types import Publisher, Source
    from listener.types.taught import Knowledge


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "listen",
        help="hear recordings, or sound on stdin, and print what happens",
        description="Each FILE is heard by a fresh room: with -c the configuration's first one and what it was "
        "taught, without it one with strictness balanced; never a broker. "
        "`-` is WAV or raw PCM on stdin: arecord -f S16_LE -r 16000 | listener listen -",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="wav, flac, ogg or mp3; - for stdin")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="one event a line on stdout, and nothing else")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw waveform, log-mel, label tracks and decisions")
    parser.add_argument("--realtime", action="store_true", help="at the speed of life")
    parser.add_argument("--engine", choices=["cascade", "audio-interaction"], help="what decides")
    parser.add_argument("--model", type=Path, metavar="DIR", help="checkpoint of --engine audio-interaction")
    parser.add_argument("--device", default="cpu", help="of --engine audio-interaction: cpu (default), cuda …")
    parser.add_argument("--strictness", help="paranoid, sensitive, balanced, strict or urgent_only")
    add_pcm_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    config = _config(args)
    return asyncio.run(_listen(args, config))


def _config(args: argparse.Namespace) -> Config:
    """The configuration's first room, or a room of our own; only what hears and decides matters here."""
    if args.config is not None:
        config = load(args.config)
    else:
        room = {"name": "room", "addressing": "open", "source": {"type": "file", "path": "-"}}
        config = parse({"rooms": [room]})
    changes = {"strictness": args.strictness} if args.strictness else {}
    first = {**config.rooms[0].model_dump(), **changes}
    return parse({**config.model_dump(), "rooms": [first], "mqtt": None, "engine": _engine(args, config)})


def _engine(args: argparse.Namespace, config: Config) -> dict[str, Any]:
    """The configuration's engine, or the one of the command line: greedy and exact, so that it can be repeated."""
    if args.engine is None and args.model is None:
        return config.engine.model_dump()
    if args.engine == "cascade":
        return {"name": "cascade"}
    exact = {"dtype": "float32" if args.device == "cpu" else "bfloat16", "greedy": True, "max_rooms": 1}
    model = args.model or config.engine.model
    return {"name": "audio-interaction", "model": model, "device": args.device, **exact}


async def _listen(args: argparse.Namespace, config: Config) -> int:
    from listener.app import open_recordings

    failed = 0
    async with open_recordings(config, _taught(args, config)) as recordings:
        for name in args.files:
            try:
                await _listen_to(name, args, recordings)
            except SourceError as error:
                failed += 1
                print(f"listener: {error}", file=sys.stderr)
    return 1 if failed else 0


def _taught(args: argparse.Namespace, config: Config) -> "Knowledge":
    """What the configuration's first room was taught; a room of our own was taught nothing."""
    from listener.types.taught import Knowledge

    if args.config is None:
        return Knowledge()
    from listener.app.learning import open_taught
    from listener.store.settings import state_folder

    return open_taught(config, state_folder(), owner=False).store.knowledge(config.rooms[0].slug)


async def _listen_to(name: str, args: argparse.Namespace, recordings: "Recordings") -> None:
    source = _source(name, args)
    with ExitStack() as stack:
        printer = _printer(name, args, stack)
        publishers: list[Publisher] = [printer]
        if args.plot is not None:
            from listener.cli.plot import Picture

            picture = Picture(Path(name).name)
            source = picture.watch(source)
            publishers.append(picture)
        await recordings.hear(source, publishers, seed=Path(name).name)
        if failure := getattr(printer, "failure", None):
            raise PublishError(failure)
        if args.plot is not None:
            picture.save(_picture_path(args.plot, name, len(args.files)))


def _printer(name: str, args: argparse.Namespace, stack: ExitStack) -> "Publisher":
    if args.json:
        from listener.publish.jsonl import JsonLines

        return JsonLines(sys.stdout, {"file": name})
    from rich.console import Console

    from listener.publish.console import ConsolePublisher
    from listener.sources.heard_out import SILENCE_SECONDS

    return stack.enter_context(ConsolePublisher(Console(), Path(name).name, SILENCE_SECONDS))


def _source(name: str, args: argparse.Namespace) -> "Source":
    from listener.app import build_source
    from listener.config import PipeSource

    try:
        if name == "-":
            return build_source(PipeSource(type="pipe", rate=args.rate, channels=args.channels, format=args.format))
        return build_source(FileSource(type="file", path=Path(name), realtime=args.realtime))
    except ValueError as error:
        raise ConfigError(f"--rate or --channels cannot be used: {error}") from None


def _picture_path(path: Path, name: str, files: int) -> Path:
    """The given path; with several files, one beside it for each, named after the recording."""
    return path if files == 1 else path.with_name(f"{path.stem}-{Path(name).stem}{path.suffix or '.png'}")
