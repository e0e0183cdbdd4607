"""The Wyoming server with the real recognizer, voice and commands behind it; flite speaks to it over a real socket."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from perceive.speech.voices import needs_flite, pause
from perceive.speech.voices import said as spoken
from servers.wyoming_parts import ask, client, said
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent
from wyoming.tts import Synthesize

from listener.app.commands import open_attention
from listener.app.voice import open_voices
from listener.app.wyoming import Transcriber, open_wyoming
from listener.config import parse
from listener.servers.wyoming import WyomingServer
from listener.types import Control, Reply, Stop, SummaryReport


@dataclass
class Applied:
    """What was to be changed in rooms."""

    controls: list[tuple[str, Control]] = field(default_factory=list)

    def __call__(self, slug: str, control: Control) -> None:
        self.controls.append((slug, control))


async def deliver(_slug: str, _reply: Reply) -> None:
    """No timer rings here."""


def publish(_report: SummaryReport) -> None:
    """Nobody reads it."""


@asynccontextmanager
async def assist(folder: Path, apply: Applied | None = None, **sections: object) -> AsyncIterator[WyomingServer]:
    server = {"port": 0, **sections.pop("wyoming_server", {})}  # type: ignore[dict-item]
    data = {
        "rooms": [{"name": "Kitchen", "source": {"type": "pipe"}}],
        "home": {
            "areas": [{"name": "Kitchen"}],
            "entities": [
                {"name": "Coffee machine", "domain": "switch", "area": "Kitchen"},
                {"name": "Big lamp", "domain": "light", "area": "Kitchen"},
                {"name": "Front door", "domain": "lock"},
            ],
        },
        "wyoming_server": server,
        **sections,
    }
    config = parse(data)
    async with AsyncExitStack() as stack:
        opening = open_attention(config, config.home, folder, lambda: "id", deliver, publish)
        attention = await stack.enter_async_context(opening)
        voices = await stack.enter_async_context(open_voices(config))
        serving = await stack.enter_async_context(open_wyoming(config, attention, voices, apply or Applied()))
        assert serving is not None
        yield serving


def utterance(text: str) -> np.ndarray:
    samples = np.concatenate((pause(0.3), spoken(text), pause(0.6)))
    return samples + np.random.default_rng(2).normal(0, 3e-4, len(samples))


async def transcript(server: WyomingServer, text: str) -> str:
    answer = await ask(server, *said(utterance(text)))
    assert answer is not None
    return Transcript.from_event(answer).text


async def meaning(server: WyomingServer, text: str) -> Event:
    answer = await ask(server, Transcript(text).event())
    assert answer is not None
    return answer


@needs_flite
async def test_a_spoken_sentence_becomes_an_intent(tmp_path: Path) -> None:
    async with assist(tmp_path, wyoming_server={"text_to_speech": False}) as server:
        text = await transcript(server, "turn on the coffee machine")
        assert text == "turn on the coffee machine"
        intent = Intent.from_event(await meaning(server, text))
        assert await transcript(server, "it was the best of times and the worst of times") == ""
    assert intent.name == "HassTurnOn"
    assert {entity.name: entity.value for entity in intent.entities}["name"] == "Coffee machine"


@needs_flite
async def test_a_recognizer_that_is_killed_is_told_and_started_again(tmp_path: Path) -> None:
    async with assist(tmp_path, wyoming_server={"text_to_speech": False, "conversation": False}) as server:
        assert server.offer.hears is not None
        hears = server.offer.hears[0]
        assert isinstance(hears, Transcriber)
        assert hears.process.pid is not None
        os.kill(hears.process.pid, signal.SIGSTOP)
        asking = asyncio.create_task(ask(server, *said(utterance("what time is it"))))
        while not hears.process.busy:
            await asyncio.sleep(0.01)
        os.kill(hears.process.pid, signal.SIGKILL)
        answer = await asking
        assert answer is not None
        assert "the process that transcribes has ended" in Error.from_event(answer).text
        assert await transcript(server, "what time is it") == "what time is it"


async def test_what_concerns_ourselves_is_answered_and_the_rest_is_the_house_s(tmp_path: Path) -> None:
    applied = Applied()
    async with assist(tmp_path, applied, wyoming_server={"text_to_speech": False, "speech_to_text": False}) as server:
        timer = await meaning(server, "set a timer for five minutes")
        status = await meaning(server, "how much time is left on my timer")
        lock = await meaning(server, "unlock the front door")
        nothing = await meaning(server, "the weather on mars is fine")
        lights = await meaning(server, "turn on the lights")
        stop = await meaning(server, "stop")
    assert Handled.from_event(timer).text is not None
    assert "five minutes" in str(Handled.from_event(timer).text)
    assert Handled.is_type(status.type)
    assert NotHandled.from_event(lock).text == "I may not do that by voice."
    assert NotHandled.from_event(nothing).text == "I did not understand that."
    assert not Intent.is_type(lights.type), "nobody said in which room"
    assert Handled.is_type(stop.type)
    assert applied.controls == [("kitchen", Stop())]


async def test_what_nobody_could_confirm_or_word_is_refused(tmp_path: Path) -> None:
    section = {"text_to_speech": False, "speech_to_text": False, "room": "kitchen"}
    async with assist(tmp_path, wyoming_server=section, commands={"dangerous": ["lock"]}) as server:
        lock = await meaning(server, "unlock the front door")
        yes = await meaning(server, "yes")
        question = await meaning(server, "is the big lamp on")
    assert NotHandled.from_event(lock).text == "I may not do that by voice."
    assert not Intent.is_type(yes.type)
    assert NotHandled.from_event(question).text == "I did not understand that."


async def test_the_light_is_that_of_the_room_that_is_named(tmp_path: Path) -> None:
    section = {"text_to_speech": False, "speech_to_text": False, "room": "kitchen"}
    async with assist(tmp_path, wyoming_server=section) as server:
        intent = Intent.from_event(await meaning(server, "turn on the lights"))
    assert {entity.name: entity.value for entity in intent.entities} == {"area": "Kitchen", "domain": "light"}


async def test_commands_in_writing_have_a_limit_too(tmp_path: Path) -> None:
    section = {"text_to_speech": False, "speech_to_text": False}
    async with assist(tmp_path, wyoming_server=section, commands={"per_minute": 2}) as server:
        answers = [await meaning(server, "turn on the big lamp") for _ in range(3)]
    assert [answer.type for answer in answers] == ["intent", "intent", "not-handled"]


async def test_text_is_spoken(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")
    section = {"speech_to_text": False, "conversation": False}
    async with (
        assist(tmp_path, wyoming_server=section, voice={"engine": "espeak"}) as server,
        client(server) as connected,
    ):
        answer = await ask(server, Describe().event())
        assert answer is not None
        info = Info.from_event(answer)
        await connected.write_event(Synthesize("The door is open. It is cold.").event())
        seconds = 0.0
        while (event := await connected.read_event()) is not None and not AudioStop.is_type(event.type):
            if AudioChunk.is_type(event.type):
                chunk = AudioChunk.from_event(event)
                assert chunk.rate > 0
                seconds += chunk.seconds
    assert [voice.name for voice in info.tts[0].voices] == ["espeak-en"]
    assert (info.asr, info.handle) == ([], [])
    assert 1.0 < seconds < 6.0


async def test_what_is_not_there_is_not_offered(tmp_path: Path) -> None:
    async with assist(tmp_path, speech={"enabled": False}) as server:
        assert (server.offer.hears, server.offer.speaks, server.offer.understands) == (None, None, None)
    async with assist(tmp_path, rooms=[{"name": "Stube", "source": {"type": "pipe"}, "language": "de"}]) as server:
        assert server.offer.hears is None, "the closed recognizer knows English only"
        assert server.offer.understands is not None
