"""Numbers, lengths of time, times of day and dates as words of one language.

The rules of numbers and plurals are CLDR's, by unicode-rbnf; the words around them stand in `answers.yaml`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from unicode_rbnf import RbnfEngine
from unicode_rbnf.plural_rules import get_plural_category

HOUR_SECONDS = 3_600
MINUTE_SECONDS = 60


class Words:
    """Says numbers and times in one language. `words` is that part of `answers.yaml`."""

    def __init__(self, language: str, words: Mapping[str, Any]) -> None:
        self._language = language
        self._words = words
        self._rules = RbnfEngine.for_language(language)

    def number(self, value: int, rules: str | None = None) -> str:
        """`21` as `twenty-one`."""
        return self._rules.format_number(value, ruleset_names=[rules or self._words["numbers"]]).text

    def length(self, seconds: float) -> str:
        """`one hour and five minutes`. From an hour on, seconds are left out."""
        return self._duration(seconds, self._words["length"])

    def ago_exactly(self, seconds: float) -> str:
        """As `length`, in the case that stands with `ago` and, in German, with `in`."""
        return self._duration(seconds, self._words["ago"])

    def ago(self, seconds: float) -> str:
        """A length in the case that stands with `ago`, in its largest unit only: nobody asks for more."""
        largest = next((unit for unit in (HOUR_SECONDS, MINUTE_SECONDS) if seconds >= unit), 1)
        return self._duration(seconds // largest * largest, self._words["ago"])

    def _duration(self, seconds: float, units: Mapping[str, Mapping[str, str]]) -> str:
        minutes, rest = divmod(round(seconds), MINUTE_SECONDS)
        hours, minutes = divmod(minutes, HOUR_SECONDS // MINUTE_SECONDS)
        counts = {"hour": hours, "minute": minutes, "second": 0 if hours else rest}
        parts = [self._counted(count, units[unit]) for unit, count in counts.items() if count]
        return self.joined(parts or [self._counted(0, units["second"])])

    def _counted(self, count: int, forms: Mapping[str, str]) -> str:
        form = forms.get(get_plural_category(self._language, count), forms["other"])
        return form.replace("{n}", self.number(count, forms.get("rules")))

    def clock(self, at: time) -> str:
        """`six forty-five p.m.`"""
        words = self._words
        hour = (at.hour - 1) % 12 + 1 if words["half_day_hours"] else at.hour
        pattern = words["clock"]["full" if at.minute == 0 else "early" if at.minute < 10 else "other"]
        return (
            str(pattern)
            .replace("{hour}", words["hours"].get(hour) or self.number(hour))
            .replace("{minute}", self.number(at.minute))
            .replace("{half}", words["before_noon" if at.hour < 12 else "after_noon"])
        )

    def date(self, day: date) -> str:
        """`Sunday, November twenty-second`"""
        words = self._words
        return (
            str(words["date"])
            .replace("{weekday}", words["weekdays"][day.weekday()])
            .replace("{month}", words["months"][day.month - 1])
            .replace("{day}", self.number(day.day, words["ordinals"]))
        )

    def joined(self, parts: Sequence[str]) -> str:
        """`a, b and c`"""
        if len(parts) < 2:
            return "".join(parts)
        return str(self._words["comma"]).join(parts[:-1]) + str(self._words["and"]) + parts[-1]
