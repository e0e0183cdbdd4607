"""We speak, and hear ourselves: how often is that taken for somebody else, and does somebody else still get through?

The daemon's own room, ears, voice and answers; only the air between loudspeaker and microphone is computed.
"""

import asyncio
import math
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final, Literal, ParamSpec, TypeVar

import numpy as np
import soundfile
import soxr

from listener.app.build import Builder, build_cascade, configured_settings
from listener.app.commands import open_attention
from listener.app.ears import open_ears
from listener.app.voice import Voices
from listener.bench.air import Air
from listener.bench.synthesis import pink_noise, reverberate, room_impulse_response
from listener.config import Config, parse
from listener.decide.grouping import SoundGroups
from listener.errors import VoiceError
from listener.perceive.ears import random_id
from listener.respond.output import Clip, Synthesizer
from listener.respond.prosody import Prosody
from listener.respond.voice.synthesis import SynthesisProcess
from listener.room import Room
from listener.types import (
    CHUNK_SAMPLES,
    SAMPLE_RATE_HZ,
    Command,
    Event,
    Reply,
    Report,
    ResponseEnded,
    ResponseStarted,
    RoomSettings,
    Samples,
    Say,
    SoundStarted,
    Transcript,
)

ECHO_DB: Final = -10.0
DELAY_SECONDS: Final = 0.12
REVERBERATION_SECONDS: Final = 0.4
NOISE_DBFS: Final = -60.0
PERSON_DBFS: Final = -17.0
"""RMS of somebody's speech who raises their voice over ours, which comes back with about -27."""
PAUSE_SECONDS: Final = 1.2
INTERRUPT_AFTER_SECONDS: Final = 1.6
ANSWERED_WITHIN_SECONDS: Final = 3.0
FLITE_VOICES: Final = ("rms", "slt", "awb", "kal16")

HOME: Final = {
    "areas": [{"name": "Kitchen"}, {"name": "Living room"}, {"name": "Bedroom"}],
    "entities": [
        {"name": "Radio", "area": "Kitchen", "domain": "media_player"},
        {"name": "Coffee machine", "area": "Kitchen", "domain": "switch"},
        {"name": "Ceiling light", "area": "Living room", "domain": "light"},
        {"name": "Blinds", "area": "Bedroom", "domain": "cover"},
    ],
}

SAYINGS: Final = (
    "Shall I turn on the kitchen light?",
    "The washing machine has finished. There are two loads left in the basket, and it will be dry until eight.",
    "Turn on the coffee machine.",
    "You can say: set a timer for ten minutes. Or you can say: what time is it.",
    "Once upon a time there was a king who had three daughters, and the youngest of them was afraid of the dark.",
    "Somebody is at the front door. Do you want me to turn off the radio?",
    "Did you say: open the blinds? Say yes, and I will do it.",
    "Yes. No. Never mind.",
    "The oven is still on. Turn off the lights in the living room, please.",
    "It is going to rain this afternoon, so take an umbrella when you leave the house.",
    "Set the temperature to twenty one degrees. Set the temperature in the bedroom to eighteen.",
    "Your pasta timer is done. Cancel the pasta timer?",
    "If it is too loud for you, tell me to stop, or to be quiet for an hour.",
    "What did you hear? I heard a dog barking just now, and a knock three minutes ago.",
    "Remind me to call mom in ten minutes. I will remind you.",
    "Pause the radio. Next song. Set the volume to forty percent.",
)
"""What a house might say, and what would be a command if somebody else said it."""

STOPS: Final = ("stop", "stop talking", "be quiet")
WAKE_WORD: Final = "okay nabu"
QUESTION: Final = "what time is it"
THINKING_SECONDS: Final = 1.0
"""Between the wake word and the question: who is heard, is waited for."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is meant in the room, how long it lasts, and how many of our replies somebody speaks into: one in so many."""

    addressing: Literal["wake_word", "open"]
    seconds: float
    sayings: Sequence[str] = SAYINGS
    person_every: int = 6
    echo_db: float = ECHO_DB
    person_dbfs: float = PERSON_DBFS
    seed: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of it. Whatever is not the person's is ours, and ought not to be there."""

    scene: Scene
    heard_seconds: float = 0.0
    own_seconds: float = 0.0
    replies: int = 0
    person: int = 0
    got_through: int = 0
    missed: list[str] = field(default_factory=list)
    transcripts: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    interrupted: int = 0
    """Replies that nobody asked to end."""
    sounds: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """No command and no reply to ourselves."""
        return not (self.commands or self.answers or self.interrupted)


@dataclass(slots=True)
class _Said:
    """One thing that the person says: from when on it may be understood, and until when."""

    text: str
    start: float
    until: float = math.inf
    obeyed: bool = False


class Witness:
    """Implements `Publisher`: tells what the person asked for from what we took from ourselves."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self.person: list[_Said] = []
        self.ended: dict[str, asyncio.Event] = {}
        self._asked: set[str] = set()
        self.speaking = asyncio.Event()

    def publish(self, event: Event) -> None:
        by_person = self._of_person(event.t)
        match event:
            case Transcript() if by_person is None:
                self._outcome.transcripts.append(f"{event.t:.1f} s: {event.text}")
            case Command():
                self._command(event, by_person)
            case ResponseStarted():
                self.speaking.set()
                if event.trigger == "speech" and not self._was_asked(event):
                    self._outcome.answers.append(f"{event.t:.1f} s: to {event.utterance!r}")
            case ResponseEnded():
                self.speaking.clear()
                self._outcome.interrupted += event.reason == "interrupted" and by_person is None
            case SoundStarted():
                self._outcome.sounds.append(f"{event.t:.1f} s: {event.label}")

    def report(self, report: Report) -> None:
        """Of no interest."""

    def _command(self, event: Command, by_person: _Said | None) -> None:
        if by_person is None:
            self._outcome.commands.append(f"{event.t:.1f} s: {event.intent} ({event.text}, {event.verdict})")
        elif event.verdict == "accepted":
            by_person.obeyed = True
            self._asked.add(event.text)

    def _was_asked(self, event: ResponseStarted) -> bool:
        """It answers what the person said: perhaps later, because it had to wait for its turn."""
        return self._of_person(event.t) is not None or event.utterance in self._asked

    def _of_person(self, t: float) -> _Said | None:
        return next((said for said in self.person if said.start <= t <= said.until), None)


class Settling:
    """Knows when everybody has done what the last chunk asked for: no thread works, nothing is being synthesized."""

    def __init__(self) -> None:
        self.busy = 0

    async def __call__(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        while self.busy:
            await asyncio.sleep(0.001)
            for _ in range(20):
                await asyncio.sleep(0)


class CountedThreads(ThreadPoolExecutor):
    """The event loop's own threads, which understand text."""

    def __init__(self, settling: Settling) -> None:
        super().__init__(4, thread_name_prefix="bench")
        self._settling = settling
        self._loop = asyncio.get_running_loop()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self._settling.busy += 1
        future = super().submit(fn, *args, **kwargs)
        future.add_done_callback(lambda _done: self._loop.call_soon_threadsafe(self._over))
        return future

    def _over(self) -> None:
        self._settling.busy -= 1


@dataclass(frozen=True)
class CountedSynthesizer:
    """Implements `Synthesizer`."""

    synthesizer: Synthesizer
    settling: Settling

    async def synthesize(self, text: str, language: str, prosody: Prosody) -> Clip:
        self.settling.busy += 1
        try:
            return await self.synthesizer.synthesize(text, language, prosody)
        finally:
            self.settling.busy -= 1


def person(text: str, voice: str, level_dbfs: float) -> Samples:
    """Speech by Debian's flite, 16 kHz, across the same room. Raises VoiceError when it is not there."""
    if (flite := shutil.which("flite")) is None:
        raise VoiceError("nobody speaks here: install a synthesizer (`apt install flite`)")
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run([flite, "-voice", voice, "-t", text, "-o", file.name], check=True, capture_output=True)  # noqa: S603
        samples, rate = soundfile.read(file.name, dtype="float32")
    samples = soxr.resample(samples, rate, SAMPLE_RATE_HZ) if rate != SAMPLE_RATE_HZ else samples
    loud = samples[np.abs(samples) > 0.01 * np.abs(samples).max()]
    spoken: Samples = (samples * (10 ** (level_dbfs / 20) / np.sqrt(np.mean(loud**2)))).astype(np.float32)
    echoing = np.concatenate((spoken, np.zeros(round(REVERBERATION_SECONDS * SAMPLE_RATE_HZ), np.float32)))
    return reverberate(echoing, room_impulse_response(np.random.default_rng(len(text)), REVERBERATION_SECONDS, 3.0))


def configuration(addressing: str) -> Config:
    room = {"name": "Kitchen", "source": {"type": "pipe"}, "addressing": addressing, "output": "air"}
    return parse({"rooms": [room], "home": HOME, "voice": {"engine": "espeak"}})


async def measure(scene: Scene, told: Callable[[float], None] = lambda _seconds: None) -> Outcome:
    """Run it. `told` hears of the seconds that have passed. Raises ListenerError: no voice, no model."""
    outcome = Outcome(scene)
    witness, settling, rng = Witness(outcome), Settling(), np.random.default_rng(scene.seed)
    noise = pink_noise(rng, scene.seconds)
    noise *= np.float32(10 ** (NOISE_DBFS / 20) / np.sqrt(np.mean(noise**2)))
    response = room_impulse_response(rng, REVERBERATION_SECONDS)
    air = Air(noise, response, scene.echo_db, DELAY_SECONDS, settling)
    asyncio.get_running_loop().set_default_executor(CountedThreads(settling))
    async with _room(configuration(scene.addressing), air, witness, settling) as room:
        directing = asyncio.create_task(_direct(scene, room, air, witness, outcome, told))
        await room.run()
        directing.cancel()
        await asyncio.gather(directing, return_exceptions=True)
    outcome.heard_seconds, outcome.own_seconds = air.t, air.own_seconds
    outcome.person = len(witness.person)
    outcome.got_through = sum(said.obeyed for said in witness.person)
    outcome.missed = [f"{said.start:.1f} s: {said.text}" for said in witness.person if not said.obeyed]
    return outcome


@asynccontextmanager
async def _room(config: Config, air: Air, witness: Witness, settling: Settling) -> AsyncIterator[Room]:
    """The daemon's room, with the air for a microphone and a loudspeaker."""

    async def ring_nowhere(_slug: str, _reply: Reply) -> None:
        """Timers have no time to ring here."""

    def keep_nothing(_slug: str, _settings: RoomSettings) -> None:
        """Nor is there anything to remember."""

    async with (
        open_ears(config, processes=0, threads=1) as ears,
        SynthesisProcess("espeak") as espeak,
    ):
        with tempfile.TemporaryDirectory() as folder:
            opening = open_attention(config, config.home, Path(folder), random_id, ring_nowhere, lambda _report: None)
            async with opening as attention:
                voices = Voices(config.voice, CountedSynthesizer(espeak, settling), loudspeaker=lambda _name: air)
                builder = Builder(
                    ears,
                    build_cascade(config, random_id),
                    (witness, attention.responder),
                    SoundGroups(random_id),
                    random_id,
                    keep_nothing,
                    voices,
                    attention=attention,
                )
                yield await builder.room(config.rooms[0], air, configured_settings(config.rooms[0]))


async def _direct(
    scene: Scene, room: Room, air: Air, witness: Witness, outcome: Outcome, told: Callable[[float], None]
) -> None:
    """Let the room say one thing after the other; now and then somebody speaks into it."""
    voices, stops = cycle(FLITE_VOICES), cycle(STOPS)
    await air.rest(2.0)
    for number, saying in enumerate(cycle(scene.sayings), start=1):
        if air.over:
            return
        room.apply(Say(saying))
        outcome.replies += 1
        await _while(air, lambda: not witness.speaking.is_set())
        if number % scene.person_every == 0:
            wakes = scene.addressing == "wake_word" and number % (2 * scene.person_every) != 0
            await air.rest(INTERRUPT_AFTER_SECONDS)
            said = (WAKE_WORD, QUESTION) if wakes else (next(stops),)
            await _speak(air, witness, said, next(voices), scene.person_dbfs)
        await _while(air, witness.speaking.is_set)
        await air.rest(PAUSE_SECONDS)
        told(air.t)


async def _speak(air: Air, witness: Witness, texts: Sequence[str], voice: str, level_dbfs: float) -> None:
    """Somebody says one thing after the other; meanwhile, and shortly after, what happens is theirs."""
    said = _Said(", ".join(texts), air.t)
    witness.person.append(said)
    for number, text in enumerate(texts):
        if number:
            await air.rest(THINKING_SECONDS)
        end = air.voice(person(text, voice, level_dbfs))
        await air.until(round(end * SAMPLE_RATE_HZ))
    said.until = air.t + ANSWERED_WITHIN_SECONDS


async def _while(air: Air, holds: Callable[[], bool]) -> None:
    while holds() and not air.over:
        await air.rest(CHUNK_SAMPLES / SAMPLE_RATE_HZ)
