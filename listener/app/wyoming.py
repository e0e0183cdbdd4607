"""Builds the Wyoming server out of what the daemon has anyway: recognizer, voice, commands."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from listener import __version__
from listener.app.commands import Attention
from listener.app.voice import Voices
from listener.config import Config, RoomConfig, SpeechConfig, WyomingServerConfig
from listener.errors import ConfigError, ListenerError, VoiceError
from listener.publish.topics import Topics
from listener.respond.output import Synthesizer
from listener.respond.prosody import Prosody
from listener.respond.sentences import Sentences
from listener.respond.spoken_text import spoken
from listener.servers.announcement import Announcement
from listener.servers.wyoming import WyomingServer
from listener.servers.wyoming_offer import Hears, Made, Offer, Sound, Speaks, Understands
from listener.types import Control, Meaning, Samples

if TYPE_CHECKING:
    from listener.perceive.speech.transcription import Transcription

logger = logging.getLogger(__name__)

Apply = Callable[[str, Control], None]


@dataclass(frozen=True, slots=True)
class Transcriber:
    """Hears for Assist. What is understood less surely than a room would take for a command is nothing."""

    process: "Transcription"
    needed_confidence: float

    async def transcribe(self, samples: Samples, language: str) -> str:
        recognition = await self.process.transcribe(samples, language)
        return recognition.text if recognition.confidence >= self.needed_confidence else ""


@dataclass(frozen=True, slots=True)
class Reader:
    """Speaks for Assist."""

    synthesizer: Synthesizer

    async def speak(self, text: str, language: str) -> AsyncIterator[Sound]:
        sentences = Sentences()
        for sentence in (*sentences.add(text), *sentences.finish()):
            if words := spoken(sentence, language):
                clip = await self.synthesizer.synthesize(words, language, Prosody())
                yield Sound(clip.rate_hz, clip.samples.astype("<i2").tobytes())


@dataclass(frozen=True, slots=True)
class Reading:
    """Understands for Assist what is written. `area`: what "the light" belongs to."""

    attention: Attention
    room: RoomConfig
    area: str | None
    apply: Apply

    async def understand(self, text: str, language: str) -> Meaning:
        """In a thread: understanding is a search through templates, and takes too long for the event loop."""
        if self.room.slug not in self.attention.answers:  # a reload has left it
            raise ConfigError(f"wyoming_server: the room {self.room.slug!r} is no more; restart to serve another")
        commands = self.attention.commands[language]
        intent = await asyncio.to_thread(commands.understand, text, 1.0, self.area)
        if intent is None:
            return Meaning(self.attention.answers[self.room.slug].say("not_understood"))
        meaning = await self.attention.responder.written(self.room.slug, intent)
        for control in meaning.controls:
            self.apply(self.room.slug, control)
        return meaning


@asynccontextmanager
async def open_wyoming(
    config: Config, attention: Attention, voices: Voices, apply: Apply
) -> AsyncIterator[WyomingServer | None]:
    """Serve what is configured, if anything is. What cannot be had is logged, and not offered."""
    server = config.wyoming_server
    if server is None:
        yield None
        return
    async with AsyncExitStack() as stack:
        offer = Offer(
            server.name,
            __version__,
            await _hears(config, server, stack),
            await _speaks(config, server, voices),
            _understands(config, server, attention, apply),
        )
        serving = await stack.enter_async_context(WyomingServer(server, offer))
        if server.announce and serving.port is not None:
            topics = Topics(config.mqtt.base_topic) if config.mqtt else Topics()
            name = topics.device("bridge")
            await stack.enter_async_context(Announcement(name, server.host, serving.port))
        yield serving


def _languages(config: Config, first: RoomConfig) -> tuple[str, ...]:
    return tuple(dict.fromkeys((first.language, *(room.language for room in config.rooms))))


def _room(config: Config, server: WyomingServerConfig) -> RoomConfig:
    return next((room for room in config.rooms if room.slug == server.room), config.rooms[0])


async def _hears(config: Config, server: WyomingServerConfig, stack: AsyncExitStack) -> tuple[Hears, Made] | None:
    speech = config.speech
    if not (server.speech_to_text and speech.enabled) or speech.recognizer == "none":
        return None
    from listener.perceive.speech.models import CLOSED_LANGUAGE, plan_speech
    from listener.perceive.speech.transcription import Transcription

    languages = _languages(config, _room(config, server))
    if speech.recognizer == "closed":
        languages = tuple(language for language in languages if language == CLOSED_LANGUAGE)
    if not languages:
        logger.warning("wyoming_server: no speech to text: the closed recognizer knows English only, and no room is")
        return None
    plan = await asyncio.to_thread(plan_speech, speech, config.home, languages, False)
    process = await stack.enter_async_context(Transcription(plan))
    try:
        await process.start()
    except ListenerError as error:
        logger.error("wyoming_server: no speech to text: %s", error)
        return None
    return Transcriber(process, _needed(speech)), _recognizer(speech, languages)


def _needed(speech: SpeechConfig) -> float:
    """Whisper writes down whatever is said; what it means is for others to find out."""
    return speech.needed_confidence("wake_word") if speech.recognizer == "closed" else 0.0


def _recognizer(speech: SpeechConfig, languages: tuple[str, ...]) -> Made:
    if speech.recognizer == "closed":
        return Made("commands of this home", "CMU Sphinx", "https://cmusphinx.github.io", languages)
    return Made(f"whisper {speech.whisper.model}", "OpenAI", "https://github.com/openai/whisper", languages)


async def _speaks(config: Config, server: WyomingServerConfig, voices: Voices) -> tuple[Speaks, Made] | None:
    """In those of the rooms' languages that the voice has."""
    if not server.text_to_speech or voices.synthesizer is None:
        return None
    able: list[str] = []
    for language in _languages(config, _room(config, server)):
        try:
            await voices.synthesizer.synthesize("1", language, Prosody())
            able.append(language)
        except VoiceError as error:
            logger.warning("wyoming_server: no text to speech in %r: %s", language, error)
    if not able:
        return None
    by = {
        "piper": ("Open Home Foundation", "https://github.com/OHF-Voice/piper1-gpl"),
        "espeak": ("espeak-ng", "https://github.com/espeak-ng/espeak-ng"),
    }[config.voice.engine]
    return Reader(voices.synthesizer), Made(config.voice.engine, *by, tuple(able))


def _understands(
    config: Config, server: WyomingServerConfig, attention: Attention, apply: Apply
) -> tuple[Understands, Made] | None:
    room = _room(config, server)
    languages = tuple(code for code in _languages(config, room) if code in attention.commands)
    if not server.conversation or not languages:
        return None
    area = None if server.room is None else room.name
    made = Made("commands", "Home Assistant", "https://github.com/home-assistant/intents", languages)
    return Reading(attention, room, area, apply), made
