"""Fakes that implement the public protocols of `listener.types`; they record and replay, and decide nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from listener.types import CHUNK_SAMPLES, Chunk, Control, Ending, Episode, Event, Percept, Report


class FakeSource:
    """Plays a script: each opening takes the next list, of chunk counts to deliver, errors to raise, or `hang`."""

    HANG = "hang"

    def __init__(self, *openings: Sequence[int | Exception | str], live: bool = True, stamped: bool = False) -> None:
        self._openings = list(openings)
        self._live = live
        self._stamped = stamped
        self.opened = 0
        self.closed = 0

    @property
    def description(self) -> str:
        return "fake microphone"

    @property
    def live(self) -> bool:
        return self._live

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        self.opened += 1
        index = first_index
        stamp = 1 if self._stamped else None
        try:
            for step in self._openings.pop(0) if self._openings else ():
                if isinstance(step, Exception):
                    raise step
                if step == self.HANG:
                    await asyncio.Event().wait()
                for _ in range(int(step)):
                    yield Chunk(np.zeros(CHUNK_SAMPLES, np.float32), index, stamp, stamp)
                    index += 1
        finally:
            self.closed += 1


class FakePerceiver:
    """Percepts from a script by chunk index; silence otherwise."""

    def __init__(self, script: dict[int, Percept | Exception] | None = None) -> None:
        self._script = script or {}
        self._open: dict[str, Episode] = {}
        self.controls: list[Control] = []

    async def perceive(self, chunk: Chunk) -> Percept:
        percept = self._script.get(chunk.index, Percept(chunk.t, -60.0))
        if isinstance(percept, Exception):
            raise percept
        self._open |= {e.id: e for e in percept.started}
        for episode in percept.ended:
            self._open.pop(episode.id, None)
        return percept

    async def finish(self, t: float) -> Ending:
        ended = [Episode(e.id, e.label, e.score, e.onset, t - e.onset) for e in self._open.values()]
        self._open.clear()
        return Ending(tuple(ended))

    def apply(self, control: Control) -> None:
        self.controls.append(control)


@dataclass
class RecordingPublisher:
    events: list[Event] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        self.events.append(event)

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def of(self, kind: type[Event]) -> list[Event]:
        return [e for e in self.events if isinstance(e, kind)]
