"""A Wyoming satellite as a microphone: https://github.com/rhasspy/wyoming, the protocol of Home Assistant's voice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from wyoming.audio import AudioChunk
from wyoming.event import Event, async_read_event, async_write_event
from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite

from listener.chunks import Frames
from listener.config import PcmFormat
from listener.errors import SourceError
from listener.sources.backlog import Backlog
from listener.sources.intake import Intake
from listener.sources.pcm import PcmDecoder
from listener.sources.waiting import NO_DATA_SECONDS, OPEN_SECONDS, within
from listener.types import Chunk

logger = logging.getLogger(__name__)

MAX_EVENT_BYTES = 1 << 20
"""Of an event's data, and of its sound: 10 s of stereo at 48 kHz. Satellites send 20 to 64 ms at a time."""
MAX_CHANNELS = 32
_FORMATS: dict[int, PcmFormat] = {1: "u8", 2: "s16le", 3: "s24le", 4: "s32le"}


class Satellite:
    """A source that connects to a satellite which streams always: one without wake word and voice detection.

    The connection is there while `chunks` is iterated, and at no other time; at its end the satellite is told to pause.
    Its timestamps are not used (their unit depends on the satellite): chunks are stamped on arrival.
    """

    live = True

    def __init__(
        self, host: str, port: int, open_seconds: float = OPEN_SECONDS, no_data_seconds: float = NO_DATA_SECONDS
    ) -> None:
        self._host = host
        self._port = port
        self._open_seconds = open_seconds
        self._no_data_seconds = no_data_seconds

    @property
    def description(self) -> str:
        return f"satellite {self._host}:{self._port}"

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks, stamped on arrival, until the iterator is closed. Never ends by itself.

        Raises SourceError: not to be reached, no Wyoming, closed, nothing for 3 s, another format in the middle.
        """
        async with self._connected() as (reader, writer):
            sound = self._sound(reader, writer)
            first = await within(self._open_seconds, anext(sound), f"{self.description} sent no sound")
            decoder = PcmDecoder(first.channels, _FORMATS[first.width])
            received = self._frames(first, sound, decoder)
            with Intake(self.description, first.rate, first.channels, first_index, live=True) as intake:
                async with Backlog(self.description, first.rate, received) as backlog:
                    while True:
                        failure = f"{self.description} sent nothing"
                        for chunk in intake.push(await within(self._no_data_seconds, backlog.take(), failure)):
                            yield chunk

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple["BoundedReader", asyncio.StreamWriter]]:
        opening = asyncio.open_connection(self._host, self._port)
        try:
            reader, writer = await within(self._open_seconds, opening, f"{self.description} did not answer")
        except OSError as error:
            raise SourceError(
                f"{self.description} cannot be reached: {error.strerror or error}; is it switched on, are name and "
                "port right?"
            ) from None
        try:
            yield BoundedReader(reader), writer
        finally:
            with contextlib.suppress(OSError):
                if not writer.is_closing():
                    writer.write(b'{"type": "%s"}\n' % PauseSatellite().event().type.encode())
            # Not waited for: a satellite that hangs would take what we wrote when it likes.
            asyncio.get_running_loop().call_later(0.1, writer.transport.abort)
            writer.close()

    async def _sound(self, reader: "BoundedReader", writer: asyncio.StreamWriter) -> AsyncGenerator[AudioChunk]:
        """The sound that the satellite sends when it is asked to run; pings are answered."""
        heard = False
        try:
            await async_write_event(RunSatellite().event(), writer)
            while (event := await self._event(reader)) is not None:
                if Ping.is_type(event.type):
                    await async_write_event(Pong(Ping.from_event(event).text).event(), writer)
                elif AudioChunk.is_type(event.type):
                    heard = True
                    yield self._chunk(event)
                elif event.type == "error":
                    logger.warning("%s reports an error: %.200r", self.description, event.data)
        except OSError as error:
            raise SourceError(f"{self.description}: the connection broke: {error.strerror or error}") from None
        hint = "is its power on?" if heard else "it serves one client only; is Home Assistant connected to it?"
        raise SourceError(f"{self.description} has closed the connection; {hint}")

    async def _event(self, reader: "BoundedReader") -> Event | None:
        """The next event, None at the end. Raises SourceError: this is no Wyoming."""
        try:
            event = await async_read_event(reader)
            if event is None and not reader.at_eof():  # the library's word for a line that it cannot parse
                raise ValueError("a line that is no JSON")
            if event is not None and not (isinstance(event.type, str) and isinstance(event.data, dict)):
                raise ValueError("an event without a type or with strange data")
        except asyncio.IncompleteReadError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            words = str(error) if isinstance(error, ValueError) else "an event that is none"
            raise SourceError(
                f"{self.description} sends no Wyoming: {words:.200}; is the port that of a satellite (10700)?"
            ) from None
        return event

    def _chunk(self, event: Event) -> AudioChunk:
        """Raises SourceError where the format is none."""
        rate, width, channels = (event.data.get(key) for key in ("rate", "width", "channels"))
        numbers = all(type(value) is int for value in (rate, width, channels))
        if not numbers or width not in _FORMATS or not 1 <= int(channels or 0) <= MAX_CHANNELS:
            raise SourceError(
                f"{self.description} sends sound of rate {rate!r:.20}, width {width!r:.20} and channels "
                f"{channels!r:.20}, which is no format; look at its settings"
            )
        return AudioChunk.from_event(event)

    async def _frames(
        self, first: AudioChunk, sound: AsyncIterator[AudioChunk], decoder: PcmDecoder
    ) -> AsyncIterator[Frames]:
        yield decoder.decode(first.audio)
        async for chunk in sound:
            before, now = ((c.rate, c.width, c.channels) for c in (first, chunk))
            if now != before:
                raise SourceError(f"{self.description} went over from {before} to {now} (rate, bytes, channels)")
            yield decoder.decode(chunk.audio)


class BoundedReader(asyncio.StreamReader):
    """Reads from another reader, but takes no event of any size for granted."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._reader = reader

    async def readline(self) -> bytes:
        """Raises ValueError for a line of more than 64 KiB."""
        return await self._reader.readline()

    async def readexactly(self, n: int) -> bytes:
        """Raises ValueError for more than MAX_EVENT_BYTES, and for what is no number."""
        if not isinstance(n, int) or n > MAX_EVENT_BYTES:
            raise OversizeError(f"an event of {n!r:.20} bytes")
        return await self._reader.readexactly(n)

    def at_eof(self) -> bool:
        return self._reader.at_eof()


class OversizeError(TypeError):
    """Not a ValueError, which the library takes for the end of the stream."""
