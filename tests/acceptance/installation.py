"""A Home Assistant to test against: installed once into a folder of its own, outside of the repository."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
PYTHON = "3.13"
"""What Home Assistant 2025.4 runs on: that and nothing else."""

INSTALL_SECONDS = 900.0


class NotInstallableError(Exception):
    """Why there is no Home Assistant; the message says what to do."""


def cache_folder() -> Path:
    """$LISTENER_ACCEPTANCE_CACHE, or a place below $XDG_CACHE_HOME or ~/.cache."""
    if own := os.environ.get("LISTENER_ACCEPTANCE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "listener-acceptance"


def find_python() -> Path:
    """An interpreter that says itself that it is the right version. Raises NotInstallableError."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    named: list[str | None] = [os.environ.get("LISTENER_ACCEPTANCE_PYTHON"), shutil.which(f"python{PYTHON}")]
    installed = sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python"), reverse=True)
    for candidate in (*filter(None, named), *map(str, installed)):
        ask = [candidate, "-c", "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"]
        try:
            said = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
        except OSError:
            continue
        if said == PYTHON:
            return Path(candidate)
    raise NotInstallableError(
        f"Home Assistant needs Python {PYTHON} and there is none; install it, or name one in LISTENER_ACCEPTANCE_PYTHON"
    )


def hass() -> Path:
    """The program `hass` of an installation with exactly our requirements; installs it first where there is none.

    The folder is named after the requirements, so that other requirements are another installation. Safe to call from
    several processes: one installs, the others wait. Raises NotInstallableError.
    """
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"home-assistant-{digest}"
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        if not complete.exists():
            _install(find_python(), folder)
            complete.touch()
    return folder / "bin" / "hass"


def _install(python: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # half an installation, from one that was interrupted
    # --no-deps: the list is complete, and a package that it does not name must not come in by itself.
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    venv: list[str | Path] = [python, "-m", "venv", folder]
    for command in (venv, [*pip, "-r", REQUIREMENTS]):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotInstallableError(f"Home Assistant cannot be installed: {error}") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise NotInstallableError(f"Home Assistant cannot be installed: {' / '.join(words)}")
