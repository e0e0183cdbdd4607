"""A file that cannot be used is renamed and not overwritten: somebody may want to look at it, or to have it back."""

from datetime import UTC, datetime
from pathlib import Path

from listener.store.versions import NewerFileError


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
