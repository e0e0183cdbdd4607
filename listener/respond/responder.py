"""What is done about a spoken command: denied, confirmed, answered by a skill, handed on, or left to automations."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Final

from listener.config import CommandsConfig
from listener.respond.answers import Answers
from listener.respond.confirmation import Confirmations, Waiting
from listener.respond.dialogue import Dialogue, House
from listener.respond.memory import Memory
from listener.respond.one_answers import Bid, OneAnswers
from listener.respond.policy import ALWAYS, Policy, RateLimit, Ruling
from listener.respond.skills import Ask, Skill
from listener.respond.targets import Targets
from listener.types import Answer, CommandFacts, Event, Intent, Meaning, Reply, Report, ResponseEnded, Spoken

YES: Final = "ListenerYes"
NO: Final = "ListenerNo"
DROPPING: Final = frozenset({NO, "HassNevermind"})
STOP: Final = "ListenerStop"
QUESTION: Final = "Get"
"""In the names of Home Assistant's intents that ask: HassGetState, HassClimateGetTemperature, HassGetWeather."""


def local_now() -> datetime:
    """The time on the wall, with its zone."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True)
class RoomVoice:
    """What the responder knows of a room: its answers, and their language."""

    language: str
    answers: Answers


@dataclass(frozen=True, slots=True)
class Clocks:
    """`local`: the time on the wall; `shared`: seconds of a clock that all rooms share; `wait`: for so many seconds."""

    local: Callable[[], datetime] = local_now
    shared: Callable[[], float] = monotonic
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


class Responder:
    """Answers the commands of all rooms; is a publisher too. Lives in the event loop, and blocks it never."""

    def __init__(
        self,
        rooms: Mapping[str, RoomVoice],
        config: CommandsConfig,
        targets: Targets,
        skills: Iterable[Skill],
        memory: Memory,
        new_id: Callable[[], str],
        house: House | None = None,
        pass_unrecognized: bool = False,
        clocks: Clocks | None = None,
    ) -> None:
        self._rooms = rooms
        self._config = config
        self._skills = {name: skill for skill in skills for name in skill.intents}
        self._policy = Policy(config, targets, {*self._skills, *DROPPING})
        self._limit = RateLimit(config.per_minute)
        self._confirmations = Confirmations(config.confirm_seconds)
        self._one_answers = OneAnswers()
        self._memory = memory
        self._new_id = new_id
        self._dialogue = None if house is None else Dialogue(house, new_id)
        self._pass_unrecognized = pass_unrecognized
        self._clocks = clocks or Clocks()
        self._speaking: dict[str, bool] = {}
        self._t: dict[str, float] = {}

    def note_speech(self, room: str, speaking: bool) -> None:
        """Whether somebody is being heard in the room: an utterance is open. Spares the others waiting for it."""
        self._speaking[room] = speaking

    def publish(self, event: Event) -> None:
        """Hears of every event, as publishers do: what to remember, and when our questions have been asked."""
        self._memory.publish(event)
        self._t[event.room] = event.t
        if isinstance(event, ResponseEnded):  # the time to answer a question begins when it has been said
            self._confirmations.asked_aloud(event.room, event.id, event.t)
            if self._dialogue is not None:
                self._dialogue.asked_aloud(event.room, event.id, event.t)

    def report(self, report: Report) -> None:
        """Reports are of no interest here."""

    async def hear(self, room: str, intent: Intent | None, spoken: Spoken, t: float) -> Answer:
        """Answer one utterance; `intent` is what it was understood as, `t` seconds of audio of the room.

        Returns at once, but for a wait of `one_answers_seconds` while other rooms are hearing somebody.
        """
        if intent is not None and (intent.name == YES or intent.name in DROPPING):
            waiting = self._confirmations.take(room, spoken.start)
            if waiting is not None:
                return await self._settle(room, waiting, intent, t)
        if self._dialogue is not None and self._answers_the_house(self._dialogue, room, intent, spoken):
            return Answer(reply=self._hand_over(self._dialogue, room, spoken.text))
        if intent is None:
            return self._not_understood(room, spoken)
        if intent.name in (YES, NO) or not self._is_for_us(room, intent, spoken):
            return Answer()
        if (louder := await self._louder_room(room, intent, spoken)) is not None:
            return Answer(self._facts(intent, Ruling("denied", f"{louder} heard it louder and answers")))
        return await self._obey(room, intent, spoken, t)

    async def written(self, room: str, intent: Intent) -> Meaning:
        """What a command means that came as text, as if it were said in `room`, from an assistant that acts itself.

        We do what concerns ourselves, and rule on the rest. What would wait for a `yes` is refused: nobody is asked.
        """
        answers, local = self._rooms[room].answers, self._clocks.local()
        ruling = self._policy.rule(room, intent, local)
        if ruling.verdict == "unconfirmed":
            return Meaning(answers.say("denied_dangerous"))
        if ruling.verdict == "denied":
            return Meaning(answers.say(ruling.say or "denied"))
        if intent.name not in ALWAYS and not self._limit.take(f"{room}, in writing", self._clocks.shared()):
            return Meaning(answers.say("denied_often"))
        if (skill := self._skills.get(intent.name)) is not None:
            said = await skill.answer(Ask(room, intent, self._t.get(room, 0.0), local, answers))
            return Meaning(said.text or "", done=True, controls=said.controls)
        if intent.name in DROPPING:
            return Meaning("", done=True)
        if QUESTION in intent.name:  # whoever asked would look it up, and has no words for what it finds
            return Meaning(answers.say("not_understood"))
        return Meaning(answers.say("done"), done=True, intent=intent)

    def _is_for_us(self, room: str, intent: Intent, spoken: Spoken) -> bool:
        """While we speak, `stop` needs no wake word."""
        return spoken.addressed != "no" or (intent.name == STOP and bool(self._memory.room(room).speaking))

    async def _louder_room(self, room: str, intent: Intent, spoken: Spoken) -> str | None:
        """The room that answers this utterance instead of this one, if there is one."""
        hearing = self._one_answers.bid(Bid(room, intent.text, spoken.level_dbfs, self._clocks.shared()))
        others = (other for other in self._rooms if other != room)
        if hearing.winner is None and any(self._speaking.get(other, True) for other in others):
            await self._clocks.wait(self._config.one_answers_seconds)
        winner = self._one_answers.settle(hearing)
        return None if winner.room == room else winner.room

    async def _obey(self, room: str, intent: Intent, spoken: Spoken, t: float) -> Answer:
        self._confirmations.take(room, spoken.start)  # a new command: what waited for a yes is forgotten
        ruling = self._policy.rule(room, intent, self._clocks.local())
        if ruling.verdict == "accepted" and intent.name not in ALWAYS and not self._limit.take(room, t):
            say = None if spoken.addressed == "open" else "denied_often"  # a television must not make us talk
            ruling = Ruling("denied", f"more than {self._config.per_minute} commands in a minute", say)
        facts = self._facts(intent, ruling)
        if ruling.verdict == "accepted":
            return await self._act(room, intent, facts, t)
        reply = None if ruling.say is None else self._reply(room, intent.text, ruling.say, text=intent.text)
        if ruling.verdict == "unconfirmed" and reply is not None:
            reply = replace(reply, answer_seconds=lambda: self._config.confirm_seconds)
            self._confirmations.ask(room, facts.id, reply.id, intent, t)
        return Answer(facts, reply)

    async def _settle(self, room: str, waiting: Waiting, answer: Intent, t: float) -> Answer:
        """Somebody has said yes or no to a dangerous command."""
        if answer.name != YES:
            facts = self._facts(waiting.intent, Ruling("denied", "the answer was no"), waiting.command_id)
            return Answer(facts, self._reply(room, answer.text, "dropped"))
        facts = self._facts(waiting.intent, Ruling("accepted", "confirmed by a yes"), waiting.command_id)
        return await self._act(room, waiting.intent, facts, t)

    async def _act(self, room: str, intent: Intent, facts: CommandFacts, t: float) -> Answer:
        voice = self._rooms[room]
        if (skill := self._skills.get(intent.name)) is not None:
            said = await skill.answer(Ask(room, intent, t, self._clocks.local(), voice.answers))
            reply = None if said.text is None else self._say(intent.text, _one_piece(said.text))
            return Answer(facts, reply, said.controls)
        if self._dialogue is None or intent.name in ALWAYS:
            return Answer(facts)
        return Answer(facts, self._hand_over(self._dialogue, room, intent.text))

    def _not_understood(self, room: str, spoken: Spoken) -> Answer:
        """Only the wake word makes us admit it: after a reply, or in an open room, most speech is not for us."""
        if spoken.addressed != "wake_word" or self._one_answers.heard(self._clocks.shared()):
            return Answer()
        if spoken.text and self._dialogue is not None and self._pass_unrecognized:
            return Answer(reply=self._hand_over(self._dialogue, room, spoken.text))
        return Answer(reply=self._reply(room, spoken.text, "not_understood"))

    @staticmethod
    def _answers_the_house(dialogue: Dialogue, room: str, intent: Intent | None, spoken: Spoken) -> bool:
        """Home Assistant has asked, and this is no command of its own: a name, a number, a yes."""
        if spoken.addressed == "no" or not spoken.text:
            return False
        return dialogue.take(room, spoken.start) and (intent is None or intent.name == YES or intent.name in DROPPING)

    def _hand_over(self, dialogue: Dialogue, room: str, text: str) -> Reply:
        voice = self._rooms[room]
        return dialogue.reply(room, text, voice.language, voice.answers)

    def _facts(self, intent: Intent, ruling: Ruling, command_id: str | None = None) -> CommandFacts:
        return CommandFacts(
            id=command_id or self._new_id(),
            intent=intent.name,
            slots=intent.slots,
            text=intent.text,
            confidence=intent.confidence,
            verdict=ruling.verdict,
            reason=ruling.reason,
        )

    def _reply(self, room: str, utterance: str, key: str, **places: str) -> Reply:
        return self._say(utterance, _one_piece(self._rooms[room].answers.say(key, **places)))

    def _say(self, utterance: str, pieces: AsyncIterator[str]) -> Reply:
        return Reply(self._new_id(), "normal", "speech", (), pieces, utterance=utterance or None)


async def _one_piece(text: str) -> AsyncIterator[str]:
    yield text
