"""How many commands a second a room obeys: whoever sends thousands must not keep all rooms from hearing."""

from typing import Final

COMMANDS_A_SECOND: Final = 20.0
AT_ONCE: Final = 100.0
"""So many may come together: a scene that sets every room at once, and more than anybody does by hand."""


class CommandBudget:
    """A token bucket for each room (Turner, "New directions in communications", IEEE Communications 1986)."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, room: str, now: float) -> bool:
        """Whether one more may be obeyed. `now`: monotonic, in s."""
        left, since = self._left.get(room, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - since) * COMMANDS_A_SECOND)
        allowed = left >= 1.0
        self._left[room] = (left - 1.0 if allowed else left, now)
        return allowed
