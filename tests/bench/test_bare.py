"""What the network alone can do, on every core of this machine."""

import os
from pathlib import Path

import pytest
from program import SHARED

from listener.bench.bare import Bare, measure_bare
from listener.bench.rooms import Measured, as_dict

MODEL = SHARED / "models" / "yamnet.tflite"


@pytest.mark.skipif(not MODEL.is_file(), reason=f"no {MODEL}: set LISTENER_SHARED to the folder that has it")
def test_the_network_runs_on_all_cores() -> None:
    bare = measure_bare(MODEL, 0.2)
    assert bare is not None
    assert bare.window_ms > 0
    assert bare.rooms == pytest.approx((os.cpu_count() or 1) * 400 / bare.window_ms, rel=0.05)


def test_without_the_network_there_is_no_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    assert measure_bare() is None


def test_a_number_of_rooms_is_given_as_a_part_of_the_bound_as_well() -> None:
    measured = Measured(rooms=170, p99_seconds=0.3, rss_mb=300.0, cpu_seconds=17.0, audio_seconds=2_000.0)
    found = as_dict(measured, Bare(window_ms=2.0, rooms=400))
    assert (found["rooms"], found["bare_rooms"], found["part_of_bare"]) == (170, 400, 0.425)
    assert "bare_rooms" not in as_dict(measured, None)
