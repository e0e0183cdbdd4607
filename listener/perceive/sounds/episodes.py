"""When a sound starts and ends: N of M windows above `on`, then `hold_seconds` below `off`; patterns beside it.

A pure function of what was heard and of audio seconds. All labels are decided at once with numpy, because every room
comes by here two and a half times a second.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from listener.perceive.sounds.labels import LabelTable, Thresholds
from listener.types import CHUNK_SECONDS, Episode, Scores
from listener.vocabulary import TEST_LABEL

TEST_SECONDS: Final = 2.0
_ROUNDING: Final = 1e-6
"""Holds are multiples of 0.4 s, which floats are not."""


class Match(Protocol):
    """A temporal pattern that was recognised in this chunk, again in each of its cycles."""

    @property
    def label(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def onset_seconds_ago(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Changes:
    """Episodes that one chunk started and ended, in the order of the labels; tests behind real sounds."""

    started: tuple[Episode, ...] = ()
    ended: tuple[Episode, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a label must not start now. `undecided`: it is to be asked about in the next chunk again, even if the sound
    is over by then."""

    reason: str
    undecided: bool = False


@dataclass(slots=True)
class _Undecided:
    """A label that would have started: its onset and best score, and when it was last above its threshold (s)."""

    onset: float
    score: float
    heard: float


@dataclass(slots=True)
class _Open:
    id: str
    label: str
    onset: float
    score: float
    by_pattern: bool = False
    test: bool = False

    def episode(self, end: float | None = None) -> Episode:
        duration = None if end is None else round(max(0.0, end - self.onset), 3)
        return Episode(self.id, self.label, round(self.score, 4), self.onset, duration, self.by_pattern, self.test)


class Episodes:
    """The episodes of one room. At most one real episode, and beside it one test, is open per label.

    An episode's `onset` is the start of the first chunk that counted (of the pattern, where that came first), and its
    `duration` ends with the last chunk that was not below `off`: the hold is how long we wait to be sure, not sound.
    """

    def __init__(
        self,
        table: LabelTable,
        pattern_hold_seconds: Mapping[str, float],
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        count = len(table.labels)
        depth = max(int(step.of.max()) for step in table.steps.values())
        self._table = table
        self._pattern_hold = {table.labels.index(k): seconds for k, seconds in pattern_hold_seconds.items()}
        self._new_id = new_id
        self._open: dict[int, _Open] = {}
        self._tests: dict[str, _Open] = {}
        self._wanted_tests: dict[str, None] = {}
        self._windows = np.zeros((depth, count), np.float32)
        self._age = np.arange(depth - 1, -1, -1)[:, None]
        self._last_heard = np.zeros(count)
        self._last_end = np.zeros(count)
        self._pattern_until = np.zeros(count)
        self._limits: Thresholds | None = None
        self._calm_chunks = 0
        self.sounding: NDArray[np.bool_] = np.zeros(count, np.bool_)
        self.may_start: Callable[[str], Refusal | None] = lambda _label: None
        """Asked for a label that its scores would start now: why it is not to be (it was told wrong), or None."""
        self._undecided: dict[int, _Undecided] = {}
        self.refused: dict[int, Refusal] = {}
        """Labels that are above their thresholds and may not start, with the reason."""
        self.counts: NDArray[np.int64] = np.zeros(count, np.int64)
        """How many of a label's last M windows were above `on`."""

    def step(self, t: float, scores: Scores, matches: Sequence[Match], limits: Thresholds) -> Changes:
        """Hear the chunk that ends at `t` (s): one score per label, `[labels]`, and the patterns found in it."""
        self._windows[:-1] = self._windows[1:]
        self._windows[-1] = scores
        if self._is_calm(scores, matches, limits):
            return Changes()
        above = (self._windows > limits.on) & (self._age < limits.of)
        self.counts = above.sum(axis=0)
        self._last_heard[self.sounding & limits.reported & (scores >= limits.off)] = t
        starting = above[-1] & (self.counts >= limits.windows)
        starting[list(self._undecided)] = True
        starting &= limits.reported & ~self.sounding
        self._undecided = {i: one for i, one in self._undecided.items() if starting[i]}
        self.refused = {i: refusal for i, refusal in self.refused.items() if above[-1, i]}
        asked = np.flatnonzero(starting).tolist()
        started = [sound for i in asked if (sound := self._start(i, t, above)) is not None]
        started += [s for match in matches if (s := self._match(match, t, limits)) is not None]
        for i, sound in self._open.items():
            sound.score = max(sound.score, float(scores[i]))
        ended = self._ends(t, limits)
        tests_ended = self._end_tests(t)
        return Changes((*(s.episode() for s in started), *self._start_tests(t)), (*ended, *tests_ended))

    def _is_calm(self, scores: Scores, matches: Sequence[Match], limits: Thresholds) -> bool:
        """Nothing is above its threshold, was lately, or sounds: nearly always, and then there is nothing to do."""
        waiting = self._undecided or self._wanted_tests or limits is not self._limits
        busy = self._open or self._tests or matches or waiting
        self._limits = limits
        self._calm_chunks = 0 if busy or bool((scores > limits.on).any()) else self._calm_chunks + 1
        return self._calm_chunks > len(self._windows)

    def test(self, label: str | None) -> bool:
        """Let the next chunk start a test; False when one of that label is on its way or still going on."""
        label = label or TEST_LABEL
        if label in self._tests or label in self._wanted_tests:
            return False
        self._wanted_tests[label] = None
        return True

    def finish(self, t: float) -> tuple[Episode, ...]:
        """End whatever is open, and forget the windows: what comes next is not the continuation of this."""
        ended = [self._end(i, t) for i in sorted(self._open)]
        ended += [test.episode(t) for test in self._tests.values()]
        self._tests.clear()
        self._undecided.clear()
        self._windows[:] = 0.0
        self.counts[:] = 0
        return tuple(ended)

    def best(self, i: int, limits: Thresholds) -> float:
        """The greatest score among the last M windows of label number `i`."""
        return float(self._windows[-int(limits.of[i]) :, i].max())

    def by_pattern(self, i: int, t: float) -> bool:
        """True while label number `i` is kept on by its pattern."""
        return i in self._open and bool(t <= self._pattern_until[i])

    def _start(self, i: int, t: float, above: NDArray[np.bool_]) -> _Open | None:
        found = self._undecided.pop(i, None) or _Undecided(self._onset(i, t, above), 0.0, t)
        if above[-1, i]:
            best = self._windows[self._counted(i, t, above), i].max()
            found.score, found.heard = max(found.score, float(best)), t
        refusal = self.may_start(self._table.labels[i])
        if refusal is None:
            self.refused.pop(i, None)
            sound = self._open_sound(i, t, found.onset, found.score)
            self._last_heard[i] = found.heard
            return sound
        self.refused[i] = refusal
        if refusal.undecided:
            self._undecided[i] = found
        return None

    def _onset(self, i: int, t: float, above: NDArray[np.bool_]) -> float:
        """The start of the first chunk that counted."""
        ends = t - self._age[:, 0] * CHUNK_SECONDS
        return float(ends[np.argmax(self._counted(i, t, above))]) - CHUNK_SECONDS

    def _counted(self, i: int, t: float, above: NDArray[np.bool_]) -> NDArray[np.bool_]:
        ends = t - self._age[:, 0] * CHUNK_SECONDS
        own: NDArray[np.bool_] = above[:, i] & (ends > self._last_end[i] + _ROUNDING)
        return own  # what counted for the last episode is not ours

    def _match(self, match: Match, t: float, limits: Thresholds) -> _Open | None:
        i = self._table.labels.index(match.label)
        if not limits.reported[i]:
            return None
        sound = self._open.get(i)
        started = None
        if sound is None:
            ago = max(match.onset_seconds_ago, CHUNK_SECONDS)
            started = sound = self._open_sound(i, t, t - ago, match.score)
        sound.by_pattern = True
        sound.score = max(sound.score, match.score)
        self._last_heard[i] = t
        self._pattern_until[i] = t + self._pattern_hold.get(i, 0.0)
        return started

    def _open_sound(self, i: int, t: float, onset: float, score: float) -> _Open:
        onset = round(max(0.0, onset, float(self._last_end[i])), 3)
        sound = self._open[i] = _Open(self._new_id(), self._table.labels[i], onset, score)
        self.sounding[i] = True
        self._last_heard[i] = t
        self._pattern_until[i] = 0.0
        return sound

    def _ends(self, t: float, limits: Thresholds) -> list[Episode]:
        quiet = t - self._last_heard + _ROUNDING >= limits.hold_seconds
        over = self.sounding & quiet & (t + _ROUNDING >= self._pattern_until)
        return [self._end(i, t) for i in np.flatnonzero(over).tolist()]

    def _end(self, i: int, t: float) -> Episode:
        end = min(t, float(self._last_heard[i]))
        self._last_end[i] = end
        self.sounding[i] = False
        return self._open.pop(i).episode(end)

    def _start_tests(self, t: float) -> list[Episode]:
        onset = round(t - CHUNK_SECONDS, 3)
        tests = [_Open(self._new_id(), label, onset, 1.0, test=True) for label in self._wanted_tests]
        self._wanted_tests.clear()
        self._tests.update({test.label: test for test in tests})
        return [test.episode() for test in tests]

    def _end_tests(self, t: float) -> list[Episode]:
        over = [test for test in self._tests.values() if t - test.onset + _ROUNDING >= TEST_SECONDS]
        for test in over:
            del self._tests[test.label]
        return [test.episode(t) for test in over]
