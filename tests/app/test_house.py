"""The rooms of a daemon: one that hangs is built anew alone, and a reload leaves alone what did not change."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from fakes import FakePerceiver, RecordingPublisher

from listener.app import App, house
from listener.app.house import House
from listener.app.open_sounds import OpenSounds
from listener.config import Config, RoomConfig, SourceConfig, parse
from listener.decide.cascade import Cascade
from listener.errors import ConfigError
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources import soundness, supervisor
from listener.types import (
    CHUNK_SAMPLES,
    BridgeInfo,
    Chunk,
    Decision,
    Episode,
    Percept,
    RoomSettings,
    SoundEnded,
    SoundStarted,
    Source,
    Status,
    Supervisor,
)

NOISE = np.random.default_rng(1).normal(0, 0.001, CHUNK_SAMPLES).astype(np.float32)


class Metronome:
    """A live source, faster than life, that never ends. `opened` and `closed` count."""

    live = True

    def __init__(self, name: str = "metronome") -> None:
        self.description = name
        self.opened = 0
        self.closed = 0

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        self.opened += 1
        try:
            for index in count(first_index):
                await asyncio.sleep(0.01)
                yield Chunk(NOISE, index, 1, 1)
        finally:
            self.closed += 1


class HangingPerceiver(FakePerceiver):
    """Hears an alarm begin with its second chunk, and hangs in the third."""

    async def perceive(self, chunk: Chunk) -> Percept:
        if chunk.index == 1:
            return Percept(chunk.t, -20.0, started=(Episode("e", "smoke_alarm", 0.9, 0.4),))
        if chunk.index == 2:
            await asyncio.Event().wait()
        return await super().perceive(chunk)


class RoomBuilder:
    """Builds real rooms; the first of `hall` gets a perceiver that hangs."""

    def __init__(self) -> None:
        self.out = RecordingPublisher()
        self.sounds = OpenSounds()
        self.publishers = (self.out, self.sounds)
        self.built: list[tuple[str, int]] = []

    async def room(
        self,
        config: RoomConfig,
        source: Supervisor,
        settings: RoomSettings,
        first_index: int = 0,
        _output: object = None,
    ) -> Room:
        hangs = config.slug == "hall" and not any(slug == "hall" for slug, _ in self.built)
        self.built.append((config.slug, first_index))
        cascade = Cascade((), {}, lambda: "id")
        teller = RoomTeller(config.slug, cascade.name, self.publishers, lambda label, at: "group")
        parts = RoomParts(
            slug=config.slug,
            source=source,
            perceiver=HangingPerceiver() if hangs else FakePerceiver(),
            session=await cascade.open(config.name, "en", settings),
            speaker=QueuedSpeaker(config.slug, teller),
            teller=teller,
            keep_settings=lambda slug, settings: None,
        )
        return Room(parts, settings, first_index)


def rooms(*names: str, **more: object) -> list[RoomConfig]:
    return [RoomConfig.model_validate({"name": n, "source": {"type": "file", "path": f"/{n}"}, **more}) for n in names]


@pytest.fixture(autouse=True)
def any_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metronomes are far faster than life."""
    monkeypatch.setattr(soundness, "FLOOD_FACTOR", 1e6)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_room_that_hangs_is_restarted_alone_and_its_sensor_goes_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "STUCK_SECONDS", 0.1)
    monkeypatch.setattr(house, "LOOK_SECONDS", 0.01)
    builder = RoomBuilder()
    home = House(builder, lambda config: Metronome(), lambda slug, default: default, builder.sounds)  # type: ignore[arg-type]
    for config in rooms("Kitchen", "Hall"):
        await home.admit(config)
    home.start()
    staying = asyncio.create_task(home.stay())

    def heard(room: str) -> list[float]:
        return [e.t for e in builder.out.of(Decision) if e.room == room]

    await until(lambda: home.restarts)
    await until(lambda: len(heard("hall")) > 3)
    staying.cancel()
    await home.leave()
    assert home.restarts == 1
    assert builder.built == [("kitchen", 0), ("hall", 0), ("hall", 3)]  # no chunk's number is given twice
    started, ended = builder.out.of(SoundStarted), builder.out.of(SoundEnded)
    assert [e.id for e in started if isinstance(e, SoundStarted)] == ["e"]
    assert [(e.id, e.duration) for e in ended if isinstance(e, SoundEnded)] == [("e", 0.4)]
    kitchen = heard("kitchen")
    assert kitchen == [round(0.4 * (n + 1), 3) for n in range(len(kitchen))]
    assert "hall: makes no progress" in caplog.text


class Reloadable:
    """An App whose configuration can be exchanged, and the microphones that it opens, by the names of their rooms."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.next: Config | ConfigError = config
        self.out = RecordingPublisher()
        self.microphones: dict[str, list[Metronome]] = {}
        self.app = App(config, folder, [self.out], read_source=self._source, reread=self._reread)

    def _source(self, config: SourceConfig) -> Source:
        name = str(getattr(config, "path", ""))
        self.microphones.setdefault(name, []).append(Metronome(name))
        return self.microphones[name][-1]

    def _reread(self) -> Config:
        if isinstance(self.next, ConfigError):
            raise self.next
        return self.next

    def rooms(self) -> tuple[str, ...]:
        return next((r.rooms for r in reversed(self.out.reports) if isinstance(r, BridgeInfo)), ())

    def heard(self, room: str) -> list[float]:
        return [e.t for e in self.out.of(Decision) if e.room == room]


def config_of(*rooms_: dict[str, object], **more: object) -> Config:
    return parse({"rooms": list(rooms_), "sounds": {"tagger": "none"}, "engine": {"threads": 1}, **more})


def room_of(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "source": {"type": "file", "path": f"/{name}"}, **more}


async def test_a_reload_touches_only_rooms_that_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Reloadable(tmp_path, config_of(room_of("stays"), room_of("changes"), room_of("goes")))
    stop = asyncio.Event()
    running = asyncio.create_task(scene.app.run(stop))
    await until(lambda: all(len(scene.heard(room)) > 2 for room in ("stays", "changes", "goes")))

    scene.next = ConfigError("config.yaml: rooms: is missing")
    scene.app.reload_wanted.set()
    await until(lambda: "all stays as it was: config.yaml: rooms: is missing" in caplog.text)

    changed = room_of("changes", threshold=0.9)
    scene.next = config_of(room_of("stays"), changed, room_of("comes", language="de"), respond={"snooze_seconds": 60})
    scene.app.reload_wanted.set()
    await until(lambda: scene.rooms() == ("stays", "changes", "comes"))
    await until(lambda: scene.heard("comes"))
    assert "taken over at the next restart: respond" in caplog.text
    assert "what is said is not understood before the next restart in: comes" in caplog.text

    opened = {name: sum(m.opened for m in found) for name, found in scene.microphones.items()}
    assert opened == {"/stays": 1, "/changes": 2, "/goes": 1, "/comes": 1}
    assert scene.microphones["/goes"][0].closed == 1
    before = len(scene.heard("changes"))
    await until(lambda: len(scene.heard("changes")) > before)
    stop.set()
    await running
    for room in ("stays", "changes"):
        heard = scene.heard(room)
        assert heard == sorted(set(heard)), room  # numbers go on, also in the room that began again
    assert [e.state for e in scene.out.of(Status) if isinstance(e, Status) and e.room == "stays"] == ["listening"]
