import threading

import pytest

from listener.decide.worker import WorkerPool
from listener.errors import ModelError


async def test_every_thread_builds_a_model_of_its_own_and_is_its_only_user() -> None:
    barrier = threading.Barrier(2)

    def job(owner: int) -> tuple[int, int]:
        barrier.wait(timeout=10)
        return owner, threading.get_ident()

    async with WorkerPool(threading.get_ident, threads=2) as pool:
        import asyncio

        pairs = await asyncio.gather(*(pool.run(job) for _ in range(8)))
        assert {owner for owner, _ in pairs} == {user for _, user in pairs}
        assert len(set(pairs)) == 2
        assert all(owner == user for owner, user in pairs)
        assert (pool.completed, pool.pending) == (8, 0)


async def test_what_a_job_raises_reaches_the_caller_and_the_pool_goes_on() -> None:
    def fail(_: str) -> str:
        raise ModelError("no")

    async with WorkerPool(lambda: "model", threads=1) as pool:
        with pytest.raises(ModelError):
            await pool.run(fail)
        assert await pool.run(str.upper) == "MODEL"
        assert pool.completed == 2
