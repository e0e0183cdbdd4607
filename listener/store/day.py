"""What the day has brought so far (counts of sounds, rooms that are to be quiet), in one small file.

`{"version": 1, "since": TIME, "counts": {SLUG: {LABEL: n}}, "quiet_until": {SLUG: seconds since 1970}}`; whether the
values make sense is for others to say. Losing it is a nuisance and no reason to stop: nothing here raises.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from listener.store.aside import read_else_set_aside
from listener.store.files import write_private
from listener.store.versions import JsonStep, read_json

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
        return read_else_set_aside(
            self._path,
            lambda path: read_json(path, MAX_BYTES, STEPS, VERSION),
            lambda why: logger.warning("%s. The day begins anew", why),
        )

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
