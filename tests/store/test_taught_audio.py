"""Recordings of taught sounds."""

import stat
from pathlib import Path

import numpy as np
import pytest
from taught_scene import washer

from listener.errors import StoreError
from listener.store.taught_audio import TaughtAudio


@pytest.fixture
def audio(tmp_path: Path) -> TaughtAudio:
    return TaughtAudio(tmp_path / "taught")


def test_a_recording_is_kept_private_and_read_again(audio: TaughtAudio, tmp_path: Path) -> None:
    sound = washer(1)
    name = audio.keep(sound)
    np.testing.assert_allclose(audio.read(name), sound, atol=1e-4)
    assert stat.S_IMODE((tmp_path / "taught" / name).stat().st_mode) == 0o600


def test_what_no_take_names_is_deleted(audio: TaughtAudio, tmp_path: Path) -> None:
    kept, gone = audio.keep(washer(1)), audio.keep(washer(2))
    (tmp_path / "taught" / "notes.txt").write_text("mine")
    assert audio.keep_only({kept}) == 1
    assert sorted(path.name for path in (tmp_path / "taught").iterdir()) == ["notes.txt", kept]
    with pytest.raises(StoreError, match="cannot be read"):
        audio.read(gone)
    assert TaughtAudio(tmp_path / "none").keep_only(()) == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "take-1.wav", "", "take-" + "a" * 32 + ".wav/.."])
def test_other_names_lead_nowhere(audio: TaughtAudio, name: str) -> None:
    with pytest.raises(StoreError, match="is no name of a recording"):
        audio.read(name)


def test_a_damaged_recording_and_a_full_disk_say_so(audio: TaughtAudio, tmp_path: Path) -> None:
    name = audio.keep(washer(1))
    (tmp_path / "taught" / name).write_bytes(b"RIFF no sound")
    with pytest.raises(StoreError, match=name):
        audio.read(name)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="keep_taught_audio"):
        TaughtAudio(tmp_path / "file" / "taught").keep(washer(1))
