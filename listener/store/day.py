"""What the day has brought so far (counts of sounds, rooms that are to be quiet), in one small file.

`{"version": 1, "since": TIME, "counts": {SLUG: {LABEL: n}}, "quiet_until": {SLUG: seconds since 1970}}`; whether the
values make sense is for others to say. Losing it is a nuisance and no reason to stop: nothing here raises.
"""

import json
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from listener.errors import StoreError
from listener.store.aside import set_aside
from listener.store.files import write_private
from listener.store.versions import JsonStep, migrate_json

logger = logging.getLogger(__name__)

VERSION = 1
STEPS: Mapping[int, JsonStep] = {}
"""From version to version, when there are more than one."""
MAX_BYTES = 4_000_000


class DayFile:
    """Reads and writes it; both wait for the disk, so call them in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failing = False

    def load(self) -> dict[str, Any]:
        """What was saved last; empty where there is nothing that can be read."""
        try:
            return _read(self._path)
        except FileNotFoundError:
            return {}
        except (StoreError, OSError) as error:
            what = error.strerror if isinstance(error, OSError) else error
            logger.warning("%s: %s; %s. The day begins anew", self._path, what, set_aside(self._path, error))
            return {}

    def save(self, day: Mapping[str, Any]) -> bool:
        """All of it, or what was there before. False when the disk does not take it, which is logged once."""
        try:
            write_private(self._path, json.dumps({"version": VERSION, **day}).encode())
        except OSError as error:
            if not self._failing:
                logger.warning(
                    "%s: cannot be saved: %s; counts of the day and quiet hours are lost with a restart. Make room, "
                    "or check the folder's owner and mode",
                    *(self._path, error.strerror or error),
                )
            self._failing = True
            return False
        if self._failing:
            logger.warning("%s: is saved again", self._path)
        self._failing = False
        return True


def _read(path: Path) -> dict[str, Any]:
    """Raises OSError, or StoreError for what is no file of ours."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        info = os.fstat(file.fileno())  # a pipe in its place would wait for ever, without O_NONBLOCK
        if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_BYTES:
            raise StoreError(f"is no file of up to {MAX_BYTES} bytes")
        raw = file.read(MAX_BYTES)
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"is no valid JSON ({error})") from None
    if not isinstance(data, dict):
        raise StoreError("is no mapping")
    return migrate_json(data, STEPS, VERSION)
