"""A satellite as a room of the daemon: heard, spoken to by `say`, and spoken to while its microphone is off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from fakes import RecordingPublisher
from sources.satellites import Handler, satellite, speak
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.snd import Played

from listener.app import App
from listener.config import parse
from listener.errors import ConfigError
from listener.types import Control, ResponseEnded, Say, SetMute, Status

pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")


class Speaker(Handler):
    """Says that it has played; streams as soon as it is asked to, at the speed of life."""

    async def handle_event(self, event: Event) -> bool:
        if AudioStop.is_type(event.type):
            await self.write_event(Played().event())
        return await super().handle_event(event)


async def stream(handler: Handler) -> None:
    while True:
        await speak(handler, 0.2)
        await asyncio.sleep(0.2)


def room(**more: object) -> dict[str, object]:
    return {"name": "Bedroom", "addressing": "open", "output": "satellite", **more}


class House(App):
    def control(self, control: Control) -> None:
        self._control("bedroom", control)


@asynccontextmanager
async def daemon(port: int, folder: Path, out: RecordingPublisher) -> AsyncIterator[House]:
    source = {"type": "wyoming", "host": "127.0.0.1", "port": port}
    config = parse(
        {
            "rooms": [room(source=source)],
            "sounds": {"tagger": "none"},
            "speech": {"enabled": False},
            "voice": {"engine": "espeak"},
        }
    )
    stop, app = asyncio.Event(), House(config, folder, [out])
    running = asyncio.create_task(app.run(stop))
    try:
        await app.hearing.wait()
        yield app
    finally:
        stop.set()
        await running


async def until(out: RecordingPublisher, kind: type, count: int = 1, **wanted: object) -> None:
    def fits(event: object) -> bool:
        return isinstance(event, kind) and all(getattr(event, key) == value for key, value in wanted.items())

    async with asyncio.timeout(60):
        while sum(map(fits, out.events)) < count:
            await asyncio.sleep(0.02)


async def test_a_satellite_is_heard_and_speaks_also_while_it_is_muted(tmp_path: Path) -> None:
    out = RecordingPublisher()
    async with satellite(stream, Speaker) as (port, seen), daemon(port, tmp_path, out) as app:
        await until(out, Status, state="listening")
        app.control(Say("Good evening."))
        await until(out, ResponseEnded, reason="complete")
        heard_first = loudness(seen)
        app.control(SetMute(True))
        await until(out, Status, state="muted")
        asked = sum(event.type == "run-satellite" for event in seen)
        app.control(Say("Good night."))
        await until(out, ResponseEnded, 2, reason="complete")
        assert loudness(seen) > heard_first > 0
        assert sum(event.type == "run-satellite" for event in seen) == asked, "it was not asked for sound"
    assert "no_voice" not in {flag for event in out.of(Status) if isinstance(event, Status) for flag in event.flags}


def loudness(seen: list[Event]) -> float:
    """The sum of what was played, so that silence counts for nothing."""
    sound = np.frombuffer(b"".join(e.payload or b"" for e in seen if AudioChunk.is_type(e.type)), "<i2")
    return float(np.abs(sound.astype(float)).sum())


def test_only_a_satellite_has_that_loudspeaker() -> None:
    with pytest.raises(ConfigError, match=r"rooms\[0\]: output: `satellite` needs a source of type wyoming"):
        parse({"rooms": [room(source={"type": "microphone"})]})
