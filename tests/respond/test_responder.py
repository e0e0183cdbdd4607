"""From what was understood to what is done, with the real skills; a fake clock and a fake disk."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from alarm_clock import FakeAlarm, FakeTimerStore

from listener.config import CommandsConfig, QuietConfig
from listener.errors import HomeAssistantError
from listener.respond.answers import load_answers
from listener.respond.bell import Bell
from listener.respond.conversation import HouseAnswer, NotLetInError
from listener.respond.memory import Memory
from listener.respond.quiet import Quiet
from listener.respond.responder import Clocks, Responder, RoomVoice
from listener.respond.skills.clock import ClockSkill
from listener.respond.skills.talk import TalkSkill
from listener.respond.skills.timers import TimerSkill
from listener.respond.targets import Target, Targets
from listener.respond.timers import MAX_TIMERS, Timers
from listener.types import (
    Answer,
    Event,
    Intent,
    Reply,
    ResponseEnded,
    ResponseStarted,
    SetVolume,
    SoundStarted,
    Spoken,
    Stop,
)
from listener.types.speech import Addressed

VOICES = {
    "kitchen": RoomVoice("en", load_answers("en", {"dog_bark": "a dog barking", "knock": "a knock"})),
    "hall": RoomVoice("de", load_answers("de", {})),
}
HOUSE = (Target(("Lamp",), "light"), Target(("Front door",), "lock"))


class FakeHouse:
    """A conversation that answers from a script."""

    def __init__(self, *answers: str | HouseAnswer | HomeAssistantError) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, str]] = []

    async def process(self, room: str, text: str, language: str) -> HouseAnswer:
        self.asked.append((room, text, language))
        answer = self._answers.pop(0)
        if isinstance(answer, HomeAssistantError):
            raise answer
        return HouseAnswer(answer) if isinstance(answer, str) else answer


class Home:
    """Two rooms, English in the kitchen and German in the hall."""

    def __init__(self, house: Any = None, pass_unrecognized: bool = False, **config: Any) -> None:
        self.alarm = FakeAlarm()
        self.rung: list[tuple[str, Reply]] = []
        self.shared = 0.0
        self.waits: list[float] = []
        self.others_may_speak = asyncio.Event()
        self.others_may_speak.set()
        self.local = datetime(2026, 11, 22, 18, 46).astimezone()
        ids = map(str, count(1))
        memory = Memory()
        self.quiet = Quiet(QuietConfig(), lambda: self.alarm.now, lambda: self.local)
        bell = Bell({slug: voice.answers for slug, voice in VOICES.items()}, self.deliver)
        self.store = FakeTimerStore()
        timers = Timers(self.store, self.alarm, bell.ring, lambda: self.alarm.now)
        self.responder = Responder(
            VOICES,
            CommandsConfig.model_validate(config),
            Targets(HOUSE),
            (ClockSkill(), TimerSkill(timers, lambda: next(ids)), TalkSkill(memory, self.quiet)),
            memory,
            lambda: next(ids),
            house,
            pass_unrecognized,
            Clocks(lambda: self.local, lambda: self.shared, self.wait),
        )

    async def deliver(self, room: str, reply: Reply) -> None:
        self.rung.append((room, reply))

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self.others_may_speak.wait()

    async def hear(
        self,
        name: str | None,
        /,
        room: str = "kitchen",
        t: float = 10.0,
        addressed: Addressed = "wake_word",
        level_dbfs: float = -40.0,
        heard: str = "",
        **slots: str | float,
    ) -> Answer:
        text = heard or f"{name} {slots}"
        intent = None if name is None else Intent(name, slots, text, 0.9)
        spoken = Spoken(text, True, 0.9, t - 1.0, t, addressed, level_dbfs)
        self.shared += 10.0  # far apart, unless a test says otherwise
        return await self.responder.hear(room, intent, spoken, t)

    async def ask(self, name: str, /, **more: Any) -> str | None:
        """What is said to it."""
        answer = await self.hear(name, **more)
        return None if answer.reply is None else await words(answer.reply)


async def words(reply: Reply) -> str:
    return "".join([piece async for piece in reply.pieces])


def verdict(answer: Answer) -> tuple[str, str | None]:
    assert answer.command is not None
    return answer.command.verdict, answer.command.reason


async def test_a_command_is_published_and_nothing_is_said() -> None:
    answer = await Home().hear("HassTurnOn", heard="turn on the lamp", name="Lamp")
    assert answer.command is not None
    assert (answer.command.intent, answer.command.slots) == ("HassTurnOn", {"name": "Lamp"})
    assert (answer.command.text, answer.command.confidence) == ("turn on the lamp", 0.9)
    assert verdict(answer) == ("accepted", None)
    assert (answer.reply, answer.controls) == (None, ())


async def test_what_is_denied_is_said_in_the_rooms_language() -> None:
    home = Home()
    answer = await home.hear("HassTurnOff", room="hall", heard="schließ auf", name="Front door")
    assert verdict(answer) == ("denied", "lock is denied unless commands.dangerous names it")
    assert answer.reply is not None
    assert (answer.reply.trigger, answer.reply.utterance) == ("speech", "schließ auf")
    assert await words(answer.reply) == "Das darf ich nicht auf Zuruf."


async def test_what_was_not_said_to_us_is_ignored() -> None:
    home = Home()
    assert await home.hear("HassTurnOn", name="Lamp", addressed="no") == Answer()
    assert await home.hear("ListenerStop", addressed="no") == Answer()


class TestConfirming:
    @pytest.fixture
    def home(self) -> Home:
        return Home(dangerous=["lock"])

    async def ask(self, home: Home) -> Answer:
        answer = await home.hear("HassTurnOff", t=10.0, heard="unlock the front door", name="Front door")
        assert verdict(answer) == ("unconfirmed", "waits for a yes: lock")
        assert answer.reply is not None
        assert await words(answer.reply) == "Did you say: unlock the front door? Say yes, and I will do it."
        return answer

    async def test_yes_in_time_is_accepted_under_the_same_id(self, home: Home) -> None:
        asked = await self.ask(home)
        answer = await home.hear("ListenerYes", t=21.0, addressed="no")  # begun at 20.0
        assert asked.command is not None
        assert answer.command is not None
        assert answer.command.id == asked.command.id
        assert (answer.command.intent, answer.command.text) == ("HassTurnOff", "unlock the front door")
        assert verdict(answer) == ("accepted", "confirmed by a yes")
        assert await home.hear("ListenerYes", t=22.0) == Answer()
        assert await home.hear("ListenerNo", t=22.0) == Answer()

    async def test_yes_too_late_is_nothing(self, home: Home) -> None:
        await self.ask(home)
        assert await home.hear("ListenerYes", t=21.1) == Answer()
        assert await home.hear("ListenerYes", t=12.0) == Answer()

    async def test_the_time_begins_when_the_question_has_been_said(self, home: Home) -> None:
        asked = await self.ask(home)
        assert asked.reply is not None
        home.responder.publish(ResponseEnded(room="kitchen", t=14.0, id=asked.reply.id, text="x", reason="complete"))
        assert verdict(await home.hear("ListenerYes", t=25.0)) == ("accepted", "confirmed by a yes")

    async def test_the_end_of_another_reply_gives_no_more_time(self, home: Home) -> None:
        await self.ask(home)
        home.responder.publish(ResponseEnded(room="kitchen", t=14.0, id="other", text="x", reason="complete"))
        assert await home.hear("ListenerYes", t=24.0) == Answer()

    @pytest.mark.parametrize("no", ["ListenerNo", "HassNevermind"])
    async def test_no_drops_it(self, home: Home, no: str) -> None:
        await self.ask(home)
        answer = await home.hear(no, t=12.0, addressed="no")
        assert verdict(answer) == ("denied", "the answer was no")
        assert answer.reply is not None
        assert await words(answer.reply) == "All right, I will not."
        assert await home.hear("ListenerYes", t=13.0) == Answer()

    async def test_another_command_drops_it(self, home: Home) -> None:
        await self.ask(home)
        await home.hear("HassTurnOn", t=12.0, name="Lamp")
        assert await home.hear("ListenerYes", t=13.0) == Answer()

    async def test_a_yes_from_another_room_is_none(self, home: Home) -> None:
        await self.ask(home)
        assert await home.hear("ListenerYes", room="hall", t=12.0) == Answer()


class TestSeveralRooms:
    async def both(self, home: Home) -> tuple[Answer, Answer]:
        """The hall hears it first and quietly, the kitchen a moment later and loud."""
        home.others_may_speak.clear()
        hall = asyncio.create_task(home.hear("HassTurnOn", room="hall", level_dbfs=-60.0, heard="lamp on", name="Lamp"))
        await asyncio.sleep(0)
        home.shared -= 9.7
        kitchen = asyncio.create_task(home.hear("HassTurnOn", level_dbfs=-30.0, heard="lamp on", name="Lamp"))
        await asyncio.sleep(0)
        home.others_may_speak.set()
        return await hall, await kitchen

    async def test_the_loudest_answers_and_the_other_says_why_not(self) -> None:
        home = Home()
        hall, kitchen = await self.both(home)
        assert verdict(hall) == ("denied", "kitchen heard it louder and answers")
        assert hall.reply is None
        assert verdict(kitchen) == ("accepted", None)
        assert home.waits == [0.5, 0.5]

    async def test_where_nobody_else_is_heard_nobody_waits(self) -> None:
        home = Home()
        home.responder.note_speech("hall", speaking=False)
        await home.hear("HassTurnOn", name="Lamp")
        assert home.waits == []
        home.responder.note_speech("hall", speaking=True)
        await home.hear("HassTurnOn", name="Lamp")
        assert home.waits == [0.5]


async def test_too_many_commands_in_a_minute() -> None:
    home = Home(per_minute=2)
    for t in (1.0, 2.0):
        assert verdict(await home.hear("HassTurnOn", t=t, name="Lamp")) == ("accepted", None)
    answer = await home.hear("HassTurnOn", t=3.0, name="Lamp")
    assert verdict(answer) == ("denied", "more than 2 commands in a minute")
    assert answer.reply is not None
    assert (await home.hear("HassTurnOn", t=4.0, name="Lamp", addressed="open")).reply is None
    assert verdict(await home.hear("ListenerStop", t=4.0)) == ("accepted", None)
    assert verdict(await home.hear("HassTurnOn", t=61.0, name="Lamp")) == ("accepted", None)


class TestNotUnderstood:
    async def said(self, home: Home, **more: Any) -> str | None:
        answer = await home.hear(None, heard="blah", **more)
        assert answer.command is None
        return None if answer.reply is None else await words(answer.reply)

    async def test_only_after_the_wake_word_is_it_admitted(self) -> None:
        home = Home(FakeHouse())
        assert await self.said(home) == "I did not understand that."
        for addressed in ("open", "follow_up", "no"):
            assert await self.said(home, addressed=addressed) is None

    async def test_not_while_another_room_has_understood_it(self) -> None:
        home = Home()
        await home.hear("HassTurnOn", name="Lamp")
        home.shared -= 9.0
        assert await self.said(home, room="hall") is None

    async def test_it_is_handed_over_only_if_configured(self) -> None:
        house = FakeHouse("Hm.")
        assert await self.said(Home(house, pass_unrecognized=True)) == "Hm."
        assert house.asked == [("kitchen", "blah", "en")]


class TestHomeAssistant:
    async def test_its_answer_is_spoken(self) -> None:
        house = FakeHouse("Licht ist an")
        home = Home(house)
        answer = await home.hear("HassTurnOn", room="hall", heard="Licht an", name="Lamp")
        assert house.asked == []  # hearing does not wait for it
        assert verdict(answer) == ("accepted", None)
        assert answer.reply is not None
        assert await words(answer.reply) == "Licht ist an"
        assert house.asked == [("hall", "Licht an", "de")]

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (HomeAssistantError("down"), "I can't reach the house."),
            (NotLetInError("401"), "The house does not let me in."),
        ],
    )
    async def test_when_it_is_away_we_say_so(
        self, caplog: pytest.LogCaptureFixture, error: HomeAssistantError, said: str
    ) -> None:
        assert await Home(FakeHouse(error)).ask("HassTurnOn", name="Lamp") == said
        assert f"kitchen: {error}" in caplog.text

    async def test_nothing_that_is_denied_or_ours_gets_there(self) -> None:
        house = FakeHouse()
        home = Home(house)
        await home.ask("HassTurnOff", name="Front door")
        await home.ask("HassGetCurrentTime")
        assert await home.ask("HassNevermind") is None
        assert house.asked == []


async def test_time_and_date() -> None:
    home = Home()
    assert await home.ask("HassGetCurrentTime") == "It is six forty-six p.m."
    assert await home.ask("HassGetCurrentDate", room="hall") == "Heute ist Sonntag, der zweiundzwanzigste November."


class TestTimers:
    async def test_a_pasta_timer_for_nine_minutes(self) -> None:
        home = Home()
        assert await home.ask("HassStartTimer", name="pasta", minutes=9) == "Pasta timer set for nine minutes."
        await home.alarm.pass_seconds(61)
        assert await home.ask("HassTimerStatus") == "Pasta timer: seven minutes and fifty-nine seconds left."
        assert await home.ask("HassPauseTimer") == "Pasta timer paused, seven minutes and fifty-nine seconds left."
        assert await home.ask("HassTimerStatus", name="PASTA") == (
            "Pasta timer: paused, seven minutes and fifty-nine seconds left."
        )
        assert await home.ask("HassUnpauseTimer", name="pasta") == (
            "Pasta timer resumed, seven minutes and fifty-nine seconds left."
        )
        assert await home.ask("HassIncreaseTimer", minutes=1, seconds=1) == "Pasta timer: nine minutes left."
        assert await home.ask("HassDecreaseTimer", minutes=8) == "Pasta timer: one minute left."
        await home.alarm.pass_seconds(60)
        ((room, reply),) = home.rung
        assert (room, reply.trigger, reply.utterance) == ("kitchen", "timer", None)
        assert await words(reply) == "Your pasta timer is done."
        assert home.store.timers == {}

    async def test_which_one_is_asked_when_it_is_not_clear(self) -> None:
        home = Home()
        await home.ask("HassStartTimer", name="egg", minutes=5)
        assert await home.ask("HassStartTimer", hours=1) == "Timer set for one hour."
        assert await home.ask("HassCancelTimer") == "Which one? egg timer and timer for one hour."
        assert await home.ask("HassCancelTimer", start_hours=1) == "Timer for one hour cancelled."
        assert await home.ask("HassCancelTimer", name="rice") == "I know no such timer."
        assert await home.ask("HassCancelAllTimers") == "All timers cancelled."
        for name in ("HassCancelTimer", "HassCancelAllTimers", "HassTimerStatus"):
            assert await home.ask(name) == "There are no timers."

    @pytest.mark.parametrize(
        ("slots", "said"),
        [
            ({}, "For how long?"),
            ({"minutes": 0}, "For how long?"),
            ({"minutes": -5}, "For how long?"),
            ({"minutes": "nan"}, "For how long?"),
            ({"minutes": "many"}, "For how long?"),
            ({"hours": 1e300}, "That is too long. A timer runs for one hundred sixty-eight hours at most."),
        ],
    )
    async def test_what_cannot_be_a_timer(self, slots: dict[str, Any], said: str) -> None:
        home = Home()
        answer = await home.ask("HassStartTimer", **slots)
        assert answer is not None
        assert answer.startswith(said)
        assert home.store.timers == {}

    async def test_a_command_in_five_minutes_would_get_around_the_policy(self) -> None:
        answer = await Home().hear("HassStartTimer", minutes=5, conversation_command="unlock the door")
        assert verdict(answer) == ("denied", "commands cannot be put off")
        assert answer.reply is not None
        assert await words(answer.reply) == "I cannot do things later. I can only set timers and reminders."

    async def test_the_timer_is_no_reminder_unless_there_is_nothing_else(self) -> None:
        home = Home()
        await home.ask("ListenerReminder", text="call mom", minutes=10)
        await home.ask("HassStartTimer", minutes=5)
        assert await home.ask("HassTimerStatus") == (
            "Timer for five minutes: five minutes left. Reminder to call mom: ten minutes left."
        )
        assert await home.ask("HassCancelTimer") == "Timer for five minutes cancelled."
        assert await home.ask("HassCancelAllTimers") == "There are no timers."
        assert await home.ask("HassCancelTimer") == "Reminder to call mom cancelled."

    async def test_there_is_an_end_to_timers(self) -> None:
        home = Home(per_minute=600)
        for _ in range(MAX_TIMERS):
            await home.ask("HassStartTimer", minutes=5)
        said = await home.ask("HassStartTimer", minutes=5)
        assert said == "I have one hundred timers already and can keep no more."
        told = await home.ask("HassTimerStatus")
        assert told is not None
        assert told.count("left") == 5

    async def test_a_reminder(self) -> None:
        home = Home()
        assert await home.ask("ListenerReminder", text="Müll raus", room="hall", minutes=1, seconds=0) is not None
        await home.alarm.pass_seconds(60 + 600)
        ((room, reply),) = home.rung
        assert room == "hall"
        assert await words(reply) == "Denk daran: Müll raus. Das war vor zehn Minuten, als ich nicht da war."

    async def test_a_reminder_of_nothing_is_a_timer(self) -> None:
        assert await Home().ask("ListenerReminder", minutes=1) == "Timer set for one minute."

    async def test_a_ring_that_the_queue_dropped_is_said_once_however_often_it_waits(self) -> None:
        home = Home()
        await home.ask("HassStartTimer", minutes=5)
        for _ in range(3):
            await home.alarm.pass_seconds(300)
        dropped, first, second = (reply for _, reply in home.rung)
        assert dropped.id == first.id == second.id
        assert await words(first) == "Your timer for five minutes is done. That was five minutes ago, while I was away."
        assert await words(second) == ""
        await home.alarm.pass_seconds(300)
        assert len(home.rung) == 3
        assert home.store.timers == {}

    async def test_a_ring_that_is_being_said_is_not_offered_again(self) -> None:
        home = Home()
        await home.ask("HassStartTimer", minutes=5)
        await home.alarm.pass_seconds(300)
        ((_, reply),) = home.rung
        pieces = aiter(reply.pieces)
        assert await anext(pieces) == "Your timer for five minutes is done."
        await home.alarm.pass_seconds(300)
        assert len(home.rung) == 1
        assert [piece async for piece in pieces] == []
        assert home.store.timers == {}

    async def test_a_room_that_is_gone_does_not_silence_it(self) -> None:
        home = Home()
        await home.ask("HassStartTimer", minutes=5)
        (timer,) = home.store.timers.values()
        bell = Bell({"attic": load_answers("de", {})}, home.deliver)

        async def said() -> None:
            """Nobody asks."""

        await bell.ring(timer, 0.0, said)
        ((room, reply),) = home.rung
        assert room == "attic"
        assert await words(reply) == "Dein Timer über fünf Minuten ist abgelaufen."


class TestTalk:
    def heard(self, home: Home, *events: Event) -> None:
        for event in events:
            home.responder.publish(event)

    def sound(self, label: str, t: float, test: bool | None = None) -> SoundStarted:
        return SoundStarted(room="kitchen", t=t, id=label, label=label, score=0.9, onset=t, group="g", test=test)

    async def test_what_did_you_hear(self) -> None:
        home = Home()
        assert await home.ask("ListenerWhatHeard") == "I have heard nothing of note."
        self.heard(home, self.sound("knock", 5.0), self.sound("dog_bark", 10.0), self.sound("dog_bark", 80.0))
        self.heard(home, self.sound("smoke_alarm", 85.0, test=True))
        assert await home.ask("ListenerWhatHeard", t=90.0) == (
            "I heard a dog barking just now and a knock one minute ago."
        )
        assert await home.ask("ListenerWhatHeard", room="hall") == "Ich habe nichts Besonderes gehört."

    async def test_repeat_that(self) -> None:
        home = Home()
        assert await home.ask("ListenerRepeat") == "I have not said anything yet."
        for text in ("Your pasta timer is done.", ""):
            self.heard(home, ResponseEnded(room="kitchen", t=1.0, id="1", text=text, reason="complete"))
        assert await home.ask("ListenerRepeat") == "Your pasta timer is done."

    async def test_stop_needs_no_wake_word_while_we_speak(self) -> None:
        home = Home()
        started = ResponseStarted(
            room="kitchen", t=1.0, id="1", emotion="normal", trigger="speech", sounds=(), utterance=None
        )
        self.heard(home, started)
        answer = await home.hear("ListenerStop", addressed="no")
        assert (verdict(answer), answer.controls, answer.reply) == (("accepted", None), (Stop(),), None)
        assert await home.hear("HassTurnOn", addressed="no", name="Lamp") == Answer()
        self.heard(home, ResponseEnded(room="kitchen", t=2.0, id="1", text="", reason="interrupted"))
        assert await home.hear("ListenerStop", addressed="no") == Answer()

    async def test_be_quiet_for_an_hour(self) -> None:
        home = Home()

        async def nothing() -> AsyncIterator[str]:
            yield ""

        remark = Reply("1", "happy", "model", (), nothing())
        assert home.quiet.speaks("kitchen", remark)
        assert await home.ask("ListenerQuiet", hours=1) == "I will be quiet for one hour."
        assert not home.quiet.speaks("kitchen", remark)
        assert await home.ask("ListenerQuiet") == "I will be quiet for one hour."
        assert await home.ask("ListenerQuiet", hours=1_000) == "I will be quiet for twenty-four hours."

    @pytest.mark.parametrize(
        ("slots", "said", "control"),
        [
            ({"volume_level": 50}, "Volume fifty percent.", SetVolume(0.5)),
            ({"volume_level": 1_000}, "Volume one hundred percent.", SetVolume(1.0)),
            ({"step": "up"}, "Louder.", SetVolume(step=0.15)),
            ({"step": "down"}, "Quieter.", SetVolume(step=-0.15)),
        ],
    )
    async def test_volume(self, slots: dict[str, Any], said: str, control: SetVolume) -> None:
        answer = await Home().hear("ListenerVolume", **slots)
        assert answer.controls == (control,)
        assert answer.reply is not None
        assert await words(answer.reply) == said
