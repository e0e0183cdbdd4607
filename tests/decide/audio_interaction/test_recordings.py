"""Several recordings through one engine: each is heard as if it were the only one."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fakes import RecordingPublisher

from listener.app import build_source, open_recordings
from listener.config import Config, FileSource, parse
from listener.decide.audio_interaction import engine as engine_module
from listener.decide.audio_interaction import stream
from listener.types import event_dict


def configured(checkpoint: Path, threshold: float = 1.0) -> Config:
    engine = {"name": "audio-interaction", "model": str(checkpoint), "device": "cpu", "dtype": "float32"}
    return parse(
        {
            "rooms": [{"name": "room", "threshold": threshold, "source": {"type": "file", "path": "-"}}],
            "engine": {**engine, "greedy": True, "max_rooms": 1, "window": 600},
            "sounds": {"tagger": "none"},
        }
    )


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        path = tmp_path / f"{seed}.wav"
        gains = np.repeat(10.0 ** rng.uniform(-3, -0.5, 5), 6_400)
        soundfile.write(path, rng.standard_normal(gains.size).clip(-2, 2) * gains, 16_000)
        paths.append(path)
    return paths


async def heard(config: Config, paths: list[Path]) -> list[list[dict[str, Any]]]:
    runs = []
    async with open_recordings(config) as recordings:
        for path in paths:
            told = RecordingPublisher()
            source = build_source(FileSource(type="file", path=path, realtime=False))
            await recordings.hear(source, [told], seed=path.name)
            runs.append([event_dict(event) for event in told.events])
    return runs


async def test_recordings_share_one_engine_and_nothing_else(
    checkpoint: Path, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = partial(stream.Limits, reply_tokens=6, transcript_tokens=6)
    monkeypatch.setattr(stream, "Limits", short)
    quiet = await heard(configured(checkpoint), files)
    likely = [e["probability"] for run in quiet for e in run if e["event"] == "decision"]
    config = configured(checkpoint, threshold=0.75 * max(likely))
    loads: list[Path] = []
    load = engine_module.load

    def counted(folder: Path, *args: Any, **options: Any) -> Any:
        loads.append(folder)
        return load(folder, *args, **options)

    monkeypatch.setattr(engine_module, "load", counted)
    together = await heard(config, files)
    assert len(loads) == 1
    alone = [(await heard(config, [path]))[0] for path in reversed(files)]
    assert together == list(reversed(alone))
    assert any(e["event"] == "response_ended" for run in together for e in run)
