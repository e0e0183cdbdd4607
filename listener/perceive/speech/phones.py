"""How far apart two strings of phones are: an edit distance that knows which phones are taken for each other."""

from collections.abc import Sequence
from typing import Final

_ALIKE: Final = (
    *("P B", "T D DH TH", "K G", "F V", "S Z SH ZH CH JH", "M N NG", "L R W Y", "IY IH EY EH Y"),
    *("AA AE AH AO AW AY", "UW UH OW OY", "ER AH EH"),
)
"""By manner and place: what a phone recognizer confuses most."""
_VOWELS: Final = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
_CLASSES: Final = {
    phone: frozenset(i for i, group in enumerate(_ALIKE) if phone in group.split())
    for phone in " ".join(_ALIKE).split()
}


def _cost(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if _CLASSES.get(one, frozenset()) & _CLASSES.get(other, frozenset()):
        return 0.4
    return 0.7 if (one in _VOWELS) == (other in _VOWELS) else 1.0


def distance(said: Sequence[str], heard: Sequence[str]) -> float:
    """Of phones (ARPABET): 0 for the same, 1 for nothing in common; per phone of the longer string."""
    row = [float(i) for i in range(len(heard) + 1)]
    for phone in said:
        above, row = row, [row[0] + 1.0]
        for j, other in enumerate(heard):
            row.append(min(above[j] + _cost(phone, other), above[j + 1] + 1.0, row[j] + 1.0))
    return row[-1] / max(1, len(said), len(heard))
