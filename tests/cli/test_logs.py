"""Log lines: levels and fields reach the journal's own socket, and JSON says the same."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.cli.logs import JournalHandler, JsonFormatter, PrefixFormatter, stderr_is_the_journal
from listener.publish.log import EventLog
from listener.types import Command, ResponseEnded, SoundEnded, SoundStarted, Transcript


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket of our own in the journal's place."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taken:
        taken.bind(str(tmp_path / "journal"))
        taken.settimeout(10)
        yield taken


def fields(entry: bytes) -> dict[str, str]:
    """Read back as the protocol's description says, in both forms."""
    found = {}
    while entry:
        head, _, rest = entry.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + size], rest[8 + size + 1 :]
        found[name.decode()] = value.decode()
        entry = rest
    return found


def record(message: str = "kitchen: bang", level: int = logging.INFO, **extra: str) -> logging.LogRecord:
    made = logging.LogRecord("listener.room", level, "/x/room.py", 7, message, (), None)
    made.__dict__ |= extra
    return made


def test_the_journal_gets_level_and_fields(tmp_path: Path, journal: socket.socket) -> None:
    handler = JournalHandler(tmp_path / "journal")
    handler.emit(record("two\nlines", logging.ERROR, room="kitchen", event_id="4711"))
    handler.close()
    assert fields(journal.recv(65_536)) == {
        "MESSAGE": "two\nlines",
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "listener",
        "LOGGER": "listener.room",
        "CODE_FILE": "/x/room.py",
        "CODE_LINE": "7",
        "LISTENER_ROOM": "kitchen",
        "LISTENER_EVENT_ID": "4711",
    }


def test_no_value_can_pretend_to_be_a_field(tmp_path: Path, journal: socket.socket) -> None:
    handler = JournalHandler(tmp_path / "journal")
    handler.emit(record("x\nPRIORITY=0\nMESSAGE=forged", room="a\nPRIORITY=1"))
    handler.close()
    assert fields(journal.recv(65_536))["PRIORITY"] == "6"


def test_without_a_journal_the_line_is_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler = JournalHandler(tmp_path / "nothing")
    handler.emit(record("first\nsecond", logging.WARNING))
    handler.emit(record("x" * 10_000_000))
    handler.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["<4>first", "<4>second"]
    assert lines[2].startswith("<6>xxx")


def test_json_is_one_object_a_line() -> None:
    line = JsonFormatter().format(record("a\nb", room="kitchen"))
    assert "\n" not in line
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {"level": "info", "logger": "listener.room", "message": "a\nb", "room": "kitchen"}


def test_an_exception_goes_along() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        made = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    assert "ValueError: broken" in json.loads(JsonFormatter().format(made))["exception"]
    assert all(line.startswith("<3>") for line in PrefixFormatter("%(message)s").format(made).splitlines())


def test_the_journal_is_known_by_its_inode(tmp_path: Path) -> None:
    """Our stderr may be a file although systemd started whoever started us."""
    assert not stderr_is_the_journal({})
    assert not stderr_is_the_journal({"JOURNAL_STREAM": "1:2"})
    code = "import os, sys; from listener.cli.logs import stderr_is_the_journal as f; print(f(os.environ))"
    with (tmp_path / "stderr").open("wb") as stderr:
        info = os.fstat(stderr.fileno())
        environ = {**os.environ, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"}
        done = subprocess.run(
            [sys.executable, "-c", code], stderr=stderr, stdout=subprocess.PIPE, env=environ, check=True
        )
    assert done.stdout == b"True\n"


def test_events_are_logged_with_room_and_id_and_without_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = EventLog()
    at = {"room": "kitchen", "t": 1.0}
    sound = {"id": "s1", "label": "dog_bark", "score": 0.912, "onset": 0.1}
    log.publish(SoundStarted(**at, **sound, group="g"))
    log.publish(SoundEnded(**at, **sound, duration=2.0))
    log.publish(
        Command(
            **at,
            id="c1",
            intent="HassTurnOn",
            slots={"name": "SECRET"},
            text="SECRET",
            confidence=1.0,
            verdict="denied",
            reason="the door",
        )
    )
    log.publish(ResponseEnded(**at, id="r1", text="SECRET", reason="complete"))
    log.publish(Transcript(**at, text="SECRET", final=True, confidence=1.0, start=0.0, end=1.0))
    assert [(r.getMessage(), r.__dict__["room"], r.__dict__["event_id"]) for r in caplog.records] == [
        ("kitchen: dog_bark started (0.91)", "kitchen", "s1"),
        ("kitchen: dog_bark ended after 2.0 s", "kitchen", "s1"),
        ("kitchen: command HassTurnOn denied: the door", "kitchen", "c1"),
        ("kitchen: answer ended: complete", "kitchen", "r1"),
    ]
