"""Files that nobody else may read, whole or not there."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

FOLDER_MODE = 0o700


def write_private(path: Path, data: bytes) -> None:
    """All of `data` or what was there before, whenever the power goes; mode 0600. Raises OSError."""
    put_private(path, lambda file: file.write(data))


def put_private(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """As `write_private`, with what `fill` writes. Makes the folder, mode 0700, where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # makes it with mode 0600
    try:
        with os.fdopen(descriptor, "w+b") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105
    except BaseException:
        os.unlink(name)  # noqa: PTH108
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """The new name is on disk only when the folder is: fsync(2)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
