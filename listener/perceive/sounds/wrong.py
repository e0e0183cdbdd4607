"""What was told to be wrong: an episode that is like one of those does not start again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from listener.perceive.sounds.common_sounds import CommonSounds
from listener.perceive.sounds.episodes import Refusal
from listener.perceive.sounds.prototypes import Array
from listener.perceive.sounds.taught import points_of
from listener.types import CHUNK_SECONDS
from listener.types.taught import Correction

WAIT_CHUNKS: Final = 2
"""A label of which something was told wrong starts so much later: its first chunk is only half filled with it, and says
too little of what it is like (docs/decisions/0111)."""
STILL_ALIKE: Final = 0.15
"""While a sound is kept from starting, it may drift so much further away (a cosine) before it starts after all: its
beginning and its end are less like the middle that was told wrong."""
HELD_SECONDS: Final = 2.0
_ROUNDING: Final = 1e-6


@dataclass(slots=True)
class _Asked:
    """One label's newest chunks that would have started it: `likes` are (t in s, cosine) of the last 0.8 s."""

    likes: list[tuple[float, float]] = field(default_factory=list)
    held: float | None = None
    """When it was last kept from starting (s)."""
    since: float | None = None
    """When it was first asked for (s), while it is undecided."""


class Wrong:
    """Of one room. `protected`: labels that are never kept from starting."""

    def __init__(self, corrections: Sequence[Correction], protected: Collection[str], common: CommonSounds) -> None:
        points = [(one, points_of(one.embeddings, common)) for one in corrections if one.label not in protected]
        self._known = [(one, found) for one, found in points if len(found)]
        self._common = common
        self._asked: dict[str, _Asked] = {one.label: _Asked() for one, _ in self._known}
        self.unusable = sum(not len(found) for _, found in points)
        """Corrections that were made with another network: kept, and of no use until then."""
        self.suppressed = 0
        """Episodes that did not start, since the start."""

    def knows(self, label: str) -> bool:
        """Something of that label was told wrong."""
        return label in self._asked

    def refusal(self, label: str, vector: Array, t: float) -> Refusal | None:
        """Why an episode of `label` must not start at `t` (s); None: it may. Undecided until its third chunk."""
        if not self.knows(label):
            return None
        asked = self._asked[label]
        best, like = self._most_alike(label, vector)
        asked.likes = [one for one in asked.likes if t - one[0] <= WAIT_CHUNKS * CHUNK_SECONDS + _ROUNDING]
        asked.likes.append((t, like))
        going_on = asked.held is not None and t - asked.held < HELD_SECONDS
        if max(like for _, like in asked.likes) >= self._common.alike - (STILL_ALIKE if going_on else 0.0):
            self.suppressed += not going_on
            asked.held, asked.since = t, None
            return Refusal(f"suppressed: like {best.episode[:8]}, told wrong on {best.said_at[:10]}")
        return self._wait(asked, t)

    def _wait(self, asked: _Asked, t: float) -> Refusal | None:
        longest = WAIT_CHUNKS * CHUNK_SECONDS
        if asked.since is None or t - asked.since > longest + _ROUNDING:
            asked.since = t
        if t - asked.since < longest - _ROUNDING:
            return Refusal("not sure yet that it is not what was told wrong", undecided=True)
        asked.since = None
        return None

    def _most_alike(self, label: str, vector: Array) -> tuple[Correction, float]:
        point = self._common.space(vector[None])[0]
        candidates = [(one, float((points @ point).max())) for one, points in self._known if one.label == label]
        return max(candidates, key=lambda one: one[1])
