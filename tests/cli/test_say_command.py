"""`listener say` as people type it; that it arrives is tests/publish/test_say.py's."""

from pathlib import Path

import pytest

from listener.cli.main import main

CONFIG = """
rooms:
  - {name: Living Room, source: {type: microphone}}
  - {name: Küche, source: {type: microphone}, output: default}
"""


def say(tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str, more: str = "") -> tuple[int, str]:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG + more, encoding="utf-8")
    status = main(["say", "-c", str(path), *words])
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "more", "expected"),
    [
        (("Attic", "Hello"), "", "there is no room 'Attic'; rooms are Living Room, Küche"),
        (("living room", " "), "", "nothing to say"),
        (("living_room", "Hello"), "", "the configuration has no `mqtt` section"),
        (("KÜCHE", "x" * 3_000), "mqtt: {}", "the text is too long: 3029 bytes"),
        (("kuche", "Hello"), "mqtt: {port: 1}", "MQTT broker 127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], more: str, expected: str
) -> None:
    status, line = say(tmp_path, capsys, *words, more=more)
    assert status == 1
    assert expected in line
    assert line.startswith("listener: ")
    assert line.count("\n") == 1
