"""A broken file is renamed and not overwritten: somebody may want to look at it."""

from datetime import UTC, datetime
from pathlib import Path


def set_aside(path: Path) -> str:
    """Rename to `NAME.broken-TIME`. Returns what was done, in words for a log line; never raises OSError."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    broken = path.with_name(f"{path.name}.broken-{now}")
    try:
        path.rename(broken)
    except OSError as error:
        return f"it cannot be set aside either ({error.strerror})"
    return f"it was set aside as {broken.name}"
