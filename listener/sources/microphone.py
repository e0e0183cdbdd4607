"""Sound from a microphone, captured in a process of its own (see `capture`)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import TypeVar

from listener.errors import SourceError
from listener.sources.child import CaptureProcess
from listener.sources.intake import Intake
from listener.sources.pcm import PcmDecoder
from listener.types import Chunk

OPEN_SECONDS = 2.5
NO_DATA_SECONDS = 3.0

T = TypeVar("T")


class Microphone:
    """A source that reads one device, by a part of its name or its stable id; None is the system's default input.

    The device is open while `chunks` is iterated, and at no other time: a muted room has no capture process.
    """

    live = True

    def __init__(
        self,
        device: str | None = None,
        open_seconds: float = OPEN_SECONDS,
        no_data_seconds: float = NO_DATA_SECONDS,
    ) -> None:
        self._device = device
        self._open_seconds = open_seconds
        self._no_data_seconds = no_data_seconds

    @property
    def description(self) -> str:
        return "the default microphone" if self._device is None else f"microphone {self._device!r}"

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks, stamped on arrival, until the iterator is closed. Never ends by itself.

        Raises DeviceNotFoundError, and SourceError: several devices of that name, in use, no PortAudio, unplugged,
        nothing for 3 s, the capture process died. Calling again looks for the device anew.
        """
        async with await CaptureProcess.start(self.description, self._device) as capture:
            head = await self._within(self._open_seconds, capture.head(), "did not open")
            decoder = PcmDecoder(head.channels, "f32le")
            with Intake(self.description, head.rate, head.channels, first_index, live=True) as intake:
                while True:
                    data = await self._within(self._no_data_seconds, capture.read(), "delivered nothing")
                    for chunk in intake.push(decoder.decode(data)):
                        yield chunk

    async def _within(self, seconds: float, step: Awaitable[T], failure: str) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await step
        except TimeoutError:
            raise SourceError(
                f"{self.description} {failure} for {seconds:g} s; its capture process was killed; unplug it and plug "
                "it in again if this repeats"
            ) from None
