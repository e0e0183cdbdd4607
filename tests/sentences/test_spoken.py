"""How names are said."""

import pytest

from listener.sentences.spoken import number_words, spoken_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Ceiling light", "ceiling light"),
        ("Lampe 2 (Büro)", "lampe two buro"),
        ("Straße", "strasse"),
        ("Mum's room", "mum's room"),
        ("Mum’s room", "mum's room"),
        ("TV & radio", "tv and radio"),
        ("Lamp 25", "lamp twenty five"),
        ("007", "zero zero seven"),
        ("Ćevapčići-Øfen", "cevapcici ofen"),
        ("12345678", "one two three four five six seven eight"),
        ("台所", ""),
        ("Кухня", ""),
        ("!?", ""),
    ],
)
def test_names_become_words(written: str, said: str) -> None:
    assert " ".join(spoken_words(written)) == said


def test_the_plain_number_comes_first() -> None:
    assert number_words(21, "en")[0] == "twenty one"
    assert "einundzwanzig" in number_words(21, "de")
