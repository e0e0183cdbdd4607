"""Which numbers a closed grammar listens for: those that people say. Each that nobody says is one to be misheard.

As text, and for a recognizer that is not closed, every number is understood (docs/decisions/0083).
"""

from collections.abc import Mapping
from typing import Final

from hassil import RangeSlotList, SlotList

PERCENT_STEP: Final = 5
"""Nobody dims a lamp to nineteen percent, and "ninety" sounds like it."""
MOST_HOURS: Final = 24
MOST_MINUTES: Final = 100

PERCENTAGES: Final = ("brightness", "position", "fan_speed", "volume", "volume_step_up")


def said_numbers(temperatures: tuple[int, int]) -> Mapping[str, SlotList]:
    """Lists that replace those of the templates. `temperatures`: the least and the most that can be set."""
    return {
        **{name: RangeSlotList(name, 0, 100, PERCENT_STEP) for name in PERCENTAGES},
        "volume_step_down": RangeSlotList("volume_step_down", 0, 100, PERCENT_STEP, multiplier=-1),
        "temperature": RangeSlotList("temperature", *temperatures),
        "timer_hours": RangeSlotList("timer_hours", 1, MOST_HOURS),
        "timer_minutes": RangeSlotList("timer_minutes", 1, MOST_MINUTES),
        "timer_seconds": RangeSlotList("timer_seconds", 1, MOST_MINUTES),
    }
