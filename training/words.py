"""The labels that the network puts out, in their order."""

from typing import Final

from listener.vocabulary import SOUND_LABELS

UNHEARD: Final = ("co_alarm", "singing")
"""Not put out: temporal-four is heard by its pattern, and of singing we have no recording."""
LABELS: Final = tuple(label for label in SOUND_LABELS if label not in UNHEARD)
URGENT: Final = ("smoke_alarm", "glass_break", "scream")
