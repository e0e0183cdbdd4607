"""What people changed while the daemon ran (mute, strictness, threshold, mode), kept over a restart.

One JSON file: `{"version": 1, "rooms": {SLUG: {"muted": false, "strictness": "balanced", "threshold": 0.5,
"mode": "assistant"}}}`; what a file of an older release lacks comes from the configuration.
Losing it is a nuisance and never a reason to stop hearing: nothing here raises because of what is on the disk.
"""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from listener.errors import StoreError
from listener.store.aside import read_else_set_aside
from listener.store.files import write_private
from listener.store.versions import JsonStep, read_json
from listener.types import RoomSettings
from listener.vocabulary import STRICTNESS_STEPS, is_mode

logger = logging.getLogger(__name__)

VERSION = 1
STEPS: Mapping[int, JsonStep] = {}
"""From version to version, when there are more than one."""
MAX_BYTES = 1_000_000

_VALID: dict[str, Callable[[Any], bool]] = {
    "muted": lambda value: isinstance(value, bool),
    "strictness": lambda value: isinstance(value, str) and value in STRICTNESS_STEPS,
    "threshold": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1,
    "mode": lambda value: isinstance(value, str) and is_mode(value),
}


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where state lives; it need not exist. STATE_DIRECTORY (systemd), else LISTENER_STATE, else XDG state."""
    environ = os.environ if environ is None else environ
    if state := environ.get("STATE_DIRECTORY"):
        return Path(state.split(":")[0])
    if chosen := environ.get("LISTENER_STATE"):
        return Path(chosen).expanduser()
    return platformdirs.user_state_path("listener")


class SettingsStore:
    """The settings of every room, in memory and in one file.

    `put` is quick and belongs to the event loop; `save` waits for the disk, so call it in a thread. Rooms that the
    configuration does not name are kept: they may come back. The first failure of a row is logged, and `warning`
    says what is wrong until a save succeeds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._memory = threading.Lock()
        self._disk = threading.Lock()
        self.warning: str | None = None
        self._rooms = self._load()

    def get(self, room: str, default: RoomSettings) -> RoomSettings:
        """What was last set for the room; what was never set, or makes no sense, comes from `default`."""
        with self._memory:
            kept = dict(self._rooms.get(room, {}))
        return RoomSettings(**{key: kept.get(key, getattr(default, key)) for key in _VALID})

    def put(self, room: str, settings: RoomSettings) -> None:
        """Remember; goes to disk with the next `save`."""
        with self._memory:
            self._rooms[room] = {key: getattr(settings, key) for key in _VALID}

    def save(self) -> bool:
        """Write everything, at once or not at all. False when the disk does not take it; memory still has it."""
        with self._disk:
            with self._memory:
                text = json.dumps({"version": VERSION, "rooms": self._rooms}, indent=2)
            try:
                write_private(self._path, text.encode())
            except OSError as error:
                self._warn(
                    f"{self._path}: settings cannot be saved: {error.strerror or error}; "
                    "they hold until the next restart. Make room, or check the folder's owner and mode"
                )
                return False
            if self.warning is not None:
                logger.warning("%s: settings are saved again", self._path)
            self.warning = None
            return True

    def _warn(self, text: str) -> None:
        if self.warning is None:
            logger.warning("%s", text)
        self.warning = text

    def _load(self) -> dict[str, dict[str, Any]]:
        rooms = read_else_set_aside(
            self._path, _read, lambda why: logger.warning("%s. Every room begins with its configuration", why)
        )
        return {room: _sensible(self._path, room, kept) for room, kept in rooms.items()}


def _read(path: Path) -> dict[str, Any]:
    """The file's `rooms`. Raises OSError, or StoreError for what is no settings file of ours."""
    data = read_json(path, MAX_BYTES, STEPS, VERSION)
    if not isinstance(data.get("rooms"), dict):
        raise StoreError("has no `rooms`")
    rooms: dict[str, Any] = data["rooms"]
    return rooms


def _sensible(path: Path, room: str, kept: Any) -> dict[str, Any]:
    """The room's values that are valid; each other one is named in the log and left out."""
    if not isinstance(kept, dict):
        logger.warning("%s: room %r: is no mapping; ignored", path, room)
        return {}
    for key, value in kept.items():
        if key not in _VALID or not _VALID[key](value):
            logger.warning("%s: room %r: %.40s: %.40r is not possible; ignored", path, room, key, value)
    return {key: value for key, value in kept.items() if key in _VALID and _VALID[key](value)}
