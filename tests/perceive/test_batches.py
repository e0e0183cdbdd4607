"""What the hearing process does with many requests at once, and when it is busy."""

import os
import time

import numpy as np

from listener.perceive.process.child import age_seconds, runs
from listener.perceive.process.load import LATE_MEMORY_SECONDS, LATE_SECONDS, Load
from listener.perceive.process.wire import Inbox, Kind, Request, request
from listener.types import CHUNK_SAMPLES, Chunk

SILENCE = np.zeros(CHUNK_SAMPLES, np.float32)


def asked(kind: Kind, room: int) -> Request:
    return Request(kind, room, 0, None)


def test_chunks_of_different_rooms_are_heard_together_and_the_order_is_kept() -> None:
    hear, finish = Kind.HEAR, Kind.FINISH
    batch = [asked(hear, 1), asked(hear, 2), asked(finish, 1), asked(hear, 1), asked(hear, 1), asked(hear, 2)]
    assert [[(one.kind, one.room) for one in run] for run in runs(batch)] == [
        [(hear, 1), (hear, 2)],
        [(finish, 1)],
        [(hear, 1)],
        [(hear, 1), (hear, 2)],
    ]


def test_requests_are_cut_out_of_the_pipe_wherever_it_was_filled() -> None:
    chunk = Chunk(np.arange(CHUNK_SAMPLES, dtype=np.float32), 7, captured_at_ns=5, monotonic_ns=6)
    sent = request(Kind.HEAR, 3, 1, chunk) + request(Kind.FINISH, 3, 2, 2.8)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=0) as pipe, os.fdopen(write_end, "wb", buffering=0) as end:
        inbox = Inbox(pipe)
        end.write(sent[:40_000])
        first, second = inbox.take(8)
        assert (first.room, first.sequence, first.payload.index, first.payload.t) == (3, 1, 7, 3.2)
        assert first.payload.monotonic_ns == 6
        np.testing.assert_array_equal(first.payload.samples, chunk.samples)
        assert (second.kind, second.payload) == (Kind.FINISH, 2.8)
        end.write(sent[:100])
        end.close()
        assert inbox.take(8) == []


def test_the_oldest_chunk_of_a_batch_says_how_late_it_is() -> None:
    now = time.monotonic_ns()
    young, old = (Request(Kind.HEAR, 1, 0, Chunk(SILENCE, 0, monotonic_ns=now - int(age * 1e9))) for age in (1.0, 60.0))
    recording = Request(Kind.HEAR, 1, 0, Chunk(SILENCE, 0))
    assert age_seconds([recording]) == 0.0
    assert age_seconds([young, recording, old]) >= 60.0


def test_chunks_that_come_late_make_a_process_spare_work_at_once_and_for_a_while() -> None:
    now = 100.0

    def rest() -> None:
        nonlocal now
        now += 1.0

    load = Load(clock=lambda: now)
    load.note_age(LATE_SECONDS / 2)
    assert not load.high
    load.note_age(LATE_SECONDS * 1.1)
    assert load.high, "whoever else keeps the cores busy"
    high = []
    for _ in range(round(LATE_MEMORY_SECONDS) + 1):
        load.waiting(rest)
        high.append(load.high)
    assert high == [True] * (round(LATE_MEMORY_SECONDS) - 1) + [False] * 2


def test_a_process_that_hears_recordings_all_the_time_spares_nothing() -> None:
    now = 0.0

    def no_rest() -> None:
        pass

    load = Load(clock=lambda: now)
    for _ in range(100):
        now += 0.4
        load.forgive()
        load.waiting(no_rest)
    assert not load.high


def test_a_process_that_never_rests_is_busy_until_it_rests_a_lot() -> None:
    now = 0.0

    def rest(seconds: float) -> None:
        nonlocal now
        now += seconds

    load = Load(clock=lambda: now)

    def work(seconds: float, resting: float) -> bool:
        nonlocal now
        now += seconds
        load.waiting(lambda: rest(resting))
        return load.high

    assert not any(work(0.3, 0.1) for _ in range(100))
    assert [work(0.4, 0.0) for _ in range(20)][-1]
    assert all(work(0.3, 0.1) for _ in range(100)), "sparing work must not end the sparing at once"
    assert not [work(0.2, 0.2) for _ in range(100)][-1]
