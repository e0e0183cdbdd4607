"""What people are told to type is true on their machine."""

import json
import sys
from pathlib import Path

import pytest

from listener.cli import origin


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
def test_it_can_be_installed_again_from_where_it_came(told: object, expected: str) -> None:
    assert origin.requirement_of(None if told is None else json.dumps(told)) == expected


def test_this_package_came_from_somewhere() -> None:
    assert origin.requirement()


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
