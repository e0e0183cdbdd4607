"""What comes in: strict, and never more than a PayloadError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.errors import PayloadError
from listener.publish.commands import Commands
from listener.publish.topics import Topics
from listener.types import Control, Say, SetMode, SetMute, SetStrictness, SetThreshold, Snooze, Stop, Test

COMMANDS = Commands(Topics("my/base"), frozenset({"kitchen"}), frozenset({"dog_bark"}), snooze_seconds=60.0)


@pytest.mark.parametrize(
    ("leaf", "payload", "control"),
    [
        ("mute/set", b"ON", SetMute(True)),
        ("mute/set", b"OFF", SetMute(False)),
        ("strictness/set", b"urgent_only", SetStrictness("urgent_only")),
        ("threshold/set", b"0", SetThreshold(0.0)),
        ("threshold/set", b"0.55", SetThreshold(0.55)),
        ("threshold/set", b"1.0", SetThreshold(1.0)),
        ("mode/set", b"monitor", SetMode("monitor")),
        ("snooze", b"PRESS", Snooze(None, 60.0)),
        ("snooze", b"dog_bark", Snooze(("dog_bark",), 60.0)),
        ("test", b"dog_bark", Test("dog_bark")),
        ("say", b"Das Essen ist fertig.\n", Say("Das Essen ist fertig.")),
        ("say", b"x" * 2_000, Say("x" * 2_000)),
        ("say", b'{"text": "Fire!", "urgent": true}', Say("Fire!", urgent=True)),
        ("say", b'{"text": "Dinner"}', Say("Dinner")),
        ("stop", b"PRESS", Stop()),
    ],
)
def test_what_is_understood(leaf: str, payload: bytes, control: Control) -> None:
    assert COMMANDS.parse(f"my/base/kitchen/{leaf}", payload) == ("kitchen", control)


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        ("my/base/kitchen/mute/set", b"on", ("'on'", "neither ON nor OFF", "nothing was changed")),
        ("my/base/kitchen/mute/set", b"", ("''",)),
        ("my/base/kitchen/mute/set", b"ON\n", (r"'ON\n'",)),
        ("my/base/kitchen/mute/set", b"\xffON", ("UTF-8", "byte 0")),
        ("my/base/kitchen/mute/set", b"O" * 257, ("256 bytes", "257 in all")),
        ("my/base/kitchen/strictness/set", b"loose", ("'loose'", "paranoid")),
        ("my/base/kitchen/threshold/set", b"0,5", ("'0,5'", "0 to 1")),
        ("my/base/kitchen/threshold/set", b"nan", ("'nan'",)),
        ("my/base/kitchen/threshold/set", b"inf", ("'inf'",)),
        ("my/base/kitchen/threshold/set", b"1e-1", ("'1e-1'",)),
        ("my/base/kitchen/threshold/set", b"-0.1", ("'-0.1'",)),
        ("my/base/kitchen/threshold/set", b"1.01", ("'1.01'",)),
        ("my/base/kitchen/threshold/set", "٠٫٥".encode(), ("0 to 1",)),
        ("my/base/kitchen/test", b"explode", ("'explode'", "configured sound")),
        ("my/base/kitchen/say", b" ", ("nothing to say",)),
        ("my/base/kitchen/say", b"x" * 2_001, ("2000 bytes",)),
        ("my/base/kitchen/say", b'{"text": 7}', ("JSON", '"urgent"')),
        ("my/base/kitchen/say", b'{"text": "x", "urgent": 1}', ("JSON",)),
        ("my/base/kitchen/say", b'{"text": "x", "volume": 1}', ("JSON",)),
        ("my/base/kitchen/say", b"{" * 1_500, ("JSON",)),
        ("my/base/kitchen/stop", b"now", ("'now'", "PRESS")),
        ("my/base/attic/mute/set", b"ON", ("no room 'attic'", "kitchen")),
        ("my/base/kitchen/mode/set", b"transcribe", ("'transcribe'", "no mode of this daemon", "assistant, monitor")),
        ("my/base/kitchen/volume/set", b"1", ("no command", "mute/set")),
        ("my/base/kitchen/parse/set", b"x", ("no command",)),
        ("my/base/kitchen/mute", b"ON", ("no command",)),
    ],
)
def test_what_is_not_is_answered(topic: str, payload: bytes, words: tuple[str, ...]) -> None:
    with pytest.raises(PayloadError) as caught:
        COMMANDS.parse(topic, payload)
    for word in (*words, topic):
        assert word in str(caught.value)


def test_modes_are_those_that_the_engine_offers() -> None:
    offered = Commands(COMMANDS.topics, COMMANDS.rooms, COMMANDS.labels, modes=("assistant", "translate to Low German"))
    said = offered.parse("my/base/kitchen/mode/set", b"translate to Low German")
    assert said == ("kitchen", SetMode("translate to Low German"))
    with pytest.raises(PayloadError, match="no mode of this daemon"):
        offered.parse("my/base/kitchen/mode/set", b"translate to Dutch")


@given(st.text(max_size=400), st.binary(max_size=400))
def test_anything_else_is_a_short_printable_line(topic: str, payload: bytes) -> None:
    for name in (
        topic,
        f"my/base/{topic}",
        "my/base/kitchen/threshold/set",
        "my/base/kitchen/test",
        "my/base/kitchen/say",
    ):
        try:
            COMMANDS.parse(name, payload)
        except PayloadError as error:
            line = str(error)
        else:
            continue
        assert len(line) < 1_000
        assert line.isprintable()
