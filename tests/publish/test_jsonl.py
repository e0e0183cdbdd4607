"""Events as lines, also into pipes that break and disks that are full."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from listener.publish.jsonl import JsonLines
from listener.types import Decision, LevelReport

EVENT = Decision(room="kitchen", t=0.4, decision="silent", probability=0.25, engine="cascade")


def test_one_event_a_line_and_no_reports() -> None:
    stream = io.StringIO()
    lines = JsonLines(stream, {"file": "dog.wav"})
    lines.publish(EVENT)
    lines.report(LevelReport("kitchen", -20))
    lines.publish(EVENT)
    first, second = stream.getvalue().splitlines()
    assert first == second
    assert json.loads(first) == {
        "event": "decision",
        "room": "kitchen",
        "t": 0.4,
        "decision": "silent",
        "probability": 0.25,
        "engine": "cascade",
        "trigger": None,
        "file": "dog.wav",
    }


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    program = (
        "import sys\n"
        "from listener.publish.jsonl import JsonLines\n"
        "from listener.types import Decision\n"
        "lines = JsonLines(sys.stdout)\n"
        "while not lines.broken:\n"
        "    lines.publish(Decision(room='r', t=1, decision='silent', probability=0, engine='e'))\n"
        "lines.publish(Decision(room='r', t=1, decision='silent', probability=0, engine='e'))\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["event"] == "decision"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a speciality of Linux")
def test_a_full_disk_is_told_once_and_does_not_stop_the_room(caplog: pytest.LogCaptureFixture) -> None:
    stream = Path("/dev/full").open("w")  # noqa: SIM115 (closing flushes, and fails again)
    lines = JsonLines(stream)
    lines.publish(EVENT)
    lines.publish(EVENT)
    assert lines.failure == "events cannot be written: No space left on device; make room, or write them elsewhere"
    assert len(caplog.records) == 1
    with pytest.raises(OSError, match="No space left"):
        stream.close()
