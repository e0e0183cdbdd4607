"""Written text as it is to be read aloud: no markup, no pictures, units in words. Pure.

Numbers stay digits, because synthesizers read them in their own language; what they read badly is put into words.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

MAX_LINK_WORDS: Final = 40

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_URL = re.compile(r"\b(?:https?://|www\.)(?:www\.)?([^\s/?#]{1,80})\S*", re.I)
_MARKUP = re.compile(r"[*_`#>|~<\[\]{}\\^]+")
_SPACE = re.compile(r"\s+")
_CLOCK = re.compile(r"\b([01]?\d|2[0-3]):00\b(?!:)")
_RANGE = re.compile(r"(?<=\d)\s?[–-]\s?(?=\d)")
_DECIMAL_POINT = re.compile(r"(?<=\d)\.(?=\d{1,2}(?!\d))")
_MINUS = re.compile(r"(?<![\w.])[-−](?=\d)")

UNITS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "°C": "degrees Celsius",
        "°F": "degrees Fahrenheit",
        "°": "degrees",
        "%": "percent",
        "km/h": "kilometres per hour",
        "mph": "miles per hour",
        "m/s": "metres per second",
        "kWh": "kilowatt hours",
        "kW": "kilowatts",
        "W": "watts",
        "km": "kilometres",
        "cm": "centimetres",
        "mm": "millimetres",
        "kg": "kilograms",
        "hPa": "hectopascals",
        "ppm": "parts per million",
        "dB": "decibels",
    },
    "de": {
        "°C": "Grad",
        "°F": "Grad Fahrenheit",
        "°": "Grad",
        "%": "Prozent",
        "km/h": "Kilometer pro Stunde",
        "m/s": "Meter pro Sekunde",
        "kWh": "Kilowattstunden",
        "kW": "Kilowatt",
        "W": "Watt",
        "km": "Kilometer",
        "cm": "Zentimeter",
        "mm": "Millimeter",
        "kg": "Kilogramm",
        "hPa": "Hektopascal",
        "ppm": "ppm",
        "dB": "Dezibel",
    },
}
"""After a number."""

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"&": "and", "e.g.": "for example", "i.e.": "that is", "approx.": "about", "etc.": "and so on"},
    "de": {
        "&": "und",
        "z. B.": "zum Beispiel",
        "z.B.": "zum Beispiel",
        "d.h.": "das heißt",
        "bzw.": "beziehungsweise",
        "ca.": "etwa",
        "usw.": "und so weiter",
    },
}
MINUS: Final[Mapping[str, str]] = {"en": "minus ", "de": "minus "}
RANGE: Final[Mapping[str, str]] = {"en": " to ", "de": " bis "}
CLOCK: Final[Mapping[str, str]] = {"en": r"\1 o'clock", "de": r"\1 Uhr"}


def spoken(text: str, language: str) -> str:
    """The text for a synthesizer; empty if nothing of it can be said."""
    text = unicodedata.normalize("NFC", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(r"\1", text)
    text = "".join(c if _sayable(c) else " " for c in _MARKUP.sub(" ", text))
    text = _in_words(text, language)
    text = _SPACE.sub(" ", text).strip()
    return text if any(c.isalnum() for c in text) else ""


def _sayable(char: str) -> bool:
    """Letters, marks, numbers, punctuation, currency and mathematics; no control characters, no pictures."""
    kind = unicodedata.category(char)
    return kind[0] in "LMNPZ" or kind in ("Sc", "Sm") or char == "°"


def _in_words(text: str, language: str) -> str:
    for written, said in WORDS.get(language, {}).items():
        text = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", said, text)
    if language in RANGE:
        text = _CLOCK.sub(CLOCK[language], text)
        text = _MINUS.sub(MINUS[language], text)
        text = _RANGE.sub(RANGE[language], text)
    for unit, said in UNITS.get(language, {}).items():
        text = re.sub(rf"(?<=\d)\s?{re.escape(unit)}(?!\w)", f" {said}", text)
    return _DECIMAL_POINT.sub(",", text) if language == "de" else text
