"""The embeddings of common sounds that come with the package."""

from pathlib import Path

import numpy as np
import pytest

from listener.errors import ModelError
from listener.perceive.sounds.common_sounds import CommonSounds, bundled_path, in_eight_bits, load_common
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.own_tagger_model import SHA256


def test_they_were_made_with_the_network_that_is_shipped() -> None:
    """When this fails, the network is another one: python -m training.common_sounds"""
    common = load_common()
    assert common.network == SHA256
    assert common.others.shape[1:] == Embedder().open().embedding.shape
    assert len(common.others) >= 1_000
    assert len(common.recordings.labels) >= 300
    assert {"power_tool", "rain", "door", ""} <= {*common.recordings.labels}
    assert bundled_path().stat().st_size <= 1_500_000
    assert 0.1 < common.alike < 0.9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (bundled_path().read_bytes()[:2_000], "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "common.npz"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        load_common(path)


def test_a_missing_file_and_another_network_s_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_common(tmp_path / "none.npz")
    with pytest.raises(ModelError, match="made with another network"):
        load_common(network="f" * 64)


def write(path: Path, **other: np.ndarray) -> Path:
    """Two embeddings of made sounds, and three of two recordings; some of it may be other."""
    fields = {"vectors": np.eye(2, 4), "recorded": np.eye(3, 4), "network": np.array(SHA256), "alike": np.array(0.5)}
    np.savez(path, **{**fields, "labels": np.array(["rain", ""]), "numbers": np.array([2, 1]), **other})
    return path


def test_recordings_have_labels_and_each_is_as_near_as_its_nearest_moment(tmp_path: Path) -> None:
    common = load_common(write(tmp_path / "common.npz"))
    assert common.recordings.labels == ("rain", "")
    assert common.recordings.best(np.array([0.1, 0.3, 0.2], np.float32)).tolist() == pytest.approx([0.3, 0.2])


@pytest.mark.parametrize("name", ["vectors", "recorded"])
@pytest.mark.parametrize("vectors", [np.zeros((0, 4)), np.zeros(4), np.full((4, 4), np.inf), np.zeros((3, 5))])
def test_what_holds_no_embeddings_is_refused(tmp_path: Path, name: str, vectors: np.ndarray) -> None:
    path = write(tmp_path / "common.npz", **{name: vectors})
    with pytest.raises(ModelError, match="holds no embeddings"):
        load_common(path)


@pytest.mark.parametrize("numbers", [[2, 2], [3, 0], [1, 1], [4, -1]])
def test_recordings_whose_embeddings_are_not_there_are_refused(tmp_path: Path, numbers: list[int]) -> None:
    path = write(tmp_path / "common.npz", numbers=np.array(numbers))
    with pytest.raises(ModelError, match="its recordings are not those"):
        load_common(path)
    with pytest.raises(ModelError, match="its recordings are not those"):
        load_common(write(tmp_path / "none.npz", labels=np.array([]), numbers=np.array([])))


def test_eight_bits_keep_the_direction() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 224)).astype(np.float32)
    kept = CommonSounds.space(in_eight_bits(vectors).astype(np.float32))
    assert (kept * CommonSounds.space(vectors)).sum(axis=1).min() > np.cos(np.radians(1))
