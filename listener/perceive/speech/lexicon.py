"""How words are pronounced: CMUdict, the user's own, and letter-to-sound rules for the rest."""

import logging
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from listener.errors import ModelError
from listener.origin import pip_command

log = logging.getLogger(__name__)

VARIANT: Final = re.compile(r"\(\d+\)$")

COMMAND_PHONES: Final = {"unpause": "AH N P AO Z", "unmute": "AH N M Y UW T"}
"""Words of the built-in sentences that CMUdict lacks."""

RULES: Final[tuple[tuple[str, str], ...]] = (
    *(("tion", "SH AH N"), ("sch", "SH"), ("tch", "CH"), ("igh", "AY"), ("eau", "OW"), ("ough", "AO"), ("augh", "AO")),
    *(("ch", "CH"), ("sh", "SH"), ("th", "TH"), ("ph", "F"), ("wh", "W"), ("ck", "K"), ("qu", "K W"), ("ng", "NG")),
    *(("gh", "G"), ("kn", "N"), ("wr", "R"), ("dg", "JH"), ("ee", "IY"), ("ea", "IY"), ("oo", "UW"), ("ou", "AW")),
    *(("ow", "OW"), ("oi", "OY"), ("oy", "OY"), ("ai", "EY"), ("ay", "EY"), ("ei", "AY"), ("ey", "IY"), ("ie", "IY")),
    *(("au", "AO"), ("aw", "AO"), ("oa", "OW"), ("ue", "UW"), ("eu", "OY"), ("ew", "UW"), ("ar", "AA R"), ("er", "ER")),
    *(("ir", "ER"), ("or", "AO R"), ("ur", "ER"), ("ce", "S"), ("ci", "S IH"), ("ge", "JH"), ("a", "AE"), ("b", "B")),
    *(("c", "K"), ("d", "D"), ("e", "EH"), ("f", "F"), ("g", "G"), ("h", "HH"), ("i", "IH"), ("j", "JH"), ("k", "K")),
    *(("l", "L"), ("m", "M"), ("n", "N"), ("o", "OW"), ("p", "P"), ("q", "K"), ("r", "R"), ("s", "S"), ("t", "T")),
    *(("u", "UW"), ("v", "V"), ("w", "W"), ("x", "K S"), ("y", "IY"), ("z", "Z"), ("'", "")),
)
"""Letters to phones, longest first: no more than a guess, after Elovitz et al. (NRL report 7948, 1976)."""


def guess(word: str) -> str:
    """Phones for a word that no dictionary has; doubled letters are one sound, a final e is silent."""
    letters = re.sub(r"([b-df-hj-np-tv-z])\1", r"\1", word)
    if len(letters) > 3 and letters.endswith("e") and letters[-2] not in "aeiou":
        letters = letters[:-1]
    phones: list[str] = []
    while letters:
        piece, sound = next(((p, s) for p, s in RULES if letters.startswith(p)), (letters[0], ""))
        phones += sound.split()
        letters = letters[len(piece) :]
    return " ".join(phones)


def model_folder() -> Path:
    """Where pocketsphinx keeps its English model. Raises ModelError when it is not installed."""
    try:
        return Path(str(resources.files("pocketsphinx"))) / "model" / "en-us"
    except ModuleNotFoundError:
        raise ModelError(
            f"speech: the closed recognizer needs pocketsphinx: {pip_command('pocketsphinx>=5.1,<6')}"
        ) from None


def pronounce(words: Iterable[str], own: Mapping[str, str], dictionary: Path) -> tuple[str, ...]:
    """Lines of a Sphinx dictionary for these words, every variant. A word that is guessed is named in the log.

    Raises ModelError when the dictionary cannot be read.
    """
    wanted, known = set(words), dict[str, str]()
    try:
        with dictionary.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                entry, _, phones = line.strip().partition(" ")
                if VARIANT.sub("", entry) in wanted:
                    known[entry] = phones
    except OSError as error:
        raise ModelError(f"{dictionary}: cannot be read: {error.strerror}; install pocketsphinx again") from None
    for word in sorted(wanted):
        if word in own:
            known = {k: v for k, v in known.items() if VARIANT.sub("", k) != word} | {word: own[word]}
        elif word not in known:
            known[word] = guess(word)
            log.warning(
                "speech: %r is in no dictionary; taken to be pronounced %s; speech.pronunciations can say better",
                word,
                known[word],
            )
    return tuple(f"{word} {phones}" for word, phones in sorted(known.items()) if phones)
