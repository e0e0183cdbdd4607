"""Sound from stdin, as `arecord`, `ffmpeg` and others write it: raw PCM, or WAV with a header."""

import asyncio
import contextlib
import logging
import os
import select
import stat
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import BinaryIO

from listener.chunks import Frames
from listener.config import PcmFormat
from listener.errors import SourceError
from listener.sources import wav
from listener.sources.intake import Intake
from listener.sources.pcm import PcmDecoder
from listener.types import Chunk

logger = logging.getLogger(__name__)

READ_BYTES = 1 << 16
NO_DATA_SECONDS = 3.0
MAX_CHANNELS = 32
MAX_STALE_BYTES = 1 << 24
"""More than a pipe holds: who can fill it faster than we empty it is no microphone, and is not stale."""

_CONTAINERS = {b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3": "MP3", b"FORM": "AIFF", b".snd": "AU", b"caff": "CAF"}


@dataclass(slots=True)
class _Sound:
    """What the stream carries, and where in it we are. It outlives an opening, which may end inside of a frame."""

    rate: int
    channels: int
    decoder: PcmDecoder
    bytes_left: int | None = None
    """Of a WAV file that says how long it is; what follows is no sound."""

    def decode(self, data: bytes) -> Frames:
        return self.decoder.decode(self._take(data))

    def skip(self, data: bytes) -> None:
        self.decoder.skip(self._take(data))

    def _take(self, data: bytes) -> bytes:
        if self.bytes_left is not None:
            data = data[: self.bytes_left]
            self.bytes_left -= len(data)
        return data


class Pipe:
    """A source that reads a stream until it ends. Nobody else may read it.

    It is read no faster than chunks are taken: a producer that is ahead of us has to wait, and nothing is lost.
    What came while nobody listened (a muted room) is thrown away unheard.
    """

    live = True
    description = "stdin"

    def __init__(
        self,
        stream: BinaryIO,
        rate: int = 16_000,
        channels: int = 1,
        pcm_format: PcmFormat = "s16le",
        no_data_seconds: float = NO_DATA_SECONDS,
    ) -> None:
        self._stream = stream
        self._rate = rate
        self._channels = channels
        self._format = pcm_format
        self._no_data_seconds = no_data_seconds
        self._start = b""
        self._sound: _Sound | None = None
        self._stale = False
        self._ended = False

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks, stamped on arrival, until the stream ends; the last is padded with zeros.

        Raises SourceError: a terminal, no sound at all, a format that cannot be used, nothing for 3 s, a read error,
        a WAV file that breaks off. After the end there is nothing more, however often this is called.
        """
        if self._ended:
            return
        try:
            sound = self._sound = self._sound or await self._begin()
            if self._stale:
                self._skip_stale(sound)
            with Intake(self.description, sound.rate, sound.channels, first_index, live=True) as intake:
                data, self._start = self._start, b""
                while True:
                    for chunk in intake.push(sound.decode(data)):
                        yield chunk
                    if sound.bytes_left == 0 or not (data := await self._read()):
                        break
                for chunk in intake.flush():
                    yield chunk
        except (GeneratorExit, asyncio.CancelledError):
            self._stale = True
            raise
        self._ended = True
        self._check_end(sound)

    async def _begin(self) -> _Sound:
        """Read until it is clear what the stream carries; sound that came along stays in `_start`."""
        while True:
            data = await self._read()
            self._start += data
            try:
                if sound := self._recognize(at_end=not data):
                    return sound
            except SourceError:
                self._ended = True  # the next bytes would make no more sense
                raise

    def _recognize(self, at_end: bool) -> _Sound | None:
        """What the stream carries by its first bytes; None if more of them are needed."""
        start = self._start
        if not start:
            raise SourceError(f"{self.description} ended before any sound came; see what the program before us says")
        if len(start) < 12 and not at_end:
            return None
        for magic, name in _CONTAINERS.items():
            if start.startswith(magic):
                raise SourceError(
                    f"{self.description} carries {name}, not PCM; decode it first: ffmpeg -i FILE -f s16le -ar 16000 "
                    "-ac 1 - | listener …"
                )
        if not wav.is_wav(start):
            return _Sound(self._rate, self._channels, PcmDecoder(self._channels, self._format))
        try:
            head = wav.parse_head(start)
        except SourceError as error:
            raise SourceError(f"{self.description}: {error}; send raw PCM instead (arecord -t raw)") from None
        if head is None and at_end:
            raise SourceError(f"{self.description} ended inside of the WAV header, before any sound came")
        return None if head is None else self._from_wav(head)

    def _from_wav(self, head: wav.WavHead) -> _Sound:
        if head.pcm_format is None or not 1 <= head.channels <= MAX_CHANNELS:
            raise SourceError(
                f"{self.description} carries WAV with {head.channels} channels of {head.sample_bits} bits, coding "
                f"{head.format_tag}, which is not understood; send s16le with at most {MAX_CHANNELS} channels"
            )
        logger.info(
            "%s carries WAV: %d Hz, %d channels, %s; this counts, not the configuration",
            *(self.description, head.rate, head.channels, head.pcm_format),
        )
        self._start = self._start[head.head_bytes :]
        return _Sound(head.rate, head.channels, PcmDecoder(head.channels, head.pcm_format), head.data_bytes)

    async def _read(self) -> bytes:
        """The next bytes; empty at the end of the stream."""
        try:
            fd = self._stream.fileno()
            if os.isatty(fd):
                raise SourceError(
                    f"{self.description} is a terminal, no stream of sound; use e.g. arecord -t raw -f S16_LE "
                    "-r 16000 | listener …"
                )
            async with asyncio.timeout(self._no_data_seconds):
                while True:
                    await _readable(fd)
                    with contextlib.suppress(BlockingIOError):  # somebody else's reader was faster
                        return os.read(fd, READ_BYTES)
        except TimeoutError:
            raise SourceError(
                f"{self.description} brought nothing for {self._no_data_seconds:g} s; see whether the program that "
                "should send sound still runs"
            ) from None
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.description} cannot be read: {error}; start the listener behind a pipe") from None

    def _skip_stale(self, sound: _Sound) -> None:
        """Throw away what waits in the pipe since nobody listened, and stay at the frame's boundary."""
        self._stale = False
        self._start = b""
        fd = self._stream.fileno()
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return  # a file does not fill up by itself
        waiting = select.poll()
        waiting.register(fd, select.POLLIN)
        skipped = 0
        while skipped < MAX_STALE_BYTES and waiting.poll(0) and (data := os.read(fd, READ_BYTES)):
            sound.skip(data)
            skipped += len(data)
        logger.info("%s: threw away %d bytes that came while nobody listened", self.description, skipped)

    def _check_end(self, sound: _Sound) -> None:
        if sound.decoder.rest_bytes:
            logger.warning("%s ended inside of a sample: %d bytes dropped", self.description, sound.decoder.rest_bytes)
        if sound.bytes_left:
            raise SourceError(
                f"{self.description} broke off: its WAV header promised {sound.bytes_left} more bytes; see what the "
                "program before us says"
            )


async def _readable(fd: int) -> None:
    """Wait until a read from `fd` does not block."""
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    try:
        loop.add_reader(fd, event.set)
    except PermissionError:  # epoll refuses plain files, which can always be read
        await asyncio.sleep(0)
        return
    try:
        await event.wait()
    finally:
        loop.remove_reader(fd)
