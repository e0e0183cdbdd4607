"""A satellite's loudspeaker: what it is sent, when that ends, and that one connection does for ear and mouth."""

import asyncio
from contextlib import aclosing
from functools import partial
from typing import Any

import numpy as np
import pytest
from sources.satellites import Handler, Play, hang, satellite, speak
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.ping import Ping
from wyoming.snd import Played

from listener.errors import VoiceError
from listener.respond.output import Clip
from listener.respond.satellite import CHUNK_SECONDS, LEAD_SECONDS, PLAYED_SECONDS, RATE_HZ, SatelliteSpeaker
from listener.sources.wyoming import Satellite


class Speaker(Handler):
    """Says that it has played, as satellites do."""

    async def handle_event(self, event: Event) -> bool:
        if AudioStop.is_type(event.type):
            await self.write_event(Played().event())
        return await super().handle_event(event)


class Mute(Handler):
    """Never says that it has played."""


def clip(seconds: float, rate_hz: int = 16_000) -> Clip:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return Clip((12_000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16), rate_hz)


async def reply(port: int, seconds: float) -> None:
    async with SatelliteSpeaker(Satellite("127.0.0.1", port)).open() as track:
        await track.play(clip(seconds))
        await track.finish()


def played(seen: list[Event]) -> np.ndarray:
    return np.frombuffer(b"".join(e.payload or b"" for e in seen if AudioChunk.is_type(e.type)), "<i2")


def kinds(seen: list[Event]) -> list[str]:
    """The types of the events, repetitions left out."""
    types = [event.type for event in seen]
    return [kind for n, kind in enumerate(types) if n == 0 or types[n - 1] != kind]


async def endless(handler: Handler) -> None:
    while True:
        await speak(handler, 0.4)
        await asyncio.sleep(0.1)


async def test_a_reply_is_sent_whole_and_ends_when_it_was_played() -> None:
    async with satellite(hang, Speaker) as (port, seen):
        async with SatelliteSpeaker(Satellite("127.0.0.1", port)).open() as track:
            await track.play(clip(0.3))
            await track.play(clip(0.3, 22_050))
            await track.finish()
        while seen[-1].type != "pause-satellite":
            await asyncio.sleep(0.01)
    assert kinds(seen) == ["audio-start", "audio-chunk", "audio-stop", "pause-satellite"]
    assert AudioStart.from_event(seen[0]).rate == RATE_HZ
    expected = np.concatenate([clip(0.3, RATE_HZ).samples] * 2).astype(float)
    assert np.abs(played(seen) - expected).max() < 0.1 * 12_000  # resampled: a little at the edges


async def test_the_room_s_own_connection_is_used_while_it_listens() -> None:
    connected: list[Handler] = []

    def connect(*arguments: Any) -> Handler:
        connected.append(Speaker(*arguments))
        return connected[-1]

    async with satellite(endless, connect) as (port, seen):
        source = Satellite("127.0.0.1", port)
        async with aclosing(source.chunks()) as chunks:
            await anext(chunks)
            async with SatelliteSpeaker(source).open() as track:
                playing = asyncio.create_task(track.play(clip(0.2)))
                await anext(chunks)
                await playing
                await track.finish()
            await anext(chunks)  # and it goes on being heard
    assert kinds(seen)[:4] == ["run-satellite", "audio-start", "audio-chunk", "audio-stop"]
    assert len(connected) == 1


async def test_a_satellite_that_does_not_say_that_it_has_played_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 0.5 <= PLAYED_SECONDS <= 5
    monkeypatch.setattr("listener.respond.satellite.PLAYED_SECONDS", 0.1)
    async with satellite(hang, Mute) as (port, seen), asyncio.timeout(5):
        await reply(port, 0.1)
    assert "audio-stop" in kinds(seen)


async def test_a_reply_that_is_stopped_is_not_sent_to_its_end() -> None:
    async with satellite(hang, Speaker) as (port, seen):
        async with SatelliteSpeaker(Satellite("127.0.0.1", port)).open() as track:
            playing = asyncio.create_task(track.play(clip(20.0)))
            while len(played(seen)) == 0:
                await asyncio.sleep(0.01)
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        while seen[-1].type != "pause-satellite":
            await asyncio.sleep(0.01)
    assert "audio-stop" in kinds(seen)
    assert len(played(seen)) < 10 * RATE_HZ, "no faster than it is heard"


async def test_pings_are_answered_while_the_room_only_speaks() -> None:
    async def ping(handler: Handler) -> None:
        await handler.write_event(Ping("7").event())

    connecting = satellite(hang, partial(Greeting, ping))
    async with connecting as (port, seen), SatelliteSpeaker(Satellite("127.0.0.1", port)).open():
        while not any(event.type == "pong" for event in seen):
            await asyncio.sleep(0.01)


async def test_what_goes_wrong_is_one_line_for_a_person() -> None:
    async with satellite(hang) as (port, _):
        pass
    with pytest.raises(VoiceError, match=r"^output: satellite 127\.0\.0\.1:\d+ cannot be reached"):
        await reply(port, 0.1)


@pytest.mark.parametrize("at", ["audio-chunk", "audio-stop"])
async def test_a_connection_that_breaks_in_the_middle_is_told(at: str) -> None:
    async with satellite(hang, partial(Leaving, at)) as (port, _):
        with pytest.raises(VoiceError, match="the connection"):
            await reply(port, 1.0)


async def test_sound_is_sent_a_little_before_it_is_due_and_no_sooner() -> None:
    clock = asyncio.get_running_loop().time
    async with satellite(hang, Speaker) as (port, _), SatelliteSpeaker(Satellite("127.0.0.1", port)).open() as track:
        began = clock()
        await track.play(clip(1.0))
        assert clock() - began > 1.0 - LEAD_SECONDS - 2 * CHUNK_SECONDS


class Leaving(Handler):
    """Goes at the first event of that type."""

    def __init__(self, at: str, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._at = at

    async def handle_event(self, event: Event) -> bool:
        return event.type != self._at


class Greeting(Handler):
    """Says something as soon as it is connected."""

    def __init__(self, greet: Play, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._greeting = asyncio.create_task(greet(self))
