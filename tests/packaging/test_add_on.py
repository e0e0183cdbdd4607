"""The Home Assistant add-on, held against what the Supervisor takes, and against our own configuration.

Keys and schema types are those of https://developers.home-assistant.io/docs/add-ons/configuration; nothing here can
build the image.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from listener import __version__
from listener.config import parse
from listener.vocabulary import STRICTNESS_STEPS

ROOT = Path(__file__).resolve().parents[2]
ADD_ON = ROOT / "integrations" / "home_assistant_addon"
CONFIG: dict[str, Any] = yaml.safe_load((ADD_ON / "config.yaml").read_text(encoding="utf-8"))
BUILD: dict[str, Any] = yaml.safe_load((ADD_ON / "build.yaml").read_text(encoding="utf-8"))

KNOWN = {
    *("name", "version", "slug", "description", "url", "arch", "machine", "startup", "webui", "boot", "ports", "init"),
    *("ports_description", "host_network", "host_ipc", "host_dbus", "host_pid", "host_uts", "devices", "homeassistant"),
    *("hassio_role", "hassio_api", "homeassistant_api", "docker_api", "privileged", "full_access", "apparmor", "map"),
    *(
        "environment",
        "audio",
        "video",
        "gpio",
        "usb",
        "uart",
        "udev",
        "devicetree",
        "kernel_modules",
        "stdin",
        "legacy",
    ),
    *("options", "schema", "image", "codenotary", "timeout", "tmpfs", "discovery", "services", "ingress", "stage"),
    *("ingress_port", "ingress_entry", "ingress_stream", "panel_icon", "panel_title", "panel_admin", "backup"),
    *(
        "backup_pre",
        "backup_post",
        "backup_exclude",
        "advanced",
        "auth_api",
        "realtime",
        "journald",
        "breaking_versions",
    ),
}
WORDS = {
    "startup": {"initialize", "system", "services", "application", "once"},
    "boot": {"auto", "manual", "manual_only"},
    "stage": {"stable", "experimental", "deprecated"},
    "backup": {"hot", "cold"},
}
TYPE = re.compile(
    r"(str|password)(\(\d*,\d*\))?\??|(bool|email|url|port|device)\??|(int|float)(\([-\d.]*,[-\d.]*\))?\??"
    r"|match\(.+\)\??|list\([^()|]+(\|[^()|]+)*\)\??"
)


def leaves(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        return [leaf for value in schema.values() for leaf in leaves(value)]
    return [leaf for value in schema for leaf in leaves(value)] if isinstance(schema, list) else [schema]


def test_the_supervisor_knows_every_key() -> None:
    assert {"name", "version", "slug", "description", "arch"} <= set(CONFIG)
    assert set(CONFIG) <= KNOWN
    assert re.fullmatch(r"[-_.A-Za-z0-9]+", CONFIG["slug"])
    assert set(CONFIG["arch"]) <= {"aarch64", "amd64"}
    for key, words in WORDS.items():
        assert CONFIG[key] in words
    assert all(re.fullmatch(r"\w+:(provide|want|need)", service) for service in CONFIG["services"])
    assert all(re.fullmatch(r"(addon_config|share|media|ssl|data)(:r[ow])?", folder) for folder in CONFIG["map"])


def test_it_is_this_release() -> None:
    assert CONFIG["version"] == __version__
    assert f"## {__version__}\n" in (ADD_ON / "CHANGELOG.md").read_text(encoding="utf-8")


def test_options_and_schema_fit_together() -> None:
    for leaf in leaves(CONFIG["schema"]):
        assert TYPE.fullmatch(leaf), leaf
    assert set(CONFIG["options"]) <= set(CONFIG["schema"])
    for key, leaf in CONFIG["schema"].items():
        needed = isinstance(leaf, str) and not leaf.endswith("?")
        assert not needed or key in CONFIG["options"], f"{key} has no default, so the add-on would not start"
    for key, value in CONFIG["options"].items():
        leaf = CONFIG["schema"][key]
        if isinstance(leaf, str) and leaf.startswith("list("):
            assert value in leaf.removeprefix("list(").rstrip(")?").split("|")
    for schema in (CONFIG["schema"], CONFIG["schema"]["rooms"][0]):
        assert schema["strictness"].rstrip("?") == f"list({'|'.join(STRICTNESS_STEPS)})"


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_option_is_explained(language: str) -> None:
    texts = yaml.safe_load((ADD_ON / "translations" / f"{language}.yaml").read_text(encoding="utf-8"))
    assert set(texts) == {"configuration"}
    assert set(texts["configuration"]) == set(CONFIG["schema"])
    assert all(set(text) == {"name", "description"} and all(text.values()) for text in texts["configuration"].values())


def test_the_image_is_built_of_what_is_there() -> None:
    assert set(BUILD) <= {"build_from", "args", "labels", "codenotary"}
    assert set(BUILD["build_from"]) == set(CONFIG["arch"])
    dockerfile = (ADD_ON / "Dockerfile").read_text(encoding="utf-8")
    for name in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M):
        for source in name.split():
            assert source == "listener-*.whl" or (ADD_ON / source).is_file(), source
    for argument in BUILD["args"]:
        assert re.search(rf"^ARG {argument}=", dockerfile, re.M)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(BUILD["args"]["EXTRAS"].split(",")) <= set(extras)
    assert (ADD_ON / "run.sh").stat().st_mode & stat.S_IXUSR


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("shellcheck", "integrations/home_assistant_addon/run.sh"),
        ("shellcheck", "scripts/add-on"),
        ("hadolint", "integrations/home_assistant_addon/Dockerfile"),
    ],
)
def test_linters_are_content(program: str, name: str) -> None:
    beside = Path(sys.executable).with_name(program)
    found = str(beside) if beside.is_file() else shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, str(ROOT / name)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def configured(folder: Path, environ: dict[str, str], **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run the add-on's script on its default options, changed by `more`."""
    options = folder / "options.json"
    options.write_text(json.dumps({**CONFIG["options"], **more}))
    command = [sys.executable, str(ADD_ON / "configure.py"), str(options), str(folder / "made")]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environ}, capture_output=True, text=True, timeout=60, check=False
    )


MOSQUITTO = {"MQTT_HOST": "core-mosquitto", "MQTT_PORT": "1883", "MQTT_USERNAME": "addons", "MQTT_PASSWORD": "geheim"}


def test_the_default_options_are_a_configuration(tmp_path: Path) -> None:
    done = configured(tmp_path, {**MOSQUITTO, "MQTT_TLS": "false"})
    assert done.returncode == 0, done.stderr
    config = parse(yaml.safe_load((tmp_path / "made" / "config.yaml").read_text()))
    assert [room.slug for room in config.rooms] == ["living_room"]
    assert config.mqtt is not None
    assert (config.mqtt.host, config.mqtt.effective_port, config.mqtt.username) == ("core-mosquitto", 1883, "addons")
    assert config.mqtt.tls is None
    assert config.mqtt.password_file is not None
    assert config.mqtt.password_file.read_text() == "geheim"


def test_all_options_are_a_configuration_and_secrets_are_apart(tmp_path: Path) -> None:
    rooms = [
        {"name": "Kitchen", "source": "microphone", "device": "USB", "output": "default", "strictness": "strict"},
        {"name": "Garden", "source": "stream", "url": "rtsp://c/1", "username": "u", "password": "kamera"},
        {"name": "Bedroom", "source": "wyoming", "host": "satellite.lan", "port": 10700, "language": "de"},
    ]
    assert {key for room in rooms for key in room} | {"addressing"} == set(CONFIG["schema"]["rooms"][0])
    mqtt = {"host": "broker.lan", "port": 1884, "username": "me", "password": "anders"}
    environ = {**MOSQUITTO, "SUPERVISOR_TOKEN": "schluessel"}
    done = configured(tmp_path, environ, rooms=rooms, mqtt=mqtt, conversation=True, voice="espeak", addressing="open")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "made" / "config.yaml").read_text()
    config = parse(yaml.safe_load(text))
    assert [room.source.type for room in config.rooms] == ["microphone", "stream", "wyoming"]
    assert [room.strictness for room in config.rooms] == ["strict", "balanced", "balanced"]
    assert [room.language for room in config.rooms] == ["en", "en", "de"]
    assert {room.addressing for room in config.rooms} == {"open"}
    assert config.mqtt is not None
    assert (config.mqtt.host, config.mqtt.port) == ("broker.lan", 1884)
    assert config.home_assistant is not None
    assert config.home_assistant.token_file.read_text() == "schluessel"
    for secret in ("kamera", "geheim", "anders", "schluessel"):
        assert secret not in text
    for path in (tmp_path / "made").iterdir():
        assert path.stat().st_mode & 0o077 == 0


def test_without_a_broker_it_says_what_to_install(tmp_path: Path) -> None:
    done = configured(tmp_path, {"MQTT_HOST": "null"})
    assert done.returncode == 1
    assert done.stderr == (
        "No MQTT broker: install the add-on Mosquitto broker, or name another under `mqtt` in the options.\n"
    )
