"""A Wyoming satellite as a room: https://github.com/rhasspy/wyoming, the protocol of Home Assistant's voice."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from wyoming.audio import AudioChunk
from wyoming.event import Event, async_write_event
from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite, RunSatellite
from wyoming.snd import Played

from listener.chunks import Frames
from listener.config import PcmFormat
from listener.errors import SourceError
from listener.sources.backlog import Backlog
from listener.sources.intake import Intake
from listener.sources.pcm import PcmDecoder
from listener.sources.waiting import NO_DATA_SECONDS, OPEN_SECONDS, within
from listener.types import Chunk
from listener.wyoming_wire import BoundedReader, read_event

logger = logging.getLogger(__name__)

MAX_CHANNELS = 32
_FORMATS: dict[int, PcmFormat] = {1: "u8", 2: "s16le", 3: "s24le", 4: "s32le"}


class Satellite:
    """A source that connects to a satellite which streams always: one without wake word and voice detection.

    The connection is there while `chunks` is iterated, and while `speaker` is entered; at its end the satellite is told
    to pause. Its timestamps are not used (their unit depends on the satellite): chunks are stamped on arrival.
    """

    live = True

    def __init__(
        self, host: str, port: int, open_seconds: float = OPEN_SECONDS, no_data_seconds: float = NO_DATA_SECONDS
    ) -> None:
        self._host = host
        self._port = port
        self._open_seconds = open_seconds
        self._no_data_seconds = no_data_seconds
        self._heard_line: SatelliteLine | None = None

    @property
    def description(self) -> str:
        return f"satellite {self._host}:{self._port}"

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks, stamped on arrival, until the iterator is closed. Never ends by itself.

        Raises SourceError: not to be reached, no Wyoming, closed, nothing for 3 s, another format in the middle.
        """
        async with self._connected() as line:
            self._heard_line = line
            try:
                async for chunk in self._heard(line, first_index):
                    yield chunk
            finally:
                self._heard_line = None

    @asynccontextmanager
    async def speaker(self) -> AsyncIterator["SatelliteLine"]:
        """The way to its loudspeaker: the room's connection, since a satellite takes one only; where the room does not
        listen (muted), a connection of its own, on which the satellite is not asked for sound.

        Raises SourceError: not to be reached.
        """
        if self._heard_line is not None:
            yield self._heard_line
            return
        async with self._connected() as line:
            attending = asyncio.create_task(line.attend())
            try:
                yield line
            finally:
                attending.cancel()
                await asyncio.gather(attending, return_exceptions=True)

    async def _heard(self, line: "SatelliteLine", first_index: int) -> AsyncGenerator[Chunk]:
        sound = self._sound(line)
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
    async def _connected(self) -> AsyncIterator["SatelliteLine"]:
        opening = asyncio.open_connection(self._host, self._port)
        try:
            reader, writer = await within(self._open_seconds, opening, f"{self.description} did not answer")
        except OSError as error:
            raise SourceError(
                f"{self.description} cannot be reached: {error.strerror or error}; is it switched on, are name and "
                "port right?"
            ) from None
        line = SatelliteLine(self.description, BoundedReader(reader), writer)
        try:
            yield line
        finally:
            line.ended.set()
            with contextlib.suppress(OSError):
                if not writer.is_closing():
                    writer.write(b'{"type": "%s"}\n' % PauseSatellite().event().type.encode())
            # Not waited for: a satellite that hangs would take what we wrote when it likes.
            asyncio.get_running_loop().call_later(0.1, writer.transport.abort)
            writer.close()

    async def _sound(self, line: "SatelliteLine") -> AsyncGenerator[AudioChunk]:
        """The sound that the satellite sends when it is asked to run."""
        heard = False
        await line.send(RunSatellite().event())
        async for event in line.events():
            if AudioChunk.is_type(event.type):
                heard = True
                yield self._chunk(event)
            elif event.type == "error":
                logger.warning("%s reports an error: %.200r", self.description, event.data)
        hint = "is its power on?" if heard else "it serves one client only; is Home Assistant connected to it?"
        raise SourceError(f"{self.description} has closed the connection; {hint}")

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


class SatelliteLine:
    """One connection. `played`: the satellite says that it has played what it was sent. `ended`: it has ended."""

    def __init__(self, description: str, reader: BoundedReader, writer: asyncio.StreamWriter) -> None:
        self._description = description
        self._reader = reader
        self._writer = writer
        self.played = asyncio.Event()
        self.ended = asyncio.Event()

    async def send(self, event: Event) -> None:
        """Returns when the satellite, or the network, has taken it. Raises SourceError: the connection is gone."""
        if self.ended.is_set():
            raise SourceError(f"{self._description}: the connection has ended")
        try:
            await async_write_event(event, self._writer)
        except OSError as error:
            raise self._broke(error) from None

    async def events(self) -> AsyncGenerator[Event]:
        """What the satellite says, until it closes the connection; its pings are answered.

        Raises SourceError: the connection broke, or this is no Wyoming.
        """
        try:
            while (event := await self._event()) is not None:
                if Ping.is_type(event.type):
                    await self.send(Pong(Ping.from_event(event).text).event())
                elif Played.is_type(event.type):
                    self.played.set()
                yield event
        except OSError as error:
            raise self._broke(error) from None
        finally:
            self.ended.set()

    async def attend(self) -> None:
        """Take what comes, for nobody."""
        with contextlib.suppress(SourceError):  # whoever speaks on this line hears of it by `ended`
            async for _ in self.events():
                pass

    def _broke(self, error: OSError) -> SourceError:
        return SourceError(f"{self._description}: the connection broke: {error.strerror or error}")

    async def _event(self) -> Event | None:
        """The next event, None at the end. Raises SourceError: this is no Wyoming."""
        try:
            return await read_event(self._reader)
        except ValueError as error:
            raise SourceError(
                f"{self._description} sends no Wyoming: {error}; is the port that of a satellite (10700)?"
            ) from None
