"""Taking one known file out of a tar that a stranger sent."""

import shutil
import tarfile
from pathlib import Path

import pooch

from listener.errors import ModelError
from listener.models.catalog import ModelFile

MAX_MEMBERS = 100
MAX_UNPACKED_FACTOR = 16
"""Of the wanted file's size: how much a skipped member may hold. It is unpacked in passing, though never written."""


def extract(archive: Path, model: ModelFile, target: Path) -> None:
    """Write the archive's file that has the model's size and SHA-256 to `target`, whatever its name there is.

    Names in the archive are never used as paths. Raises ModelError: no tar, damaged, too large, or without the file.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            for count, member in enumerate(tar):
                if count >= MAX_MEMBERS or member.size > MAX_UNPACKED_FACTOR * model.size_bytes:
                    raise ModelError("the archive holds far more than the model")
                if member.isfile() and member.size == model.size_bytes and _copied(tar, member, model, target):
                    return
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise ModelError(f"the archive cannot be unpacked: {error}") from None
    raise ModelError(f"the archive does not hold {model.file_name}")


def _copied(tar: tarfile.TarFile, member: tarfile.TarInfo, model: ModelFile, target: Path) -> bool:
    packed = tar.extractfile(member)
    if packed is None:
        return False
    with packed, target.open("wb") as out:
        shutil.copyfileobj(packed, out)
    return bool(pooch.file_hash(str(target)) == model.sha256)
