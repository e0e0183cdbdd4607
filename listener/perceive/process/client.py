"""The daemon's end of a process that hears: it starts it, asks it, and starts it again when it has died or hangs."""

import asyncio
import logging
import pickle
import weakref
from collections import deque
from dataclasses import replace
from itertools import count
from typing import Any, Final, Self

from listener.children import start_module
from listener.errors import PerceiveError
from listener.perceive.controls import WaitingControls
from listener.perceive.ears import EarPlan, RoomPlan
from listener.perceive.process.wire import LOAD, LOG, MOST_AT_ONCE, READ_BYTES, REPLIES, Failure, Kind, Reply, request
from listener.types import Attend, Chunk, Control, Ending, Episode, Know, Percept, SetMode, SetStrictness
from listener.vocabulary import STRICTNESS_STEPS

logger = logging.getLogger(__name__)

MODULE: Final = "listener.perceive.process.child"
START_SECONDS: Final = 30.0
ANSWER_SECONDS: Final = 8.0
"""A process that has not answered for so long hangs. A chunk takes milliseconds, also behind a hundred others; an
utterance of 12 s takes a small computer several seconds. Rooms are to hear again within 15 s."""
FIRST_REST_SECONDS: Final = 0.5
LONGEST_REST_SECONDS: Final = 30.0
END_SECONDS: Final = 2.0
MAX_LINE_BYTES: Final = 4_096
GATHER_SECONDS: Final = 0.02
"""So long a busy process is left alone, that it may hear more rooms together."""


class EarProcess:
    """One process that hears, started again whenever it ends. As a context manager it is gone at the end."""

    def __init__(self, plan: EarPlan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._held_back: list[bytes] = []
        self._under_way = 0
        self._busy = False
        self._gathering: asyncio.TimerHandle | None = None
        self._sequence = count(1)
        self._rooms = count(0)
        self._tasks: list[asyncio.Task[None]] = []
        self._muttering: asyncio.Task[None] | None = None
        self.generation = 0
        """Which process this is, the first being 1; 0 while there is none."""
        self.completed = 0
        self.sent = 0
        """How often requests were sent, one or many at a time."""
        self.rooms = 0
        """How many it hears for now."""
        self._left: deque[int] = deque()

    @property
    def pending(self) -> int:
        return len(self._waiting)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        """Start it. Raises what loading raises (ModelError, ConfigError), or PerceiveError."""
        await self._start(1)
        self._tasks = [asyncio.create_task(work, name=self._name) for work in (self._keep(), self._watch())]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_gathering()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end()

    def new_room(self) -> int:
        self.rooms += 1
        return next(self._rooms)

    def leave(self, room: int) -> None:
        """Nobody asks for that room any more; from any thread. The process hears of it with the next request."""
        self.rooms -= 1
        self._left.append(room)

    async def ask(self, kind: Kind, room: int, payload: object) -> Any:
        """The reply to one request. Raises PerceiveError when there is none, and what the process raised."""
        if not self.generation:
            raise PerceiveError(f"{self._name} is being started again")
        sequence = next(self._sequence)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = future
        try:
            while self._left:
                self._held_back.append(request(Kind.CLOSE, self._left.popleft(), next(self._sequence), None))
            self._held_back.append(request(kind, room, sequence, payload))
            self._send_or_gather()
            result = await future
        finally:
            self._waiting.pop(sequence, None)
            self.completed += 1
        if isinstance(result, Failure):
            raise result.error
        return result

    def _send_or_gather(self) -> None:
        """While some requests are under way, others wait to be sent together, and for a busy process a moment longer:
        where there is much to do, what costs is waking each other, and a chunk alone costs more than one among many."""
        if self._under_way or not self._held_back:
            return
        if not self._busy or len(self._held_back) >= MOST_AT_ONCE:
            self._send()
        elif self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._send)

    def _send(self) -> None:
        """All requests that there are, at once."""
        self._stop_gathering()
        assert self._process is not None
        assert self._process.stdin is not None
        self._under_way = len(self._held_back)
        self.sent += 1
        self._process.stdin.write(b"".join(self._held_back))
        self._held_back.clear()

    async def _watch(self) -> None:
        """Kill a process that owes the same answer for too long; one watch for all is cheaper than a timer each."""
        clock = asyncio.get_running_loop().time
        oldest: int | None = None
        since = clock()
        while True:
            await asyncio.sleep(ANSWER_SECONDS / 10)
            now_oldest = next(iter(self._waiting), None)
            if now_oldest != oldest:
                oldest, since = now_oldest, clock()
            elif oldest is not None and clock() - since >= ANSWER_SECONDS:
                self._kill(f"has not answered for {ANSWER_SECONDS:g} s")
                since = clock()

    async def _start(self, generation: int) -> None:
        try:
            self._process = await start_module(MODULE)
        except OSError as error:
            raise PerceiveError(f"{self._name} cannot be started: {error.strerror}") from None
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._muttering = asyncio.create_task(self._relay(self._process.stderr))
        self._process.stdin.write(pickle.dumps(self._plan))
        try:
            async with asyncio.timeout(START_SECONDS):
                ((_, result),) = await self._read()
        except (TimeoutError, EOFError, OSError):
            self._kill("did not start")
            await self._end()
            raise PerceiveError(f"{self._name} did not start; its own words are above, in the log") from None
        if isinstance(result, Failure):
            await self._end()
            raise result.error
        self.generation = generation

    async def _relay(self, stderr: asyncio.StreamReader) -> None:
        """What its libraries print goes to our log, which has a format and a place; a crash leaves its words there."""
        while data := await stderr.read(MAX_LINE_BYTES):
            for line in data.decode(errors="replace").splitlines():
                logger.info("%s: %s", self._name, line)

    async def _read(self) -> list[Reply]:
        """The next replies. Raises EOFError (IncompleteReadError) when the process has ended."""
        assert self._process is not None
        assert self._process.stdout is not None
        while True:
            (length,) = REPLIES.unpack(await self._process.stdout.readexactly(REPLIES.size))
            bundle = pickle.loads(await self._process.stdout.readexactly(length))  # noqa: S301 (our own child)
            replies: list[Reply] = []
            for sequence, result in bundle:
                if sequence == LOG:
                    logger.log(result[0], "%s", result[1])
                elif sequence == LOAD:
                    self._busy = result
                else:
                    replies.append((sequence, result))
            if replies:
                return replies

    async def _keep(self) -> None:
        """Read replies, and start the process again when it has ended, with rests that grow until it lives."""
        rest_seconds = FIRST_REST_SECONDS
        starts = 1
        while True:
            try:
                while True:
                    replies = await self._read()
                    rest_seconds = FIRST_REST_SECONDS
                    for sequence, result in replies:
                        if (future := self._waiting.get(sequence)) is not None and not future.done():
                            future.set_result(result)
                    self._under_way -= len(replies)
                    self._send_or_gather()
            except (EOFError, OSError):
                self._lost()
            except Exception:  # an answer that is none: what comes after it cannot be trusted either
                logger.exception("%s answers nonsense, and is replaced; please report this", self._name)
                self._lost()
            await self._end()
            starts += 1
            rest_seconds = await self._start_again(starts, rest_seconds)

    async def _start_again(self, generation: int, rest_seconds: float) -> float:
        """Returns the rest after the next death."""
        while True:
            await asyncio.sleep(rest_seconds)
            rest_seconds = min(2 * rest_seconds, LONGEST_REST_SECONDS)
            try:
                await self._start(generation)
            except Exception as error:
                logger.error("%s: %s; trying again in %g s", self._name, error, rest_seconds)
            else:
                logger.warning("%s hears again", self._name)
                return rest_seconds

    def _lost(self) -> None:
        self.generation = 0
        self._under_way = 0
        self._held_back.clear()
        self._busy = False
        self._stop_gathering()
        code = None if self._process is None else self._process.returncode
        logger.error("%s has ended (status %s); its rooms hear nothing until it is started again", self._name, code)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(PerceiveError(f"{self._name} has ended and is started again"))

    def _stop_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None

    def _kill(self, why: str) -> None:
        if self._process is not None and self._process.returncode is None:
            logger.error("%s %s and is killed", self._name, why)
            self._process.kill()

    async def _end(self) -> None:
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._reaped(process)
        except TimeoutError:
            process.kill()
            await self._reaped(process)

    async def _reaped(self, process: asyncio.subprocess.Process) -> None:
        """Replies that nobody wants any more are read to their end: before that asyncio does not let go of it."""
        assert process.stdout is not None

        async def drain(stdout: asyncio.StreamReader) -> None:
            while await stdout.read(READ_BYTES):
                pass

        await asyncio.gather(process.wait(), drain(process.stdout))
        if self._muttering is not None:
            await self._muttering


class RemotePerceiver:
    """Perceiver of one room whose chunks are heard in another process.

    It knows which episodes are open, so that what a dead process was hearing ends instead of sounding for ever.
    """

    def __init__(self, process: EarProcess, plan: RoomPlan) -> None:
        self._process = process
        self._room = process.new_room()
        weakref.finalize(self, process.leave, self._room).atexit = False  # a room may be dropped without a last word
        self._plan = plan
        self._generation = 0
        self._open: dict[str, Episode] = {}
        self._lost: tuple[Episode, ...] = ()
        """What ended with a process, until somebody has been told."""
        self._controls = WaitingControls[Control]()
        self._attending = False

    async def perceive(self, chunk: Chunk) -> Percept:
        """Hear the next chunk. Raises PerceiveError; the room then goes on with the next one."""
        await self._begin(chunk.t)
        await self._pass_controls_on()
        percept: Percept = await self._process.ask(Kind.HEAR, self._room, chunk)
        self._open.update((e.id, e) for e in percept.started)
        for episode in percept.ended:
            self._open.pop(episode.id, None)
        return replace(percept, ended=(*self._take_lost(), *percept.ended)) if self._lost else percept

    async def finish(self, t: float) -> Ending:
        """End whatever still sounds; also when the process is gone."""
        try:
            if self._generation == self._process.generation:
                ending: Ending = await self._process.ask(Kind.FINISH, self._room, t)
                self._open.clear()
                return replace(ending, ended=(*self._take_lost(), *ending.ended))
        except PerceiveError as error:
            logger.warning("%s: %s", self._plan.slug, error)
        return Ending((*self._take_lost(), *self._end_open(t)))

    def apply(self, control: Control) -> None:
        """Takes effect at the next chunk. Raises PerceiveError for a strictness that does not exist."""
        if isinstance(control, SetStrictness):
            if control.strictness not in STRICTNESS_STEPS:
                raise PerceiveError(f"no strictness is called {control.strictness!r}")
            self._plan = replace(self._plan, strictness=control.strictness)
        elif isinstance(control, SetMode):
            self._plan = replace(self._plan, mode=control.mode)
        elif isinstance(control, Know):
            self._plan = replace(self._plan, knowledge=control.knowledge)
        elif isinstance(control, Attend):
            self._attending = control.on
        self._controls.put(control)

    async def _pass_controls_on(self) -> None:
        for control in self._controls.take():
            try:
                await self._process.ask(Kind.APPLY, self._room, control)
            except PerceiveError as error:
                logger.error("%s: %s", self._plan.slug, error)

    async def _begin(self, t: float) -> None:
        """Introduce the room to a process that does not know it; what its predecessor left open has ended."""
        if self._generation == self._process.generation:
            return
        generation = self._process.generation
        await self._process.ask(Kind.OPEN, self._room, self._plan)
        self._generation = generation
        if self._attending:  # which is no part of the plan
            self._controls.put(Attend(True), first=True)
        self._lost += self._end_open(t)

    def _take_lost(self) -> tuple[Episode, ...]:
        lost, self._lost = self._lost, ()
        return lost

    def _end_open(self, t: float) -> tuple[Episode, ...]:
        left = tuple(replace(e, duration=round(max(t - e.onset, 0.0), 3)) for e in self._open.values())
        self._open.clear()
        return left
