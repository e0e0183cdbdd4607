"""Paths as people write them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator


def expanded(path: Path) -> Path:
    """With `~` and `~user` replaced by that home folder, as a shell does. Raises ValueError for an unknown user."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"{path.parts[0]}: no home folder is known for that user; give the whole path") from None


def _not_empty(path: object) -> object:
    """The empty path would be the working folder."""
    if path == "":
        raise ValueError("is empty; give a path, or leave the key out")
    return path


UserPath = Annotated[Path, BeforeValidator(_not_empty), AfterValidator(expanded)]
UserPathOrName = Annotated[
    str, AfterValidator(lambda text: str(expanded(Path(text))) if text.startswith("~") else text)
]
"""A path, or the name of something that we bring along or fetch."""
