"""What a person sees: lines on any stream, and one live line on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from listener.publish.console import ConsolePublisher
from listener.types import (
    Decision,
    Event,
    Hearing,
    HearingReport,
    LevelReport,
    ResponseEnded,
    SoundEnded,
    SoundStarted,
    Status,
)

STAMP = {"room": "kitchen", "t": 3.2}
STARTED = SoundStarted(**STAMP, id="e", label="dog_bark", score=0.812, onset=2.41, group="g")
DECISION = Decision(**STAMP, decision="respond", probability=0.93, engine="cascade", trigger="sound")
HEARING = HearingReport("kitchen", 3.2, tuple(Hearing(label, 0.5, None) for label in ("dog_bark", "speech", "x", "y")))


def shown(*events: Event, terminal: bool = False, title: str = "kitchen.wav") -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    with ConsolePublisher(console, title) as publisher:
        for event in events:
            publisher.publish(event)
            publisher.report(HEARING)
            publisher.report(LevelReport("kitchen", -40.0))
    return out.getvalue()


def test_sounds_and_answers_are_a_line_each() -> None:
    ended = SoundEnded(**STAMP, id="e", label="dog_bark", score=0.9, onset=2.4, duration=0.8)
    says = ResponseEnded(**STAMP, id="r", text="A dog!", reason="complete")
    assert shown(STARTED, ended, says).splitlines() == [
        "kitchen.wav      3.2 s  dog_bark (0.81), from 2.4 s",
        "kitchen.wav      3.2 s  dog_bark has ended after 0.8 s, peak 0.90",
        "kitchen.wav      3.2 s  says: A dog!",
    ]


def test_a_status_is_a_line_only_if_it_says_something() -> None:
    fine = Status(**STAMP, state="listening")
    deaf = Status(**STAMP, state="no_audio", flags=("clipping", "no_tagger"), detail="unplugged")
    assert shown(fine) == ""
    assert "no_audio clipping no_tagger unplugged" in shown(deaf)


def test_without_a_terminal_there_is_no_live_line() -> None:
    assert shown(DECISION, STARTED).splitlines() == ["kitchen.wav      3.2 s  dog_bark (0.81), from 2.4 s"]


@pytest.mark.parametrize(("seconds", "words"), [(3.2, "3 s"), (59.6, "1 min 0 s"), (200.0, "3 min 20 s")])
def test_where_no_sound_was_found_it_says_so_at_the_end(seconds: float, words: str) -> None:
    last = replace(DECISION, t=seconds)
    assert shown(DECISION, last) == f"kitchen.wav  {words} heard: no sound\n"
    assert f"{words} heard: no sound" in shown(last, terminal=True)
    assert "no sound" not in shown(DECISION, STARTED, last)


def test_what_failed_has_not_heard_nothing() -> None:
    out = io.StringIO()
    publisher = ConsolePublisher(Console(file=out), "a.wav")
    publisher.publish(DECISION)
    publisher.__exit__(OSError, OSError(), None)
    assert "no sound" not in out.getvalue()


def test_on_a_terminal_the_live_line_shows_the_decision_and_the_three_best() -> None:
    text = shown(DECISION, DECISION, terminal=True)
    assert "● respond 0.93" in text
    assert "dog_bark 0.50  speech 0.50  x 0.50" in text
    assert "y 0.50" not in text


def test_on_a_terminal_lines_stay_above_the_live_line() -> None:
    text = shown(DECISION, STARTED, DECISION, terminal=True)
    assert "dog_bark (0.81), from 2.4 s" in text


def test_what_others_wrote_is_no_markup() -> None:
    says = ResponseEnded(**STAMP, id="r", text="[bold]see [/] [link=x]", reason="complete")
    assert "says: [bold]see [/] [link=x]" in shown(says)
    assert shown(STARTED, title="[red]x[/red].wav").startswith("[red]x[/red].wav")
