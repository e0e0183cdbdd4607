"""`listener ask FILE QUESTION`: one question about one recording, answered by the Audio-Interaction model."""

import argparse
import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from listener.errors import EngineError
from listener.origin import extra_command

if TYPE_CHECKING:
    from listener.decide.audio_interaction.load import Progress
    from listener.types import Samples

LONGEST_CHUNKS = 50
"""20 s of 0.4 s each; what is read beyond is not kept."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "ask",
        help="ask a question about a recording",
        description="The whole recording (at most 20 s) and one question go in, one answer comes out. "
        "Needs the Audio-Interaction model and the extra `gpu`.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="wav, flac, ogg or mp3")
    parser.add_argument("question", metavar="QUESTION", help='for example "What is heard here?"')
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="the checkpoint's folder")
    parser.add_argument("--device", default="cpu", help="cpu (default), cuda, cuda:1 …")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--max-tokens", type=_positive, default=512, metavar="N", help="length of the answer")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 2_048:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to 2048")
    return int(text)


def run(args: argparse.Namespace) -> int:
    samples = asyncio.run(read_recording(args.file))
    pieces = answer_pieces(args, samples)
    if args.json:
        print(json.dumps({"file": str(args.file), "question": args.question, "answer": "".join(pieces)}))
        return 0
    for piece in pieces:
        print(piece, end="", flush=True)
    print()
    return 0


def answer_pieces(args: argparse.Namespace, samples: "Samples") -> Iterator[str]:
    """Raises EngineError, ModelError; EngineError too when torch is not installed."""
    try:
        from listener.decide.audio_interaction.offline import ask
    except ModuleNotFoundError as error:
        raise EngineError(f"{error.name} is not installed: {extra_command('gpu')}") from None
    with _loading() as progress:
        yield from ask(args.model, samples, args.question, args.device, args.dtype, args.max_tokens, progress)


async def read_recording(path: Path) -> "Samples":
    """The whole recording, 16 kHz mono, its last 0.4 s padded. Raises SourceError; EngineError beyond 20 s."""
    import numpy as np

    from listener.sources.file import Recording

    chunks: list[Samples] = []
    async with aclosing(Recording(path).chunks()) as heard:
        async for chunk in heard:
            if len(chunks) == LONGEST_CHUNKS:
                raise EngineError(f"{path}: longer than 20 s, which is all that the model hears at once; cut it")
            chunks.append(chunk.samples)
    return np.concatenate(chunks)


@contextmanager
def _loading() -> Iterator["Progress"]:
    """A bar on a terminal while the model is loaded."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("loading", total=None)
    bar.start()

    def tell(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)
        if done == total:
            bar.stop()

    try:
        yield tell
    finally:
        bar.stop()
