"""One room's thread of attention, as the room sees it: `Session` of `listener.types`, in the event loop."""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from listener.decide.audio_interaction.happenings import (
    Begun,
    Decided,
    Ended,
    Failed,
    Happening,
    Piece,
    Settled,
    Transcribed,
)
from listener.decide.audio_interaction.modes import system_prompt
from listener.decide.audio_interaction.scheduler import Scheduler
from listener.decide.audio_interaction.stream import Stream
from listener.decide.audio_interaction.utterances import RECENT_SECONDS, RecentSpeech, resumes
from listener.decide.audio_interaction.worker import Worker
from listener.errors import EngineError
from listener.types import Chunk, Control, Episode, Outcome, Percept, Reply, SetMode, SetThreshold, Spoken, Utterance
from listener.vocabulary import Emotion, EndReason, Trigger

logger = logging.getLogger(__name__)


class RecentSounds:
    """The perceive layer's episodes beside the model: what sounds now, or did a moment ago."""

    def __init__(self) -> None:
        self._open: dict[str, Episode] = {}
        self._closed: deque[tuple[float, Episode]] = deque(maxlen=32)

    def follow(self, percept: Percept) -> None:
        for episode in percept.started:
            self._open[episode.id] = episode
        for episode in percept.ended:
            self._open.pop(episode.id, None)
            self._closed.append((percept.t, episode))

    def at(self, t: float) -> tuple[Episode, ...]:
        closed = [episode for ended, episode in self._closed if t - ended <= RECENT_SECONDS]
        return (*closed, *self._open.values())


def trigger_of(sounds: tuple[Episode, ...], spoken: bool = False) -> Trigger:
    """Speech alone is speech; any other sound is a sound; without either the model had its own reasons.

    `spoken`: the perceive layer's voice activity heard somebody.
    """
    if not sounds:
        return "speech" if spoken else "model"
    return "speech" if all(episode.label == "speech" for episode in sounds) else "sound"


class ReplyText:
    """The pieces of one reply on their way from the worker to whoever says it. Bounded by the reply's own limit."""

    def __init__(self, on_abandoned: Callable[[], None]) -> None:
        self._pieces: asyncio.Queue[str | EngineError | None] = asyncio.Queue()
        self._on_abandoned = on_abandoned
        self._reason: EndReason | None = None

    def reason(self) -> EndReason:
        return self._reason or "interrupted"

    def add(self, text: str) -> None:
        if self._reason is None:
            self._pieces.put_nowait(text)

    def end(self, reason: EndReason) -> None:
        """No piece comes after this. An interruption also takes back those that nobody has read yet."""
        if reason == "interrupted":
            while not self._pieces.empty():
                self._pieces.get_nowait()
        if self._reason is None or reason == "interrupted":
            self._reason = reason
            self._pieces.put_nowait(None)

    def fail(self, error: EngineError) -> None:
        if self._reason is None:
            self._reason = "interrupted"
            self._pieces.put_nowait(error)

    async def pieces(self) -> AsyncIterator[str]:
        """Yields text to the reply's end. Closing it early interrupts the reply. Raises EngineError."""
        try:
            while (piece := await self._pieces.get()) is not None:
                if isinstance(piece, EngineError):
                    raise piece
                yield piece
        finally:
            if self._reason is None:
                self._reason = "interrupted"
                self._on_abandoned()


def _instruct(scheduler: Scheduler, stream: Stream, prompt: str) -> None:
    try:
        scheduler.instruct(stream, prompt)
    except EngineError as error:
        logger.error("%s: the mode stays as it was: %s", stream.name, error)


class AudioInteractionSession:
    """Hands chunks to the worker and turns what it tells into outcomes.

    While a reply is made, chunks wait in the worker and `step` answers "silent" at once: a room must not stop
    perceiving because it speaks. What is decided on them afterwards is in the next outcome. So is the transcript of
    speech that a reply answers: the reply does not wait for it, unless this is a recording read faster than life.
    """

    def __init__(self, worker: Worker, threshold: float, new_id: Callable[[], str]) -> None:
        self._worker = worker
        self._threshold = threshold
        self._new_id = new_id
        self._loop = asyncio.get_running_loop()
        self._stream: Stream | None = None
        self._sounds = RecentSounds()
        self._speech = RecentSpeech()
        self._before: Chunk | None = None
        self._numbers = itertools.count()
        self._asked: dict[int, tuple[str, Utterance]] = {}
        """Transcripts on their way, by number: the id of the reply, and what it answers."""
        self._understood = asyncio.Event()
        self._transcripts: list[Spoken] = []
        self._settled: asyncio.Future[None] | None = None
        self._decided: list[Decided] = []
        self._begun: Reply | None = None
        self._text: ReplyText | None = None
        self._failure: EngineError | None = None
        self._t = 0.0

    def begin(self, stream: Stream) -> None:
        self._stream = stream

    @property
    def stream(self) -> Stream:
        assert self._stream is not None
        return self._stream

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Hear the next chunk. Raises EngineError: this chunk, or one that had waited, could not be heard."""
        self._follow(chunk, percept)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        stream, samples = self.stream, chunk.samples
        self._settled = self._loop.create_future()
        self._worker.tell(lambda scheduler: scheduler.hear(stream, samples))
        try:
            await self._settled
            if chunk.monotonic_ns is None:  # a recording on its own clock waits, so that its events have one order
                await self._all_understood()
        finally:
            self._settled = None
        return self._outcome()

    def _follow(self, chunk: Chunk, percept: Percept) -> None:
        if resumes(self._before, chunk):
            self._sounds, self._speech = RecentSounds(), RecentSpeech()
        self._before, self._t = chunk, chunk.t
        self._sounds.follow(percept)
        self._speech.follow(chunk, percept)

    async def _all_understood(self) -> None:
        while self._asked:
            self._understood.clear()
            await self._understood.wait()

    def _outcome(self) -> Outcome:
        decided, self._decided = self._decided, []
        begun, self._begun = self._begun, None
        spoken, self._transcripts = tuple(self._transcripts), []
        responding = [d.probability for d in decided if d.responds]
        if responding:
            return Outcome("respond", responding[-1], begun.trigger if begun else None, begun, transcripts=spoken)
        return Outcome("silent", max((d.probability for d in decided), default=0.0), transcripts=spoken)

    def apply(self, control: Control) -> None:
        """Take over a threshold or a mode. Snoozed sounds are not the model's: what it answers is its own decision."""
        stream = self.stream
        match control:
            case SetThreshold(threshold):
                self._worker.tell(lambda _scheduler: setattr(stream, "threshold", threshold))
            case SetMode(mode):
                prompt = system_prompt(mode)
                self._worker.tell(lambda scheduler: _instruct(scheduler, stream, prompt))

    def interrupt(self) -> None:
        """End the reply that is being made; nothing more of it is said, and the model knows where it stopped."""
        if self._text is not None:
            self._text.end("interrupted")
        self._stop_reply()

    def _stop_reply(self) -> None:
        stream = self.stream
        try:
            self._worker.tell(lambda scheduler: scheduler.interrupt(stream))
        except EngineError:
            return  # the worker is gone, and with it the reply

    async def close(self) -> None:
        """Give the place back."""
        if self._text is not None:
            self._text.end("interrupted")
        stream = self.stream
        try:
            self._worker.tell(lambda scheduler: scheduler.leave(stream))
        except EngineError:
            return  # the worker is gone, and the place with it

    # ------------------------------------------------------------ from the worker's thread

    def sink(self, happening: Happening) -> None:
        """Called in the worker's thread."""
        try:
            self._loop.call_soon_threadsafe(self._happened, happening)
        except RuntimeError:
            return  # the event loop is closed: nobody listens any more

    def _happened(self, happening: Happening) -> None:
        match happening:
            case Decided():
                self._decided.append(happening)
            case Begun(emotion):
                self._begun = self._reply(emotion)
            case Piece(text) if self._text is not None:
                self._text.add(text)
            case Ended(reason) if self._text is not None:
                self._text.end(reason)
                self._text = None
            case Settled() if self._settled is not None and not self._settled.done():
                self._settled.set_result(None)
            case Transcribed():
                self._transcribed(happening)
            case Failed(error):
                self._failed(error)

    def _reply(self, emotion: Emotion) -> Reply:
        text = self._text = ReplyText(self._stop_reply)
        sounds, utterance = self._sounds.at(self._t), self._speech.at(self._t)
        ids = tuple(episode.id for episode in sounds)
        trigger = trigger_of(sounds, spoken=utterance is not None)
        reply = Reply(self._new_id(), emotion, trigger, ids, text.pieces(), reason=text.reason)
        return reply if utterance is None else replace(reply, utterance=self._understand(reply.id, utterance))

    def _understand(self, reply_id: str, utterance: Utterance) -> str | None:
        """What was said, if a recognizer knows already; else the model is asked, and answers later."""
        if (known := self._speech.recognised(utterance)) is not None:
            return known.text
        number, stream, samples = next(self._numbers), self.stream, utterance.samples
        try:
            self._worker.tell(lambda scheduler: scheduler.transcribe(stream, number, samples))
        except EngineError:
            return None  # the worker is gone, and the next chunk says so
        self._asked[number] = reply_id, utterance
        return None

    def _transcribed(self, said: Transcribed) -> None:
        reply_id, utterance = self._asked.pop(said.number, ("", None))
        self._understood.set()
        if utterance is None or not said.text:
            return
        self._transcripts.append(
            Spoken(said.text, True, said.confidence, utterance.start, utterance.end, addressed="open")
        )
        if self._begun is not None and self._begun.id == reply_id:
            self._begun = replace(self._begun, utterance=said.text)

    def _failed(self, error: EngineError) -> None:
        if self._text is not None:
            self._text.fail(error)
            self._text = None
        self._decided.clear()
        self._asked.clear()
        self._understood.set()
        if self._settled is not None and not self._settled.done():
            self._settled.set_exception(error)
        else:
            self._failure = error
