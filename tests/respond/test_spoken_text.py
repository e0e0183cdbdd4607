"""Text as it is read aloud."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.respond.spoken_text import spoken


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("It is 21.5°C & 40% in here.", "en", "It is 21.5 degrees Celsius and 40 percent in here."),
        ("Es sind 21.5 °C bei 40 %.", "de", "Es sind 21,5 Grad bei 40 Prozent."),
        ("Between 3-5 km/h, -4° outside", "en", "Between 3 to 5 kilometres per hour, minus 4 degrees outside"),
        ("At 14:00, not 14:05", "en", "At 14 o'clock, not 14:05"),
        ("Um 8:00, z.B. morgen", "de", "Um 8 Uhr, zum Beispiel morgen"),
        ("**Wake up** _now_, see [the manual](http://x.y/z)", "en", "Wake up now , see the manual"),
        ("https://www.example.org/a?b=c", "en", "example.org"),
        ("Fire 🔥🔥 now\x00\x07!", "en", "Fire now !"),
        ("[[h@l'oU]] <voice>", "en", "h@l'oU voice"),
        ("5 °C", "fr", "5 °C"),
        ("Swap 2 W and 20 Wh", "en", "Swap 2 watts and 20 Wh"),
        ("🔥 … !", "en", ""),
        ("", "en", ""),
    ],
)
def test_what_is_said(text: str, language: str, said: str) -> None:
    assert spoken(text, language) == said


@given(st.text(max_size=300), st.sampled_from(["en", "de", "xx"]))
def test_nothing_reaches_a_synthesizer_that_it_could_take_for_an_instruction(text: str, language: str) -> None:
    said = spoken(text, language)
    assert not set("[]<>{}|\\`*_\x00\x1b\n") & set(said)
    assert said == " ".join(said.split())
