"""Wyoming events from strangers: read by the wyoming package, but nothing of any size or kind is taken for granted."""

import asyncio
from typing import Final

from wyoming.event import Event, async_read_event

MAX_EVENT_BYTES: Final = 1 << 20
"""Of an event's data, and of its sound: 10 s of stereo at 48 kHz. Satellites send 20 to 64 ms at a time."""


class BoundedReader(asyncio.StreamReader):
    """Reads from another reader, within limits."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__()
        self._reader = reader

    async def readline(self) -> bytes:
        """Raises ValueError for a line of more than 64 KiB."""
        return await self._reader.readline()

    async def readexactly(self, n: int) -> bytes:
        """Raises OversizeError for more than MAX_EVENT_BYTES, and for what is no number."""
        if not isinstance(n, int) or n > MAX_EVENT_BYTES:
            raise OversizeError(f"an event of {n!r:.20} bytes")
        return await self._reader.readexactly(n)

    def at_eof(self) -> bool:
        return self._reader.at_eof()


class OversizeError(TypeError):
    """Not a ValueError, which the library takes for the end of the stream."""


async def read_event(reader: BoundedReader) -> Event | None:
    """The next event; None when the stream has ended, in the middle of an event too.

    Raises ValueError, with words for a person: what came is no Wyoming. Raises OSError when the connection breaks.
    """
    try:
        event = await async_read_event(reader)
    except asyncio.IncompleteReadError:
        return None
    except OversizeError as error:
        raise ValueError(str(error)) from None
    except (TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("an event that is none") from None
    if event is None and not reader.at_eof():  # the library's word for a line that it cannot parse
        raise ValueError("a line that is no JSON")
    if event is not None and not (isinstance(event.type, str) and isinstance(event.data, dict)):
        raise ValueError("an event without a type or with strange data")
    return event
