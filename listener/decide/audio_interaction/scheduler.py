"""The loop of the worker: encode what arrived, roll full windows, listen, speak. Synchronous; one thread calls it.

Each `tick` makes at most one pass of each kind, over all rooms that need it: rooms are masked, never waited for. What
rooms hand in during a tick is in the next one.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch

from listener.decide.audio_interaction.features import EarState
from listener.decide.audio_interaction.happenings import Begun, Decided, Ended, Failed, Piece, Settled, Sink
from listener.decide.audio_interaction.load import out_of_memory_named
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.queries import Queries, Query
from listener.decide.audio_interaction.replies import Pieces, Speech
from listener.decide.audio_interaction.sampling import Sampling, respond_probability
from listener.decide.audio_interaction.stream import LISTENING_STEP, Limits, Stream
from listener.decide.audio_interaction.tokens import (
    BLOCK,
    EMOTIONS,
    KEEP_SILENCE,
    SYSTEM_PROMPT,
    TEXT_BEGIN,
    TEXT_END,
    online_prefix,
)
from listener.decide.audio_interaction.turns import Context, Ear, Turn
from listener.errors import EngineError
from listener.types import CHUNK_SAMPLES, Samples
from listener.vocabulary import EndReason

logger = logging.getLogger(__name__)

SPARE_POSITIONS: Final = 128
"""Beyond the window: padding of short rows in a pass, and the blocks heard in one."""


class Scheduler:
    """All rooms of one model."""

    def __init__(self, model: Model, limits: Limits) -> None:
        self._model = model
        self._limits = limits
        self._queries = Queries(model, limits.transcript_tokens)
        self.streams: list[Stream] = []
        self._prefix(SYSTEM_PROMPT)

    def _prefix(self, system_prompt: str) -> tuple[int, ...]:
        """Raises EngineError when the window is too small for it."""
        prefix, limits = online_prefix(self._model.loaded.encode_text, system_prompt), self._limits
        smallest = len(prefix) + limits.reserve + 4 * LISTENING_STEP
        if limits.window * 7 // 8 < smallest:
            raise EngineError(
                f"a window of {limits.window} positions is too small: the prompt, a reply of {limits.reply_tokens} "
                f"tokens and four chunks need {smallest * 8 // 7 + 1}; enlarge the window or shorten the replies"
            )
        return prefix

    # ------------------------------------------------------------ rooms come and go

    def admit(
        self,
        name: str,
        threshold: float,
        sampling: Sampling,
        seed: int,
        sink: Sink,
        system_prompt: str = SYSTEM_PROMPT,
    ) -> Stream:
        """Raises EngineError when every place is taken, or the prompt is too long for the window."""
        prefix = self._prefix(system_prompt)
        row = self._model.take_row()
        if row is None:
            raise EngineError(
                f"{name}: no place for another room: {self._model.rows} of {self._model.rows} are taken; "
                "allow the engine more rooms, if the device has the memory, or let this room use the cascade"
            )
        generator = torch.Generator().manual_seed(seed)
        stream = Stream(name, row, Context(prefix), threshold, sampling, self._limits, generator, sink)
        self.streams.append(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        if stream in self.streams:
            self.streams.remove(stream)
            self._model.give_row(stream.row)
            self._queries.forget(stream.sink)

    def hear(self, stream: Stream, samples: Samples) -> None:
        """Hand in the next chunk, `[6400]`. `Settled` is told when it has been heard, or waits for a reply's end."""
        if samples.shape != (CHUNK_SAMPLES,) or not np.isfinite(samples).all():
            stream.lost_chunks += 1
            what = f"a chunk of shape {samples.shape}" if samples.shape != (CHUNK_SAMPLES,) else "samples that are NaN"
            stream.sink(Failed(EngineError(f"{stream.name}: {what} or infinite is not heard; check its source")))
            return
        stream.raw.append(torch.from_numpy(np.ascontiguousarray(samples, np.float32)))
        stream.asked = True

    def interrupt(self, stream: Stream) -> None:
        """End the reply at the next token; the context keeps what was said, closed by TEXT_END."""
        if stream.speech is not None:
            stream.speech.stop = True

    def transcribe(self, stream: Stream, number: int, samples: Samples) -> None:
        """Ask what was said in `samples` `[n]`, at most 20 s. `Transcribed` is told with the same number, later."""
        self._queries.put(Query(stream.name, number, samples, stream.sink))

    def instruct(self, stream: Stream, system_prompt: str) -> None:
        """Another prompt from the next chunk on; what was heard is kept. Raises EngineError: too long a prompt."""
        stream.next_prefix = self._prefix(system_prompt)

    @property
    def busy(self) -> bool:
        return any(s.raw or s.waiting or s.speech or s.asked for s in self.streams) or self._queries.busy

    # ------------------------------------------------------------ one round

    def tick(self) -> None:
        """One round over all rooms. What fails is told to the rooms concerned; the others go on."""
        self._each_phase(self._encode, [s for s in self.streams if s.raw])
        self._each_phase(self._roll, [s for s in self.streams if self._is_listening(s) and s.must_roll])
        self._each_phase(self._listen, [s for s in self.streams if self._is_listening(s)])
        self._each_phase(self._speak, [s for s in self.streams if s.speech])
        for stream in self.streams:
            begins = stream.speech is not None and not stream.speech.begun
            if stream.asked and not begins and (stream.speech or not (stream.waiting or stream.raw)):
                stream.asked = False
                stream.sink(Settled())
        if not any(s.speech for s in self.streams):
            self._queries.step()

    @staticmethod
    def _is_listening(stream: Stream) -> bool:
        return stream.speech is None and bool(stream.waiting)

    def _each_phase(self, phase: Callable[[Sequence[Stream]], None], streams: Sequence[Stream]) -> None:
        if not streams:
            return
        try:
            with out_of_memory_named(f"{len(streams)} rooms in {phase.__name__.strip('_')}", EngineError):
                phase(streams)
        except EngineError as error:
            for stream in streams:
                self._fail(stream, error)
        except RuntimeError as error:  # CUDA reports what went wrong in an earlier kernel here
            for stream in streams:
                self._fail(stream, EngineError(f"the device failed: {str(error).splitlines()[0]}"))

    def fail_all(self, error: EngineError) -> None:
        """The engine has stopped: every room begins anew, elsewhere."""
        for stream in self.streams:
            stream.sink(Failed(error))

    def _fail(self, stream: Stream, error: EngineError) -> None:
        """Begin anew: what the row holds cannot be trusted any more."""
        stream.lost_chunks += len(stream.raw) + len(stream.waiting)
        stream.raw.clear()
        stream.waiting.clear()
        stream.speech = None
        stream.asked = False
        stream.ear = Ear(EarState())
        stream.context = Context(stream.next_prefix or stream.context.prefix)
        stream.next_prefix = None
        self._model.cache.clear(stream.row)
        stream.sink(Failed(error))

    # ------------------------------------------------------------ encode

    def _encode(self, streams: Sequence[Stream]) -> None:
        """One chunk of each; encoding never waits for decoding, so that nothing piles up as raw sound."""
        chunks = torch.stack([s.raw.popleft() for s in streams])
        log_mels = self._model.hear([s.ear.state for s in streams], chunks)
        mels = [s.ear.normalised(log_mel) for s, log_mel in zip(streams, log_mels, strict=True)]
        for stream, frames in zip(streams, self._model.encode(mels), strict=True):
            stream.waiting.append(frames)
            if len(stream.waiting) > self._limits.waiting_chunks:
                self._drop_waiting(stream)

    def _drop_waiting(self, stream: Stream) -> None:
        stream.waiting.popleft()
        stream.ear.forget(1, after=len(stream.context.turns))
        stream.lost_chunks += 1
        if stream.lost_chunks.bit_count() == 1:  # said at 1, 2, 4, 8 …
            logger.warning(
                "%s: %d chunks wait to be heard; the oldest is dropped (%d so far)",
                stream.name,
                self._limits.waiting_chunks,
                stream.lost_chunks,
            )

    # ------------------------------------------------------------ roll

    def _roll(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            self.roll(stream)

    def roll(self, stream: Stream) -> None:
        """Take over another prefix, drop the oldest turns of a full window, prefill the rest from its kept frames."""
        context, limits = stream.context, self._limits
        if stream.next_prefix is not None:
            context.change_prefix(stream.next_prefix)
            stream.next_prefix = None
        if stream.room_left < 0:
            prefix = len(context.prefix)
            limit = prefix + int((limits.window - prefix - limits.reserve) * limits.kept_part)
            stream.ear.forget(context.drop_oldest(limit))
            stream.rolled += 1
        self._model.cache.lengths[stream.row] = 0
        ids, frames = context.fed()
        if ids:
            self._model.feed([Feed(stream.row, ids, frames, answers=())])

    # ------------------------------------------------------------ listen

    def _listen(self, streams: Sequence[Stream]) -> None:
        """As many waiting chunks of each room as one pass takes, as if each had been answered with silence.

        Where one is not, the row is shortened to it: what was fed beyond is overwritten. So a room that catches up
        after a reply needs one pass for eight chunks, and decides exactly as chunk by chunk.
        """
        feeds = [self._blocks(s) for s in streams]
        starts = [self._model.cache.lengths[s.row] for s in streams]
        results = self._model.feed(feeds, only=(KEEP_SILENCE, TEXT_BEGIN))
        for stream, feed, start, logits in zip(streams, feeds, starts, results, strict=True):
            self._decide(stream, feed, start, logits)

    def _blocks(self, stream: Stream) -> Feed:
        fits = 1 + max(0, stream.room_left) // LISTENING_STEP
        count = min(len(stream.waiting), self._limits.blocks_per_pass, fits)
        ids = [*stream.context.pending, *BLOCK]
        answers = [len(ids) - 1]
        for _ in range(count - 1):
            ids += [KEEP_SILENCE, *BLOCK]
            answers.append(len(ids) - 1)
        return Feed(stream.row, ids, [stream.waiting[i] for i in range(count)], answers)

    def _decide(self, stream: Stream, feed: Feed, start: int, logits: torch.Tensor) -> None:
        for answer, scores in zip(feed.answers, logits.cpu(), strict=True):
            if not torch.isfinite(scores).all():
                self._fail(stream, self._not_finite(stream, scores.tolist()))
                return
            probability = respond_probability(float(scores[1]) - float(scores[0]))
            responds = probability > stream.threshold
            token = TEXT_BEGIN if responds else KEEP_SILENCE
            stream.context.turns.append(Turn(stream.waiting.popleft(), [token]))
            stream.context.pending = [token]
            stream.heard_chunks += 1
            stream.sink(Decided(probability, responds))
            if responds:
                stream.speech = Speech(Pieces(self._model.loaded.tokenizer), self._limits.reply_tokens)
                self._model.cache.lengths[stream.row] = start + answer + 1
                return

    def _not_finite(self, stream: Stream, logits: object) -> EngineError:
        return EngineError(
            f"{stream.name}: the model's logits are {logits} at position {self._model.cache.lengths[stream.row]}, "
            f"after {stream.heard_chunks} chunks; its memory is cleared (if it comes again: another dtype, or "
            "`listener models verify`)"
        )

    # ------------------------------------------------------------ speak

    def _speak(self, streams: Sequence[Stream]) -> None:
        """One token of each reply."""
        going = [s for s in streams if not self._stopped(s)]
        if not going:
            return
        results = self._model.feed([Feed(s.row, s.context.pending) for s in going])
        for stream, logits in zip(going, results, strict=True):
            self._say(stream, logits[0])

    def _stopped(self, stream: Stream) -> bool:
        if stream.speech is None or not stream.speech.stop:
            return False
        self._end(stream, "interrupted")
        return True

    def _say(self, stream: Stream, logits: torch.Tensor) -> None:
        speech = stream.speech
        assert speech is not None
        if not bool(torch.isfinite(logits).all()):
            worst = logits[~torch.isfinite(logits)][0].item()
            self._fail(stream, self._not_finite(stream, worst))
            return
        first = not speech.begun
        token = stream.sampling.choose(logits, first, stream.generator)
        if token == TEXT_END:
            self._end(stream, "complete")
            return
        stream.context.turns[-1].tokens.append(token)
        stream.context.pending = [token]
        text = speech.take(token)
        if first:
            stream.sink(Begun(speech.emotion or "normal"))
        if text and token not in EMOTIONS:
            stream.sink(Piece(text))
        if speech.full:
            self._end(stream, "limit")

    def _end(self, stream: Stream, reason: EndReason) -> None:
        """Close the reply in the context; the token that closes it goes in with the next block."""
        begun = stream.speech is not None and stream.speech.begun
        stream.speech = None
        stream.context.turns[-1].tokens.append(TEXT_END)
        stream.context.pending = [*stream.context.pending, TEXT_END]
        if begun:
            stream.sink(Ended(reason))
