"""A lone chirp every 30-60 s: an alarm whose battery is low (UL 217 and EN 14604 ask for at least one a minute)."""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from listener.perceive.sounds.tracks import HIGH_TRACKS, SLOT_SECONDS, SLOTS_PER_CHUNK, ToneTracks

CHIRP_LABEL: Final = "appliance_beep"
SHORTEST_PERIOD_SECONDS: Final = 28.0
LONGEST_PERIOD_SECONDS: Final = 63.0
PERIOD_TOLERANCE_SECONDS: Final = 1.0
CHIRPS_NEEDED: Final = 3

CHIRP_DB: Final = 15.0
QUIET_DB: Final = 12.0
SHORTEST_SLOTS: Final = 2
LONGEST_SLOTS: Final = 13
"""40-260 ms, with what the room adds to 50-200 ms."""

QUIET_SLOTS: Final = 50
"""1 s before and after a chirp in which its track is silent."""

LAST_SLOTS: Final = slice(-(QUIET_SLOTS + SLOTS_PER_CHUNK), -QUIET_SLOTS)
"""Where a chirp that is told now sounded last: the 0.4 s before the newest second."""

MOST_TRACKS: Final = 5
"""A tone is seen by two or three tracks; a click or a word by more."""

SKIRT_DB: Final = 20.0
LEVEL_TOLERANCE_DB: Final = 6.0


@dataclass(frozen=True, slots=True)
class Chirp:
    """`start` in slots since the stream began."""

    start: int
    track: int
    level_db: float


class Chirps:
    """Remembers lone chirps, and tells the newest when it is the third of an even row with nothing in between."""

    def __init__(self) -> None:
        self._chirps: deque[Chirp] = deque(maxlen=32)

    def step(self, tracks: ToneTracks) -> Chirp | None:
        chirp = self._lone_chirp(tracks)
        if chirp is None:
            return None
        self._chirps.append(chirp)
        return chirp if self._is_even_row(chirp) else None

    def _lone_chirp(self, tracks: ToneTracks) -> Chirp | None:
        """The chirp that ended one second ago, if one did."""
        if not (tracks.contrast[LAST_SLOTS, :HIGH_TRACKS] > CHIRP_DB).any():
            return None
        window = slice(-(2 * QUIET_SLOTS + LONGEST_SLOTS + SLOTS_PER_CHUNK), None)
        level = tracks.level[window, :HIGH_TRACKS]
        # A loud tone stands out far beside its own track, but there it is much weaker.
        contrast = np.where(level > level.max() - SKIRT_DB, tracks.contrast[window, :HIGH_TRACKS], 0.0)
        sounding = contrast > CHIRP_DB
        count = sounding.sum(axis=0)
        seen = np.flatnonzero((count >= SHORTEST_SLOTS) & (count <= LONGEST_SLOTS))
        if not len(seen) or np.count_nonzero(count) > MOST_TRACKS:
            return None
        track = int(seen[level[:, seen].max(axis=0).argmax()])
        at = np.flatnonzero(sounding[:, track])
        first, last = int(at[0]), int(at[-1])
        slots_left = len(contrast) - 1 - last
        if last - first >= LONGEST_SLOTS or not QUIET_SLOTS <= slots_left < QUIET_SLOTS + SLOTS_PER_CHUNK:
            return None
        if first < QUIET_SLOTS or _is_heard(contrast[first - QUIET_SLOTS : first - 2, track]):
            return None
        if _is_heard(contrast[last + 1 + LONGEST_SLOTS :, track]):
            return None
        start = tracks.slots_heard - len(contrast) + first
        return Chirp(start, track, float(level[first : last + 1, track].max()))

    def _is_even_row(self, newest: Chirp) -> bool:
        row = [c for c in self._chirps if abs(c.track - newest.track) <= 1][-CHIRPS_NEEDED:]
        if len(row) < CHIRPS_NEEDED:
            return False
        periods = np.diff([c.start for c in row]) * SLOT_SECONDS
        levels = [c.level_db for c in row]
        return bool(
            periods.min() >= SHORTEST_PERIOD_SECONDS
            and periods.max() <= LONGEST_PERIOD_SECONDS
            and np.ptp(periods) <= PERIOD_TOLERANCE_SECONDS
            and max(levels) - min(levels) <= LEVEL_TOLERANCE_DB
        )


def _is_heard(contrast: "np.typing.NDArray[np.float32]") -> bool:
    """Noise passes the threshold in one slot of twenty or so; a tone does it more often."""
    return bool((contrast > QUIET_DB).mean() > 0.1)
