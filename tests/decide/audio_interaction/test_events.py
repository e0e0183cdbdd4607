"""A whole room with this engine: a recording in, the events of the daemon out, the same every time."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from fakes import FakePerceiver, RecordingPublisher

from listener.decide.audio_interaction.engine import build_engine
from listener.decide.audio_interaction.stream import Limits
from listener.decide.grouping import SoundGroups
from listener.publish.teller import RoomTeller
from listener.respond.speaker import QueuedSpeaker
from listener.room import Room, RoomParts
from listener.sources.file import Recording
from listener.sources.supervisor import UnsupervisedSource
from listener.types import Episode, Percept, RoomSettings, event_dict

CHUNKS = 12


def _recording(folder: Path) -> Path:
    rng = np.random.default_rng(5)
    gains = np.repeat(10.0 ** rng.uniform(-3, -0.5, CHUNKS), 6_400)
    path = folder / "scene.wav"
    soundfile.write(path, rng.standard_normal(gains.size).clip(-2, 2) * gains, 16_000)
    return path


async def _events(checkpoint: Path, recording: Path, threshold: float) -> list[dict[str, Any]]:
    numbers = itertools.count()
    engine = await asyncio.to_thread(
        lambda: build_engine(
            checkpoint, "cpu", "float32", lambda: f"id {next(numbers)}", greedy=True,
            limits=Limits(window=900, reply_tokens=6), threads=1,
        )
    )  # fmt: skip
    told, settings = RecordingPublisher(), RoomSettings(threshold=threshold)
    teller = RoomTeller("room", engine.name, [told], SoundGroups(lambda: "group").group_of)
    bark = Percept(0.8, -30.0, started=(Episode("bark", "dog_bark", 0.8, 0.2),))
    parts = RoomParts(
        slug="room",
        source=UnsupervisedSource(Recording(recording)),
        perceiver=FakePerceiver({1: bark}),
        session=await engine.open("room", "en", settings),
        speaker=QueuedSpeaker("room", teller),
        teller=teller,
        keep_settings=lambda _slug, _settings: None,
    )
    await Room(parts, settings).listen()
    await engine.close()
    return [event_dict(event) for event in told.events]


async def test_a_recording_becomes_decisions_and_replies_the_same_every_time(checkpoint: Path, tmp_path: Path) -> None:
    recording = _recording(tmp_path)
    quiet = await _events(checkpoint, recording, threshold=1.0)
    half = float(np.median([e["probability"] for e in quiet if e["event"] == "decision"]))
    first = await _events(checkpoint, recording, half)
    assert first == await _events(checkpoint, recording, half)
    decisions = [e for e in first if e["event"] == "decision"]
    assert len(decisions) == CHUNKS
    assert {e["engine"] for e in decisions} == {"audio-interaction"}
    began = [e for e in first if e["event"] == "response_started"]
    ended = [e for e in first if e["event"] == "response_ended"]
    assert began
    assert [e["id"] for e in began] == [e["id"] for e in ended]
    assert {e["reason"] for e in ended} <= {"complete", "limit"}
    assert {tuple(e["sounds"]) for e in began} <= {(), ("bark",)}
    for end in ended:
        pieces = [e["text"] for e in first if e["event"] == "response_text" and e["id"] == end["id"]]
        assert "".join(pieces) == end["text"]


async def test_a_high_threshold_silences_it(checkpoint: Path, tmp_path: Path) -> None:
    events = await _events(checkpoint, _recording(tmp_path), threshold=1.0)
    assert not [e for e in events if e["event"] == "response_started"]
    assert {e["decision"] for e in events if e["event"] == "decision"} == {"silent"}
