"""Endpointing, the gate and addressing are pure: probabilities, levels and seconds in, decisions out."""

import pytest

from listener.config import VadConfig, WakeWordConfig
from listener.perceive.speech.addressing import Addressing
from listener.perceive.speech.endpointing import Begun, Ended, Endpointer
from listener.perceive.speech.gate import MEMORY_CHUNKS, Gate

FRAME = 512
CONFIG = VadConfig(min_speech_seconds=0.16, max_silence_seconds=0.512, max_seconds=4.0)


def run(probabilities: list[float], raised: float = 0.0) -> list[tuple[int, Begun | Ended]]:
    """(frame, change) of every change."""
    endpointer = Endpointer(CONFIG)
    changes = [(i, endpointer.step(p, (i + 1) * FRAME, raised)) for i, p in enumerate(probabilities)]
    return [(i, change) for i, change in changes if change is not None]


def test_an_utterance_begins_with_its_pre_roll_and_ends_with_its_last_voice() -> None:
    changes = run([0.0] * 20 + [0.9] * 30 + [0.0] * 30)
    assert changes == [(24, Begun(20 * FRAME - 4_800)), (65, Ended(50 * FRAME))]


def test_it_knows_for_how_long_nobody_was_heard() -> None:
    endpointer = Endpointer(CONFIG)
    quiet = []
    for index, probability in enumerate([0.0] * 5 + [0.9] * 10 + [0.0] * 3):
        endpointer.step(probability, (index + 1) * FRAME)
        quiet.append(endpointer.quiet_samples((index + 1) * FRAME) // FRAME)
    assert quiet == [0] * 15 + [1, 2, 3]


def test_a_click_is_no_speech() -> None:
    assert run([0.0] * 5 + [0.9] * 4 + [0.0] * 40) == []


def test_a_pause_between_words_does_not_end_it() -> None:
    changes = run([0.9] * 20 + [0.0] * 15 + [0.9] * 10 + [0.0] * 20)
    assert [type(change) for _, change in changes] == [Begun, Ended]
    assert changes[1][1] == Ended(45 * FRAME)


def test_a_voice_that_falls_a_little_goes_on() -> None:
    assert [type(c) for _, c in run([0.9] * 10 + [0.4] * 40)] == [Begun]
    assert [type(c) for _, c in run([0.9] * 10 + [0.3] * 40)] == [Begun, Ended]


def test_ten_minutes_without_a_pause_are_cut() -> None:
    changes = run([0.9] * 18_750)
    cuts = [change for _, change in changes if isinstance(change, Ended)]
    assert len(cuts) >= 140
    assert all(cut.cut for cut in cuts)


def test_the_bar_is_higher_while_we_speak() -> None:
    assert run([0.7] * 20, raised=0.3) == []


def test_finish_ends_what_is_open() -> None:
    endpointer = Endpointer(CONFIG)
    assert endpointer.finish() is None
    for i in range(8):
        endpointer.step(0.9, (i + 1) * FRAME)
    assert endpointer.finish() == Ended(8 * FRAME)
    assert not endpointer.speaking


def test_a_closed_gate_forgets_the_beginning_of_nothing() -> None:
    endpointer = Endpointer(CONFIG)
    for i in range(4):
        endpointer.step(0.9, (i + 1) * FRAME)
    endpointer.silence()
    assert endpointer.step(0.9, 20 * FRAME) is None


def test_the_gate_opens_above_the_noise_floor() -> None:
    gate = Gate(above_noise_db=6.0)
    for _ in range(MEMORY_CHUNKS):
        gate.step(-40.0)
    assert not gate.step(-38.0)
    assert gate.step(-33.0)


def test_the_gate_opens_for_the_first_chunk_that_is_loud_and_never_for_silence() -> None:
    assert Gate(6.0).step(-30.0)
    assert not Gate(0.0).step(-80.0)


def test_the_tagger_opens_the_gate() -> None:
    gate = Gate(6.0)
    for _ in range(MEMORY_CHUNKS):
        gate.step(-40.0, 0.0)
    assert gate.step(-40.0, 0.9)
    assert not gate.step(-40.0, 0.1)


@pytest.mark.parametrize(
    ("start", "expected"), [(10.5, "wake_word"), (16.0, "wake_word"), (16.1, "no"), (9.0, "wake_word")]
)
def test_a_command_follows_the_wake_word_soon(start: float, expected: str) -> None:
    addressing = Addressing("wake_word", WakeWordConfig(listen_seconds=6))
    assert addressing.of(9.0) == "no"
    addressing.woken(10.0)
    assert addressing.of(start) == expected


def test_after_a_reply_no_wake_word_is_needed_for_a_while() -> None:
    addressing = Addressing("wake_word", WakeWordConfig(follow_up_seconds=5))
    addressing.replied(20.0)
    assert (addressing.of(24.0), addressing.of(26.0)) == ("follow_up", "no")
    addressing.answered()
    assert addressing.of(24.0) == "no"


def test_no_follow_up_if_none_is_wanted() -> None:
    addressing = Addressing("wake_word", WakeWordConfig(follow_up_seconds=0))
    addressing.replied(20.0)
    assert addressing.of(20.0) == "no"


@pytest.mark.parametrize("follow_up_seconds", [0, 3])
def test_a_question_of_ours_is_waited_for_longer(follow_up_seconds: float) -> None:
    addressing = Addressing("wake_word", WakeWordConfig(follow_up_seconds=follow_up_seconds))
    addressing.replied(20.0, answer_seconds=8.0)
    assert (addressing.of(28.0), addressing.of(28.1)) == ("follow_up", "no")


def test_an_open_room_hears_everybody() -> None:
    assert Addressing("open", WakeWordConfig()).of(3.0) == "open"
