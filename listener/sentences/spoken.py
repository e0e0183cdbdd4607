"""How a written name is said: the lower-case words that a recognizer of English knows."""

import re
import unicodedata

from hassil.numbers import get_rbnf_engine

_DIGITS = re.compile(r"\d+")
_SIGNS = {"&": " and ", "+": " plus ", "%": " percent ", "ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d"}
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")
MAX_NUMBER_DIGITS = 6
"""Longer ones are said digit by digit."""


def spoken_words(text: str, language: str = "en") -> tuple[str, ...]:
    """`Lampe 2 (Büro)` is said `lampe two buro`. Empty when nothing of it can be said in the Latin alphabet."""
    text = _DIGITS.sub(lambda digits: f" {_number(digits.group(), language)} ", text.casefold())
    for sign, said in _SIGNS.items():
        text = text.replace(sign, said)
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return tuple(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def _number(digits: str, language: str) -> str:
    if len(digits) > MAX_NUMBER_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return " ".join(number_words(int(digit), language)[0] for digit in digits)
    return number_words(int(digits), language)[0]


def number_words(number: int | float, language: str) -> tuple[str, ...]:
    """Every way to say a number, the plain cardinal first: `twenty five`, `twenty fifth`, `two thousand five` …

    Raises ValueError for a language without number words (CLDR's rule-based number formats).
    """
    said = get_rbnf_engine(language).format_number(number).text_by_ruleset
    plain = said.get("spellout-cardinal", next(iter(said.values())))
    ways = (plain, *(said[k] for k in sorted(said) if "ordinal" not in k and "year" not in k))
    return tuple(dict.fromkeys(" ".join(way.replace("-", " ").replace("\xad", "").split()) for way in ways))
