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
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Final

from listener.errors import ListenerError, PerceiveError
from listener.perceive.ears import Ear, EarPlan
from listener.perceive.perceiver import Heard, RoomPerceiver
from listener.perceive.process.load import Load
from listener.perceive.process.wire import LOG, Failure, Inbox, Kind, Request, reply

logger = logging.getLogger(__name__)

MOST_AT_ONCE: Final = 16
"""Chunks that are heard together: 50 ms of work, so that the first does not wait long for the last."""

Answer = tuple[Request, object]


class Rooms:
    """The rooms of this process, and the models that hear them all."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self._senses = ear.senses()
        self._rooms: dict[int, RoomPerceiver] = {}

    def hear(self, batch: Sequence[Request], *, spare: bool) -> Iterator[Answer]:
        """Hear one chunk of each of several rooms, step by step: the code of a step stays in the processor's caches.

        Measured with 50 rooms: a chunk alone costs a third more than a chunk among eight.
        """
        heard: list[tuple[Request, RoomPerceiver, Heard]] = []
        for request in batch:
            try:
                room = self._rooms[request.room]
                heard.append((request, room, room.hear(request.payload, self._senses.tagger, spare=spare)))
            except Exception as error:
                yield request, _failure(error)
        for _, room, chunk in heard:
            room.score(chunk, self._senses.tagger)
        for request, room, chunk in sorted(heard, key=lambda one: one[1].speaking):  # words wait, alarms do not
            try:
                yield request, room.conclude(chunk)
            except Exception as error:
                yield request, _failure(error)

    def answer(self, request: Request) -> object:
        """Do what a request other than HEAR asks for; what it raises is the reply."""
        try:
            if request.kind == Kind.OPEN:
                self._rooms[request.room] = self._ear.room(request.payload, self._senses)
            elif request.kind == Kind.FINISH:
                return self._rooms[request.room].finish(request.payload)
            else:
                self._rooms[request.room].apply(request.payload)
        except Exception as error:
            return _failure(error)
        return None


class ToDaemon(logging.Handler):
    """Hands what is logged here to the daemon, whose log has the format and the place that were asked for."""

    def __init__(self, replies: BinaryIO) -> None:
        super().__init__()
        self._replies = replies

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._replies.write(reply(LOG, (record.levelno, self.format(record))))
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


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer until `requests` ends."""
    plan: EarPlan = pickle.load(requests)  # noqa: S301 (our own parent wrote it)
    try:
        rooms = Rooms(plan.load())
    except ListenerError as error:
        replies.write(reply(0, Failure(error)))
        return
    replies.write(reply(0, None))
    load = Load()
    inbox = Inbox(requests)
    while batch := load.waiting(partial(inbox.take, MOST_AT_ONCE)):
        for run in runs(batch):
            if run[0].kind == Kind.HEAR:
                answers = rooms.hear(run, spare=load.high)
            else:
                answers = iter([(run[0], rooms.answer(run[0]))])
            for request, result in answers:
                replies.write(reply(request.sequence, result))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon; it ends us by closing stdin
    with os.fdopen(os.dup(1), "wb", buffering=0) as replies, contextlib.suppress(BrokenPipeError):
        os.dup2(2, 1)  # whatever a library prints must not look like a reply
        logging.basicConfig(level=logging.INFO, handlers=[ToDaemon(replies)])
        serve(sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
