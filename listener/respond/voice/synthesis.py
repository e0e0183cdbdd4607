"""The parent's end of the synthesis process: one for all rooms, started when it is first needed and after it died."""

import asyncio
import json
import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import numpy as np

from listener.children import kill, start_module
from listener.errors import VoiceError
from listener.respond.output import Clip
from listener.respond.prosody import Prosody

logger = logging.getLogger(__name__)

MODULE: Final = "listener.respond.voice.program"
"""The child's working directory, from which `-m` imports first: this very package, wherever the daemon was started."""

READY_SECONDS: Final = 30.0
"""To load a voice of 100 MB from a slow card."""
SENTENCE_SECONDS: Final = 20.0
DEATHS: Final = (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""What reading from a process that is dead, or not ours, can raise."""
MAX_CLIP_BYTES: Final = 20_000_000
"""More than three minutes at 48 kHz: no sentence of ours."""


class SynthesisProcess:
    """Implements `Synthesizer`. Sentences are made one after the other; leaving the block ends the process."""

    def __init__(
        self,
        engine: Literal["espeak", "piper"],
        model: Path | None = None,
        rate: float = 1.0,
        ready_seconds: float = READY_SECONDS,
        sentence_seconds: float = SENTENCE_SECONDS,
    ) -> None:
        self._arguments = ["--engine", engine, *(["--model", str(model)] if model is not None else [])]
        self._rate = rate
        self._ready_seconds = ready_seconds
        self._sentence_seconds = sentence_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self._answers: set[asyncio.Task[Clip]] = set()
        self.description = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for answer in self._answers:
            answer.cancel()
        await self._end()

    async def start(self) -> str:
        """Load the voice now; returns which it is. Raises VoiceError."""
        async with self._one_at_a_time:
            await self._running()
        return self.description

    async def synthesize(self, text: str, language: str, prosody: Prosody) -> Clip:
        request = {
            "text": text,
            "language": language,
            "rate": self._rate * prosody.rate,
            "pitch": prosody.pitch,
            "pitch_range": prosody.pitch_range,
        }
        answer = asyncio.create_task(self._in_turn(request))
        self._answers.add(answer)
        answer.add_done_callback(self._answered)
        # Shielded: whoever is interrupted leaves, and the answer that nobody wants is read to its end all the same.
        return await asyncio.shield(answer)

    async def _in_turn(self, request: dict[str, Any]) -> Clip:
        async with self._one_at_a_time:
            process = await self._running()
            try:
                async with asyncio.timeout(self._sentence_seconds):
                    return await self._ask(process, request)
            except TimeoutError:
                await self._end()
                raise VoiceError(
                    f"the synthesizer made no speech within {self._sentence_seconds:g} s and was ended"
                ) from None
            except DEATHS:
                await self._end()
                raise VoiceError("the synthesizer died; it is started again for the next reply") from None

    def _answered(self, answer: "asyncio.Task[Clip]") -> None:
        self._answers.discard(answer)
        if not answer.cancelled():
            answer.exception()  # known to whoever waits; if nobody does, it is nobody's

    async def _ask(self, process: asyncio.subprocess.Process, request: dict[str, Any]) -> Clip:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        answer = await _answer(process.stdout)
        if "error" in answer:
            raise VoiceError(answer["error"])
        if answer["bytes"] > MAX_CLIP_BYTES:
            raise ValueError("a sentence of several minutes")
        sound = await process.stdout.readexactly(answer["bytes"])
        return Clip(np.frombuffer(sound, np.int16), answer["rate"])

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        try:
            self._process = await start_module(MODULE, *self._arguments, stderr=asyncio.subprocess.DEVNULL)
        except OSError as error:
            raise VoiceError(f"no process for the synthesizer can be started: {error.strerror}") from None
        try:
            async with asyncio.timeout(self._ready_seconds):
                assert self._process.stdout is not None
                answer = await _answer(self._process.stdout)
        except TimeoutError:
            await self._end()
            raise VoiceError(f"the synthesizer was not ready within {self._ready_seconds:g} s") from None
        except DEATHS:
            await self._end()
            raise VoiceError("the synthesizer died when it was started; try `listener check`") from None
        except asyncio.CancelledError:
            await self._end()
            raise
        if "error" in answer:
            await self._end()
            raise VoiceError(answer["error"])
        self.description = answer["ready"]
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await kill(process)


async def _answer(stream: asyncio.StreamReader) -> dict[str, Any]:
    """Raises IncompleteReadError at the end of the stream, ValueError for what is not ours."""
    line = await stream.readuntil(b"\n")
    words = json.loads(line)
    if not isinstance(words, dict):
        raise ValueError("not an answer")
    return words
