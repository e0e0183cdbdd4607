"""Clips of a real daemon process: of the sound that was asked for, and none where somebody speaks or nobody asked."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import SHARED, command, environment

from listener.bench.scene import kitchen

MODEL = SHARED / "models" / "yamnet.tflite"


def clips_of(folder: Path, samples: "np.typing.NDArray[np.float32]", privacy: str) -> list[Path]:
    """What a daemon leaves on disk that hears these samples through a pipe, to their end."""
    config = folder / "c.yaml"
    config.write_text(
        "rooms: [{name: Kitchen, source: {type: pipe, format: f32le}}]\n"
        f"sounds: {{model: {MODEL}}}\nprivacy: {{{privacy}}}\n"
    )
    environ = environment(folder, LISTENER_STATE=str(folder / "state"))
    data = samples.astype("<f4").tobytes()
    done = subprocess.run(
        command("run", "-c", config), input=data, env=environ, capture_output=True, timeout=110, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    return sorted((folder / "state").rglob("*.flac"))


CLIPS = "clips: {labels: {smoke_alarm: {before_seconds: 2, after_seconds: 4}}}"


@pytest.fixture
def alarm() -> "np.typing.NDArray[np.float32]":
    if not MODEL.exists():
        pytest.skip(f"no YAMNet model in {MODEL}")
    return kitchen().astype(np.float32)


def test_by_default_nothing_is_kept(tmp_path: Path, alarm: "np.typing.NDArray[np.float32]") -> None:
    assert clips_of(tmp_path, alarm, "") == []
    assert not (tmp_path / "state" / "clips").exists()


def test_a_clip_of_the_alarm_is_kept(tmp_path: Path, alarm: "np.typing.NDArray[np.float32]") -> None:
    (path,) = clips_of(tmp_path, alarm, CLIPS)
    assert os.stat(path).st_mode & 0o777 == 0o600  # noqa: PTH116
    samples, rate = soundfile.read(path)
    assert len(samples) / rate == pytest.approx(6.4)
    assert np.abs(samples).max() > 0.01


def test_where_somebody_speaks_none_is(tmp_path: Path, alarm: "np.typing.NDArray[np.float32]") -> None:
    if shutil.which("flite") is None:
        pytest.skip("flite is not installed: apt-get install flite")
    said = tmp_path / "said.wav"
    text = "Do you hear that? I think it is the alarm in the kitchen. Please go and look what is burning there."
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", said], check=True)
    speech, _ = soundfile.read(said, dtype="float32")
    assert clips_of(tmp_path, np.clip(alarm + np.resize(speech, len(alarm)), -1, 1), CLIPS) == []
