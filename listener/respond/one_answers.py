"""Several rooms hear one utterance: one of them answers, the loudest. Pure: times are given.

The nearest microphone is the loudest, but not the first: a room farther away loses the last word in its noise, so its
utterance ends earlier. Hence all rooms that are hearing somebody are waited for, for a short while.
"""

from dataclasses import dataclass, field
from difflib import SequenceMatcher

LATE_SECONDS = 2.0
"""A room whose utterance ends later than this after the first heard something else."""

ALIKE = 0.7
"""Two texts are readings of one utterance from this ratio (difflib) on: a word of four may be misheard."""


@dataclass(frozen=True, slots=True)
class Bid:
    """One room's hearing of an utterance. `at`: seconds of a clock that all rooms share."""

    room: str
    text: str
    level_dbfs: float
    at: float


@dataclass(slots=True)
class Hearing:
    """One utterance, as the rooms heard it. `winner` is None until somebody has answered."""

    bids: list[Bid] = field(default_factory=list)
    winner: Bid | None = None

    @property
    def first_at(self) -> float:
        return self.bids[0].at

    def takes(self, bid: Bid) -> bool:
        if bid.at - self.first_at > LATE_SECONDS or any(bid.room == other.room for other in self.bids):
            return False
        return any(_alike(bid.text, other.text) for other in self.bids)


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one.casefold(), other.casefold(), autojunk=False).ratio() >= ALIKE


class OneAnswers:
    """Hands the answer to one room for each utterance."""

    def __init__(self) -> None:
        self._hearings: list[Hearing] = []

    def bid(self, bid: Bid) -> Hearing:
        """Join the hearing of the same utterance, or begin one."""
        self._hearings = [hearing for hearing in self._hearings if bid.at - hearing.first_at <= LATE_SECONDS]
        for hearing in self._hearings:
            if hearing.takes(bid):
                hearing.bids.append(bid)
                return hearing
        self._hearings.append(Hearing([bid]))
        return self._hearings[-1]

    def heard(self, at: float) -> bool:
        """Whether some room understood something just now."""
        return any(abs(at - hearing.first_at) <= LATE_SECONDS for hearing in self._hearings)

    def settle(self, hearing: Hearing) -> Bid:
        """The winner; once it is known, it stays."""
        if hearing.winner is None:
            hearing.winner = max(hearing.bids, key=lambda bid: (bid.level_dbfs, -bid.at))
        return hearing.winner
