"""Asking a daemon over MQTT: the answer is the one to what was asked, however often the last one is said again."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Mosquitto
from mqtt_witness import WAIT_SECONDS, Daemon, Witness, daemon, rooms
from rich.console import Console

from listener.app.school import School
from listener.app.taught import Taught
from listener.cli.teach_remote import ask, teach_remotely
from listener.config import MqttConfig
from listener.errors import PublishError
from listener.store.taught import TaughtStore
from listener.store.taught_audio import TaughtAudio
from listener.types import Control, Learn, LearningReport, StopLearning, Teaching
from listener.types.taught import TaughtSound


@dataclass(frozen=True)
class Kitchen:
    """The only room."""

    slugs: tuple[str, ...] = ("kitchen",)

    def apply(self, _slug: str, _control: Control) -> None: ...


class House:
    """A school at a broker. Home Assistant comes up between a request and its answer: all that stands is said again."""

    def __init__(self, daemon: Daemon, witness: Witness, folder: Path) -> None:
        store, audio = TaughtStore(folder / "taught.json"), TaughtAudio(folder / "taught")
        store.put(TaughtSound("gate", "Gate", ()))
        taught = Taught(store, audio, ("dog_bark",))
        self._school = School(taught, daemon.publisher.report, daemon.publisher.teach, lambda *_: None)
        self._school.open(Kitchen())
        self._daemon = daemon
        self._witness = witness

    async def stands(self, report: LearningReport) -> None:
        self._daemon.publisher.report(report)
        await self._witness.until(lambda _: self._witness.on(LEARNING)[-1].json["state"] == report.state)

    async def obey(self) -> None:
        done = 0
        while True:
            if done < len(self._daemon.controls):
                slug, request = self._daemon.controls[done]
                assert isinstance(request, Teaching)
                await self._say_all_again()
                self._school.teach(slug, request)
                done += 1
                if isinstance(request, Learn):
                    await self._end_lesson(slug)
            await asyncio.sleep(0.01)

    async def _say_all_again(self) -> None:
        before = {topic: len(self._witness.on(topic)) for topic in TOPICS}
        await self._witness.send("homeassistant/status", "online")
        await self._witness.until(lambda _: all(len(self._witness.on(t)) > count for t, count in before.items()))

    async def _end_lesson(self, slug: str) -> None:
        await self._witness.until(lambda _: self._witness.on(LEARNING)[-1].json["state"] == "be_quiet")
        self._school.teach(slug, StopLearning())


LEARNING, TAUGHT, CORRECTIONS = TOPICS = tuple(f"listener/kitchen/{x}" for x in ("learning", "taught", "corrections"))


@contextlib.asynccontextmanager
async def house(broker: Mosquitto, folder: Path) -> AsyncIterator[House]:
    broker.start()
    async with Witness(broker.port) as witness, daemon(broker.port) as publisher:
        there = House(publisher, witness, folder)
        await witness.until_seen(LEARNING)
        obeying = asyncio.create_task(there.obey())
        try:
            yield there
        finally:
            obeying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await obeying


async def test_an_old_answer_that_is_said_again_is_not_taken_for_a_new_one(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async def said(action: str, payload: str, answer: str = "taught") -> str:
        async with asyncio.timeout(WAIT_SECONDS):
            return await asyncio.to_thread(ask, MqttConfig(port=mosquitto.port), "kitchen", action, payload, answer)

    async with house(mosquitto, tmp_path):
        assert await said("rename", '{"old": "Gate", "new": "Door 2"}') == "Gate is called Door 2 now"
        assert await said("forget", "Door 2") == "Door 2 was forgotten"
        for _ in range(2):  # the same words twice are two answers
            with pytest.raises(PublishError, match="no taught sound is called 'Door 2'"):
                await said("forget", "Door 2")
        with pytest.raises(PublishError, match="there is no correction to undo"):
            await said("undo_correction", "PRESS", "corrections")


async def test_a_lesson_is_not_asked_for_while_another_is_held(mosquitto: Mosquitto, tmp_path: Path) -> None:
    async with house(mosquitto, tmp_path) as there:
        await there.stands(LearningReport("kitchen", "listening", "Gate", 2, 5, "", "2026-11-22T18:30:05.123Z"))
        (room,) = rooms("Kitchen")
        with pytest.raises(PublishError, match="Gate is being learnt already"):
            await asyncio.to_thread(teach_remotely, Console(), MqttConfig(port=mosquitto.port), room, "Gate")


async def test_a_lesson_that_is_over_is_not_taken_for_one_of_the_same_name(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    async with house(mosquitto, tmp_path) as there:
        stood = LearningReport("kitchen", "accepted", "Gate", 5, 5, "known again", "2026-11-22T18:30:05.123Z")
        await there.stands(stood)
        (room,), told = rooms("Kitchen"), io.StringIO()
        with pytest.raises(PublishError, match="the lesson was ended"):
            await asyncio.to_thread(teach_remotely, Console(file=told), MqttConfig(port=mosquitto.port), room, "Gate")
        assert "be quiet" in told.getvalue()
        assert "Learnt" not in told.getvalue()
