"""Whether it is worth asking who speaks: by level above the room's noise floor, or by the tagger."""

from collections import deque
from typing import Final

MEMORY_CHUNKS: Final = 30
"""12 s: longer than anybody speaks without a pause as quiet as the room."""
QUIETEST_DBFS: Final = -65.0
"""Below this there is no speech that anything could be made of: the noise of a cheap microphone."""
FIRST_FLOOR_DBFS: Final = -70.0
SPEECH_SCORE: Final = 0.3


class Gate:
    """One room's. The noise floor is the quietest of the last chunks, as in minimum statistics (Martin, 2001)."""

    def __init__(self, above_noise_db: float) -> None:
        self._above_noise_db = above_noise_db
        self._levels: deque[float] = deque([FIRST_FLOOR_DBFS], maxlen=MEMORY_CHUNKS)

    def step(self, level_dbfs: float, speech_score: float | None = None) -> bool:
        """Hear how loud the next chunk is. `speech_score`: of the tagger, 0 to 1, where there is one."""
        floor = min(self._levels)
        self._levels.append(level_dbfs)
        loud = level_dbfs >= max(QUIETEST_DBFS, floor + self._above_noise_db)
        return loud or (speech_score is not None and speech_score >= SPEECH_SCORE)
