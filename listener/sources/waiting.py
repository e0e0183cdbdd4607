"""How long a source of the network may keep us waiting."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from listener.errors import SourceError

OPEN_SECONDS = 3.5
NO_DATA_SECONDS = 3.0
"""Both shorter than the supervisor's 4 s, which says less about what is wrong."""

T = TypeVar("T")


async def within(seconds: float, step: Awaitable[T], failure: str) -> T:
    """The result of `step`. Raises SourceError, `failure` and the time, if it takes longer."""
    try:
        async with asyncio.timeout(seconds):
            return await step
    except TimeoutError:
        raise SourceError(
            f"{failure} for {seconds:g} s; the connection was cut; look at the device and the network if this repeats"
        ) from None
