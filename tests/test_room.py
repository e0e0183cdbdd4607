"""The room's loop, with fakes for what is outside of it and the real cascade, teller and speaker."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from fakes import FakePerceiver, FakeSource, RecordingPublisher

from listener import room as room_module
from listener.decide.cascade import Cascade
from listener.errors import PerceiveError, SourceError
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources import supervisor
from listener.sources.supervisor import SupervisedSource
from listener.types import (
    Decision,
    Ending,
    Episode,
    LevelReport,
    Percept,
    ResponseEnded,
    RoomSettings,
    Say,
    SetMode,
    SetMute,
    SetStrictness,
    SetThreshold,
    SettingsReport,
    SoundEnded,
    SoundStarted,
    Status,
    Stop,
    Test,
    event_dict,
)


@dataclass
class Scene:
    source: FakeSource
    perceiver: FakePerceiver = field(default_factory=FakePerceiver)
    settings: RoomSettings = RoomSettings()
    out: RecordingPublisher = field(default_factory=RecordingPublisher)
    kept: list[RoomSettings] = field(default_factory=list)

    async def room(self) -> Room:
        ids = (f"id-{n}" for n in count())
        cascade = Cascade(("smoke_alarm",), {}, lambda: next(ids))
        teller = RoomTeller("kitchen", cascade.name, [self.out], lambda label, at: f"group of {label}")
        parts = RoomParts(
            slug="kitchen",
            source=SupervisedSource(self.source, no_audio_seconds=0.05),
            perceiver=self.perceiver,
            session=await cascade.open("Kitchen", "en", self.settings),
            speaker=QueuedSpeaker("kitchen", teller),
            teller=teller,
            keep_settings=lambda slug, settings: self.kept.append(settings),
        )
        return Room(parts, self.settings)

    def states(self) -> list[str]:
        return [e.state for e in self.out.of(Status) if isinstance(e, Status)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF_SECONDS", 0.001)


ALARM = Episode("e", "smoke_alarm", 0.8, 0.4)


async def test_each_chunk_is_one_decision_at_its_end() -> None:
    scene = Scene(FakeSource([3], live=False))
    await (await scene.room()).run()
    assert [e.t for e in scene.out.of(Decision)] == [0.4, 0.8, 1.2]
    first = event_dict(scene.out.of(Decision)[0])
    assert first == {
        "event": "decision",
        "room": "kitchen",
        "t": 0.4,
        "decision": "silent",
        "probability": 0.0,
        "engine": "cascade",
        "trigger": None,
    }


async def test_a_sound_a_decision_and_an_answer_come_in_this_order() -> None:
    script = {1: Percept(0.8, -20.0, started=(ALARM,), evidence={"smoke_alarm": 0.9})}
    scene = Scene(FakeSource([3], live=False), FakePerceiver(script))
    await (await scene.room()).run()
    names = [e.event for e in scene.out.events]
    assert names == [
        "status",
        "decision",
        "sound_started",
        "decision",
        "response_started",
        "response_text",
        "response_ended",
        "decision",
        "sound_ended",
        "status",
    ]
    started, ended = scene.out.of(SoundStarted)[0], scene.out.of(SoundEnded)[0]
    assert event_dict(started) == {
        "event": "sound_started",
        "room": "kitchen",
        "t": 0.8,
        "id": "e",
        "label": "smoke_alarm",
        "score": 0.8,
        "onset": 0.4,
        "group": "group of smoke_alarm",
    }
    assert isinstance(ended, SoundEnded)
    assert (ended.t, ended.duration) == (1.2, pytest.approx(0.8))
    assert scene.out.of(ResponseEnded)[0].t == 0.8


async def test_live_events_carry_the_time() -> None:
    scene = Scene(FakeSource([1], live=False, stamped=True))
    await (await scene.room()).run()
    assert scene.out.of(Decision)[0].time == "1970-01-01T00:00:00.000Z"


async def test_a_failing_source_is_shown_reopened_and_the_count_goes_on() -> None:
    scene = Scene(FakeSource([2, SourceError("unplugged")], [SourceError("not there")], [1]))
    await (await scene.room()).run()
    assert [e.t for e in scene.out.of(Decision)] == [0.4, 0.8, 1.2]
    assert scene.states() == ["listening", "no_audio", "no_audio", "listening", "no_audio"]
    assert scene.source.opened == scene.source.closed == 3


async def test_silence_on_a_live_line_is_an_outage_that_ends_what_sounds() -> None:
    script = {0: Percept(0.4, -20.0, started=(ALARM,))}
    scene = Scene(FakeSource([1, FakeSource.HANG], [1]), FakePerceiver(script))
    await (await scene.room()).run()
    assert scene.states() == ["listening", "no_audio", "listening", "no_audio"]
    assert "has delivered nothing for 0.05 s" in next(e for e in scene.out.of(Status) if e.state == "no_audio").detail
    assert [e.id for e in scene.out.of(SoundEnded)] == ["e"]
    assert scene.source.closed == 2


async def test_mute_closes_the_device_and_unmute_opens_it() -> None:
    scene = Scene(FakeSource([1, FakeSource.HANG], [1], live=False))
    room = await scene.room()
    running = asyncio.create_task(room.run())
    await until(lambda: scene.out.of(Decision))
    room.apply(SetMute(True))
    await until(lambda: scene.states()[-1] == "muted")
    assert scene.source.closed == 1
    room.apply(SetMute(False))
    await running
    assert [e.t for e in scene.out.of(Decision)] == [0.4, 0.8]
    assert [s.muted for s in scene.kept] == [True, False]


async def test_a_room_that_was_muted_before_the_restart_opens_nothing() -> None:
    scene = Scene(FakeSource([1]), settings=RoomSettings(muted=True))
    running = asyncio.create_task((await scene.room()).run())
    await until(scene.states)
    assert scene.states() == ["muted"]
    assert scene.source.opened == 0
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_settings_are_applied_kept_and_reported() -> None:
    scene = Scene(FakeSource([1], live=False))
    room = await scene.room()
    room.apply(SetStrictness("paranoid"))
    room.apply(SetThreshold(0.75))
    room.apply(SetMode("monitor"))
    expected = [
        RoomSettings(strictness="paranoid"),
        RoomSettings(strictness="paranoid", threshold=0.75),
        RoomSettings(strictness="paranoid", threshold=0.75, mode="monitor"),
    ]
    assert scene.kept == expected
    assert [r.settings for r in scene.out.reports if isinstance(r, SettingsReport)] == expected
    assert scene.perceiver.controls == [SetStrictness("paranoid"), SetMode("monitor")]


async def test_a_test_reaches_a_room_that_hears_and_no_other() -> None:
    scene = Scene(FakeSource([1, FakeSource.HANG], live=False))
    room = await scene.room()
    room.apply(Test())
    running = asyncio.create_task(room.run())
    await until(lambda: scene.out.of(Decision))
    room.apply(Test("scream"))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert scene.perceiver.controls == [Test("scream")]


async def test_a_chunk_that_cannot_be_heard_is_still_decided() -> None:
    scene = Scene(FakeSource([2], live=False), FakePerceiver({0: PerceiveError("model broke")}))
    room = await scene.room()
    await room.run()
    assert len(scene.out.of(Decision)) == 2
    assert room.meter.failures == 1
    assert [e.flags for e in scene.out.of(Status)][:2] == [("degraded",), ()]


async def test_the_level_is_the_mean_power_of_ten_seconds() -> None:
    script = {i: Percept(0.0, -20.0) for i in range(25)}
    scene = Scene(FakeSource([50], live=False), FakePerceiver(script))
    await (await scene.room()).run()
    assert [r.level_dbfs for r in scene.out.reports if isinstance(r, LevelReport)] == [-20.0, -60.0]


async def test_say_is_a_reply_and_stop_ends_what_is_said_and_what_is_written() -> None:
    scene = Scene(FakeSource([1, FakeSource.HANG]))
    room = await scene.room()
    running = asyncio.create_task(room.run())
    await until(lambda: scene.out.of(Decision))
    room.apply(Say("Dinner is ready."))
    await until(lambda: scene.out.of(ResponseEnded))
    (ended,) = scene.out.of(ResponseEnded)
    assert isinstance(ended, ResponseEnded)
    assert (ended.text, ended.reason) == ("Dinner is ready.", "complete")
    room.apply(Say("Nobody hears this."))
    room.apply(Stop())
    room.apply(Say("But this."))
    await until(lambda: len(scene.out.of(ResponseEnded)) == 2)
    assert [e.text for e in scene.out.of(ResponseEnded) if isinstance(e, ResponseEnded)][1] == "But this."
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


class HangingEnd(FakePerceiver):
    async def finish(self, t: float) -> Ending:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")


@pytest.mark.parametrize("state", ["no_audio", "muted"])
async def test_ears_that_hang_do_not_keep_back_that_a_room_hears_no_more(
    state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_module, "SHOW_SECONDS", 0.01)
    scene = Scene(FakeSource([1, SourceError("unplugged") if state == "no_audio" else FakeSource.HANG]), HangingEnd())
    room = await scene.room()
    running = asyncio.create_task(room.run())
    await until(lambda: scene.out.of(Decision))
    if state == "muted":
        room.apply(SetMute(True))
    await until(lambda: scene.states()[-1] == state)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
