"""`listener demo`: once in full, in real time; and its judgement on what it may be told."""

import io
import json
from pathlib import Path

import pytest
from program import listener
from rich.console import Console

from listener.cli.demo import Witness, _judge

ALARM = {"event_type": "smoke_alarm", "onset": 20.0}


@pytest.mark.timeout(170)
def test_the_demo_hears_its_alarm(tmp_path: Path) -> None:
    done = listener(tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The alarm arrived, and nothing false did." in done.stdout
    assert "listener/kitchen/sound/smoke_alarm  ON" in done.stdout
    assert "Smoke alarm in Kitchen!" in done.stdout
    assert "Traceback" not in done.stderr


def judged(*sounds: dict[str, object], response: bool = True, discovery: bool = True) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    witness = Witness(console)
    for sound in sounds:
        witness.receive("listener/kitchen/sound", json.dumps(sound).encode())
    if response:
        witness.receive("listener/kitchen/response", b'{"text": "Smoke alarm!"}')
    if discovery:
        witness.receive("homeassistant/device/listener_kitchen/config", b'{"cmps": {"sound": {}}}')
    return _judge(console, witness), out.getvalue()


def test_the_alarm_and_the_doorbell_may_be_heard() -> None:
    assert judged(ALARM)[0] == 0
    assert judged({"event_type": "doorbell", "onset": 4.2}, ALARM)[0] == 0


def test_what_is_missing_is_named() -> None:
    status, text = judged(response=False, discovery=False)
    assert status == 1
    assert "missed: smoke_alarm, the spoken warning, the entities for Home Assistant" in text


@pytest.mark.parametrize(
    "sound", [{"event_type": "co_alarm", "onset": 21.0}, {"event_type": "smoke_alarm", "onset": 11.2}]
)
def test_what_is_false_is_named(sound: dict[str, object]) -> None:
    status, text = judged(sound, ALARM)
    assert status == 1
    assert f"false: {sound['event_type']} at {sound['onset']} s" in text
