"""`listener doctor`: everything that helps to find a fault, in one file that can be shown to others."""

import argparse
import asyncio
import io
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from listener import __version__
from listener.cli.common import add_config_option, config_path
from listener.cli.redact import Scrubber, known_secrets
from listener.config import Config, load
from listener.errors import ConfigError, ListenerError
from listener.times import rfc3339

LOG_LINES = 1_000
LOG_SECONDS = 20
LISTED_FILES = 200
STANDING_SECONDS = 2.0

README = """\
Made by `listener doctor`. It holds versions, the configuration, the findings of `listener check`, names and sizes of
the files in the state folder, the state that the daemon reports, and the end of its log.
It holds no sound, no transcript, no password, token or key, and no content of any file. It does hold the names of your
rooms and devices, addresses in your network, and when which sound was heard: look through it before you give it away.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "doctor",
        help="collect what helps to find a fault, without secrets or sound",
        description="Writes a zip file. Look through it before you give it to anybody.",
    )
    add_config_option(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="ZIP", help="otherwise listener-doctor-TIME.zip, here")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.store.files import put_private

    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    output: Path = args.output or Path(f"listener-doctor-{now}.zip")
    bundle = make_bundle(args.config)
    try:
        put_private(output.absolute(), lambda file: file.write(bundle))
    except OSError as error:
        raise ListenerError(f"doctor: {output} cannot be written: {error.strerror}; give another with -o") from None
    print(f"{output}: written. Look through it before you give it to anybody: it names your rooms and devices.")
    return 0


def make_bundle(given: Path | None) -> bytes:
    """The zip file. What cannot be had is named in it; nothing of that is an error."""
    config, problem = _configuration(given)
    plain = {} if config is None else config.model_dump(mode="json")
    scrubber = Scrubber(known_secrets(plain, os.environ))
    parts: dict[str, Callable[[], str]] = {
        "README.txt": lambda: README,
        "versions.txt": versions,
        "configuration.json": lambda: _json(scrubber.data(plain)) if config else problem,
        "check.txt": lambda: _check(config) if config else "no configuration",
        "state-folder.txt": lambda: "\n".join(state_files()),
        "daemon.json": lambda: _json(scrubber.data(_standing(config))) if config else "no configuration",
        "log.txt": _log,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, make in parts.items():
            print(f"{name} …", file=sys.stderr)
            bundle.writestr(name, scrubber.text(_attempt(make)))
    return buffer.getvalue()


def _attempt(make: Callable[[], str]) -> str:
    try:
        return make() + "\n"
    except Exception as error:  # a broken part is what we are here to report
        return f"could not be had: {type(error).__name__}: {error}\n"


def _configuration(given: Path | None) -> tuple[Config | None, str]:
    try:
        return load(config_path(given)), ""
    except ConfigError as error:
        return None, str(error)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def versions() -> str:
    """Of us, of Python, of the machine, and of every package beside us."""
    machine = f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} cores"
    packages = sorted({f"{d.name} {d.version}" for d in metadata.distributions()}, key=str.lower)
    return "\n".join([f"listener {__version__}", f"Python {sys.version}", machine, *packages])


def _check(config: Config) -> str:
    from listener.cli import check

    return "\n".join(f"{found.severity:8}{found.text}" for found in asyncio.run(check.findings(config, deep=False)))


def state_files() -> Iterator[str]:
    """Mode, size, age and name of what is in the state folder."""
    from listener.store.settings import state_folder

    folder = state_folder()
    yield str(folder)
    for number, path in enumerate(sorted(folder.rglob("*")) if folder.exists() else ()):
        if number == LISTED_FILES:
            yield "…"
            return
        info = path.lstat()
        when = rfc3339(info.st_mtime, "seconds")
        yield f"{stat.filemode(info.st_mode)} {info.st_size:>12} {when} {path.relative_to(folder)}"


def _standing(config: Config) -> dict[str, Any]:
    """What the daemon has left at the broker: its health, and each room's status and settings."""
    return {} if config.mqtt is None else asyncio.run(_ask(config))


async def _ask(config: Config) -> dict[str, Any]:
    from listener.publish.remote import open_remote
    from listener.publish.topics import Topics

    assert config.mqtt is not None
    topics = Topics(config.mqtt.base_topic)
    wanted = [topics.bridge(leaf) for leaf in ("state", "info", "health")]
    wanted += [topics.room(room.slug, leaf) for room in config.rooms for leaf in ("status", "mute", "strictness")]
    async with open_remote(config.mqtt, wanted) as (remote, _link):
        await asyncio.sleep(STANDING_SECONDS)  # what is retained comes at once, and nobody says when that was all
        return {topic: remote.text(topic) for topic in wanted}


def _log() -> str:
    """The end of the service's journal, where there is one."""
    program = shutil.which("journalctl")
    if program is None:
        return "this machine has no journal"
    command = (program, "--unit=listener", f"--lines={LOG_LINES}", "--no-pager", "--output=short-iso")
    done = subprocess.run(command, capture_output=True, timeout=LOG_SECONDS, check=False)  # noqa: S603 (words of ours)
    return (done.stdout + done.stderr).decode("utf-8", "replace")
