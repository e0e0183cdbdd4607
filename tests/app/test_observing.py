"""Metrics, muted hours and log lines of a real daemon process."""

import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from conftest import free_port
from program import command, environment

from listener.bench.scene import kitchen
from listener.bench.synthesis import tone

WAIT_SECONDS = 60.0


@contextlib.contextmanager
def daemon(folder: Path, config: str, *before: str) -> Iterator["subprocess.Popen[bytes]"]:
    path = folder / "c.yaml"
    path.write_text(config)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command(*before, "run", "--json", "-c", path),
            env=environment(folder, LISTENER_STATE=str(folder / "state")),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def until(process: "subprocess.Popen[bytes]", kind: str, **wanted: object) -> dict[str, object]:
    """The next event of that kind with these values."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == kind and all(event[key] == value for key, value in wanted.items()):
            return dict(event)
    pytest.fail("the daemon ended")


def rooms(path: Path, **source: object) -> str:
    return f"rooms: [{{name: Kitchen, source: {json.dumps({'type': 'file', 'path': str(path), **source})}}}]\n"


@pytest.fixture
def endless(tmp_path: Path) -> str:
    soundfile.write(tmp_path / "tone.wav", tone(2.0, 440.0), 16_000)
    return rooms(tmp_path / "tone.wav", loop=True) + "sounds: {tagger: none}\n"


def test_prometheus_sees_what_is_decided(tmp_path: Path, endless: str) -> None:
    port = free_port()
    with daemon(tmp_path, endless + f"metrics: {{port: {port}}}\n") as process:
        until(process, "decision")
        deadline = time.monotonic() + WAIT_SECONDS
        text = ""
        while 'listener_decisions_total{decision="silent"' not in text or "listener_uptime_seconds" not in text:
            assert time.monotonic() < deadline
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                text = answer.read().decode()
    assert 'listener_room_state{room="kitchen",state="listening"} 1.0' in text
    assert 'listener_muted{room="kitchen"} 0.0' in text


def test_in_muted_hours_the_room_is_never_opened(tmp_path: Path, endless: str) -> None:
    with daemon(tmp_path, endless + 'privacy: {muted_hours: ["00:00-24:00"]}\n') as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["event"], first["state"]) == ("status", "muted")
        marks = tmp_path / "state" / "muted-hours.json"
        deadline = time.monotonic() + WAIT_SECONDS
        while not marks.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert json.loads(marks.read_text())["rooms"]["kitchen"]["closed"] is True
        assert os.stat(marks).st_mode & 0o777 == 0o600  # noqa: PTH116
    with daemon(tmp_path, endless) as process:  # without hours nothing opens it but a person
        until(process, "status", state="muted")


def test_log_lines_have_fields(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "kitchen.wav", kitchen(), 16_000)
    config = rooms(tmp_path / "kitchen.wav", realtime=False) + "sounds: {tagger: none}\n"
    with daemon(tmp_path, config, "--log-format", "json") as process:
        event = until(process, "sound_ended", label="smoke_alarm")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    about = [line for line in lines if line.get("event_id") == event["id"]]
    assert [line["room"] for line in about] == ["kitchen", "kitchen"]
    assert about[0]["message"].startswith("kitchen: smoke_alarm started")
    assert about[1]["message"].startswith("kitchen: smoke_alarm ended after")
