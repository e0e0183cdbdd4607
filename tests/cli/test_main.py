"""The entry point: commands, exit statuses, and one line for whatever goes wrong on purpose."""

import argparse
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from program import listener

from listener import __version__
from listener.bench.synthesis import silence
from listener.cli import config as any_command
from listener.cli.main import COMMANDS, build_parser, main
from listener.config import Config, parse
from listener.errors import ConfigError, SourceError


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """`main` sets up the log of the process, as it must; the tests' own is put back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def ends_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run(_args: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(any_command, "run", run)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        build_parser().parse_args(["--help"])
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command.__name__.rsplit('.', 1)[1]} " in text
    assert "Not a certified safety device" in text


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"listener {__version__}\n"


@pytest.mark.parametrize("argv", [[], ["sing"], ["listen"], ["bench"], ["bench", "rooms", "--rooms", "0"]])
def test_a_wrong_command_line_is_the_usage_and_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv)
    assert capsys.readouterr().err.startswith("usage: listener")


def test_the_schema_describes_every_key_and_accepts_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert set(schema["properties"]) == set(Config.model_fields)
    assert parse({"rooms": [{"name": "A", "source": {"type": "pipe"}}]}).rooms[0].slug == "a"


def test_each_line_of_an_error_is_a_line_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends_with(monkeypatch, SourceError("one\ntwo"))
    assert main(["config", "schema"]) == 1
    assert capsys.readouterr().err == "listener: one\nlistener: two\n"


def test_only_of_the_daemon_a_bad_configuration_is_78(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ends_with(monkeypatch, ConfigError("x"))
    assert main(["config", "schema"]) == 1
    assert main(["run", "-c", str(tmp_path / "none.yaml")]) == os.EX_CONFIG == 78


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, KeyboardInterrupt())
    assert main(["config", "schema"]) == 130


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    ends_with(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        main(["config", "schema"])


def test_help_is_quick_because_nothing_heavy_is_loaded() -> None:
    code = "import sys, listener.cli.main as m; m.build_parser(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    heavy = {"numpy", "matplotlib", "rich", "amqtt", "paho", "soundfile", "ai_edge_litert", "torch", "sounddevice"}
    assert not heavy & set(done.stdout.split())


def test_log_lines_are_text_or_json_as_asked(tmp_path: Path) -> None:
    done = listener(tmp_path, "listen", "/none.wav", env={"JOURNAL_STREAM": "1:2"})  # which our stderr is not
    assert re.match(r"\d\d:\d\d:\d\d WARNING sounds are heard by", done.stderr)
    done = listener(tmp_path, "--log-format", "json", "listen", "/none.wav")
    line = json.loads(done.stderr.splitlines()[0])
    assert (line["level"], line["message"][:19]) == ("warning", "sounds are heard by")


@pytest.mark.parametrize("name", [b"al\xff.wav", b"$\\nope{$.wav", b"--x.wav", "\u72ac \U0001f415.wav".encode()])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_recording_may_have_any_name(tmp_path: Path, name: bytes, encoding: str) -> None:
    soundfile.write(tmp_path / "plain.wav", silence(0.4), 16_000)
    path = os.fsencode(tmp_path) + b"/" + name
    os.rename(tmp_path / "plain.wav", path)  # noqa: PTH104 (no Path is made of bytes)
    picture = tmp_path / "out.png"
    done = listener(
        tmp_path, "listen", "--plot", picture, os.fsdecode(path), env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert picture.exists()
