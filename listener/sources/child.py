"""The parent's end of a capture process: starts it, reads it, and is sure that it is gone afterwards."""

import asyncio
import json
import logging
import signal
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from listener.children import start_module
from listener.errors import DeviceNotFoundError, SourceError

logger = logging.getLogger(__name__)

MODULE = "listener.sources.capture"
"""The child's working directory, from which `-m` imports first: this very package, wherever the daemon was started."""

TERMINATE_SECONDS = 0.5
READ_BYTES = 1 << 16
MAX_LINE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class CaptureHead:
    """What the frames are that follow: interleaved float32."""

    rate: int
    channels: int
    device: str


def parse_line(line: str) -> dict[str, Any] | None:
    """A line of the child's stderr, None if it is not one of ours."""
    try:
        words = json.loads(line)
    except ValueError:
        return None
    return words if isinstance(words, dict) else None


def how_it_ended(code: int) -> str:
    """The exit status of a process in words."""
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"


class CaptureProcess:
    """A running capture process. As a context manager it is killed and reaped at the end, within a second."""

    def __init__(
        self, description: str, process: asyncio.subprocess.Process, hint: str = "see `listener devices`"
    ) -> None:
        self._description = description
        self._hint = hint
        self._process = process
        self._error: SourceError | None = None
        self._other_lines: deque[str] = deque(maxlen=3)
        self._listening = asyncio.create_task(self._read_stderr())

    @classmethod
    async def start(cls, description: str, device: str | None) -> Self:
        """Capture a microphone. Raises SourceError if no process can be started."""
        return await cls.launch(description, MODULE, [] if device is None else [f"--device={device}"])

    @classmethod
    async def launch(
        cls,
        description: str,
        module: str,
        arguments: Sequence[str] = (),
        request: bytes = b"",
        hint: str = "see `listener devices`",
    ) -> Self:
        """Run a module that speaks as `capture` does, with `request` on its stdin, which stays open.

        Raises SourceError if no process can be started. `hint`: what to do when it dies without a word.
        """
        try:
            process = await start_module(module, *arguments)
        except OSError as error:
            raise SourceError(f"{description}: no capture process can be started: {error.strerror}") from None
        assert process.stdin is not None
        process.stdin.write(request)
        return cls(description, process, hint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def head(self) -> CaptureHead:
        """What the child has opened. Raises SourceError with the child's own words if it could not."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise await self._failure()
        return CaptureHead(**json.loads(line))

    async def read(self) -> bytes:
        """The next bytes of sound. Raises SourceError when the child has ended."""
        assert self._process.stdout is not None
        data = await self._process.stdout.read(READ_BYTES)
        if not data:
            raise await self._failure()
        return data

    async def close(self) -> None:
        """End the child, by force if need be, and reap it."""
        try:
            with suppress(ProcessLookupError):
                self._process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(TERMINATE_SECONDS):
                    await self._reaped()
        finally:  # also when we are cancelled meanwhile
            if self._process.returncode is None:
                self._process.kill()
        await self._reaped()
        await self._listening

    async def _reaped(self) -> None:
        """Sound that nobody wants any more is read to its end: before that asyncio does not let go of the process."""
        await asyncio.gather(self._process.wait(), self._drain())

    async def _drain(self) -> None:
        assert self._process.stdout is not None
        while await self._process.stdout.read(READ_BYTES):
            pass

    async def _failure(self) -> SourceError:
        """Why the child has ended: its own last word, or how it exited."""
        code = await self._process.wait()
        await self._listening
        if self._error is not None:
            return self._error
        words = "; ".join(self._other_lines)
        return SourceError(
            f"{self._description}: the capture process {how_it_ended(code)}{f' ({words})' if words else ''}; "
            f"{self._hint}"
        )

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        rest = b""
        while data := await self._process.stderr.read(MAX_LINE_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-MAX_LINE_BYTES:]
            for line in lines:
                self._hear(line.decode(errors="replace"))
        if rest:
            self._hear(rest.decode(errors="replace"))

    def _hear(self, line: str) -> None:
        """One line of the child's stderr: JSON is ours, the rest is from ALSA and its plugins."""
        words = parse_line(line)
        if words is None:
            self._other_lines.append(line.strip())
            logger.debug("%s: %s", self._description, line)
            return
        if "error" in words:
            kind = DeviceNotFoundError if words.get("kind") == DeviceNotFoundError.__name__ else SourceError
            self._error = kind(f"{self._description}: {words['error']}")
        elif "damaged" in words:
            logger.warning("%s: %s packets so far could not be decoded", self._description, words["damaged"])
        else:
            logger.warning(
                "%s lost sound, so far: %s overflows in the driver, %s blocks of 20 ms that came too fast for us",
                *(self._description, words.get("overflows"), words.get("dropped_blocks")),
            )
