"""The process that hears for some of the rooms: `python -m listener.perceive.process.child`, started by `EarProcess`.

stdin brings the `EarPlan`, then requests; stdout takes the replies, the first of which says that the model is loaded.
Requests are answered in their order. It ends when stdin ends: a daemon that was killed leaves no process behind.
"""

import contextlib
import logging
import os
import pickle
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO

from listener.errors import ListenerError, PerceiveError
from listener.perceive.ears import Ear, EarPlan
from listener.perceive.perceiver import Heard, RoomPerceiver
from listener.perceive.process.load import Load
from listener.perceive.process.wire import LOAD, LOG, MOST_AT_ONCE, Failure, Inbox, Kind, Reply, Request, replies

logger = logging.getLogger(__name__)


class Rooms:
    """The rooms of this process, and the models that hear them all."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._senses = ear.senses()
        self._rooms: dict[int, RoomPerceiver] = {}

    def hear(self, batch: Sequence[Request], *, spare: bool) -> Iterator[list[Reply]]:
        """Hear one chunk of each of several rooms, step by step: the code of a step stays in the processor's caches.

        Measured with 50 rooms: a chunk alone costs a third more than a chunk among eight. Rooms in which somebody
        speaks come last and one by one: words take longer, and alarms do not wait for them. A recording is never
        spared: it waits for us, and is heard alike however quick the machine is.
        """
        heard: list[tuple[int, RoomPerceiver, Heard]] = []
        bundle: list[Reply] = []
        for request in batch:
            try:
                room = self._rooms[request.room]
                chunk = room.hear(request.payload, self._senses.tagger, spare=spare and is_live(request))
                heard.append((request.sequence, room, chunk))
            except Exception as error:
                bundle.append((request.sequence, _failure(error)))
        for _, room, chunk in heard:
            room.score(chunk, self._senses.tagger)
        speaking = [one for one in heard if one[1].speaking]
        yield bundle + [self._concluded(*one) for one in heard if not one[1].speaking]
        for one in speaking:
            yield [self._concluded(*one)]

    def _concluded(self, sequence: int, room: RoomPerceiver, chunk: Heard) -> Reply:
        try:
            return sequence, room.conclude(chunk)
        except Exception as error:
            return sequence, _failure(error)

    def answer(self, request: Request) -> object:
        """Do what a request other than HEAR asks for; what it raises is the reply."""
        try:
            if request.kind == Kind.OPEN:
                self._rooms[request.room] = self._ear.room(request.payload, self._senses)
            elif request.kind == Kind.FINISH:
                return self._rooms[request.room].finish(request.payload)
            elif request.kind == Kind.CLOSE:
                self._rooms.pop(request.room, None)
            else:
                self._rooms[request.room].apply(request.payload)
        except Exception as error:
            return _failure(error)
        return None


class ToDaemon(logging.Handler):
    """Hands what is logged here to the daemon, whose log has the format and the place that were asked for."""

    def __init__(self, pipe: BinaryIO) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._pipe.write(replies([(LOG, (record.levelno, self.format(record)))]))
        except OSError:  # nobody is there any more
            return


def _failure(error: Exception) -> Failure:
    """A fault of ours in one room must not end the others."""
    if isinstance(error, ListenerError):
        return Failure(error)
    logger.error("a room could not be heard; please report this", exc_info=error)
    return Failure(PerceiveError(f"perception failed: {type(error).__name__}: {error}"))


def runs(requests: Iterable[Request]) -> Iterator[list[Request]]:
    """Chunks of different rooms that may be heard together; everything else alone. The order is kept."""
    run: list[Request] = []
    for request in requests:
        alone = request.kind != Kind.HEAR
        if run and (alone or run[0].kind != Kind.HEAR or request.room in {one.room for one in run}):
            yield run
            run = []
        run.append(request)
    if run:
        yield run


def is_live(request: Request) -> bool:
    return request.payload.monotonic_ns is not None


def age_seconds(run: Sequence[Request]) -> float:
    """Of the oldest chunk, from its last sample until now; 0 for recordings, which have no time of their own."""
    stamps = [one.payload.monotonic_ns for one in run if one.payload.monotonic_ns is not None]
    return max(0.0, (time.monotonic_ns() - min(stamps)) / 1e9) if stamps else 0.0


def serve(requests: BinaryIO, pipe: BinaryIO) -> None:
    """Answer on `pipe` until `requests` ends."""
    plan: EarPlan = pickle.load(requests)  # noqa: S301 (our own parent wrote it)
    try:
        rooms = Rooms(plan.load())
    except ListenerError as error:
        pipe.write(replies([(0, Failure(error))]))
        return
    pipe.write(replies([(0, None)]))
    load, told = Load(), False
    inbox = Inbox(requests)
    while batch := load.waiting(partial(inbox.take, MOST_AT_ONCE)):
        if load.high != told:
            told = load.high
            pipe.write(replies([(LOAD, told)]))
        for run in runs(batch):
            if run[0].kind == Kind.HEAR:
                load.note_age(age_seconds(run))
                for bundle in rooms.hear(run, spare=load.high):
                    if bundle:
                        pipe.write(replies(bundle))
                if not any(map(is_live, run)):
                    load.forgive()
            else:
                pipe.write(replies([(run[0].sequence, rooms.answer(run[0]))]))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon; it ends us by closing stdin
    with os.fdopen(os.dup(1), "wb", buffering=0) as pipe, contextlib.suppress(BrokenPipeError):
        os.dup2(2, 1)  # whatever a library prints must not look like a reply
        logging.basicConfig(level=logging.INFO, handlers=[ToDaemon(pipe)], format="%(message)s")
        serve(sys.stdin.buffer, pipe)


if __name__ == "__main__":
    main()
