"""The released folder: loaded as it is, refused with the file's name when it is damaged."""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from audio_interaction.tiny_checkpoint import MODEL_CONFIG, write_checkpoint
from listener.decide.audio_interaction.load import LoadedModel, load, out_of_memory_named, verify_files
from listener.errors import ModelError

SHARD = "model-00001-of-00002.safetensors"
ENCODER = "MiniOmni3_ChunkwisedEncoder.pth"


@pytest.fixture
def damaged(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy to damage; the large files are links until a test replaces them."""
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint, folder, copy_function=os.link)
    return folder


def _rewrite(path: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(path)
    change(tensors)
    path.unlink()
    save_file(tensors, path)


def test_the_older_interleaved_attention_gives_the_same_weights(loaded: LoadedModel, tmp_path: Path) -> None:
    older = load(write_checkpoint(tmp_path, older=True))
    theirs = older.language_model.state_dict()
    for name, tensor in loaded.language_model.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name


def test_one_file_without_an_index_and_the_other_encoder_name_load_too(checkpoint: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, shards=1)
    (folder / "model-00001-of-00001.safetensors").rename(folder / "model.safetensors")
    (folder / "model.safetensors.index.json").unlink()
    (folder / ENCODER).rename(folder / "audiointeraction_ChunkwisedEncoder.pth")
    assert load(folder).shape.layers == 2
    verify_files(folder)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_every_weight_is_converted(checkpoint: Path, dtype: str) -> None:
    model = load(checkpoint, dtype=dtype)
    kinds = {p.dtype for module in (model.language_model, model.encoder) for p in module.parameters()}
    assert kinds == {getattr(torch, dtype)}
    assert model.language_model.model.rotary_emb.inv_freq.dtype == torch.float32


def test_progress_counts_every_tensor(checkpoint: Path) -> None:
    seen: list[tuple[int, int]] = []
    load(checkpoint, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1][0] == seen[-1][1] == len(seen)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("model_config.yaml", "model_config.yaml"),
        ("model.safetensors.index.json", "model.safetensors.index.json"),
        (SHARD, SHARD),
        (ENCODER, ENCODER),
        ("tokenizer.json", "tokenizer.json"),
        ("qwen25OmniConfig/config.json", "config.json"),
    ],
)
def test_a_missing_file_is_named(damaged: Path, missing: str, named: str) -> None:
    (damaged / missing).unlink()
    with pytest.raises(ModelError, match=named):
        load(damaged)


def test_a_folder_that_is_no_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no Audio-Interaction checkpoint.*model_config\.yaml"):
        load(tmp_path)
    with pytest.raises(ModelError, match="no folder"):
        load(tmp_path / "nowhere")


def test_a_truncated_shard_is_named_with_its_size(damaged: Path) -> None:
    content = (damaged / SHARD).read_bytes()[:-1000]
    (damaged / SHARD).unlink()
    (damaged / SHARD).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{SHARD}: damaged or truncated.*{len(content)} bytes"):
        load(damaged)


def test_wrong_shapes_dtypes_and_names_are_all_told_at_once(damaged: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        names = sorted(n for n in tensors if "transformer.h." in n)
        tensors[names[0]] = torch.zeros(3, 3)
        tensors[names[1]] = tensors[names[1]].to(torch.int64)
        del tensors[names[2]]

    _rewrite(damaged / SHARD, change)
    with pytest.raises(ModelError) as caught:
        verify_files(damaged)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(SHARD in line for line in lines)
    assert "shape [3, 3]" in lines[0]
    assert "dtype I64" in lines[1]
    assert "is missing" in lines[2]


def test_a_tensor_that_no_shard_holds_is_named(damaged: Path) -> None:
    index = damaged / "model.safetensors.index.json"
    table = json.loads(index.read_text())
    del table["weight_map"]["transformer.ln_f.weight"]
    index.unlink()
    index.write_text(json.dumps(table))
    with pytest.raises(ModelError, match=r"transformer\.ln_f\.weight is in no shard"):
        load(damaged)


@pytest.mark.parametrize("file", ["../elsewhere.safetensors", "/etc/passwd", "model.bin", 7])
def test_an_index_that_leads_out_of_the_folder_is_refused(damaged: Path, file: object) -> None:
    index = damaged / "model.safetensors.index.json"
    index.unlink()
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": file}}))
    with pytest.raises(ModelError, match="no shard of this folder"):
        load(damaged)


class _Code:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("writer", [torch.save, lambda o, p: Path(p).write_bytes(pickle.dumps(o))])
def test_code_in_the_encoder_file_is_refused_and_not_executed(damaged: Path, tmp_path: Path, writer: Any) -> None:
    trap = tmp_path / "executed"
    (damaged / ENCODER).unlink()
    writer({"conv1.weight": _Code(trap)}, damaged / ENCODER)
    with pytest.raises(ModelError, match=f"{ENCODER}"):
        verify_files(damaged)
    with pytest.raises(ModelError, match=f"{ENCODER}"):
        load(damaged)
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a zip", b"\x80\x02}q\x00."])
def test_a_damaged_encoder_file_is_named(damaged: Path, content: bytes) -> None:
    (damaged / ENCODER).unlink()
    (damaged / ENCODER).write_bytes(content)
    with pytest.raises(ModelError, match=ENCODER):
        load(damaged)


def test_an_encoder_tensor_of_the_wrong_shape_is_named(damaged: Path) -> None:
    state = torch.load(damaged / ENCODER, weights_only=True)
    state["conv1.weight"] = torch.zeros(1, 2, 3)
    (damaged / ENCODER).unlink()
    torch.save(state, damaged / ENCODER)
    with pytest.raises(ModelError, match=r"conv1\.weight has shape \[1, 2, 3\]"):
        verify_files(damaged)


@pytest.mark.parametrize(
    ("key", "value"),
    [("n_layer", 10**9), ("n_layer", "two"), ("n_head", 3), ("head_size", 5), ("norm_eps", -1), ("attn_bias", False)],
)
def test_an_impossible_shape_names_file_and_key(damaged: Path, key: str, value: object) -> None:
    path = damaged / "model_config.yaml"
    path.unlink()
    path.write_text(yaml.safe_dump({**MODEL_CONFIG, key: value}))
    with pytest.raises(ModelError, match=rf"model_config\.yaml: .*{key}"):
        load(damaged)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1, 2]", b"{" * 100_000, b"a: ["])
def test_a_damaged_configuration_is_named(damaged: Path, content: bytes) -> None:
    for name in ("model_config.yaml", "qwen25OmniConfig/config.json", "model.safetensors.index.json"):
        copy = damaged / name
        before = copy.read_bytes()
        copy.unlink()
        copy.write_bytes(content)
        with pytest.raises(ModelError, match=Path(name).name):
            load(damaged)
        copy.write_bytes(before)


def test_a_tokenizer_that_is_none_is_named(damaged: Path) -> None:
    (damaged / "tokenizer.json").unlink()
    (damaged / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        load(damaged)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_cuda_that_is_not_there_is_said_before_anything_is_loaded(checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="finds no CUDA here"):
        load(checkpoint, device="cuda")


@pytest.mark.parametrize(("device", "dtype"), [("gpu", "float32"), ("meta", "float32"), ("cpu", "int3")])
def test_an_unknown_device_or_dtype_is_refused(checkpoint: Path, device: str, dtype: str) -> None:
    with pytest.raises(ModelError, match=device if dtype == "float32" else dtype):
        load(checkpoint, device=device, dtype=dtype)


def test_running_out_of_memory_is_told_with_the_figure() -> None:
    with pytest.raises(ModelError, match=r"loading: out of memory: .*1125899906842624 bytes"), _loading():
        torch.empty(1 << 50, dtype=torch.uint8)
    with pytest.raises(ModelError, match=r"loading: out of memory: Tried to allocate 20 GiB"), _loading():
        raise torch.OutOfMemoryError("Tried to allocate 20 GiB.\nand more")
    with pytest.raises(RuntimeError, match="something else"), _loading():
        raise RuntimeError("something else")


def _loading() -> AbstractContextManager[None]:
    return out_of_memory_named("loading", ModelError)
