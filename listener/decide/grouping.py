"""Ties together what several rooms hear of one sound."""

from collections.abc import Callable
from typing import Final

GROUP_SECONDS: Final = 3.0
"""Onsets of the same label in different rooms this close together are one sound (design.md)."""


class SoundGroups:
    """Gives each sound the id of its group. Remembers the last group of each label, and no more."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._last: dict[str, tuple[float, str]] = {}

    def group_of(self, label: str, onset_at: float | None) -> str:
        """`onset_at`: Unix time in s, or None for a recording, whose sounds are grouped with nothing."""
        if onset_at is None:
            return self._new_id()
        began_at, group = self._last.get(label, (float("-inf"), ""))
        if abs(onset_at - began_at) <= GROUP_SECONDS:
            return group
        group = self._new_id()
        self._last[label] = (onset_at, group)
        return group
