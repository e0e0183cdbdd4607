"""What version a state file has, and the steps from an older one to that of this release.

Each kind of file counts by itself: `steps[n]` makes version n + 1 of version n, and a step that was released is never
changed. A file of a newer release is not touched: whoever finds one sets it aside, so that it can be taken back.
"""

import json
import os
import sqlite3
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from listener import __version__
from listener.errors import StoreError

TableStep = Callable[[sqlite3.Connection], object]
JsonStep = Callable[[dict[str, Any]], dict[str, Any]]


class NewerFileError(StoreError):
    """The file is of a release to come."""

    def __init__(self, version: int, known: int) -> None:
        super().__init__(f"has version {version}, and this release ({__version__}) reads up to {known}")
        self.version = version

    @property
    def mark(self) -> str:
        """For the name that it gets when it is set aside."""
        return f"version-{self.version}"


def migrate_database(database: sqlite3.Connection, steps: Sequence[TableStep]) -> None:
    """Bring the open database to version `len(steps)`; an empty one has version 0. Each step happens whole or not.

    The version is SQLite's `user_version`: https://www.sqlite.org/pragma.html#pragma_user_version. Raises
    NewerFileError, and sqlite3.Error: the disk, a damaged file, or tables that a step did not expect.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= len(steps):
        raise NewerFileError(version, len(steps))
    for number, step in enumerate(steps[version:], version + 1):
        database.execute("BEGIN IMMEDIATE")
        try:
            step(database)
            database.execute(f"PRAGMA user_version = {number}")
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def migrate_json(data: dict[str, Any], steps: Mapping[int, JsonStep], current: int) -> dict[str, Any]:
    """`data` as version `current` has it. Its version is the number under the key `version`; without one it is 0.

    Raises NewerFileError, and StoreError for a version that no step leads from, and for what a step cannot read.
    """
    version = data.get("version")
    version = version if isinstance(version, int) and not isinstance(version, bool) else 0
    if version > current:
        raise NewerFileError(version, current)
    while version < current:
        if version not in steps:
            raise StoreError(
                f"has version {version}, and this release reads {min(steps, default=current)} to {current}"
            )
        try:
            data = {**steps[version](data), "version": version + 1}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"is of version {version}, but not as that release wrote it ({error!r:.80})") from None
        version += 1
    return data


def read_json(path: Path, max_bytes: int, steps: Mapping[int, JsonStep], current: int) -> dict[str, Any]:
    """The mapping in a JSON file of ours, as version `current` has it.

    Raises OSError; StoreError for what is no regular file of up to `max_bytes`, no JSON or no mapping; and what
    `migrate_json` raises.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        info = os.fstat(file.fileno())  # a pipe in its place would wait for ever, without O_NONBLOCK
        if not stat.S_ISREG(info.st_mode) or info.st_size > max_bytes:
            raise StoreError(f"is no file of up to {max_bytes} bytes")
        raw = file.read(max_bytes)
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"is no valid JSON ({error})") from None
    if not isinstance(data, dict):
        raise StoreError("is no mapping")
    return migrate_json(data, steps, current)
