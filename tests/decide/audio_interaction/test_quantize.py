"""Weights of 8 and 4 bits, on a checkpoint whose layers are wide enough for a block of 64."""

from pathlib import Path

import pytest
import torch

from audio_interaction.tiny_checkpoint import write_checkpoint
from listener.decide.audio_interaction.load import LoadedModel, load
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.quantize import usable_weights
from listener.errors import ModelError

pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed (pip install '.[small-gpu]')")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("wide"), width=64)


def _layer_bytes(loaded: LoadedModel) -> int:
    layers = loaded.language_model.model.layers
    return sum(p.numel() * p.element_size() for n, p in layers.named_parameters() if n.endswith("proj.weight"))


def _logits(loaded: LoadedModel) -> torch.Tensor:
    (logits,) = Model(loaded, 1, 256).feed([Feed(0, list(range(60, 100)))])
    return logits[0]


@pytest.mark.parametrize(("weights", "smaller", "error"), [("int8", 4, 0.1), ("4bit", 8, 0.6)])
def test_layers_become_small_and_the_answer_stays_close(wide: Path, weights: str, smaller: int, error: float) -> None:
    full, small = load(wide), load(wide, weights=weights)
    assert _layer_bytes(small) * smaller == _layer_bytes(full)
    assert torch.equal(small.language_model.lm_head.weight, full.language_model.lm_head.weight)
    ours, theirs = _logits(small), _logits(full)
    assert float((ours - theirs).abs().max()) < error * float(theirs.abs().max())
    assert not torch.equal(ours, theirs)


def test_weights_of_a_kind_that_there_is_not_are_refused() -> None:
    with pytest.raises(ModelError, match="'3bit' is none of full, int8, 4bit"):
        usable_weights("3bit")
