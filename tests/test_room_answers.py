"""What is said in a room is answered there: in order in a recording, beside the hearing where sound is live."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from fakes import FakePerceiver, FakeSource, RecordingPublisher

from listener.decide.cascade import Cascade
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources.supervisor import SupervisedSource
from listener.types import (
    Answer,
    Command,
    CommandFacts,
    Control,
    Decision,
    Ending,
    Hush,
    Percept,
    Reply,
    ResponseEnded,
    RoomSettings,
    SetStrictness,
    SpeechPercept,
    Spoken,
    Transcript,
)

SAID = Spoken("turn on the lamp", True, 0.9, 0.1, 0.7, "open", -20.0)


async def text(said: str) -> AsyncIterator[str]:
    yield said


@dataclass
class FakeCommander:
    """Accepts everything; `wait` holds its answers back."""

    controls: tuple[Control, ...] = ()
    fails: bool = False
    wait: asyncio.Event | None = None
    heard: list[str] = field(default_factory=list)
    speaking: list[bool] = field(default_factory=list)

    def note_speech(self, speaking: bool) -> None:
        self.speaking.append(speaking)

    async def answer(self, spoken: Spoken, t: float) -> Answer:
        self.heard.append(f"{spoken.text} at {t}")
        if self.wait is not None:
            await self.wait.wait()
        if self.fails:
            raise RuntimeError("told to fail")
        facts = CommandFacts("c", "HassTurnOn", {"name": "lamp"}, spoken.text, spoken.confidence, "accepted")
        return Answer(facts, Reply("r", "normal", "speech", (), text("Done."), utterance=spoken.text), self.controls)


class EndingPerceiver(FakePerceiver):
    """Somebody was still speaking when the recording ended."""

    async def finish(self, t: float) -> Ending:
        return Ending((await super().finish(t)).ended, (SAID,))


def script(*indices: int) -> dict[int, Percept | Exception]:
    said = SpeechPercept(0.9, speaking=True, spoken=(SAID,))
    return {i: Percept(round(0.4 * (i + 1), 1), -20.0, speech=said) for i in indices}


async def listening(
    out: RecordingPublisher,
    commander: FakeCommander,
    perceiver: FakePerceiver,
    *,
    live: bool = False,
    mode: str = "assistant",
    kept: list[RoomSettings] | None = None,
    speaker: type[QueuedSpeaker] = QueuedSpeaker,
) -> Room:
    settings = RoomSettings(mode=mode)
    cascade = Cascade((), {}, lambda: "id")
    teller = RoomTeller("kitchen", cascade.name, [out], lambda label, at: label)
    parts = RoomParts(
        slug="kitchen",
        source=SupervisedSource(FakeSource([3, FakeSource.HANG] if live else [3], live=live, stamped=live)),
        perceiver=perceiver,
        session=await cascade.open("Kitchen", "en", settings),
        speaker=speaker("kitchen", teller),
        teller=teller,
        keep_settings=lambda slug, settings: None if kept is None else kept.append(settings),
        commander=commander,
    )
    return Room(parts, settings)


async def test_in_a_recording_words_command_decision_and_reply_come_in_this_order() -> None:
    out, commander = RecordingPublisher(), FakeCommander()
    await (await listening(out, commander, FakePerceiver(script(1)))).run()
    assert [e.event for e in out.events if e.t == 0.8] == [
        "transcript",
        "command",
        "decision",
        "response_started",
        "response_text",
        "response_ended",
    ]
    (command,) = out.of(Command)
    assert isinstance(command, Command)
    assert (command.intent, command.slots, command.verdict) == ("HassTurnOn", {"name": "lamp"}, "accepted")
    decisions = [(e.decision, e.trigger) for e in out.of(Decision) if isinstance(e, Decision)]
    assert decisions == [("silent", None), ("respond", "speech"), ("silent", None)]
    assert commander.heard == ["turn on the lamp at 0.8"]
    assert commander.speaking == [True, False], "at the end nobody speaks any more"


async def test_live_sound_is_heard_on_while_an_answer_is_thought_about() -> None:
    out, commander = RecordingPublisher(), FakeCommander(wait=asyncio.Event())
    room = await listening(out, commander, FakePerceiver(script(0)), live=True)
    running = asyncio.create_task(room.run())
    async with asyncio.timeout(10):
        while len(out.of(Decision)) < 3:
            await asyncio.sleep(0.001)
    assert out.of(Command) == []
    assert commander.wait is not None
    commander.wait.set()
    async with asyncio.timeout(10):
        while not out.of(Command):
            await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_being_said_at_the_end_of_a_recording_is_answered() -> None:
    out, commander = RecordingPublisher(), FakeCommander()
    await (await listening(out, commander, EndingPerceiver())).run()
    assert len(out.of(Transcript)) == len(out.of(Command)) == len(out.of(ResponseEnded)) == 1


@pytest.mark.parametrize("mode", ["monitor", "transcribe"])
async def test_other_modes_write_down_and_answer_nothing(mode: str) -> None:
    out, commander = RecordingPublisher(), FakeCommander()
    await (await listening(out, commander, FakePerceiver(script(0)), mode=mode)).run()
    assert len(out.of(Transcript)) == 1
    assert commander.heard == []


@pytest.mark.parametrize(("mode", "expected"), [("assistant", [Hush()]), ("monitor", [])])
async def test_the_wake_word_makes_us_fall_silent(mode: str, expected: list[Control]) -> None:
    controls: list[Control] = []

    class Speaker(QueuedSpeaker):
        def apply(self, control: Control) -> None:
            controls.append(control)

    woken = Percept(0.8, -20.0, speech=SpeechPercept(0.9, speaking=True, woken="okay_nabu"))
    perceiver = FakePerceiver({1: woken})
    await (await listening(RecordingPublisher(), FakeCommander(), perceiver, mode=mode, speaker=Speaker)).run()
    assert controls == expected


async def test_a_command_may_change_settings() -> None:
    kept: list[RoomSettings] = []
    commander = FakeCommander(controls=(SetStrictness("strict"),))
    await (await listening(RecordingPublisher(), commander, FakePerceiver(script(0)), kept=kept)).run()
    assert [settings.strictness for settings in kept] == ["strict"]


async def test_an_answer_that_fails_is_told_and_the_room_hears_on(caplog: pytest.LogCaptureFixture) -> None:
    out = RecordingPublisher()
    await (await listening(out, FakeCommander(fails=True), FakePerceiver(script(0)))).run()
    assert len(out.of(Decision)) == 3
    assert "kitchen: what was said could not be answered" in caplog.text
