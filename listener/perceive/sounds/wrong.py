"""What was told to be wrong: an episode that is like one of those does not start again."""

from collections.abc import Collection, Sequence
from typing import Final

from listener.perceive.sounds.common_sounds import CommonSounds
from listener.perceive.sounds.prototypes import Array
from listener.perceive.sounds.taught import points_of
from listener.types.taught import Correction

STILL_ALIKE: Final = 0.15
"""While a sound is kept from starting, it may drift so much further away (a cosine) before it starts after all: its
beginning and its end are less like the middle that was told wrong."""
HELD_SECONDS: Final = 2.0


class Wrong:
    """Of one room. `protected`: labels that are never kept from starting."""

    def __init__(self, corrections: Sequence[Correction], protected: Collection[str], common: CommonSounds) -> None:
        points = [(one, points_of(one.embeddings, common)) for one in corrections if one.label not in protected]
        self._known = [(one, found) for one, found in points if len(found)]
        self._common = common
        self._held: dict[str, float] = {}
        self.unusable = sum(not len(found) for _, found in points)
        """Corrections that were made with another network: kept, and of no use until then."""
        self.suppressed = 0
        """Episodes that did not start, since the start."""

    def reason(self, label: str, vector: Array, t: float) -> str | None:
        """Why an episode of `label` must not start at `t` (s); None: it may."""
        candidates = [(one, points) for one, points in self._known if one.label == label]
        if not candidates:
            return None
        point = self._common.space(vector[None])
        best, like = max(((one, float((points @ point[0]).max())) for one, points in candidates), key=lambda x: x[1])
        held = t - self._held.get(label, -HELD_SECONDS) < HELD_SECONDS
        if like < self._common.alike - (STILL_ALIKE if held else 0.0):
            return None
        if not held:
            self.suppressed += 1
        self._held[label] = t
        return f"suppressed: like {best.episode[:8]}, told wrong on {best.said_at[:10]}"
