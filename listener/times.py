"""How a moment is written in what we publish, log and keep."""

from datetime import UTC, datetime
from time import time
from typing import Literal


def rfc3339(unix_seconds: float | None = None, precision: Literal["milliseconds", "seconds"] = "milliseconds") -> str:
    """UTC, as in `2026-01-31T23:59:59.123Z`; the present moment, if none is given."""
    moment = datetime.fromtimestamp(time() if unix_seconds is None else unix_seconds, UTC)
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
