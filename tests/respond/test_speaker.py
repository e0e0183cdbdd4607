"""The speaker: replies become events, one reply after the other."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

import pytest
from fakes import RecordingPublisher

from listener.errors import EngineError
from listener.publish.teller import RoomTeller
from listener.respond.speaker import MAX_WAITING_REPLIES, QueuedSpeaker
from listener.types import Reply, ResponseEnded, ResponseStarted, event_dict

HANG = "hang"


async def pieces(script: Sequence[str | Exception]) -> AsyncIterator[str]:
    for piece in script:
        if isinstance(piece, Exception):
            raise piece
        if piece == HANG:
            await asyncio.Event().wait()
        yield piece


def reply(name: str, *script: str | Exception) -> Reply:
    return Reply(name, "urgent", "sound", ("sound-1",), pieces(script))


class Stage:
    def __init__(self) -> None:
        self.out = RecordingPublisher()
        self.speaker = QueuedSpeaker("kitchen", RoomTeller("kitchen", "cascade", [self.out], lambda label, at: label))

    def ended(self) -> list[tuple[str, str, str]]:
        return [(e.id, e.text, e.reason) for e in self.out.events if isinstance(e, ResponseEnded)]


async def test_a_reply_is_told_from_its_start_to_its_end() -> None:
    stage = Stage()
    await stage.speaker.say(reply("r", "Smoke ", "alarm!"))
    common = {"room": "kitchen", "t": 0.0, "id": "r"}
    about = {"emotion": "urgent", "trigger": "sound", "sounds": ("sound-1",), "utterance": None}
    assert [event_dict(e) for e in stage.out.events] == [
        {"event": "response_started", **common, **about},
        {"event": "response_text", **common, "text": "Smoke "},
        {"event": "response_text", **common, "text": "alarm!"},
        {"event": "response_ended", **common, "text": "Smoke alarm!", "reason": "complete"},
    ]


async def test_a_reply_without_a_word_still_ends() -> None:
    stage = Stage()
    await stage.speaker.say(reply("r"))
    assert stage.ended() == [("r", "", "complete")]


async def test_a_reply_that_breaks_off_ends_with_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    await stage.speaker.say(reply("r", "Smoke ", EngineError("out of memory")))
    assert stage.ended() == [("r", "Smoke ", "interrupted")]
    assert "kitchen: a reply broke off: out of memory" in caplog.text


async def test_replies_never_overlap() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.speaker.run())
    for name in ("a", "b", "c"):
        stage.speaker.enqueue(reply(name, "one", "two"))
    async with asyncio.timeout(10):
        while len(stage.ended()) < 3:
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    ids = [getattr(e, "id", "") for e in stage.out.events]
    assert ids == ["a"] * 4 + ["b"] * 4 + ["c"] * 4


async def test_a_reply_that_is_stopped_is_told_as_interrupted() -> None:
    stage = Stage()
    running = asyncio.create_task(stage.speaker.run())
    stage.speaker.enqueue(reply("r", "Smoke ", HANG))
    async with asyncio.timeout(10):
        while len(stage.out.events) < 2:
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.ended() == [("r", "Smoke ", "interrupted")]


async def test_what_does_not_fit_is_dropped_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    with caplog.at_level(logging.WARNING):
        for n in range(MAX_WAITING_REPLIES + 2):
            stage.speaker.enqueue(reply(str(n), "x"))
    assert stage.speaker.dropped == 2
    assert "kitchen: 4 replies wait to be said; one more is dropped (2 so far)" in caplog.text
    assert not stage.out.of(ResponseStarted)
