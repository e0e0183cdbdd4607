"""`listener devices` with a real sound server, with none, and what it prints put to use."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "sources"))

from program import listener
from sound_server import SoundServer, sound_server


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with sound_server("kitchen") as server:
        server.plug_in("kitchen", 1_000)
        yield server


def test_microphones_and_outputs_are_listed_with_what_to_configure(server: SoundServer, tmp_path: Path) -> None:
    done = listener(tmp_path, "devices", env=server.environment)
    assert done.returncode == 0
    assert done.stdout.startswith("Microphones:\n")
    assert "  'kitchen_mic'" in done.stdout
    assert "stable id: kitchen_mic" in done.stdout
    assert "(default)" in done.stdout
    assert "\nOutputs:\n" in done.stdout


def test_the_suggested_source_passes_the_check(server: SoundServer, tmp_path: Path) -> None:
    suggestion = yaml.safe_load(
        listener(tmp_path, "devices", env=server.environment).stdout.split("configuration:\n")[1]
    )
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"rooms": [{"name": "Kitchen", **suggestion}], "sounds": {"tagger": "none"}}))
    done = listener(tmp_path, "check", "--deep", "-c", path, env=server.environment)
    assert done.returncode == 0, done.stdout
    assert "ok      Kitchen: microphone" in done.stdout
    assert "ok      Kitchen: heard up to -" in done.stdout


def test_json_is_one_object(server: SoundServer, tmp_path: Path) -> None:
    done = listener(tmp_path, "devices", "--json", env=server.environment)
    found = json.loads(done.stdout)
    assert set(found) == {"inputs", "outputs"}
    kitchen = next(device for device in found["inputs"] if device["name"] == "kitchen_mic")
    assert kitchen["stable_id"] == "kitchen_mic"
    assert set(kitchen) == {"name", "stable_id", "channels", "default_rate_hz", "host_api", "is_default"}


def test_a_machine_without_any_says_so(tmp_path: Path) -> None:
    (tmp_path / "asoundrc").write_text("")
    nothing = {"ALSA_CONFIG_PATH": str(tmp_path / "asoundrc"), "PULSE_SERVER": f"unix:{tmp_path}/none"}
    done = listener(tmp_path, "devices", env=nothing)
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        assert done.stdout == "Microphones: none found\nOutputs: none found\n"
    else:
        assert done.stderr.startswith("listener: the sound devices cannot be listed: ")
