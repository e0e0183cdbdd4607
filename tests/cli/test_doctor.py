"""The bundle of `listener doctor`, and everything else that is printed or logged: no secret is in it."""

import json
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
import soundfile
from conftest import Mosquitto
from hypothesis import given
from hypothesis import strategies as st
from program import command, environment, listener

from listener.bench.synthesis import tone
from listener.cli.redact import HIDDEN, Scrubber, known_secrets

PASSWORD = "planted-Passw0rd"
TOKEN = "eyJhbGciOiJub25l.planted.token"
VARIABLE = "planted-in-a-variable"
INLINE = "planted-in-a-url"
CONTENT = "planted-content-of-a-file"
SECRETS = (PASSWORD, TOKEN, VARIABLE, INLINE, CONTENT)


def plant(folder: Path, port: int) -> Path:
    """A configuration with a secret wherever one can be, and a state folder with one in each file."""
    (folder / "password").write_text(f"{PASSWORD}\n{CONTENT}\n")
    (folder / "token").write_text(TOKEN)
    state = folder / "state"
    (state / "clips").mkdir(parents=True)
    for name in ("settings.json", "outbox.sqlite.broken-1", "clips/20260101T000000.000000Z_kitchen_bang-1.flac"):
        (state / name).write_text(CONTENT)
    soundfile.write(folder / "tone.wav", tone(2.0, 440.0), 16_000)
    path = folder / "c.yaml"
    path.write_text(
        f"""
rooms:
  - {{name: Kitchen, source: {{type: file, path: {folder}/tone.wav, loop: true}}}}
  - {{name: Hall, output: "http://user:{INLINE}@speaker/x?token={INLINE}", source: {{type: pipe}}}}
sounds: {{tagger: none}}
mqtt: {{port: {port}, username: ears, password_file: {folder}/password}}
home_assistant: {{url: "http://127.0.0.1:1", token_file: {folder}/token}}
respond: {{texts: {{bang: "the code is {PASSWORD}"}}}}
"""
    )
    return path


def variables(folder: Path) -> dict[str, str]:
    return {"LISTENER_STATE": str(folder / "state"), "LISTENER_MQTT_PASSWORD": VARIABLE, "LISTENER_X_TOKEN": VARIABLE}


def bundle(folder: Path, config: Path) -> dict[str, str]:
    done = listener(folder, "doctor", "-c", config, "-o", folder / "out.zip", env=variables(folder))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert stat.S_IMODE((folder / "out.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(folder / "out.zip") as opened:
        return {name: opened.read(name).decode() for name in opened.namelist()}


def test_the_bundle_helps_and_holds_no_secret(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.demand_password(tmp_path / "mosquitto-passwords", "ears", PASSWORD)
    mosquitto.start()
    parts = bundle(tmp_path, plant(tmp_path, mosquitto.port))
    everything = "\n".join((*parts, *parts.values()))
    assert [secret for secret in SECRETS if secret in everything] == []
    assert "numpy" in parts["versions.txt"]
    assert "connected" in parts["check.txt"]
    assert "settings.json" in parts["state-folder.txt"]
    configuration = json.loads(parts["configuration.json"])
    assert configuration["mqtt"]["password_file"] == str(tmp_path / "password")
    assert configuration["rooms"][1]["output"] == f"http://{HIDDEN}@speaker/x?token={HIDDEN}"
    assert configuration["respond"]["texts"]["bang"] == f"the code is {HIDDEN}"
    assert json.loads(parts["daemon.json"])["listener/bridge/state"] is None


def test_a_configuration_that_cannot_be_read_still_gives_a_bundle(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"rooms: []\nmqtt: {{password: {PASSWORD}, port: {PASSWORD}}}\n")
    parts = bundle(tmp_path, path)
    assert PASSWORD not in "".join(parts.values())
    assert "mqtt.password: unknown key" in parts["configuration.json"]


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "c.yaml"
    path.write_text("rooms: [{name: A, source: {type: pipe}}]\n")
    done = listener(tmp_path, "doctor", "-c", path, "-o", tmp_path / "file" / "out.zip")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("give another with -o")


@pytest.mark.parametrize("words", [("check",), ("privacy",), ("mute", "kitchen")])
def test_no_command_prints_a_secret(tmp_path: Path, mosquitto: Mosquitto, words: tuple[str, ...]) -> None:
    mosquitto.start()
    config = plant(tmp_path, mosquitto.port)
    config.write_text(config.read_text().replace(INLINE, "none"))  # a device's name is no place for a secret
    done = listener(tmp_path, "-v", *words, "-c", config, env=variables(tmp_path))
    printed = done.stdout + done.stderr
    assert printed
    assert [secret for secret in SECRETS if secret in printed] == []


@pytest.mark.parametrize("password", [PASSWORD, "another"])
def test_the_log_of_a_daemon_holds_no_secret(tmp_path: Path, mosquitto: Mosquitto, password: str) -> None:
    """Neither when the broker takes the password, nor when it does not."""
    mosquitto.demand_password(tmp_path / "mosquitto-passwords", "ears", password)
    mosquitto.start()
    config = plant(tmp_path, mosquitto.port)
    word = "connected as" if password == PASSWORD else "trying again"
    environ = {**environment(tmp_path), **variables(tmp_path)}
    with subprocess.Popen(
        command("-v", "run", "-c", config), env=environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as daemon:
        assert daemon.stderr is not None
        lines = []
        for line in daemon.stderr:
            lines.append(line.decode())
            if word in lines[-1]:
                daemon.terminate()
                break
        lines.append(daemon.stderr.read().decode())
    log = "".join(lines)
    assert word in log
    assert [secret for secret in SECRETS if secret in log] == []


@given(st.lists(st.text(min_size=4, max_size=20), min_size=1, max_size=5), st.text(max_size=20))
def test_no_known_secret_survives(secrets: list[str], around: str) -> None:
    scrubber = Scrubber(secrets)
    text = around + around.join(secrets) + around
    assert not [s for s in secrets if s in scrubber.text(text) and HIDDEN not in s]


def test_names_tell_what_to_hide() -> None:
    data = {
        "password": "a",
        "api_key": ["b"],
        "token_file": "/c",
        "tokens": {"x": 1},
        "key": "d",
        "password_file": None,
    }
    assert Scrubber(()).data(data) == {
        "password": HIDDEN,
        "api_key": [HIDDEN],
        "token_file": "/c",
        "tokens": {"x": 1},
        "key": "d",
        "password_file": None,
    }


def test_a_private_key_is_known_by_its_lines(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(
        "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMG\nByqGSM49\n-----END PRIVATE KEY-----\n"
    )
    config = {"mqtt": {"tls": {"key_file": str(tmp_path / "key.pem"), "ca_file": "/none"}}}
    assert set(known_secrets(config, {"LISTENER_MQTT_USERNAME": "ears"})) == {"MIGHAgEAMBMG", "ByqGSM49"}
