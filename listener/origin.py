"""Where this package came from and how it is called, so that what we tell people to type is true on their machine."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PACKAGE = "listener"
ROOTS_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where sudo looks, whatever the PATH of who calls it: `secure_path` of sudoers(5), as Debian sets it."""


def requirement() -> str:
    """What pip is to be given to install this very package again, as a word of a shell."""
    return shlex.quote(requirement_of(_told()))


def extra_command(extra: str) -> str:
    """What to type for an extra of this package in the environment that runs."""
    told = _told()
    editable = told is not None and told.get("dir_info", {}).get("editable", False)
    return pip_command(requirement_of(told, extra), "-e" if editable else None)


def pip_command(wanted: str, option: str | None = None) -> str:
    """What to type for a package, as pip names it, in the environment that runs."""
    return shlex.join((sys.executable or "python3", "-m", "pip", "install", *filter(None, (option, wanted))))


def requirement_of(told: Mapping[str, Any] | None, extra: str | None = None) -> str:
    """`told`: what the file direct_url.json of an installed package says, by which installers say what they were given
    (PEP 610: a checkout, a wheel, a repository); None: its name alone, from an index."""
    extras = f"[{extra}]" if extra else ""
    if told is None:
        return PACKAGE + extras
    url = str(told["url"])
    if "vcs_info" in told:
        return f"{PACKAGE}{extras} @ {told['vcs_info']['vcs']}+{url}@{told['vcs_info']['commit_id']}"
    return unquote(urlsplit(url).path) + extras if url.startswith("file:") else f"{PACKAGE}{extras} @ {url}"


def _told() -> dict[str, Any] | None:
    from importlib import metadata  # 40 ms, and hardly ever needed

    home = Path(__file__).resolve().parents[1]
    if (home / "pyproject.toml").is_file():
        return {"url": home.as_uri(), "dir_info": {"editable": True}}
    # Of the package that runs, whatever another folder of sys.path says of one with its name.
    found = next(iter(metadata.distributions(name=PACKAGE, path=[str(home)])), None)
    text = None if found is None else found.read_text("direct_url.json")
    return None if text is None else dict(json.loads(text))


def called(executable: Path | None = None) -> str:
    """How root finds the program, or the one that runs: by its name, where that is this very file, else by its path."""
    if executable is None:
        executable = Path(sys.executable).parent / PACKAGE
        if not executable.is_file():
            return f"{shlex.quote(sys.executable)} -m {PACKAGE}"
    found = shutil.which(PACKAGE, path=ROOTS_PATH)
    known = found is not None and Path(found).resolve() == executable.resolve()
    return PACKAGE if known else shlex.quote(str(executable))
