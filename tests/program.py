"""Running the program as people do: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("LISTENER_SHARED", Path(__file__).resolve().parents[2] / "shared"))
"""Recordings and models that are not ours to ship."""


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of the machine's own configuration, models or state."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("LISTENER_", "XDG_", "NOTIFY_"))}
    return {**keep, "HOME": str(folder), "LISTENER_MODELS": str(folder / "models"), **more}


def command(*args: str | Path) -> Sequence[str]:
    return [sys.executable, "-m", "listener", *map(str, args)]


def listener(
    folder: Path, *args: str | Path, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end; text of both streams."""
    done = subprocess.run(
        command(*args),
        input=b"" if stdin is None else stdin,
        capture_output=True,
        env={**environment(folder), **(env or {})},
        cwd=folder,
        timeout=110,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
