"""Says one reply aloud, sentence by sentence, while it is still being written: one is heard, the next is being made."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

from listener.errors import VoiceError
from listener.respond.output import Clip, Output, Synthesizer
from listener.respond.prosody import CHIME_RATE_HZ, PROSODY, chime
from listener.respond.sentences import Sentences
from listener.respond.spoken_text import spoken
from listener.respond.turns import Turns
from listener.types import OwnVoice
from listener.vocabulary import Emotion

logger = logging.getLogger(__name__)

MAX_WAITING_SENTENCES: Final = 200
"""A quarter of an hour of speech."""
MADE_AHEAD: Final = 1
"""Sentences that are made and wait for their turn. More would be for nothing when somebody says "stop"."""


@dataclass(slots=True)
class RoomVoice:
    """What a room speaks with. `volume` (0 to 1) may change at any time."""

    room: str
    synthesizer: Synthesizer
    output: Output
    turns: Turns
    language: str = "en"
    volume: float = 1.0
    chimes: bool = True
    cancel_echo: bool = False
    """The microphone is told what we sound like, so that it can take that out of what it hears."""


class Ear(Protocol):
    """Who is told what we do with the room's loudspeaker."""

    def own_voice(self, control: OwnVoice) -> None:
        """We begin or cease to be heard."""
        ...

    def voice_state(self, *, speaking: bool, fault: str | None) -> None:
        """`fault`: why there is no voice, in words for a person."""
        ...


@dataclass(frozen=True, slots=True)
class _Made:
    """A sentence, and what it sounds like."""

    sentence: str
    clip: Clip


class Mouth:
    """Of one reply: `add` its pieces, `finish`; left before that, it falls silent at once.

    A voice that fails is told and logged, and the reply goes on as text: what a room hears matters more.
    """

    def __init__(self, voice: RoomVoice, emotion: Emotion, ear: Ear, give_way: Callable[[], None]) -> None:
        self._voice = voice
        self._emotion = emotion
        self._ear = ear
        self._give_way = give_way
        self._written = Sentences()
        self._sentences: asyncio.Queue[str | None] = asyncio.Queue(MAX_WAITING_SENTENCES + 1)
        self._made: asyncio.Queue[_Made | Exception | None] = asyncio.Queue(MADE_AHEAD)
        self._dropped = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._speak())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    def add(self, piece: str) -> None:
        for sentence in self._written.add(piece):
            self._put(sentence)

    async def finish(self) -> None:
        """Wait until all of it has been heard."""
        for sentence in self._written.finish():
            self._put(sentence)
        self._sentences.put_nowait(None)
        assert self._task is not None
        await asyncio.wait([self._task])

    def _put(self, sentence: str) -> None:
        text = spoken(sentence, self._voice.language)
        if not text:
            return
        if self._sentences.qsize() < MAX_WAITING_SENTENCES:
            self._sentences.put_nowait(text)
            return
        self._dropped += 1
        if self._dropped == 1:
            logger.warning(
                "%s: %d sentences wait to be said; the rest of this reply is not spoken",
                *(self._voice.room, MAX_WAITING_SENTENCES),
            )

    async def _speak(self) -> None:
        sentence = await self._sentences.get()
        if sentence is None:
            return
        fault: str | None = None
        making = asyncio.create_task(self._make(sentence))  # meanwhile we wait for our turn, and the device opens
        try:
            async with self._voice.turns.turn(self._emotion == "urgent", self._give_way):
                self._ear.own_voice(OwnVoice(""))
                self._ear.voice_state(speaking=True, fault=None)
                try:
                    await self._play()
                except VoiceError as error:
                    fault = str(error)
                finally:
                    self._ear.own_voice(OwnVoice(None))
                    self._ear.voice_state(speaking=False, fault=fault)
        except Exception:
            logger.exception("%s: speaking failed; please report this", self._voice.room)
        finally:
            making.cancel()
            await asyncio.wait([making])

    async def _make(self, first: str) -> None:
        """Sound of one sentence after the other, in time for the end of the one before."""
        voice, prosody = self._voice, PROSODY[self._emotion]
        sentence: str | None = first
        try:
            while sentence is not None:
                clip = await voice.synthesizer.synthesize(sentence, voice.language, prosody)
                await self._made.put(_Made(sentence, clip))
                sentence = await self._sentences.get()
        except Exception as error:  # who plays is told when it is their turn
            await self._made.put(error)
            return
        await self._made.put(None)

    async def _play(self) -> None:
        voice, prosody = self._voice, PROSODY[self._emotion]
        async with voice.output.open() as track:
            if prosody.chime and voice.chimes:
                tones = Clip(chime(), CHIME_RATE_HZ).at_volume(voice.volume)
                if voice.cancel_echo:
                    self._ear.own_voice(OwnVoice("", sound=await asyncio.to_thread(tones.as_heard)))
                await track.play(tones)
            while (made := await self._made.get()) is not None:
                if isinstance(made, Exception):
                    raise made
                clip = made.clip.at_volume(voice.volume)
                sound = await asyncio.to_thread(clip.as_heard) if voice.cancel_echo else None
                self._ear.own_voice(OwnVoice(made.sentence, sound=sound))
                await track.play(clip)
            await track.finish()
