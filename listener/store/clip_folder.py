"""Clips on disk: written by a thread, readable by nobody else, and gone when they are old or too many."""

import asyncio
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from listener.config import ClipsConfig
from listener.errors import StoreError
from listener.store.clips import Clip
from listener.store.files import FOLDER_MODE, put_private
from listener.types import SAMPLE_RATE_HZ

WAITING_CLIPS = 8
PRUNE_SECONDS = 3_600.0
DAY_SECONDS = 86_400.0
TIME_FORMAT = "%Y%m%dT%H%M%S.%f"

_NAME = re.compile(r"([0-9]{8}T[0-9]{6}\.[0-9]{6})Z_[a-z0-9_]+-[0-9a-zA-Z-]{1,64}\.(flac|wav)")
_HALF_WRITTEN = re.compile(rf"\.{_NAME.pattern}-.+")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptClip:
    path: Path
    recorded_at: float
    size_bytes: int


class ClipFolder:
    """`keep` belongs to the event loop and never waits; `run` writes. Nothing here ends the daemon.

    `dropped` counts clips that are not on disk although they were made.
    """

    def __init__(self, folder: Path, config: ClipsConfig, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._config = config
        self._clock = clock
        self._waiting: asyncio.Queue[Clip] = asyncio.Queue(WAITING_CLIPS)
        self._failing = False
        self.dropped = 0

    def keep(self, clip: Clip) -> None:
        try:
            self._waiting.put_nowait(clip)
        except asyncio.QueueFull:
            self._lost(clip, "the disk does not keep up")

    async def run(self) -> None:
        """Write what is kept, and delete what is old, until cancelled; then write what waits."""
        try:
            await asyncio.to_thread(self._tidy)
            while True:
                await self._write_next()
        finally:
            while not self._waiting.empty():
                await asyncio.to_thread(self._write, self._waiting.get_nowait())

    async def _write_next(self) -> None:
        try:
            async with asyncio.timeout(PRUNE_SECONDS):
                clip = await self._waiting.get()
        except TimeoutError:
            await asyncio.to_thread(self._tidy)
            return
        await asyncio.to_thread(self._write, clip)

    # From here on: the writing thread.

    def _write(self, clip: Clip) -> None:
        path = self._folder / file_name(clip, self._config.format)
        try:
            open_folder(self._folder)
            put_private(path, lambda file: _encode(file, clip, self._config.format))
            self.prune()
        except (OSError, StoreError, soundfile.LibsndfileError) as error:
            self._lost(clip, str(error))
            return
        if self._failing:
            logger.warning("%s: clips are kept again", self._folder)
        self._failing = False
        extra = {"room": clip.room, "event_id": clip.id}
        logger.info("%s: a clip of %s is kept in %s", clip.room, clip.label, path, extra=extra)

    def _lost(self, clip: Clip, why: str) -> None:
        self.dropped += 1
        if not self._failing:
            extra = {"room": clip.room, "event_id": clip.id}
            logger.error("%s: clips cannot be kept: %s; the sound itself was reported", clip.room, why, extra=extra)
        self._failing = True

    def _tidy(self) -> None:
        try:
            for path in half_written(self._folder):
                path.unlink(missing_ok=True)
            self.prune()
        except OSError as error:
            logger.error("%s: old clips cannot be deleted: %s; delete them by hand", self._folder, error.strerror)

    def prune(self) -> None:
        """Delete what is older or more than configured. Raises OSError."""
        oldest = self._clock() - self._config.keep_days * DAY_SECONDS
        left = int(self._config.keep_mb * 1e6)
        for clip in reversed(kept_clips(self._folder)):
            left -= clip.size_bytes
            if left < 0 or clip.recorded_at < oldest:
                clip.path.unlink(missing_ok=True)


def open_folder(folder: Path) -> None:
    """Make the folder, for us alone. Raises StoreError for one that others may enter, OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o077:
        raise StoreError(
            f"{folder} is not a folder that only we may enter; name one of its own in privacy.clips.folder, "
            f"or: chown {os.geteuid()} {folder} && chmod 700 {folder}"
        )


def kept_clips(folder: Path) -> list[KeptClip]:
    """Ours, the oldest first; any other file in the folder is none of our business. Raises OSError."""
    clips = [
        KeptClip(path, when, path.lstat().st_size)
        for path in _files(folder)
        if (found := _NAME.fullmatch(path.name)) and (when := _when(found[1])) is not None
    ]
    return sorted(clips, key=lambda clip: clip.recorded_at)


def half_written(folder: Path) -> list[Path]:
    """What a daemon that was killed left of a clip. Raises OSError."""
    return [path for path in _files(folder) if _HALF_WRITTEN.fullmatch(path.name)]


def file_name(clip: Clip, suffix: str) -> str:
    when = datetime.fromtimestamp(clip.started_at_ns / 1e9, UTC).strftime(TIME_FORMAT)
    return f"{when}Z_{clip.room}_{clip.label}-{clip.id}.{suffix}"


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from (path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    except FileNotFoundError:
        return


def _when(stamp: str) -> float | None:
    try:
        return datetime.strptime(stamp, TIME_FORMAT).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _encode(file: IO[bytes], clip: Clip, suffix: str) -> None:
    samples = np.clip(clip.samples, -1.0, 1.0)
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format=suffix.upper(), subtype="PCM_16")
