"""What people are told to type is true on their machine."""

import shlex
import sys
from pathlib import Path

import pytest

from listener import origin

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, "listener"),
        ({"url": "file:///home/ada/my%20listener", "dir_info": {"editable": True}}, "/home/ada/my listener"),
        (
            {"url": "file:///srv/listener-0.1.0-py3-none-any.whl", "archive_info": {}},
            "/srv/listener-0.1.0-py3-none-any.whl",
        ),
        (
            {"url": "https://example.org/l.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "listener @ git+https://example.org/l.git@abc",
        ),
        (
            {"url": "https://example.org/listener.whl", "archive_info": {}},
            "listener @ https://example.org/listener.whl",
        ),
    ],
)
def test_it_can_be_installed_again_from_where_it_came(told: dict[str, object] | None, expected: str) -> None:
    assert origin.requirement_of(told) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, "listener[gpu]"),
        ({"url": "file:///srv/listener-0.1.0.whl", "archive_info": {}}, "/srv/listener-0.1.0.whl[gpu]"),
        (
            {"url": "https://example.org/l.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "listener[gpu] @ git+https://example.org/l.git@abc",
        ),
    ],
)
def test_an_extra_comes_from_there_too(told: dict[str, object] | None, expected: str) -> None:
    """And not from an index, where the name may be another's."""
    assert origin.requirement_of(told, "gpu") == expected


def test_what_is_told_names_where_this_package_came_from() -> None:
    """Whatever lies in the folder from which Python was started; what runs out of a checkout stays there."""
    editable = ["-e"] if Path(origin.__file__).is_relative_to(ROOT / "listener") else []
    words = shlex.split(origin.extra_command("stream"))
    assert words == [sys.executable, "-m", "pip", "install", *editable, f"{ROOT}[stream]"]
    assert shlex.split(origin.requirement()) == [str(ROOT)]


def test_the_name_is_enough_only_where_root_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, folder = tmp_path / "my venv" / "listener", tmp_path / "bin"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    folder.mkdir()
    monkeypatch.setattr(origin, "ROOTS_PATH", str(folder))
    assert origin.called(script) == f"'{script}'"
    (folder / "listener").symlink_to(script)
    assert origin.called(script) == "listener"
    assert origin.called(tmp_path / "another") == str(tmp_path / "another")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert origin.called() == f"{tmp_path}/python3 -m listener"
