"""Five of eight rooms get five kinds of trouble at the same moment; three must not miss a chunk."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from fakes import RecordingPublisher

from listener.app import App
from listener.config import Config, SourceConfig, parse
from listener.errors import SourceError
from listener.sources.intake import Intake
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Decision, Source, Status

Fault = Literal["hangs", "vanishes", "floods", "sends NaN", "sends silence"]
FAULTS: tuple[Fault, ...] = ("hangs", "vanishes", "floods", "sends NaN", "sends silence")
HEALTHY = ("well_1", "well_2", "well_3")
SHOWN_SECONDS = 5.0
CURED_SECONDS = 10.0


class Microphone:
    """A live source at the pace of life, until something is wrong with it."""

    live = True

    def __init__(self, name: str) -> None:
        self.description = name
        self.fault: Fault | None = None
        self._noise = np.random.default_rng(1).normal(0, 0.001, (CHUNK_SAMPLES, 1)).astype(np.float32)

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        with Intake(self.description, 16_000, 1, first_index, live=True) as intake:
            due = asyncio.get_running_loop().time()
            while True:
                if self.fault == "vanishes":
                    raise SourceError(f"{self.description} is gone")
                if self.fault == "hangs":
                    await asyncio.Event().wait()
                due += CHUNK_SECONDS / 10 if self.fault == "floods" else CHUNK_SECONDS
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                frames = self._noise
                if self.fault in ("sends NaN", "sends silence"):
                    frames = np.full_like(frames, np.nan if self.fault == "sends NaN" else 0.0)
                for chunk in intake.push(frames):
                    yield chunk


class House:
    """The daemon's own App with microphones that can be troubled, and what it tells."""

    def __init__(self, folder: Path) -> None:
        names = [*HEALTHY, *(fault.replace(" ", "_").lower() for fault in FAULTS)]
        rooms = [{"name": name, "source": {"type": "file", "path": f"/{name}"}} for name in names]
        config: Config = parse({"rooms": rooms, "sounds": {"tagger": "none"}, "engine": {"threads": 1}})
        self.microphones: dict[str, Microphone] = {}
        self.out = RecordingPublisher()
        self.app = App(config, folder, [self.out], read_source=self._source)

    def _source(self, config: SourceConfig) -> Source:
        name = str(getattr(config, "path", "")).strip("/")
        return self.microphones.setdefault(name, Microphone(name))

    def audio_seconds(self) -> float:
        """The clock of a room that is well: so that a slow machine is no failure."""
        return max((e.t for e in self.out.of(Decision) if e.room == HEALTHY[0]), default=0.0)

    def state(self, room: str) -> str:
        return next((e.state for e in reversed(self.out.events) if isinstance(e, Status) and e.room == room), "")

    async def until(self, condition: Callable[[], bool], audio_seconds: float) -> None:
        began = self.audio_seconds()
        while not condition():
            states = {room: self.state(room) for room in self.microphones}
            assert self.audio_seconds() - began <= audio_seconds, states
            await asyncio.sleep(0.05)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path / "none"))


@pytest.mark.usefixtures("no_model")
async def test_a_troubled_room_shows_it_and_recovers_and_the_others_miss_nothing(tmp_path: Path) -> None:
    house, stop = House(tmp_path), asyncio.Event()
    running = asyncio.create_task(house.app.run(stop))
    troubled = [fault.replace(" ", "_").lower() for fault in FAULTS]
    await house.until(lambda: all(house.state(room) == "listening" for room in (*HEALTHY, *troubled)), 30)
    for fault, room in zip(FAULTS, troubled, strict=True):
        house.microphones[room].fault = fault
    shown: set[str] = set()

    def all_shown() -> bool:
        shown.update(room for room in troubled if house.state(room) == "no_audio")
        return len(shown) == len(troubled)

    await house.until(all_shown, SHOWN_SECONDS)
    for room in troubled:
        house.microphones[room].fault = None
    await house.until(lambda: all(house.state(room) == "listening" for room in troubled), CURED_SECONDS)
    stop.set()
    await running
    for room in HEALTHY:
        heard = [e.t for e in house.out.of(Decision) if e.room == room]
        assert heard == [round(CHUNK_SECONDS * (n + 1), 3) for n in range(len(heard))]
        assert not [
            e for e in house.out.of(Status) if e.room == room and isinstance(e, Status) and e.state == "no_audio"
        ]
