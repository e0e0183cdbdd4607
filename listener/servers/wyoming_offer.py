"""What a Wyoming server of ours offers: the interfaces behind it, and how they are described to who asks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    IntentModel,
    IntentProgram,
    TtsProgram,
    TtsVoice,
)

from listener.types import Meaning, Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of speech: int16 mono, as bytes."""

    rate_hz: int
    pcm: bytes


class Hears(Protocol):
    async def transcribe(self, samples: Samples, language: str) -> str:
        """The text; empty if nothing was understood. Raises ListenerError."""
        ...


class Speaks(Protocol):
    def speak(self, text: str, language: str) -> AsyncIterator[Sound]:
        """Sentence by sentence. Raises ListenerError."""
        ...


class Understands(Protocol):
    async def understand(self, text: str, language: str) -> Meaning:
        """What a command means. Raises ListenerError."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """Who made a model, and where it is from; `languages` are those that it is offered in, the default first."""

    model: str
    by: str
    url: str
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is there, each with its model; None: not offered."""

    name: str
    version: str
    hears: tuple[Hears, Made] | None = None
    speaks: tuple[Speaks, Made] | None = None
    understands: tuple[Understands, Made] | None = None

    def info(self) -> Info:
        """The answer to `describe`."""
        info = Info()
        if self.hears is not None:
            made = self.hears[1]
            asr = AsrModel(made.model, _by(made), True, made.model, None, [*made.languages])
            info.asr.append(AsrProgram(*self._program("understands speech"), [asr]))
        if self.speaks is not None:
            made = self.speaks[1]
            voices = [
                TtsVoice(f"{made.model}-{language}", _by(made), True, f"{made.model} ({language})", None, [language])
                for language in made.languages
            ]
            info.tts.append(TtsProgram(*self._program("speaks"), voices))
        if self.understands is not None:
            made = self.understands[1]
            parts = (made.model, _by(made), True, made.model, None, [*made.languages])
            info.intent.append(IntentProgram(*self._program("understands commands"), [IntentModel(*parts)]))
            info.handle.append(HandleProgram(*self._program("answers commands"), [HandleModel(*parts)]))
        return info

    def _program(self, does: str) -> tuple[str, Attribution, bool, str, str]:
        return self.name, Attribution("Listener", ""), True, f"Listener {does}", self.version

    def voice_language(self, voice: str | None, language: str | None) -> str:
        """In which language to speak for who names a voice, a language, or neither. Raises ValueError."""
        assert self.speaks is not None
        made = self.speaks[1]
        if voice is not None:
            wanted = voice.removeprefix(f"{made.model}-")
            if wanted not in made.languages:
                raise ValueError(f"there is no voice {voice!r:.80}")
            return wanted
        return chosen(made, language)


def chosen(made: Made, language: str | None) -> str:
    """The offered language that `language` (`en`, `en-GB`, none) means. Raises ValueError: it is not offered."""
    if not language:
        return made.languages[0]
    short = language.replace("_", "-").partition("-")[0].lower()
    if short not in made.languages:
        raise ValueError(f"{language!r:.40} is not among the languages {', '.join(made.languages)}")
    return short


def _by(made: Made) -> Attribution:
    return Attribution(made.by, made.url)
