"""The embeddings of common sounds that come with the package."""

from pathlib import Path

import numpy as np
import pytest

from listener.errors import ModelError
from listener.perceive.sounds.common_sounds import bundled_path, load_common
from listener.perceive.sounds.embeddings import Embedder
from listener.perceive.sounds.own_tagger_model import SHA256


def test_they_were_made_with_the_network_that_is_shipped() -> None:
    """When this fails, the network is another one: python -m training.common_sounds"""
    common = load_common()
    assert common.network == SHA256
    assert common.others.shape[1:] == Embedder().open().embedding.shape
    assert len(common.others) >= 1_000
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


@pytest.mark.parametrize("vectors", [np.zeros((0, 4)), np.zeros(4), np.full((4, 4), np.inf)])
def test_what_holds_no_embeddings_is_refused(tmp_path: Path, vectors: np.ndarray) -> None:
    path = tmp_path / "common.npz"
    np.savez(path, vectors=vectors, network=np.array(SHA256), alike=np.array(0.5))
    with pytest.raises(ModelError, match="holds no embeddings"):
        load_common(path)
