"""What is said: the same in all languages, and every number in words."""

import re
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.errors import ConfigError
from listener.respond.answers import Answers, all_answers, languages, load_answers

PLACE = re.compile(r"{(\w+)}")
SAME = {"ago": "length", "Name": "name"}
"""Places that stand for the same in another form."""


def keys(data: Any) -> Any:
    """The shape of nested mappings; plural forms and lists of words differ by language."""
    if not isinstance(data, dict) or {"one", "other"} <= set(data):
        return len(data) if isinstance(data, list) else None
    return {key: keys(value) for key, value in data.items() if key != "hours"}


@pytest.fixture(scope="module")
def answers() -> dict[str, Answers]:
    return {language: load_answers(language, {"dog_bark": "a dog"}) for language in languages()}


def test_there_are_three_languages() -> None:
    assert languages() == ("en", "de", "ru")
    with pytest.raises(ConfigError, match="no answers in 'xx'; choose one of en, de, ru"):
        load_answers("xx", {})


@pytest.mark.parametrize("language", languages())
def test_every_language_is_complete(language: str) -> None:
    everything = all_answers()
    assert keys(everything[language]) == keys(everything["en"])
    for key, sentence in everything["en"]["says"].items():
        places = {SAME.get(place, place) for place in PLACE.findall(sentence)}
        assert {SAME.get(place, place) for place in PLACE.findall(everything[language]["says"][key])} == places, key


def test_places_are_filled_once_and_sentences_begin_with_a_capital(answers: dict[str, Answers]) -> None:
    said = answers["en"].say("timer_cancelled", timer="{length} {timer} } {")
    assert said == "{length} {timer} } { cancelled."
    assert answers["de"].say("timers_none") == "Es gibt keine Timer."
    assert answers["ru"].say("timer_left", timer="таймер", length="минуту") == "Таймер: ещё минуту."
    assert answers["en"].sound("dog_bark") == "a dog"
    assert answers["en"].sound("coffee_grinder") == "coffee grinder"


@pytest.mark.parametrize(
    ("language", "seconds", "said"),
    [
        ("en", 0, "zero seconds"),
        ("en", 61, "one minute and one second"),
        ("en", 540, "nine minutes"),
        ("en", 3_600, "one hour"),
        ("en", 3_661, "one hour and one minute"),
        ("en", 59.7, "one minute"),
        ("de", 60, "eine Minute"),
        ("de", 1_260, "einundzwanzig Minuten"),
        ("ru", 60, "одну минуту"),
        ("ru", 120, "две минуты"),
        ("ru", 300, "пять минут"),
        ("ru", 1_260, "двадцать одну минуту"),
        ("ru", 660, "одиннадцать минут"),
        ("ru", 7_200, "два часа"),
    ],
)
def test_lengths(answers: dict[str, Answers], language: str, seconds: float, said: str) -> None:
    assert answers[language].words.length(seconds) == said


def test_how_long_ago_is_said_in_one_unit(answers: dict[str, Answers]) -> None:
    assert answers["en"].words.ago(8_000) == "two hours"
    assert answers["de"].words.ago(61) == "einer Minute"
    assert answers["de"].words.ago_exactly(61) == "einer Minute und einer Sekunde"


@pytest.mark.parametrize(
    ("language", "at", "said"),
    [
        ("en", time(0, 0), "twelve a.m."),
        ("en", time(12, 5), "twelve oh five p.m."),
        ("en", time(18, 45), "six forty-five p.m."),
        ("de", time(1, 0), "ein Uhr"),
        ("de", time(21, 1), "einundzwanzig Uhr eins"),
        ("ru", time(18, 46), "восемнадцать сорок шесть"),
    ],
)
def test_times_of_day(answers: dict[str, Answers], language: str, at: time, said: str) -> None:
    assert answers[language].words.clock(at) == said


def test_dates(answers: dict[str, Answers]) -> None:
    day = date(2026, 11, 22)
    assert answers["en"].words.date(day) == "Sunday, November twenty-second"
    assert answers["de"].words.date(day) == "Sonntag, der zweiundzwanzigste November"
    assert answers["ru"].words.date(day) == "воскресенье, двадцать второе ноября"


@given(seconds=st.floats(0, 7 * 86_400), language=st.sampled_from(languages()))
def test_no_length_is_said_in_digits(answers: dict[str, Answers], seconds: float, language: str) -> None:
    words = answers[language].words
    for said in (words.length(seconds), words.ago(seconds)):
        assert said
        assert not re.search(r"[\d{}]", said)
