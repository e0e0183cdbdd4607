"""Sound from a recording: wav, flac, ogg, mp3, and what else libsndfile reads."""

import asyncio
import os
import stat
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from listener.errors import SourceError
from listener.sources.ending import what_is_missing
from listener.sources.intake import Intake
from listener.types import CHUNK_SECONDS, Chunk

MAX_BLOCK_VALUES = 1 << 20
"""Bounds the memory of a block, whatever rate and channel count the file claims."""

_BAD_FILE = 7
"""libsndfile's SFE_BAD_FILE: "does not exist or is not a regular file", said of a file that we have open."""


class Recording:
    """A source that plays a file: as fast as it goes and without stamps, or in real time and stamped.

    With `loop` it begins again at the end, without a gap. Of a damaged file it plays what is there, then tells.
    """

    live = False

    def __init__(self, path: Path, realtime: bool = False, loop: bool = False) -> None:
        self._path = path
        self._realtime = realtime
        self._loop = loop

    @property
    def description(self) -> str:
        name = str(self._path)
        return f"recording {name if name.isprintable() else ascii(name)}"

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks from the file's beginning; the last one is padded with zeros.

        Raises SourceError: no such file, no file at all, unreadable, no audio, no sound in it; and after what could
        be heard: damaged, cut off.
        """
        pace = _Pace() if self._realtime else None
        with (
            _SoundFile(self._path, self.description) as file,
            Intake(self.description, file.rate, file.channels, first_index, live=False) as intake,
        ):
            for frames in file.blocks(self._loop):
                for chunk in intake.push(frames):
                    yield await pace.when_due(chunk) if pace else chunk
                await asyncio.sleep(0)  # a recording is never waited for: let the other rooms have a turn
            for chunk in intake.flush():
                yield await pace.when_due(chunk) if pace else chunk
            if file.damage:
                raise SourceError(
                    f"{self.description} is damaged or cut off: {file.damage}; what could be heard was heard; "
                    "copy it again, or convert it with ffmpeg"
                )


def describe(path: Path) -> str:
    """What the file is, in a line for a person. Raises SourceError if it cannot be opened or holds no sound."""
    description = Recording(path).description
    with _SoundFile(path, description) as file, Intake(description, file.rate, file.channels, 0, live=False):
        return f"{description}: {file.seconds:.1f} s, {file.rate} Hz, {file.channels} channels, {file.coding}"


class _SoundFile:
    """One open file. Raises SourceError when it cannot be opened or holds no sound."""

    def __init__(self, path: Path, description: str) -> None:
        self._description = description
        self.damage = ""
        """Why the blocks ended before the sound did; empty if they did not."""
        with ExitStack() as stack:
            self._fd = self._open(path)
            stack.callback(os.close, self._fd)
            self._file = stack.enter_context(self._decode())
            if self._file.frames <= 0:
                raise SourceError(f"{description} holds no sound: not a single sample; record it again")
            self._stack = stack.pop_all()
        self.rate = cast(int, self._file.samplerate)
        self.channels = cast(int, self._file.channels)
        self.seconds = self._file.frames / self.rate
        """As the file claims."""
        self.coding = f"{self._file.format} {self._file.subtype}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def blocks(self, loop: bool) -> Iterator[NDArray[np.float32]]:
        """About 0.4 s at a time, shape `[n, channels]`; with `loop` for ever. Afterwards look at `damage`."""
        size = max(1, min(int(self.rate * CHUNK_SECONDS), MAX_BLOCK_VALUES // self.channels))
        frames_read = 0
        while True:
            try:
                frames = self._file.read(size, dtype="float32", always_2d=True)
                if not len(frames):
                    self.damage = what_is_missing(self._fd, self._file.format, self._file.frames, frames_read)
                    if self.damage or not loop or not frames_read:
                        return
                    frames_read = self._file.seek(0)
                    continue
            except (soundfile.SoundFileError, OSError) as error:
                self.damage = f"nothing can be read after {frames_read / self.rate:.1f} s ({_reason(error)})"
                return
            frames_read += len(frames)
            yield frames

    def _open(self, path: Path) -> int:
        try:
            # Without waiting: to open a FIFO would otherwise block until somebody writes to it.
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise SourceError(f"{self._description} cannot be opened: {_reason(error)}; check the path") from None
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode) and status.st_size:
            return fd
        os.close(fd)
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{self._description} is a folder; name the files in it")
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(
                f"{self._description} is a pipe or device, no file; use the source `pipe` or `microphone`"
            )
        raise SourceError(f"{self._description} is empty (0 bytes); record or copy it again")

    def _decode(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(self._fd, closefd=False)
        except (soundfile.SoundFileError, OSError) as error:
            raise SourceError(
                f"{self._description} is no audio that can be read ({_reason(error)}); it must be wav, flac, ogg or "
                "mp3, or be converted with ffmpeg"
            ) from None


class _Pace:
    """Real time: the n-th chunk is due n * 0.4 s after the first was asked for, so that delays do not add up."""

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()
        self._chunks = 0

    async def when_due(self, chunk: Chunk) -> Chunk:
        """Wait until the chunk's last sample is due; returns it stamped with that moment."""
        self._chunks += 1
        due_ns = self._start_ns + round(self._chunks * CHUNK_SECONDS * 1e9)
        await asyncio.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        late_ns = time.monotonic_ns() - due_ns
        return replace(chunk, captured_at_ns=time.time_ns() - late_ns, monotonic_ns=due_ns)


def _reason(error: Exception) -> str:
    """An error's own words, without the names that libraries put around them."""
    if isinstance(error, soundfile.LibsndfileError) and error.code == _BAD_FILE:
        return "it breaks off in its header"
    words = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(words).rstrip(". ") or type(error).__name__
