"""Fetching the Audio-Interaction checkpoint from the Hugging Face Hub: resumable, pinned, and only if it fits the disk.

huggingface_hub comes with the `gpu` extra and is loaded only here. It keeps what has arrived of each file, checks each
file's size and hash, and goes on where it stopped; it never executes what it fetches.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from listener.errors import ModelError
from listener.origin import extra_command

REPOSITORY: Final = "zhifeixie/AudioInteraction"
WANTED: Final = ("*.safetensors", "*.json", "*.yaml", "*_ChunkwisedEncoder.pth", "qwen25OmniConfig/*")
MARGIN_BYTES: Final = 100_000_000

Say = Callable[[str], None]


def pull_checkpoint(
    folder: Path, revision: str, say: Say, repository: str = REPOSITORY, endpoint: str | None = None
) -> Path:
    """Download the checkpoint into `folder` and return it; what is there and whole is not fetched again.

    `revision`: a commit's 40 digits, so that the same configuration always gives the same weights, or a branch or tag,
    whose commit is said. Raises ModelError: no huggingface_hub, no network, no such revision, too full a disk.
    """
    hub = _hub()
    try:
        info = hub.HfApi(endpoint=endpoint).model_info(repository, revision=revision, files_metadata=True, timeout=30)
        wanted = _wanted_bytes(hub, info, folder)
        _refuse_full_disk(folder, wanted)
        if not re.fullmatch(r"[0-9a-f]{40}", revision):
            say(f"{repository}: {revision} is {info.sha} now; configure that to get the same weights again")
        say(f"{repository}: {wanted / 1e9:.1f} GB to fetch into {folder}")
        hub.snapshot_download(
            repository, revision=info.sha, local_dir=folder, allow_patterns=list(WANTED), endpoint=endpoint
        )
    except ModelError:
        raise
    except Exception as error:  # OSError, and what the versions of huggingface_hub raise, which has no common root
        raise ModelError(
            f"{repository} at {revision!r}: {type(error).__name__}: {_first_line(error)}; check name, revision and "
            "network, and run it again: it goes on where it stopped"
        ) from None
    return folder


def _hub() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise ModelError(f"huggingface_hub is not installed: {extra_command('gpu')}") from None
    return huggingface_hub


def _wanted_bytes(hub: Any, info: Any, folder: Path) -> int:
    """What is still to come. Files that are here in full size count as here; the download checks them again."""
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    names = list(hub.utils.filter_repo_objects(list(sizes), allow_patterns=list(WANTED)))
    if not any(name.endswith(".safetensors") for name in names):
        raise ModelError(f"{info.id} at {info.sha}: holds no safetensors; this is no such checkpoint")
    return sum(sizes[name] for name in names if not _here(folder / name, sizes[name]))


def _here(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _refuse_full_disk(folder: Path, wanted_bytes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < wanted_bytes + MARGIN_BYTES:
        raise ModelError(
            f"{folder}: {free / 1e9:.1f} GB are free, and {wanted_bytes / 1e9:.1f} GB are still to be fetched; "
            "free some, or choose another place with LISTENER_MODELS"
        )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
