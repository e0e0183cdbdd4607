"""Our own tagger's file: where it lies in the package, and whether it is the one that was shipped."""

import hashlib
import importlib.resources
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from listener.errors import ModelError

FILE_NAME: Final = "own_tagger.tflite"
OWN_LABELS: Final = "own_labels.yaml"
"""Beside it: its thresholds."""
SHA256: Final = "552652906183f671eee16cca6d2b9c459a6bad5a315000b9abecc3f6071aa6b0"
"""Of the file that comes with this version; docs/own-tagger.md says what it was trained on."""

_LABEL_LIST: Final = "labels.txt"
_MAX_BYTES: Final = 2_000_000
_ADVICE: Final = "install listener again, or set sounds.tagger to yamnet"


@dataclass(frozen=True, slots=True)
class OwnModel:
    """What a tagger needs of the file; can be shared by threads. `classes` are labels of ours, in the scores' order."""

    path: Path
    network: bytes = field(repr=False)
    classes: tuple[str, ...]


def bundled_path() -> Path:
    """The file beside this module. The package is never installed as a zip (it has a C runtime)."""
    return Path(str(importlib.resources.files(__package__).joinpath(FILE_NAME)))


def load_own(path: Path | None = None, sha256: str = SHA256) -> OwnModel:
    """Read the file. Raises ModelError when it is missing, damaged or another one than was shipped.

    LiteRT trusts what a file says of its own sizes, so that only the very file whose hash we know may reach it.
    """
    path = bundled_path() if path is None else path
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; {_ADVICE}") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(f"{path}: is not our tagger: SHA-256 {found}, expected {sha256}; {_ADVICE}")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        classes = archive.read(_LABEL_LIST).decode().split("\n")
    return OwnModel(path, data, tuple(classes))
