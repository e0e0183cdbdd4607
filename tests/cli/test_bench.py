"""`listener bench rooms` as people run it."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Mosquitto
from program import listener

FIELDS = ["rooms", "p99_seconds", "rss_mb", "cpu_seconds", "audio_seconds"]


@pytest.mark.skipif(shutil.which("mosquitto") is None, reason="mosquitto is not installed: apt-get install mosquitto")
def test_json_is_one_object_with_a_broker_of_its_own(tmp_path: Path) -> None:
    done = listener(tmp_path, "bench", "rooms", "--rooms", "1", "--seconds", "1", "--json")
    measured = json.loads(done.stdout)
    assert list(measured) == FIELDS, "without YAMNet there is no bound to compare with"
    assert measured["rooms"] == 1
    assert done.returncode == (0 if measured["p99_seconds"] < 0.4 else 1)
    assert done.stderr.startswith("1 rooms: p99 ")


def test_a_person_reads_one_line_and_the_given_broker_is_used(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    broker = f"127.0.0.1:{mosquitto.port}"
    done = listener(tmp_path, "bench", "rooms", "--rooms", "2", "--seconds", "1", "--broker", broker)
    assert done.stdout.startswith("2 rooms in real time: p99 ")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("address", ["localhost", "1883", ":1883", "host:port"])
def test_a_broker_that_is_no_address_is_told(tmp_path: Path, address: str) -> None:
    done = listener(tmp_path, "bench", "rooms", "--broker", address)
    assert done.returncode == 1
    assert done.stderr == f"listener: --broker '{address}': give HOST:PORT, as in 127.0.0.1:1883\n"


def test_a_model_that_is_not_there_is_told(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    broker = f"127.0.0.1:{mosquitto.port}"
    done = listener(tmp_path, "bench", "rooms", "--rooms", "1", "--broker", broker, "--model", "/none.tflite")
    assert done.returncode == 1
    assert "/none.tflite" in done.stderr
    assert "Traceback" not in done.stderr
