"""Sentences out of a text that is still being written. Pure."""

import re
from typing import Final

MAX_SENTENCE_CHARACTERS: Final = 300
"""Longer ones are cut at a comma or a space: about 20 s of speech, and no synthesizer waits for a whole page."""

ABBREVIATIONS: Final = frozenset(
    (
        *("mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "approx", "no"),
        *("nr", "bzw", "ca", "d.h", "z.b", "usw", "u.a", "vgl", "hr", "fr", "str", "inkl", "ggf", "evtl"),
    )
)
"""Words whose full stop ends no sentence."""

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”]*|\n+")
_WORD_BEFORE = re.compile(r"(\S+)$")


class Sentences:
    """Takes pieces of text and gives back each sentence as soon as its end is certain."""

    def __init__(self) -> None:
        self._rest = ""

    def add(self, piece: str) -> list[str]:
        """The sentences that are complete now. One that ends with the text so far may still go on ("3." "5 km")."""
        self._rest += piece
        found: list[str] = []
        while (cut := self._cut()) is not None:
            sentence, self._rest = self._rest[:cut].strip(), self._rest[cut:].lstrip()
            if sentence:
                found.append(sentence)
        return found

    def finish(self) -> list[str]:
        """What is left, when no more text comes."""
        rest, self._rest = self._rest.strip(), ""
        return [rest] if rest else []

    def _cut(self) -> int | None:
        for match in _END.finditer(self._rest):
            if match.end() > MAX_SENTENCE_CHARACTERS:
                break
            if not self._goes_on(match):
                return match.end()
        if len(self._rest) <= MAX_SENTENCE_CHARACTERS:
            return None
        head = self._rest[:MAX_SENTENCE_CHARACTERS]
        cut = max(head.rfind(mark) for mark in (", ", "; ", ": ", "，"))
        return cut + 1 if cut > 0 else head.rfind(" ") + 1 or MAX_SENTENCE_CHARACTERS

    def _goes_on(self, match: "re.Match[str]") -> bool:
        """After `Dr.`, an initial or a German date (`am 3. Mai`) the sentence goes on."""
        if match.group().strip("\"'”’»)]") != ".":
            return False
        before = _WORD_BEFORE.search(self._rest[: match.start()])
        word = before.group(1).lower().lstrip("(\"'") if before else ""
        return word in ABBREVIATIONS or (len(word) == 1 and word.isalpha()) or (word.isdigit() and len(word) <= 2)
