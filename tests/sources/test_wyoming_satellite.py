"""A satellite as a source: what it sends, in which format, and what happens when it hangs, goes or talks nonsense."""

import asyncio
from contextlib import aclosing
from functools import partial

import numpy as np
import pytest
from sources.satellites import Handler, hang, satellite, sine, speak
from wyoming.ping import Ping, Pong
from wyoming.satellite import PauseSatellite

from listener.errors import SourceError
from listener.sources.supervisor import SupervisedSource
from listener.sources.wyoming import Satellite
from listener.types import Chunk, Outage
from listener.wyoming_wire import MAX_EVENT_BYTES


async def take(port: int, count: int, **limits: float) -> list[Chunk]:
    async with aclosing(Satellite("127.0.0.1", port, **limits).chunks(3)) as chunks:
        return [await anext(chunks) for _ in range(count)]


@pytest.mark.parametrize(("rate", "width", "channels"), [(16_000, 2, 1), (48_000, 4, 2), (22_050, 3, 1), (8_000, 1, 2)])
async def test_a_satellite_is_heard_in_any_format(rate: int, width: int, channels: int) -> None:
    async with satellite(partial(speak, rate=rate, width=width, channels=channels)) as (port, seen):
        heard = await take(port, 4)
        while not any(PauseSatellite.is_type(event.type) for event in seen):
            await asyncio.sleep(0.01)
    assert [chunk.index for chunk in heard] == [3, 4, 5, 6]
    assert all(chunk.monotonic_ns for chunk in heard)
    sound = np.concatenate([chunk.samples for chunk in heard])
    assert np.abs(sound - sine(16_000, 1.6)).max() < 0.02
    assert [event.type for event in seen] == ["run-satellite", "pause-satellite"]


async def test_pings_are_answered() -> None:
    async def play(handler: Handler) -> None:
        await handler.write_event(Ping("42").event())
        await speak(handler)

    async with satellite(play) as (port, seen):
        await take(port, 2)
        while not any(Pong.is_type(event.type) for event in seen):
            await asyncio.sleep(0.01)
    assert [event.data for event in seen if Pong.is_type(event.type)] == [{"text": "42"}]


async def test_a_satellite_that_hangs_is_told() -> None:
    async def play(handler: Handler) -> None:
        await speak(handler, 1.0)
        await hang(handler)

    async with satellite(play) as (port, _):
        with pytest.raises(SourceError, match=r"^satellite 127\.0\.0\.1:\d+ sent nothing for 0\.3 s"):
            await take(port, 9, no_data_seconds=0.3)
    async with satellite(hang) as (port, _):
        with pytest.raises(SourceError, match=r"sent no sound for 0\.3 s"):
            await take(port, 1, open_seconds=0.3)


async def test_a_satellite_that_goes_and_comes_back_is_heard_again() -> None:
    async def play(handler: Handler) -> None:
        await speak(handler, 1.0)
        handler.writer.close()

    async with satellite(play) as (port, _):
        source = SupervisedSource(Satellite("127.0.0.1", port))
        heard: list[Chunk | Outage] = []
        async with aclosing(source.items(0)) as items:
            async for item in items:
                heard.append(item)
                if len(heard) == 5:
                    break
    assert [item.index if isinstance(item, Chunk) else "outage" for item in heard] == [0, 1, "outage", 2, 3]
    assert isinstance(heard[2], Outage)
    assert "has closed the connection" in heard[2].detail


async def send(handler: Handler, data: bytes) -> None:
    handler.writer.write(data)
    await hang(handler)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "sends no Wyoming: a line that is no JSON"),
        (b"[1]\n", "sends no Wyoming: an event that is none"),
        (b'{"typ": "audio-chunk"}\n', "sends no Wyoming"),
        (b'{"type": 7}\n', "sends no Wyoming: an event without a type"),
        (b'{"type": "audio-chunk", "data": [1]}\n', "sends no Wyoming: an event without a type"),
        (b'{"type": "x", "payload_length": %d}\n' % (MAX_EVENT_BYTES + 1), "sends no Wyoming"),
        (b'{"type": "x", "data_length": 1e9}\n', "sends no Wyoming"),
        (b"x" * 200_000, "sends no Wyoming"),
        (b"[" * 60_000 + b"\n", "sends no Wyoming"),
        (b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 9, "channels": 1}}\n', "which is no format"),
        (b'{"type": "audio-chunk", "data": {"rate": "x", "width": 2, "channels": 1}}\n', "which is no format"),
        (b'{"type": "audio-chunk", "data": {"rate": 16000, "width": 2, "channels": 0}}\n', "which is no format"),
        (b'{"type": "audio-chunk", "data": {"rate": 1, "width": 2, "channels": 1}}\n', "a rate of 1 Hz is outside"),
    ],
)
async def test_nonsense_is_one_clear_line(data: bytes, words: str) -> None:
    async with satellite(partial(send, data=data)) as (port, _):
        with pytest.raises(SourceError, match=words) as caught:
            await take(port, 1, open_seconds=5.0)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


async def test_another_format_in_the_middle_is_an_error() -> None:
    async def play(handler: Handler) -> None:
        await speak(handler, 1.0)
        await speak(handler, 1.0, rate=48_000)

    async with satellite(play) as (port, _):
        with pytest.raises(SourceError, match=r"went over from \(16000, 2, 1\) to \(48000, 2, 1\)"):
            await take(port, 9)


async def test_nobody_there() -> None:
    async with satellite(hang) as (port, _):
        pass
    with pytest.raises(SourceError, match=r"cannot be reached: .*; is it switched on"):
        await take(port, 1)
