"""`listener bench`: what this machine can do."""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from listener.errors import ConfigError
from listener.origin import extra_command

if TYPE_CHECKING:
    from listener.bench.rooms import Measured


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("bench", help="measure what this machine can do")
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    rooms = kinds.add_parser(
        "rooms",
        help="how many rooms are heard in real time",
        description="Searches for the largest number of rooms whose chunks are decided within 0.4 s (99th percentile "
        "of the age of a chunk at its decision), with real perception, cascade and MQTT, and sound from memory; and "
        "says how many of them the tagger's network alone would leave time for on this machine.",
    )
    rooms.add_argument("--json", action="store_true", help="one JSON object on stdout")
    rooms.add_argument("--rooms", type=_positive, metavar="N", help="measure just this number")
    rooms.add_argument("--seconds", type=_positive, default=12, metavar="S", help="for each number (default 12)")
    rooms.add_argument("--broker", metavar="HOST:PORT", help="default: a mosquitto that is started for it")
    rooms.add_argument("--model", type=Path, metavar="FILE", help="yamnet.tflite (default: the models folder)")
    rooms.add_argument("--speech", action="store_true", help="listen for speech too; one room in ten speaks")
    rooms.set_defaults(run=run_rooms)
    engine = kinds.add_parser("engine", help="what the Audio-Interaction engine costs, with random weights")
    engine.add_argument("--json", action="store_true", help="one JSON object on stdout")
    engine.add_argument("--shape", default="tiny", help="tiny, small or 3b (default tiny)")
    engine.add_argument("--device", default="cpu", help="cpu (default), cuda …")
    engine.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    engine.add_argument("--rooms", type=_positive, nargs="+", default=[1, 2, 4, 8, 16, 32], metavar="N")
    engine.add_argument("--chunks", type=_positive, default=100, metavar="N", help="of each room (default 100)")
    engine.set_defaults(run=run_engine)
    proactive = kinds.add_parser("proactive", help="the Proactive-Sound-Effect-Benchmark, with any engine")
    proactive.add_argument("manifest", type=Path, metavar="MANIFEST", help="items with id, path and decision")
    proactive.add_argument("--audio", type=Path, required=True, metavar="DIR", help="where the items' paths begin")
    proactive.add_argument("--out", type=Path, required=True, metavar="PRED.jsonl", help="predictions, a line an item")
    proactive.add_argument("-c", "--config", type=Path, metavar="FILE", help="engine and sounds (default: the cascade)")
    proactive.set_defaults(run=run_proactive)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive whole number")
    return int(text)


def run_rooms(args: argparse.Namespace) -> int:
    from contextlib import nullcontext

    from listener.bench.bare import measure_bare
    from listener.bench.rooms import as_dict, external_broker, measure, search

    logging.getLogger("listener").setLevel(logging.ERROR)
    spoken = None
    if args.speech:
        from listener.bench.spoken import spoken_loop

        spoken = spoken_loop()
    with nullcontext(_address(args.broker)) if args.broker else external_broker() as broker:

        def measure_rooms(rooms: int) -> "Measured":
            measured = asyncio.run(measure(rooms, args.seconds, broker, args.model, spoken))
            verdict = "in time" if measured.in_time else "too late"
            print(f"{rooms} rooms: p99 {measured.p99_seconds:.3f} s, {verdict}", file=sys.stderr)
            return measured

        bare = measure_bare(args.model)
        best = measure_rooms(args.rooms) if args.rooms else search(measure_rooms)
    if args.json:
        print(json.dumps(as_dict(best, bare)))
    else:
        load = best.cpu_seconds / args.seconds
        print(
            f"{best.rooms} rooms in real time: p99 {1e3 * best.p99_seconds:.0f} ms, {best.rss_mb:.0f} MB, "
            f"{load:.2f} cores busy"
        )
        if bare is not None:
            print(
                f"the tagger's network alone: {bare.rooms} rooms ({bare.window_ms:g} ms a window with all cores busy), "
                f"of which this is {best.rooms / bare.rooms:.0%}"
            )
    return 0 if best.in_time else 1


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--broker {text!r}: give HOST:PORT, as in 127.0.0.1:1883")
    return host, int(port)


def run_engine(args: argparse.Namespace) -> int:
    from listener.errors import EngineError

    try:
        from listener.bench.engine import measure
    except ModuleNotFoundError as error:
        raise EngineError(f"the engine's benchmark needs {error.name}: {extra_command('gpu')}") from None
    found = measure(
        args.shape, args.device, args.dtype, args.rooms, args.chunks, say=lambda line: print(line, file=sys.stderr)
    )
    print(json.dumps(found, indent=None if args.json else 2))
    return 0


def run_proactive(args: argparse.Namespace) -> int:
    found = asyncio.run(_proactive(args))
    print(json.dumps(found, indent=2))
    return 0


async def _proactive(args: argparse.Namespace) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from listener.app import build_source, open_recordings
    from listener.bench.proactive import Heard, run
    from listener.config import FileSource, load, parse

    room = {"name": "room", "source": {"type": "file", "path": "-"}}
    config = parse({"rooms": [room]}) if args.config is None else load(args.config)
    async with open_recordings(config) as recordings:

        async def hear(path: Path, heard: Heard) -> None:
            source = build_source(FileSource(type="file", path=path, realtime=False))
            await recordings.hear(source, [heard], seed=path.name)

        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("items", total=None)
            return await run(
                args.manifest,
                args.audio,
                args.out,
                hear,
                lambda done, total: progress.update(task, completed=done, total=total),
            )
