"""A file that cannot be used is renamed and not overwritten: somebody may want to look at it, or to have it back."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from listener.errors import StoreError
from listener.store.versions import NewerFileError


def read_else_set_aside(
    path: Path, read: Callable[[Path], dict[str, Any]], tell: Callable[[str], None]
) -> dict[str, Any]:
    """What `read` makes of the file, empty where there is none. One that `read` refuses (StoreError, OSError) is set
    aside; `tell` is given which it was, why, and what became of it. Never raises these."""
    try:
        return read(path)
    except FileNotFoundError:
        return {}
    except (StoreError, OSError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        tell(f"{path}: {what}; {set_aside(path, error)}")
        return {}


def set_aside(path: Path, error: BaseException | None = None) -> str:
    """Rename to `NAME.broken-TIME`, or, for a newer release's file, to `NAME.version-N-TIME`.

    Returns what was done, in words for a log line; never raises OSError.
    """
    newer = isinstance(error, NewerFileError)
    mark = error.mark if isinstance(error, NewerFileError) else "broken"
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.{mark}-{now}")
    try:
        path.rename(aside)
    except OSError as failure:
        return f"it cannot be set aside either ({failure.strerror})"
    back = "; to have it back, stop the daemon, install the newer release and rename the file" if newer else ""
    return f"it was set aside as {aside.name}{back}"


def lies_aside(path: Path) -> bool:
    """Whether a file of this name was ever set aside, and lies there still."""
    return any(any(path.parent.glob(f"{path.name}.{mark}-*")) for mark in ("broken", "version"))
