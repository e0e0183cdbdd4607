"""Makes the daemon's configuration of the add-on's options: `configure.py OPTIONS FOLDER`. Standard library only.

Writes FOLDER/config.yaml (JSON, which is YAML) and each secret into a file of its own beside it, mode 0600. The broker
comes from the options, else from the environment (MQTT_HOST …), where run.sh puts what the Supervisor knows.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CORE = "http://supervisor/core"
"""Where the Supervisor lets an add-on with `homeassistant_api` reach Home Assistant, with SUPERVISOR_TOKEN."""

ROOM_KEYS = ("output", "strictness", "addressing", "language")
SOURCE_KEYS = {"microphone": ("device",), "stream": ("url", "username"), "wyoming": ("host", "port")}


class Folder:
    """Where the configuration and its secrets go; nobody else may enter."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)

    def write(self, name: str, text: str) -> str:
        """Put `text` into a file that nobody else may read; returns its path."""
        path = self._path / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return str(path)


def configuration(options: Mapping[str, Any], environ: Mapping[str, str], folder: Folder) -> dict[str, Any]:
    """The whole configuration. Exits with one line for a person where there is no broker."""
    made: dict[str, Any] = {
        "rooms": [_room(room, options, number, folder) for number, room in enumerate(options["rooms"], 1)],
        "mqtt": _broker(options.get("mqtt", {}), environ, folder),
        "voice": {"engine": options["voice"]},
    }
    if options["conversation"]:
        token = folder.write("token", environ.get("SUPERVISOR_TOKEN", ""))
        made["commands"] = {"act": "home_assistant"}
        made["home_assistant"] = {"url": CORE, "token_file": token}
    return made


def _room(room: Mapping[str, Any], options: Mapping[str, Any], number: int, folder: Folder) -> dict[str, Any]:
    """What a room does not say itself, the options of the house say."""
    kind = room["source"]
    source = {"type": kind} | {key: room[key] for key in SOURCE_KEYS[kind] if room.get(key)}
    if kind == "stream" and room.get("password"):
        source["password_file"] = folder.write(f"stream-{number}", room["password"])
    said = {key: options[key] for key in ("strictness", "addressing", "language")}
    return {"name": room["name"], "source": source, **said} | {key: room[key] for key in ROOM_KEYS if room.get(key)}


def _broker(named: Mapping[str, Any], environ: Mapping[str, str], folder: Folder) -> dict[str, Any]:
    found = {key: environ[f"MQTT_{key.upper()}"] for key in ("host", "port", "username") if _has(environ, key)}
    password, tls = environ.get("MQTT_PASSWORD", ""), environ.get("MQTT_TLS") == "true"
    if named.get("host"):
        found = {key: named[key] for key in ("host", "port", "username") if named.get(key)}
        password, tls = named.get("password", ""), False
    if not found.get("host"):
        sys.exit("No MQTT broker: install the add-on Mosquitto broker, or name another under `mqtt` in the options.")
    broker = {**found, "port": int(found.get("port", 0))}
    if password:
        broker["password_file"] = folder.write("mqtt", password)
    return {**broker, "tls": {}} if tls else broker


def _has(environ: Mapping[str, str], key: str) -> bool:
    """bashio says `null` for what there is not."""
    return environ.get(f"MQTT_{key.upper()}", "null") not in ("", "null")


def main() -> None:
    options = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Folder(Path(sys.argv[2]))
    folder.write("config.yaml", json.dumps(configuration(options, os.environ, folder), indent=2))


if __name__ == "__main__":
    main()
