"""The forward passes against plain ones: alone, together, beyond position 2048, and against a golden set."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.decide.audio_interaction.features import EarState
from listener.decide.audio_interaction.golden import verify
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.tokens import BLOCK
from listener.errors import ModelError

SHARED = Path(os.environ.get("LISTENER_GOLDEN", Path(__file__).resolve().parents[3].parent / "shared" / "golden"))


def _plain(loaded: LoadedModel, ids: list[int], frames: list[torch.Tensor], last: int = 0) -> torch.Tensor:
    """Everything at once, without a cache, with transformers' own causal mask. `[n, vocabulary]`.

    The mask of ones says that this is one sequence: transformers takes positions that repeat, as those of float16 do,
    for several sequences packed into one.
    """
    embedded = loaded.language_model.model.embed_tokens(torch.tensor([ids]))
    if frames:
        embedded[0, torch.tensor(ids) == BLOCK[1]] = torch.cat(frames)
    positions = torch.arange(len(ids))[None].half().float()
    model = loaded.language_model
    ours = model.config._attn_implementation
    model.config._attn_implementation = "eager"  # not the attention under test
    with torch.inference_mode():
        logits: torch.Tensor = model(
            inputs_embeds=embedded.clone(),
            position_ids=positions,
            attention_mask=torch.ones((1, len(ids)), dtype=torch.long),
            use_cache=False,
            logits_to_keep=last,
        ).logits[0]
    model.config._attn_implementation = ours
    return logits


def _frames(seed: int, count: int, width: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn((10, width), generator=generator) for _ in range(count)]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 45), min_size=1, max_size=4))
def test_fed_in_parts_equals_fed_at_once(loaded: LoadedModel, seed: int, parts: list[int]) -> None:
    ids = torch.randint(0, 150_000, (sum(parts),), generator=torch.Generator().manual_seed(seed)).tolist()
    model, at = Model(loaded, rows=1, capacity=512), 0
    for part in parts:
        (logits,) = model.feed([Feed(0, ids[at : at + part], answers=range(part))])
        assert torch.allclose(logits, _plain(loaded, ids[: at + part], [])[at:], atol=1e-4)
        at += part


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_rows_fed_together_equal_rows_fed_alone(loaded: LoadedModel, data: st.DataObject) -> None:
    rows = data.draw(st.integers(2, 5))
    together, alone = Model(loaded, rows, capacity=512), Model(loaded, rows, capacity=512)
    for turn in range(4):
        chosen = data.draw(st.lists(st.integers(0, rows - 1), min_size=1, max_size=rows, unique=True))
        feeds = []
        for row in chosen:
            length = data.draw(st.integers(1, 40))
            ids = torch.randint(0, 150_000, (length,), generator=torch.Generator().manual_seed(turn * 99 + row))
            block = data.draw(st.booleans())
            frames = _frames(turn, 1, loaded.shape.width) if block else []
            feeds.append(Feed(row, [*ids.tolist(), *(BLOCK if block else ())], frames))
        for feed, logits in zip(feeds, together.feed(feeds), strict=True):
            (single,) = alone.feed([feed])
            assert torch.allclose(logits, single, atol=1e-4)
    assert together.cache.lengths == alone.cache.lengths


def test_beyond_position_2048_it_equals_a_plain_pass_with_float16_positions(loaded: LoadedModel) -> None:
    blocks = 170
    frames = _frames(5, blocks, loaded.shape.width)
    model = Model(loaded, rows=1, capacity=2400)
    ids: list[int] = []
    logits = torch.zeros(0)
    for k in range(blocks):
        step = [*BLOCK, 151605]
        ids += step
        (logits,) = model.feed([Feed(0, step, [frames[k]])])
    assert len(ids) > 2200
    assert torch.allclose(logits[0], _plain(loaded, ids, frames, last=1)[-1], atol=1e-3)


def test_a_shortened_row_forgets_what_was_beyond(loaded: LoadedModel) -> None:
    model = Model(loaded, rows=1, capacity=256)
    model.feed([Feed(0, list(range(50)))])
    model.feed([Feed(0, list(range(900, 940)))])
    model.cache.lengths[0] = 50
    (logits,) = model.feed([Feed(0, [7, 8, 9])])
    assert torch.allclose(logits[0], _plain(loaded, [*range(50), 7, 8, 9], [])[-1], atol=1e-4)


def test_memory_is_allocated_once(loaded: LoadedModel) -> None:
    model = Model(loaded, rows=2, capacity=256)
    before = model.cache.bytes
    row = model.take_row()
    assert row == 0
    for _ in range(5):
        model.feed([Feed(row, list(range(40)))])
    assert model.cache.bytes == before == 2 * 2 * 2 * 2 * 256 * 4 * 4  # k and v, layers, rows, heads, positions, size
    assert model.take_row() == 1
    assert model.take_row() is None


def test_encoding_together_equals_encoding_alone(loaded: LoadedModel) -> None:
    model = Model(loaded, rows=1, capacity=256)
    chunks = torch.randn((3, 6400), generator=torch.Generator().manual_seed(3)) * 0.1
    mels = [m.normalised(float("-inf")) for m in model.hear([EarState() for _ in range(3)], chunks)]
    for mel, frames in zip(mels, model.encode(mels), strict=True):
        assert frames.shape == (10, loaded.shape.width)
        assert torch.allclose(frames, model.encode([mel])[0], atol=1e-5)


@pytest.mark.skipif(
    not (SHARED / "make_checkpoint.py").is_file(), reason=f"no golden set in {SHARED}; LISTENER_GOLDEN names another"
)
def test_the_golden_set_is_reproduced(tmp_path: Path) -> None:
    """Its checkpoint and its sound are made anew, by its own programs and with its own seeds."""
    for name in ("expected.json", "features.npy", "offline_features.npy"):
        shutil.copy(SHARED / name, tmp_path)
    for program in (
        ["make_checkpoint.py", tmp_path / "checkpoint", "--seed", "6"],
        ["make_audio.py", tmp_path / "scene.wav", "16", "3"],
    ):
        subprocess.run([sys.executable, SHARED / program[0], *program[1:]], check=True, capture_output=True)
    report = verify(tmp_path / "checkpoint", tmp_path)
    assert report.within_tolerance, report


def test_a_golden_folder_that_is_none_is_named(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no usable golden set.*expected\.json"):
        verify(checkpoint, tmp_path)
    (tmp_path / "expected.json").write_text("{}")
    with pytest.raises(ModelError, match="golden set"):
        verify(checkpoint, tmp_path)
