"""A daemon with its embedded broker learns a sound over MQTT, reports it, and is told that it was wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import taught_scene as scene
from conftest import free_port
from mqtt_witness import Seen, Witness

from listener.app import App
from listener.config import parse
from listener.types import SAMPLE_RATE_HZ

DISCOVERY = "homeassistant/device/listener-kitchen/config"


@dataclass
class House:
    """A daemon that runs, what it is fed, and who listens at its broker."""

    source: scene.Fed
    witness: Witness
    asked: int = 0
    """How many messages had come when something was asked last."""

    async def send(self, leaf: str, payload: str) -> None:
        self.asked = len(self.witness.seen)
        await self.witness.send(f"listener/kitchen/{leaf}", payload)

    async def until_told(self, leaf: str, **fields: Any) -> dict[str, Any]:
        """The first message on the topic, since something was asked, whose fields are these."""
        topic = f"listener/kitchen/{leaf}"

        def fits(seen: Seen) -> bool:
            return seen.topic == topic and bool(seen.payload) and fields.items() <= seen.json.items()

        await self.witness.until(lambda seen: any(map(fits, seen[self.asked :])))
        told: dict[str, Any] = next(filter(fits, self.witness.seen[self.asked :])).json
        return told

    async def until_announced(self, *, with_label: bool) -> dict[str, Any]:
        def announced(seen: list[Seen]) -> list[Any]:
            bodies = [s.json["cmps"] for s in seen if s.topic == DISCOVERY and s.payload]
            return [b for b in bodies[-1:] if ("sound_washer" in b) == with_label]

        await self.witness.until(lambda seen: bool(announced(seen)))
        cells: dict[str, Any] = announced(self.witness.seen)[0]
        return cells


@contextlib.asynccontextmanager
async def house(folder: Path, **more: Any) -> AsyncIterator[House]:
    port, source, stop = free_port(), scene.Fed(), asyncio.Event()
    config = parse(
        {
            "rooms": [{"name": "Kitchen", "source": {"type": "file", "path": "/nowhere"}}],
            "mqtt": {"broker": "embedded", "port": port},
            "sounds": {"tagger": "own", "labels": ["siren"]},
            "speech": {"enabled": False},
            **more,
        }
    )
    app = App(config, folder / "state", read_source=lambda _config: source)
    running = asyncio.create_task(app.run(stop))
    try:
        await asyncio.wait([running, asyncio.create_task(app.hearing.wait())], return_when=asyncio.FIRST_COMPLETED)
        async with Witness(port) as witness:
            await witness.send("homeassistant/status", "online")  # or events would wait for it, ten seconds
            yield House(source, witness)
    finally:
        stop.set()
        await running


async def learn(kitchen: House) -> None:
    await kitchen.send("learn_name/set", "Washer")
    await kitchen.witness.until_seen("listener/kitchen/learn_name", b"Washer")
    await kitchen.send("learn", "PRESS")
    await kitchen.until_told("learning", state="be_quiet", name="Washer")
    kitchen.source.feed(scene.lesson())
    told = await kitchen.until_told("learning", state="accepted")
    assert (told["heard"], told["wanted"]) == (5, 5)
    assert "known again" in told["detail"]


async def test_it_learns_a_sound_and_reports_it(tmp_path: Path) -> None:
    async with house(tmp_path) as kitchen:
        await kitchen.until_told("learning", state="idle")
        assert (await kitchen.until_told("taught"))["count"] == 0
        await learn(kitchen)
        assert [s.json["heard"] for s in kitchen.witness.on("listener/kitchen/learning")][-1] == 5
        (sound,) = (await kitchen.until_told("taught", count=1))["sounds"]
        assert (sound["name"], sound["label"], sound["takes"]) == ("Washer", "washer", 5)
        cells = await kitchen.until_announced(with_label=True)
        assert "washer" in cells["sound"]["event_types"]
        assert cells["sound_washer"]["name"] == "Washer"
        tune, rest = np.split(scene.again(), [4 * SAMPLE_RATE_HZ])
        kitchen.source.feed(tune)
        told = await kitchen.until_told("sound", event_type="washer")
        assert told["event"] == "sound_started"
        # Only then the rest: of a state that waits only the latest is sent, and OFF would take the place of ON.
        await kitchen.witness.until_seen("listener/kitchen/sound/washer", b"ON")
        kitchen.source.feed(rest)

        await kitchen.send("wrong", "PRESS")
        (correction,) = (await kitchen.until_told("corrections", count=1))["corrections"]
        assert (correction["episode"], correction["label"]) == (told["id"], "washer")
        await kitchen.send("undo_correction", correction["id"])
        await kitchen.until_told("corrections", count=0, corrections=[])

        await kitchen.send("forget", "washer")
        await kitchen.until_announced(with_label=False)


async def test_what_was_learnt_survives_a_restart_and_a_process_hears_it(tmp_path: Path) -> None:
    async with house(tmp_path, engine={"processes": 1}) as kitchen:
        await learn(kitchen)
    async with house(tmp_path, engine={"processes": 1}) as kitchen:
        assert (await kitchen.until_told("taught", count=1))["sounds"][0]["label"] == "washer"
        await kitchen.until_announced(with_label=True)
        kitchen.source.feed(scene.again())
        await kitchen.until_told("sound", event_type="washer")


@pytest.mark.parametrize(
    ("leaf", "payload", "topic", "words"),
    [
        ("learn", "PRESS", "learning", "no name yet"),
        ("learn", "Dog bark", "learning", "dog_bark"),
        ("rename", '{"old": "Gate", "new": "Door 2"}', "taught", "no taught sound is called 'Gate'"),
        ("forget", "Gate", "taught", "no taught sound is called 'Gate'"),
        ("wrong", "PRESS", "corrections", "no sound of this room"),
        ("wrong", "0000", "corrections", "nothing was changed"),
        ("was", '{"episode": "0000", "name": "Nonsense"}', "corrections", "no sound is called 'Nonsense'"),
        ("undo_correction", "PRESS", "corrections", "no correction"),
    ],
)
async def test_what_cannot_be_done_is_answered(tmp_path: Path, leaf: str, payload: str, topic: str, words: str) -> None:
    async with house(tmp_path) as kitchen:
        await kitchen.send(leaf, payload)
        await kitchen.witness.until(
            lambda seen: any(s.topic == f"listener/kitchen/{topic}" and words in s.payload.decode() for s in seen)
        )


async def test_a_lesson_can_be_ended(tmp_path: Path) -> None:
    async with house(tmp_path) as kitchen:
        await kitchen.send("learn", "Washer")
        await kitchen.until_told("learning", state="be_quiet")
        await kitchen.send("learn", "CANCEL")
        told = await kitchen.until_told("learning", state="idle", name="Washer")
        assert "ended" in told["detail"]
