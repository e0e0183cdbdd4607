"""What waits for a room's next chunk: in order, bounded, and of settings the newest."""

from listener.perceive.controls import MOST_WAITING, WaitingControls
from listener.types import Attend, Know, OwnVoice, SetMode, SetStrictness, Test
from listener.types.taught import Knowledge


def test_they_come_in_their_order_and_once() -> None:
    waiting = WaitingControls()
    controls = [OwnVoice("one"), Test("a"), OwnVoice(None), SetStrictness("strict")]
    for control in controls:
        waiting.put(control)
    assert list(waiting.take()) == controls
    assert list(waiting.take()) == []


def test_of_a_setting_only_the_newest_counts() -> None:
    waiting = WaitingControls()
    for n in range(1_000):
        waiting.put(SetStrictness("strict" if n % 2 else "balanced"))
        waiting.put(Know(Knowledge()))
        waiting.put(SetMode(f"translate to {n}"))
        waiting.put(Attend(bool(n % 2)))
        waiting.put(Test(f"label{n % 3}"))
    assert len(waiting) == 4 + 3
    left = list(waiting.take())
    assert SetStrictness("strict") in left
    assert SetMode("translate to 999") in left
    assert Attend(True) in left


def test_our_own_voice_is_kept_in_order_until_too_much_waits() -> None:
    waiting = WaitingControls()
    said = [OwnVoice(text) for n in range(MOST_WAITING // 2) for text in (str(n), None)]
    for control in said:
        waiting.put(control)
    assert len(waiting) == len(said)
    waiting.put(OwnVoice("last"))
    assert list(waiting.take()) == [OwnVoice("last")]


def test_what_is_put_meanwhile_waits_for_the_next_time() -> None:
    waiting = WaitingControls()
    waiting.put(Test("a"))
    for control in waiting.take():
        waiting.put(control)
    assert list(waiting.take()) == [Test("a")]


def test_one_may_go_first() -> None:
    waiting = WaitingControls()
    waiting.put(Test("a"))
    waiting.put(Attend(True), first=True)
    assert list(waiting.take()) == [Attend(True), Test("a")]
