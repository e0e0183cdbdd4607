"""Timers over kill -9 and restart: all ring, late rather than never, and none twice. A real process, a real disk."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("timer_program.py")


class Daemon:
    """One life of the process."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, PROGRAM, folder, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.rung: list[str] = []
        self.texts: list[str] = []
        self._said_early = 0
        while (line := self.read()) != {"ready": True}:  # what is overdue may ring before the process says so
            assert "said" in line, line
            self._said_early += 1

    def read(self) -> dict[str, Any]:
        """The next line that is no ring; rings are kept. Empty at the end of the process."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: dict[str, Any] = json.loads(text)
            if "ring" not in line:
                return line
            self.rung.append(line["ring"])
            self.texts.append(line["text"])
        return {}

    def command(self, intent: str, **slots: str | float) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([intent, slots]) + "\n")
        self._process.stdin.flush()
        while "answer" not in (line := self.read()):
            assert line, "the process has ended"
        return str(line["answer"])

    def wait_until_said(self, count: int) -> None:
        for _ in range(count - self._said_early):
            while "said" not in (line := self.read()):
                assert line, "the process has ended"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def lives() -> Iterator[list[Daemon]]:
    started: list[Daemon] = []
    yield started
    for daemon in started:
        daemon.kill()


def begin(lives: list[Daemon], folder: Path, *words: str) -> Daemon:
    lives.append(Daemon(folder, *words))
    return lives[-1]


def test_timers_ring_once_each_over_kills(tmp_path: Path, lives: list[Daemon]) -> None:
    first = begin(lives, tmp_path)
    for number in range(3):
        first.command("HassStartTimer", name=f"soon {number}", seconds=0.1)
    first.wait_until_said(3)
    due = time.time() + 1.0
    for number in range(5):
        first.command("HassStartTimer", name=f"later {number}", seconds=1.0)
    first.command("HassStartTimer", name="paused", minutes=9)
    first.command("HassPauseTimer", name="paused")
    first.command("HassStartTimer", name="far", hours=2)
    first.kill()

    while time.time() < due + 1.0:
        time.sleep(0.05)  # they become due while nobody is there
    second = begin(lives, tmp_path)
    second.wait_until_said(5)
    second.kill()

    third = begin(lives, tmp_path)
    status = third.command("HassTimerStatus")
    third.command("HassStartTimer", name="last", seconds=0.1)
    third.wait_until_said(1)

    assert sorted(first.texts) == [f"Your soon {number} timer is done." for number in range(3)]
    assert sorted(second.texts) == [f"Your later {number} timer is done." for number in range(5)]
    assert third.texts == ["Your last timer is done."]
    rung = [*first.rung, *second.rung, *third.rung]
    assert len(set(rung)) == len(rung) == 9
    assert "Paused timer: paused, nine minutes left." in status
    assert "Far timer: one hour and fifty-nine minutes left." in status or "two hours left" in status


def test_a_ring_that_a_kill_cut_short_is_said_again_under_its_old_id(tmp_path: Path, lives: list[Daemon]) -> None:
    first = begin(lives, tmp_path, "die")
    first.command("HassStartTimer", name="egg", seconds=0.3)
    assert first.read() == {}
    second = begin(lives, tmp_path)
    second.wait_until_said(1)
    second.kill()
    third = begin(lives, tmp_path)
    assert third.command("HassTimerStatus") == "There are no timers."
    assert first.rung == second.rung
    assert len(first.rung) == 1
