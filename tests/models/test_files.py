import hashlib
import os
from pathlib import Path

import platformdirs
import pytest

from listener.errors import ModelError
from listener.models.catalog import YAMNET, by_name
from listener.models.files import check, find, models_folder

SHARED_MODEL = (
    Path(os.environ.get("LISTENER_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
    / "models"
    / "yamnet.tflite"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    return tmp_path


def test_where_the_folder_is(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert models_folder({"LISTENER_MODELS": "/a", "STATE_DIRECTORY": "/b"}, nowhere) == Path("/a")
    assert models_folder({"STATE_DIRECTORY": "/b:/c"}, nowhere) == Path("/b/models")
    assert models_folder({}, nowhere) == platformdirs.user_data_path("listener") / "models"


@pytest.mark.skipif(os.geteuid() != 0, reason="concerns root only")
def test_root_finds_the_folder_of_the_installed_service(tmp_path: Path) -> None:
    assert models_folder({}, tmp_path) == tmp_path / "models"


def test_a_model_that_is_not_here_is_none(folder: Path) -> None:
    assert find("yamnet") is None


def test_an_unknown_name_lists_those_that_exist() -> None:
    with pytest.raises(ModelError, match=r"'yamnit' is not known; there is: yamnet"):
        by_name("yamnit")


def test_a_wrong_file_is_named_with_both_hashes_and_the_remedy(folder: Path) -> None:
    path = folder / "yamnet.tflite"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError) as raised:
        find("yamnet")
    message = str(raised.value)
    found = hashlib.sha256(b"not a model").hexdigest()
    for part in (str(path), found, YAMNET.sha256, "11 bytes", "listener models pull yamnet"):
        assert part in message


def test_a_configured_file_is_checked_too(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    with pytest.raises(ModelError, match=r"mine\.tflite: no such file"):
        find("yamnet", path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"mine\.tflite: is not yamnet"):
        find("yamnet", path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "dangling"])
def test_what_is_no_file_is_an_error_and_hangs_nothing(folder: Path, kind: str) -> None:
    path = folder / "yamnet.tflite"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(folder / "gone")
    with pytest.raises(ModelError, match="no such file"):
        find("yamnet")


@pytest.mark.skipif(not SHARED_MODEL.is_file(), reason=f"the real model is not at {SHARED_MODEL}")
def test_the_real_model_is_recognized(folder: Path) -> None:
    check(SHARED_MODEL, YAMNET)
    assert SHARED_MODEL.stat().st_size == YAMNET.size_bytes
    (folder / "yamnet.tflite").symlink_to(SHARED_MODEL)
    assert find("yamnet") == folder / "yamnet.tflite"
    assert find("yamnet", SHARED_MODEL) == SHARED_MODEL
