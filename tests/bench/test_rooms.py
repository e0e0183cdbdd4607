"""`listener bench rooms`: the search, the sound it plays, and one short measurement of the real daemon."""

import socket
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import Mosquitto

from listener.bench.rooms import LoopedSound, Measured, external_broker, household, measure, search
from listener.errors import ModelError, PublishError
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS


class Machine:
    """Holds so many rooms in time, and remembers what it was asked."""

    def __init__(self, holds: int) -> None:
        self._holds = holds
        self.asked: list[int] = []

    def measure(self, rooms: int) -> Measured:
        self.asked.append(rooms)
        return Measured(rooms, 0.1 if rooms <= self._holds else 0.5, 100.0, 1.0, 1.0)


@pytest.mark.parametrize("holds", [25, 26, 49, 50, 51, 99, 250, 777, 3_999])
def test_the_search_finds_what_the_machine_holds(holds: int) -> None:
    machine = Machine(holds)
    found = search(machine.measure)
    assert found.in_time
    assert 0.95 * holds - 1 <= found.rooms <= holds
    assert len(machine.asked) == len(set(machine.asked)) <= 14


@pytest.mark.parametrize("holds", [4_000, 100_000])
def test_the_search_ends_at_the_most_that_makes_sense(holds: int) -> None:
    assert search(Machine(holds).measure).rooms == 4_000


def test_a_machine_that_is_too_slow_for_the_first_step_is_told_as_late() -> None:
    machine = Machine(3)
    assert not search(machine.measure).in_time
    assert machine.asked == [25]


async def test_looped_sound_is_due_by_the_clock_and_never_ends() -> None:
    loop = np.arange(3 * CHUNK_SAMPLES, dtype=np.float32)
    source = LoopedSound(loop, phase_seconds=-5 * CHUNK_SECONDS, offset_chunks=2)  # overdue: nothing to wait for
    async with aclosing(source.chunks(first_index=4)) as chunks:
        heard = [await anext(chunks) for _ in range(4)]
    assert [chunk.index for chunk in heard] == [4, 5, 6, 7]
    assert [int(chunk.samples[0]) // CHUNK_SAMPLES for chunk in heard] == [0, 1, 2, 0]
    assert {b.monotonic_ns - a.monotonic_ns for a, b in pairwise(heard)} == {400_000_000}


def test_the_household_is_loud_enough_to_keep_perception_busy() -> None:
    loop = household(30.0)
    assert loop.shape == (480_000,)
    assert 0.2 < np.abs(loop).max() <= 1.0


async def test_two_rooms_are_measured_with_the_real_daemon(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How quick it is, is not judged here; that it is measured, is."""
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    monkeypatch.setattr("listener.bench.rooms.WARM_UP_SECONDS", 1.0)
    mosquitto.start()
    measured = await measure(2, 2.0, (mosquitto.host, mosquitto.port))
    assert measured.rooms == 2
    assert measured.audio_seconds > 0
    assert measured.p99_seconds > 0
    assert measured.cpu_seconds > 0
    assert measured.rss_mb > 20


async def test_a_daemon_that_cannot_start_is_no_measurement(tmp_path: Path) -> None:
    model = tmp_path / "yamnet.tflite"
    model.write_bytes(b"no model")
    with pytest.raises(ModelError, match="is not yamnet"):
        await measure(1, 1.0, ("127.0.0.1", 1), model)


def test_without_mosquitto_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("listener.bench.rooms.shutil.which", lambda *_, **__: None)
    with pytest.raises(PublishError, match=r"install mosquitto .* or give --broker"), external_broker():
        pass


def test_its_broker_is_gone_afterwards(mosquitto: Mosquitto) -> None:
    with external_broker() as address:
        socket.create_connection(address, timeout=5).close()
    with pytest.raises(OSError):
        socket.create_connection(address, timeout=5)
