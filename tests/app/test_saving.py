"""What has changed is saved, also when the end comes before a thread has begun to save it."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from listener.app.saving import Saving


def test_what_changes_during_a_save_is_saved_by_one_more() -> None:
    begun, go_on, saves = threading.Event(), threading.Event(), []

    def save() -> None:
        begun.set()
        go_on.wait(20)
        saves.append(1)

    async def live() -> None:
        saving = Saving(save)
        saving.mark()
        task = asyncio.create_task(saving.run())
        await asyncio.to_thread(begun.wait, 20)
        for _ in range(1_000):
            saving.mark()
        go_on.set()
        while len(saves) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await saving.flush()

    asyncio.run(live())
    assert len(saves) == 2


def test_a_save_that_had_not_begun_at_the_end_is_made_up_for() -> None:
    busy, saves = threading.Event(), []

    async def live() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        other = asyncio.create_task(asyncio.to_thread(busy.wait, 20))
        saving = Saving(lambda: saves.append(1))
        saving.mark()
        task = asyncio.create_task(saving.run())
        await asyncio.sleep(0.1)  # it waits for the only thread now
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        busy.set()
        await other
        assert not saves
        await saving.flush()

    asyncio.run(live())
    assert saves == [1]
