"""What has changed goes to the disk, in a thread, beside everything else."""

import asyncio
from collections.abc import Callable


class Saving:
    """One save for all that changed during the one before: a thousand commands are not a thousand writes.

    `save` waits for the disk. All else belongs to the event loop.
    """

    def __init__(self, save: Callable[[], object]) -> None:
        self._save = save
        self._changed = asyncio.Event()

    def mark(self) -> None:
        """Something is to be saved."""
        self._changed.set()

    async def run(self) -> None:
        """Save whenever something has changed, until cancelled; then `flush`."""
        while True:
            await self._changed.wait()
            await self.flush()

    async def flush(self) -> None:
        """Save now, if something has changed."""
        if not self._changed.is_set():
            return
        self._changed.clear()
        try:
            await asyncio.to_thread(self._save)
        except asyncio.CancelledError:
            self._changed.set()  # a thread that had not begun never will
            raise
