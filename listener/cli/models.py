"""`listener models`: list, download and verify model files."""

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from listener.errors import ModelError
from listener.origin import extra_command

CHECKPOINT = "audio-interaction"
CHECKPOINT_SIGNS = (
    "model_config.yaml",
    "model.safetensors.index.json",
    "*.safetensors",
    "*ChunkwisedEncoder.pth",
    "qwen25OmniConfig",
    "tokenizer.json",
)
"""A folder that has any of these is meant as a checkpoint."""

if TYPE_CHECKING:
    from listener.models.catalog import ModelFile
    from listener.models.download import Meter


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "models",
        help="list, download and verify model files",
        description="Model files lie in the models folder: $LISTENER_MODELS, else the service's "
        "/var/lib/listener/models (for root, once the service is installed), else ~/.local/share/listener/models.",
    )
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="what there is, and what of it is here")
    pull = actions.add_parser("pull", help="download a model, check it, put it into the models folder")
    pull.add_argument("name", metavar="NAME", help="as `listener models list` prints it")
    pull.add_argument("--force", action="store_true", help="download even if the right file is here")
    pull.add_argument(
        "--revision", default="main", metavar="REV", help="of audio-interaction: a commit, a branch or a tag"
    )
    verify = actions.add_parser("verify", help="check files against their SHA-256; exit 1 if one is wrong or missing")
    verify.add_argument(
        "what", metavar="NAME|DIR", nargs="?", help="one model, or a folder; left out: the models folder"
    )
    verify.add_argument("--golden", type=Path, metavar="DIR", help="hold a checkpoint against a golden set")
    verify.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    actions = {"list": _list, "pull": _pull, "verify": _verify}
    return actions[args.action](args)


def _list(_args: argparse.Namespace) -> int:
    from listener.models.catalog import MODELS, YAMNET
    from listener.models.files import models_folder

    folder = models_folder()
    print(f"models folder: {folder}")
    for model in MODELS:
        state = _state(folder / model.file_name, model) or "here, verified"
        print(f"{model.name}  {model.size_bytes / 1e6:.1f} MB  {model.licence}  {state}\n    {model.about}")
    _list_own(_state(folder / YAMNET.file_name, YAMNET) is None)
    return 0


def _list_own(yamnet_is_here: bool) -> None:
    """The tagger that comes with the package, and which of the two hears."""
    from listener.app.ears import ROOMS_BY_THREADS
    from listener.perceive.sounds.own_tagger_model import bundled_path, load_own

    try:
        load_own()
        state = "in the package, verified"
    except ModelError as error:
        state = str(error)
    size_mb = bundled_path().stat().st_size / 1e6 if bundled_path().is_file() else 0.0
    print(
        f"own tagger  {size_mb:.1f} MB  Apache-2.0  {state}\n    A small tagger of ours, beside YAMNet or in its place"
    )
    if yamnet_is_here:
        used = f"both, which find more together; for more than {ROOMS_BY_THREADS} rooms yamnet alone, which costs less"
    else:
        used = "own tagger, because yamnet is not here"
    print(f"in use: {used}. sounds.tagger and sounds.model may say otherwise")


def _pull(args: argparse.Namespace) -> int:
    from listener.models.catalog import by_name
    from listener.models.download import pull
    from listener.models.files import models_folder

    if args.name == CHECKPOINT:
        from listener.models.hub import pull_checkpoint

        where = pull_checkpoint(models_folder() / CHECKPOINT, args.revision, lambda line: print(line, file=sys.stderr))
        print(f"{CHECKPOINT}: in {where}; check it with `listener models verify {where}`")
        return 0
    model, folder = by_name(args.name), models_folder()
    path = folder / model.file_name
    if not args.force and _state(path, model) is None:
        print(f"{model.name} is here already and verified: {path}")
        return 0
    with _termination_cleans_up(), _progress(model) as meter:
        path = pull(model, folder, say=lambda line: print(line, file=sys.stderr), meter=meter)
    print(f"{model.name}: verified, in {path}")
    return 0


def _verify(args: argparse.Namespace) -> int:
    from listener.models.catalog import MODELS, by_name
    from listener.models.files import models_folder

    folder, wanted = models_folder(), MODELS
    if args.what == CHECKPOINT:
        args.what = str(folder / CHECKPOINT)
    if args.what and (args.golden or _meant_as_checkpoint(Path(args.what))):
        return _verify_checkpoint(args)
    if args.what and (Path(args.what).is_dir() or "/" in args.what):
        folder = Path(args.what)
        _refuse_strange(folder, [model.file_name for model in wanted])
    elif args.what:
        wanted = (by_name(args.what),)
    faults = {model.name: _state(folder / model.file_name, model) for model in wanted}
    if args.json:
        files = {name: {"ok": fault is None, "fault": fault} for name, fault in faults.items()}
        print(json.dumps({"ok": not any(faults.values()), "folder": str(folder), "models": files}))
    else:
        for name, fault in faults.items():
            print(f"{name}: {fault or f'verified, in {folder}'}")
    return 1 if any(faults.values()) else 0


def _meant_as_checkpoint(folder: Path) -> bool:
    return any(next(folder.glob(sign), None) for sign in CHECKPOINT_SIGNS)


def _refuse_strange(folder: Path, names: list[str]) -> None:
    """Raises ModelError: neither a models folder nor a checkpoint."""
    if not any((folder / name).exists() for name in names):
        raise ModelError(
            f"{folder}: {'holds' if folder.is_dir() else 'is no folder that holds'} neither a model "
            f"({', '.join(names)}) nor a checkpoint of Audio-Interaction ({', '.join(CHECKPOINT_SIGNS)}); "
            "give the right folder, or `listener models pull`"
        )


def _verify_checkpoint(args: argparse.Namespace) -> int:
    """Every file, shape and dtype of a checkpoint; with a golden set also what it computes."""
    from listener.errors import EngineError

    try:
        from listener.decide.audio_interaction.golden import verify
        from listener.decide.audio_interaction.load import verify_files
    except ModuleNotFoundError as error:
        raise EngineError(f"a checkpoint needs {error.name}: {extra_command('gpu')}") from None
    folder = Path(args.what)
    verify_files(folder)
    if args.golden is None:
        print(json.dumps({"ok": True}) if args.json else f"{folder}: every file, shape and dtype is right")
        return 0
    report = verify(folder, args.golden)
    if args.json:
        print(json.dumps(report.as_dict()))
    else:
        print("\n".join(f"{name}: {value}" for name, value in report.as_dict().items()))
    return 0 if report.within_tolerance else 1


def _state(path: Path, model: "ModelFile") -> str | None:
    """What is wrong with a model's file, None if nothing is."""
    from listener.models.files import check

    try:
        check(path, model)
    except ModelError as error:
        return str(error)
    return None


@contextmanager
def _progress(model: "ModelFile") -> Iterator["Meter"]:
    """A bar on a terminal, nothing otherwise: the lines say enough there."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(model.name, total=model.size_bytes)
        yield lambda done, total: progress.update(task, completed=done, total=total or model.size_bytes)


@contextmanager
def _termination_cleans_up() -> Iterator[None]:
    """SIGTERM ends Python without clean-up; as an exception it removes the half of a download that is there."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
