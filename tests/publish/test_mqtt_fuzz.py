"""Mutated payloads over a real broker: only what is valid among them does anything."""

import logging
from collections.abc import Iterator

import pytest
from conftest import Mosquitto
from fuzz import payloads
from mqtt_witness import Witness, daemon, until_controls

from listener.errors import PayloadError
from listener.publish.commands import Commands
from listener.publish.topics import Topics
from listener.types import Control, SetMute

LABELS = ("smoke_alarm", "dog_bark")


def understood(sent: Iterator[tuple[str, bytes]]) -> list[tuple[str, Control]]:
    """What the parser by itself makes of it; each refusal is one line that says so."""
    commands = Commands(Topics(), frozenset({"kitchen"}), frozenset(LABELS))
    controls, refusals = [], []
    for topic, payload in sent:
        if not Topics().is_command(topic):
            continue
        try:
            controls.append(commands.parse(topic, payload))
        except PayloadError as error:
            refusals.append(str(error))
    assert all(len(line.splitlines()) == 1 and len(line) < 1_000 for line in refusals)
    return controls


async def test_mutated_payloads_do_what_the_valid_ones_among_them_say(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    # By default a broker drops what it holds beyond 1,000 messages for a client that is slower than this burst.
    mosquitto.configure("allow_anonymous true", "max_queued_messages 0")
    mosquitto.start()
    sent = [(t, p) for t, p in payloads(1, 2_000) if not set("+#") & set(t)]
    expected = understood(iter(sent))
    assert 20 < len(expected) < len(sent) / 2
    async with Witness(mosquitto.port) as witness, daemon(mosquitto.port, labels=LABELS) as d:
        await witness.until_seen("listener/kitchen/sound/dog_bark")
        for topic, payload in sent:
            witness.client.publish(topic, payload, 1)
        last = ("kitchen", SetMute(True))
        await witness.send("listener/kitchen/mute/set", "ON")
        await until_controls(d.controls, len(expected) + 1)
        assert d.controls == [*expected, last]
    assert caplog.records == []  # refused is a warning; an error would be a fault of ours
