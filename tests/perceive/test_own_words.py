"""Our own voice: what is ours, what is not, and what always gets through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pattern_ears import hear

from listener.perceive.speech.own_words import COOL_DOWN_SECONDS, MAX_REMEMBERED, EchoGate, words_of
from listener.respond.prosody import CHIME_RATE_HZ, chime

STORY = (
    "The washing machine has finished. Your pasta timer has nine minutes left. Do you want me to turn on the light in "
    "the living room? The door of the garden is still open, and it will rain at eight."
)


def speaking(text: str = STORY) -> EchoGate:
    gate = EchoGate()
    gate.begin(text, 10.0)
    return gate


def test_the_gate_is_up_while_we_speak_and_a_moment_after() -> None:
    gate = EchoGate(cool_down_seconds=1.0)
    assert not gate.raised(9.0)
    gate.begin("", 10.0)  # a chime
    assert not gate.raised(9.6)
    assert gate.raised(10.0)
    assert gate.raised(100.0)
    gate.end(100.0)
    assert gate.raised(101.0)
    assert not gate.raised(101.4)


@pytest.mark.parametrize(
    "heard",
    [
        STORY,
        "the washing machine has finished",
        "your pastor timer has nine minutes left",
        "your timer has mine minutes",
        "the washing machine is finish",
        "Garden is still open, and it will",
        "turn on the light in the living room",
    ],
)
def test_our_own_words_are_ours_even_when_they_are_misheard(heard: str) -> None:
    assert speaking().is_own(heard, 11.0, 13.0)


@pytest.mark.parametrize(
    "heard",
    ["what time is it", "set a timer for ten minutes", "turn off the heating in the bathroom", "who is at the door"],
)
def test_what_somebody_else_says_meanwhile_is_heard(heard: str) -> None:
    assert not speaking().is_own(heard, 11.0, 13.0)


@pytest.mark.parametrize("heard", ["stop", "Stop!", "please stop", "be quiet", "halt", "aufhören", "Ruhe jetzt"])
def test_stop_always_gets_through_even_while_we_say_it(heard: str) -> None:
    assert not speaking(f"Say {heard} when I should {heard}.").is_own(heard, 11.0, 11.5)


def test_only_what_was_said_at_that_time_counts() -> None:
    gate = speaking("turn on the light")
    gate.end(12.0)
    assert gate.is_own("turn on the light", 12.0 + COOL_DOWN_SECONDS, 14.0), "the room still rings"
    assert not gate.is_own("turn on the light", 12.1 + COOL_DOWN_SECONDS, 14.0)
    assert not gate.is_own("turn on the light", 8.0, 9.9), "before we spoke"
    assert gate.is_own("turn on the light", 8.0, 10.5), "somebody was talking when we began"


def test_words_over_two_sentences_are_ours() -> None:
    gate = speaking("The oven is hot.")
    gate.begin("Dinner is ready.", 12.0)
    assert gate.is_own("oven is hot dinner is", 11.0, 13.0)


def test_numbers_are_compared_as_they_are_said() -> None:
    gate = EchoGate(language="de")
    gate.begin("Es sind 21 Grad.", 10.0)
    assert gate.is_own("es sind einundzwanzig grad", 10.0, 12.0)
    assert words_of("It is 21°", "en") == ("it", "is", "twenty", "one")
    assert words_of("7 xx", "qqq") == ("7", "xx")


def test_our_own_chime_is_no_alarm() -> None:
    tones = chime().astype(np.float32) / 32_768
    for pause_seconds in (0.0, 0.5, 1.5):
        pause = np.zeros(round(pause_seconds * CHIME_RATE_HZ), np.float32)
        sound = np.tile(np.concatenate([tones, pause]), 12)
        assert hear(sound) == [], f"twelve chimes, {pause_seconds} s apart"


def test_nothing_is_nobodys() -> None:
    assert not speaking().is_own("", 11.0, 12.0)
    assert not speaking().is_own("…", 11.0, 12.0)
    assert not EchoGate().is_own("hello", 0.0, 1.0)
    gate = EchoGate()
    gate.begin("", 10.0)
    assert not gate.is_own("hello", 10.0, 11.0), "a chime has no words"


def test_a_transcript_may_come_late_but_not_for_ever() -> None:
    gate = speaking("turn on the light")
    gate.end(12.0)
    gate.begin("Hello.", 35.0)
    assert gate.is_own("turn on the light", 11.0, 12.0)
    gate.end(36.0)
    gate.begin("Again.", 50.0)
    assert not gate.is_own("turn on the light", 11.0, 12.0)


def test_what_is_remembered_is_bounded() -> None:
    gate = EchoGate()
    for n in range(10 * MAX_REMEMBERED):
        gate.begin(f"sentence {n}", float(n))
    assert gate.is_own(f"sentence {10 * MAX_REMEMBERED - 1}", 640.0, 641.0)
    assert len(gate._stretches) == MAX_REMEMBERED


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_compared(said: str, heard: str) -> None:
    gate = speaking(said)
    gate.is_own(heard, 11.0, 12.0)
    assert gate.speaking
    words = words_of(said)
    if words and len(words) > 3:
        assert gate.is_own(said, 11.0, 12.0), "what we said ourselves is ours"
