"""A speaker with a voice: sentence by sentence, one at a time, urgent ones first, silent at once when stopped."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from fakes import RecordingPublisher
from outputs import FakeOutput, FakeSynthesizer, until

from listener.publish.teller import RoomTeller
from listener.respond.mouth import MAX_WAITING_SENTENCES, RoomVoice
from listener.respond.prosody import CHIME_RATE_HZ, PROSODY, chime
from listener.respond.speaker import MAX_WAITING_REPLIES, QueuedSpeaker
from listener.respond.turns import Turns
from listener.types import (
    CHUNK_SAMPLES,
    Chunk,
    Hush,
    Outcome,
    OwnVoice,
    Percept,
    Reply,
    ResponseEnded,
    ResponseStarted,
    Say,
    SetVolume,
    Status,
    Stop,
)
from listener.vocabulary import Emotion, EndReason

CHIME = f"play {len(chime())}"


@dataclass
class Stage:
    synthesizer: FakeSynthesizer = field(default_factory=FakeSynthesizer)
    output: FakeOutput = field(default_factory=FakeOutput)
    turns: Turns = field(default_factory=Turns)
    out: RecordingPublisher = field(default_factory=RecordingPublisher)
    own: list[str | None] = field(default_factory=list)
    told: list[OwnVoice] = field(default_factory=list)
    chimes: bool = True
    cancel_echo: bool = False

    def __post_init__(self) -> None:
        self.teller = RoomTeller("kitchen", "cascade", [self.out], lambda label, at: label)
        voice = RoomVoice(
            *("Kitchen", self.synthesizer, self.output, self.turns, "en", 1.0, self.chimes, self.cancel_echo)
        )
        self.speaker = QueuedSpeaker("kitchen", self.teller, voice, self.hears)

    def hears(self, control: OwnVoice) -> None:
        self.own.append(control.text)
        self.told.append(control)

    def hear(self) -> None:
        self.teller.at(Chunk(np.zeros(CHUNK_SAMPLES, np.float32), 0))
        self.teller.heard(Percept(0.4, -60.0), Outcome("silent", 0.0))

    def ended(self) -> list[tuple[str, str, EndReason]]:
        return [(e.id, e.text, e.reason) for e in self.out.events if isinstance(e, ResponseEnded)]

    def statuses(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(e.state, e.flags) for e in self.out.events if isinstance(e, Status)]


async def text(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def endless(first: str) -> AsyncIterator[str]:
    yield first
    await asyncio.Event().wait()


def reply(name: str, *pieces: str, emotion: Emotion = "normal") -> Reply:
    return Reply(name, emotion, "sound", (), text(*pieces))


async def test_a_reply_is_spoken_sentence_by_sentence_and_we_know_what_is_our_own() -> None:
    stage = Stage()
    await stage.speaker.say(reply("r", "Dinner is", " ready. It is 21", "°C.", emotion="happy"))
    assert stage.output.log == ["open", "play 16", "play 25", "finished", "closed"]
    assert stage.synthesizer.made == [
        ("Dinner is ready.", "en", PROSODY["happy"]),
        ("It is 21 degrees Celsius.", "en", PROSODY["happy"]),
    ]
    assert stage.own == ["", "Dinner is ready.", "It is 21 degrees Celsius.", None]
    assert stage.ended() == [("r", "Dinner is ready. It is 21°C.", "complete")]


async def test_the_microphone_is_told_what_we_sound_like_chimes_too() -> None:
    stage = Stage(cancel_echo=True)
    await stage.speaker.say(reply("r", "Leave the house.", emotion="urgent"))
    assert stage.output.log == ["open", CHIME, "play 16", "finished", "closed"]
    sounds = [control.sound for control in stage.told]
    assert [None if sound is None else sound.dtype for sound in sounds] == [None, np.float32, np.float32, None]
    assert sounds[1] is not None
    assert len(sounds[1]) == pytest.approx(len(chime()) * 16_000 / CHIME_RATE_HZ, abs=2)
    assert sounds[2] is not None
    assert np.allclose(sounds[2], 1_000 / 32_768)


async def test_speech_begins_while_the_reply_is_still_written() -> None:
    stage = Stage()
    talking = asyncio.create_task(stage.speaker.say(Reply("r", "normal", "model", (), endless("One. Two"))))
    await until(lambda: "play 4" in stage.output.log)
    assert stage.ended() == []
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    assert stage.output.log[-1] == "closed"
    assert stage.own[-1] is None


async def test_the_next_sentence_is_made_while_one_is_heard() -> None:
    stage = Stage()

    async def next_is_made() -> None:
        heard = sum(line.startswith("play") for line in stage.output.log)
        await until(lambda: len(stage.synthesizer.made) > min(heard, 2))

    stage.output.while_playing = next_is_made
    await stage.speaker.say(reply("r", "One. Two. Three."))
    assert stage.output.log == ["open", "play 4", "play 4", "play 6", "finished", "closed"]
    assert stage.own == ["", "One.", "Two.", "Three.", None], "ours from when it is heard, not from when it is made"


async def test_of_a_long_reply_little_is_made_before_it_is_heard() -> None:
    stage = Stage(output=FakeOutput(hang=True))
    never = asyncio.Event()
    stage.output.while_playing = never.wait  # type: ignore[assignment]
    talking = asyncio.create_task(stage.speaker.say(reply("r", "One. " * 20)))
    await until(lambda: len(stage.synthesizer.made) == 3)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(stage.synthesizer.made) == 3, "one is heard, one waits, one is held back"
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    assert stage.output.log == ["open", "play 4", "closed"]


async def test_urgent_words_have_a_chime_unless_it_is_switched_off() -> None:
    loud, plain = Stage(), Stage(chimes=False)
    for stage in (loud, plain):
        await stage.speaker.say(reply("r", "Fire!", emotion="urgent"))
    assert loud.output.log == ["open", CHIME, "play 5", "finished", "closed"]
    assert plain.output.log == ["open", "play 5", "finished", "closed"]


async def test_stop_ends_it_at_once_and_forgets_what_waits() -> None:
    stage = Stage(output=FakeOutput(hang=True))
    running = asyncio.create_task(stage.speaker.run())
    stage.speaker.enqueue(reply("a", "A long story."))
    stage.speaker.enqueue(reply("b", "Another."))
    await until(lambda: "play 13" in stage.output.log)
    stage.speaker.apply(Stop())
    await until(lambda: bool(stage.ended()))
    assert stage.ended() == [("a", "A long story.", "interrupted")]
    assert stage.output.log == ["open", "play 13", "closed"]
    stage.output.hang = False
    stage.speaker.apply(Say("Hello."))
    await until(lambda: len(stage.ended()) == 2)
    assert stage.ended()[1][1:] == ("Hello.", "complete")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize(("emotion", "reason"), [("normal", "interrupted"), ("urgent", "complete")])
async def test_who_says_the_wake_word_is_listened_to_unless_it_is_urgent(emotion: Emotion, reason: EndReason) -> None:
    stage = Stage(output=FakeOutput(hang=True), chimes=False)
    running = asyncio.create_task(stage.speaker.run())
    stage.speaker.enqueue(reply("a", "A long story.", emotion=emotion))
    stage.speaker.enqueue(reply("b", "Another."))
    await until(lambda: "play 13" in stage.output.log)
    stage.speaker.apply(Hush())
    stage.output.hang = False
    if emotion == "urgent":
        stage.output.release.set()
    await until(lambda: len(stage.ended()) == 2)
    assert stage.ended() == [("a", "A long story.", reason), ("b", "Another.", "complete")]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_question_is_waited_for_when_it_has_been_said() -> None:
    stage = Stage()
    told: list[OwnVoice] = []
    stage.speaker.own_voice = told.append  # type: ignore[method-assign, assignment]
    question = Reply("q", "normal", "speech", (), text("Which lamp?"), answer_seconds=lambda: 8.0)
    await stage.speaker.say(question)
    assert told == [OwnVoice(""), OwnVoice("Which lamp?"), OwnVoice(None), OwnVoice(None, 8.0)]


async def test_urgent_interrupts_and_goes_before_what_waits() -> None:
    stage = Stage(output=FakeOutput(hang=True))
    running = asyncio.create_task(stage.speaker.run())
    stage.speaker.enqueue(reply("story", "Long."))
    await until(lambda: "play 5" in stage.output.log)
    stage.speaker.enqueue(reply("news", "News."))
    stage.output.hang = False
    stage.speaker.apply(Say("Fire!", urgent=True))
    await until(lambda: len(stage.ended()) == 3)
    assert [(text, reason) for _, text, reason in stage.ended()] == [
        ("Long.", "interrupted"),
        ("Fire!", "complete"),
        ("News.", "complete"),
    ]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_urgent_takes_the_place_of_what_waits_when_there_is_none(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    for n in range(MAX_WAITING_REPLIES):
        stage.speaker.enqueue(reply(str(n), "x"))
    for _ in range(MAX_WAITING_REPLIES + 1):
        stage.speaker.apply(Say("Fire!", urgent=True))
    assert stage.speaker.dropped == MAX_WAITING_REPLIES + 1
    running = asyncio.create_task(stage.speaker.run())
    await until(lambda: len(stage.ended()) == MAX_WAITING_REPLIES)
    assert {text for _, text, _ in stage.ended()} == {"Fire!"}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_two_rooms_with_one_loudspeaker_take_turns() -> None:
    kitchen = Stage()
    study = Stage(output=kitchen.output, turns=kitchen.turns)
    await asyncio.gather(kitchen.speaker.say(reply("k", "One. Two.")), study.speaker.say(reply("s", "Three. Four.")))
    assert kitchen.output.log.count("open") == 2  # the output itself asserts that they do not overlap
    assert [e[2] for e in (*kitchen.ended(), *study.ended())] == ["complete", "complete"]


async def test_an_urgent_voice_ends_that_of_the_other_room() -> None:
    kitchen = Stage(output=FakeOutput(hang=True))
    study = Stage(output=kitchen.output, turns=kitchen.turns)
    running = asyncio.create_task(kitchen.speaker.run())
    kitchen.speaker.enqueue(reply("k", "A story."))
    await until(lambda: "play 8" in kitchen.output.log)
    kitchen.output.on_play = lambda: setattr(kitchen.output, "hang", False)
    await study.speaker.say(reply("s", "Fire!", emotion="urgent"))
    assert kitchen.ended() == [("k", "A story.", "interrupted")]
    assert study.ended() == [("s", "Fire!", "complete")]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_without_a_loudspeaker_the_events_go_on_and_the_status_says_so(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(output=FakeOutput(fault="output 'kitchen' is unplugged"))
    stage.hear()
    for name in ("a", "b"):
        await stage.speaker.say(reply(name, "Hello. There."))
    assert [reason for *_, reason in stage.ended()] == ["complete", "complete"]
    assert stage.statuses()[-1] == ("listening", ("no_voice",))
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert line == "kitchen: no voice: output 'kitchen' is unplugged. What is said goes to MQTT only"
    stage.output.fault = None
    await stage.speaker.say(reply("c", "Hello."))
    assert stage.statuses()[-1] == ("listening", ())


async def test_the_status_says_speaking_while_it_speaks() -> None:
    stage = Stage()
    stage.hear()
    stage.output.on_play = stage.hear
    await stage.speaker.say(reply("r", "One. Two."))
    assert stage.statuses() == [("listening", ()), ("speaking", ()), ("listening", ())]


async def test_a_sentence_that_cannot_be_made_ends_the_speech_not_the_reply() -> None:
    stage = Stage(synthesizer=FakeSynthesizer(faults=frozenset({"Two."})))
    await stage.speaker.say(reply("r", "One. Two. Three."))
    assert stage.output.log == ["open", "play 4", "closed"]
    assert stage.ended() == [("r", "One. Two. Three.", "complete")]


async def test_nothing_sayable_opens_no_device() -> None:
    stage = Stage()
    await stage.speaker.say(reply("r", "🔥 …"))
    assert stage.output.log == []
    assert stage.own == []


async def test_volume_is_applied_and_bounded() -> None:
    stage = Stage()
    for control, peak in ((SetVolume(0.5), 500), (SetVolume(step=-0.25), 250), (SetVolume(step=1.0), 1_000)):
        stage.speaker.apply(control)
        await stage.speaker.say(reply("r", "Hello."))
        assert stage.output.peaks[-1] == peak


async def test_a_reply_without_an_end_is_not_kept_whole(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(synthesizer=FakeSynthesizer(gate=asyncio.Event()))
    long = reply("r", *("One. " for _ in range(MAX_WAITING_SENTENCES * 2)))
    talking = asyncio.create_task(stage.speaker.say(long))
    await until(lambda: "sentences wait to be said" in caplog.text)
    assert stage.synthesizer.gate is not None
    stage.synthesizer.gate.set()
    await talking
    assert len(stage.synthesizer.made) <= MAX_WAITING_SENTENCES + 1


async def test_say_is_a_reply_of_its_own() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.speaker.run())
    stage.speaker.apply(Say("Dinner is ready."))
    await until(lambda: bool(stage.ended()))
    (started,) = [e for e in stage.out.events if isinstance(e, ResponseStarted)]
    assert (started.emotion, started.trigger, started.sounds, started.utterance) == ("normal", "request", (), None)
    assert stage.own == ["", "Dinner is ready.", None]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
