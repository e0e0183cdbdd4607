"""The parent's end of the playback process: one for each reply that is spoken."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import soxr

from listener.children import start_module
from listener.errors import VoiceError
from listener.respond.output import Clip, Track

MODULE: Final = "listener.respond.player"

OPEN_SECONDS: Final = 5.0
GRACE_SECONDS: Final = 4.0
"""Beyond the length of what is to be played; then the device hangs."""
DEFAULT_DEVICE: Final = "default"
MAX_ERROR_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Loudspeaker:
    """Implements `Output`: a device by a part of its name or its stable id; `default` is the system's."""

    device: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Track]:
        arguments = [] if self.device == DEFAULT_DEVICE else [f"--device={self.device}"]
        try:
            process = await start_module(MODULE, *arguments)
        except OSError as error:
            raise VoiceError(f"output {self.device!r}: no playback process: {error.strerror}") from None
        player = _Player(self.device, process)
        try:
            await player.start()
            yield player
        finally:
            await player.close()


class _Player:
    """A running playback process, as a `Track`."""

    def __init__(self, device: str, process: asyncio.subprocess.Process) -> None:
        self._device = device
        self._process = process
        self._rate_hz = 0
        self._channels = 0
        assert process.stderr is not None
        self._errors = asyncio.create_task(_tail(process.stderr))

    async def start(self) -> None:
        """Wait until the device is open. Raises VoiceError with the child's own words if it does not open."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise VoiceError(f"output {self._device!r} did not open within {OPEN_SECONDS:g} s") from None
        if not line:
            raise await self._failure()
        head = json.loads(line)
        self._rate_hz, self._channels = head["rate"], head["channels"]

    async def play(self, clip: Clip) -> None:
        data = await asyncio.to_thread(self._frames, clip)
        assert self._process.stdin is not None
        try:
            async with asyncio.timeout(clip.seconds + GRACE_SECONDS):
                self._process.stdin.write(data)
                await self._process.stdin.drain()
        except TimeoutError:
            raise self._hangs() from None
        except OSError:
            raise await self._failure() from None

    async def finish(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                code = await self._process.wait()
        except TimeoutError:
            raise self._hangs() from None
        if code != 0:
            raise await self._failure()

    async def close(self) -> None:
        """Silence, at once."""
        with suppress(ProcessLookupError):
            self._process.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        await asyncio.gather(self._process.wait(), self._process.stdout.read(), self._errors)

    @property
    def _longest_wait_seconds(self) -> float:
        """Of what fits into pipes and buffers between us and the device: 128 KiB here, 64 KiB there, 0.5 s beyond."""
        return 192 * 1_024 / (2 * self._channels * self._rate_hz) + 0.5 + GRACE_SECONDS

    def _frames(self, clip: Clip) -> bytes:
        """int16, interleaved, at the device's rate."""
        samples = clip.samples
        if clip.rate_hz != self._rate_hz and len(samples):
            samples = soxr.resample(samples, clip.rate_hz, self._rate_hz)
        return np.repeat(samples, self._channels).tobytes()

    def _hangs(self) -> VoiceError:
        return VoiceError(f"output {self._device!r} takes no more sound: its driver or sound server hangs; see dmesg")

    async def _failure(self) -> VoiceError:
        """Why the child has ended: its own words, or how it exited."""
        code = await self._process.wait()
        told = [words["error"] for line in await self._errors if (words := _own(line)) and "error" in words]
        return VoiceError(f"output {self._device!r}: {told[-1] if told else f'playback ended with status {code}'}")


async def _tail(stream: asyncio.StreamReader) -> list[str]:
    """The last lines of what a child said."""
    kept = b""
    while data := await stream.read(MAX_ERROR_BYTES):
        kept = (kept + data)[-MAX_ERROR_BYTES:]
    return kept.decode(errors="replace").splitlines()


def _own(line: str) -> dict[str, Any] | None:
    try:
        words = json.loads(line)
    except ValueError:
        return None
    return words if isinstance(words, dict) else None
