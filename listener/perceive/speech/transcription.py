"""The parent's end of the process that transcribes what others send us: rooms do not wait for it, nor fall with it."""

import asyncio
import logging
import pickle
from typing import Any, Final, Self

from listener.children import kill, start_module
from listener.errors import ListenerError, PerceiveError
from listener.perceive.speech.models import SpeechPlan
from listener.perceive.speech.transcriber import LENGTH
from listener.types import Recognition, Samples

logger = logging.getLogger(__name__)

MODULE: Final = "listener.perceive.speech.transcriber"
READY_SECONDS: Final = 60.0
"""To load Whisper from a slow card."""
ANSWER_SECONDS: Final = 30.0
DEATHS: Final = (OSError, asyncio.IncompleteReadError)


class Transcription:
    """One utterance after the other. The process begins with `start`, again after it died, and ends with the block.

    `restarts` counts how often it had to be started again.
    """

    def __init__(self, plan: SpeechPlan, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._plan = plan
        self._answer_seconds = answer_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()
        self.restarts = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def busy(self) -> bool:
        return self._one_at_a_time.locked()

    async def start(self) -> None:
        """Load the models now. Raises ModelError, PerceiveError."""
        async with self._one_at_a_time:
            await self._running()

    async def transcribe(self, samples: Samples, language: str) -> Recognition:
        """What was said in `samples`. Raises PerceiveError: nobody understands the language, the process died."""
        async with self._one_at_a_time:
            process = await self._running()
            assert process.stdin is not None
            try:
                async with asyncio.timeout(self._answer_seconds):
                    process.stdin.write(pickle.dumps((samples, language)))
                    await process.stdin.drain()
                    result = await _result(process)
            except (TimeoutError, *DEATHS) as error:
                await self._end()
                self.restarts += 1
                slow = isinstance(error, TimeoutError)
                why = f"has not answered for {self._answer_seconds:g} s" if slow else "has ended"
                raise PerceiveError(f"the process that transcribes {why}; it is started again when needed") from None
            except asyncio.CancelledError:  # the answer would be taken for that of the next
                await self._end()
                raise
        if isinstance(result, ListenerError):
            raise result
        assert isinstance(result, Recognition)
        return result

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        try:
            self._process = await start_module(MODULE, stderr=None)
        except OSError as error:
            raise PerceiveError(f"no process that transcribes can be started: {error.strerror}") from None
        assert self._process.stdin is not None
        self._process.stdin.write(pickle.dumps(self._plan))
        try:
            async with asyncio.timeout(READY_SECONDS):
                result = await _result(self._process)
        except (TimeoutError, *DEATHS):
            await self._end()
            raise PerceiveError("the process that transcribes did not start; its own words are above") from None
        except asyncio.CancelledError:
            await self._end()
            raise
        if isinstance(result, ListenerError):
            await self._end()
            raise result
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await kill(process)


async def _result(process: asyncio.subprocess.Process) -> Any:
    """Raises IncompleteReadError when the process has ended."""
    assert process.stdout is not None
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 (our own child)
