import argparse
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_server import Site, serve

from listener.cli import models
from listener.errors import ModelError
from listener.models import catalog
from listener.models.catalog import ModelFile, Origin

CONTENT = bytes(range(256)) * 100


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    models.add_parser(parser.add_subparsers())
    args = parser.parse_args(["models", *words])
    status: int = args.run(args)
    return status


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The catalogue with one small model more, which a server on loopback has."""
    with serve() as running:
        origin = Origin(running.file("/tiny", CONTENT))
        digest = hashlib.sha256(CONTENT).hexdigest()
        tiny = ModelFile("tiny", "tiny.tflite", len(CONTENT), digest, "CC0", "a stand-in", (origin,))
        monkeypatch.setattr(catalog, "MODELS", (tiny,))
        yield running


def test_list_says_where_and_what_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("list") == 0
    out = capsys.readouterr().out
    assert str(folder) in out
    assert "yamnet  4.1 MB  Apache-2.0" in out
    assert "listener models pull yamnet" in out


def test_pull_then_list_then_verify(folder: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("verify") == 1
    assert command("pull", "tiny") == 0
    assert (folder / "tiny.tflite").read_bytes() == CONTENT
    assert "verified" in capsys.readouterr().out
    assert command("verify") == 0
    assert command("verify", "tiny") == 0
    assert command("verify", str(folder)) == 0
    assert command("list") == 0
    assert "here, verified" in capsys.readouterr().out

    assert command("pull", "tiny") == 0
    assert site.asked == ["/tiny"]
    assert command("pull", "tiny", "--force") == 0
    assert site.asked == ["/tiny", "/tiny"]


def test_pull_replaces_a_wrong_file(folder: Path, site: Site) -> None:
    folder.mkdir()
    (folder / "tiny.tflite").write_bytes(b"wrong")
    assert command("pull", "tiny") == 0
    assert (folder / "tiny.tflite").read_bytes() == CONTENT


def test_verify_as_json(folder: Path, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir()
    (folder / "tiny.tflite").write_bytes(b"wrong")
    assert command("verify", "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert said["folder"] == str(folder)
    assert "SHA-256" in said["models"]["tiny"]["fault"]


def test_an_unknown_model_is_named(folder: Path) -> None:
    for action in ("pull", "verify"):
        with pytest.raises(ModelError, match="yamnit"):
            command(action, "yamnit")


@pytest.mark.parametrize("name", ["model.safetensors.index.json", "a-00001.safetensors", "tokenizer.json"])
def test_half_a_checkpoint_is_told_what_it_lacks(tmp_path: Path, name: str) -> None:
    pytest.importorskip("torch")
    (tmp_path / name).write_text("{}")
    with pytest.raises(ModelError, match=r"no Audio-Interaction checkpoint: model_config.yaml, .*missing"):
        command("verify", str(tmp_path))


def test_a_folder_of_neither_kind_is_told_what_both_have(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match=r"neither a model \(yamnet.tflite.*nor a checkpoint .*model_config.yaml"):
            command("verify", str(folder))
