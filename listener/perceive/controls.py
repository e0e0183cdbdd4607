"""Controls of a room that wait for its next chunk, which may be long in coming: it is muted, or has no sound."""

from collections.abc import Iterator
from threading import Lock
from typing import Final, Generic, TypeVar

from listener.types import Attend, Control, Know, OwnVoice, SetMode, SetStrictness, Test

LATEST: Final = (SetStrictness, SetMode, Know, Attend)
"""Settings: only the newest counts."""
MOST_WAITING: Final = 8
"""Where so many wait, of our own voice too only the newest counts."""


C = TypeVar("C", bound=Control)


class WaitingControls(Generic[C]):
    """In their order. Threads may put and take at once, however many are put: what waits is bounded."""

    def __init__(self) -> None:
        self._waiting: list[C] = []
        self._turn = Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, control: C, *, first: bool = False) -> None:
        """`first`: before those that wait."""
        with self._turn:
            full = len(self._waiting) >= MOST_WAITING
            kept = [one for one in self._waiting if not _supersedes(control, one, full)]
            self._waiting = [control, *kept] if first else [*kept, control]

    def take(self) -> Iterator[C]:
        """Those that wait now, each until its turn comes; what is put meanwhile waits for the next chunk."""
        for _ in range(len(self._waiting)):
            with self._turn:
                if not self._waiting:
                    return
                control = self._waiting.pop(0)
            yield control


def _supersedes(control: Control, waiting: Control, full: bool) -> bool:
    if isinstance(control, Test):
        return waiting == control  # pressed again before anybody could hear it
    if isinstance(control, OwnVoice):
        return full and isinstance(waiting, OwnVoice)
    return isinstance(control, LATEST) and type(waiting) is type(control)
