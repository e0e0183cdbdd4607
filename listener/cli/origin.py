"""Where this package came from and how it is called, so that what we tell people to type is true on their machine."""

import json
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

PACKAGE = "listener"
ROOTS_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where sudo looks, whatever the PATH of who calls it: `secure_path` of sudoers(5), as Debian sets it."""


def requirement() -> str:
    """What pip is to be given to install this very package again, as a word of a shell."""
    try:
        told = metadata.distribution(PACKAGE).read_text("direct_url.json")
    except metadata.PackageNotFoundError:  # run out of a checkout
        return shlex.quote(str(Path(__file__).resolve().parents[2]))
    return shlex.quote(requirement_of(told))


def requirement_of(direct_url: str | None) -> str:
    """`direct_url`: that file of an installed package, by which installers say what they were given (PEP 610: a
    checkout, a wheel, a repository); None: its name alone, from an index."""
    if direct_url is None:
        return PACKAGE
    told = json.loads(direct_url)
    url = str(told["url"])
    if "vcs_info" in told:
        return f"{PACKAGE} @ {told['vcs_info']['vcs']}+{url}@{told['vcs_info']['commit_id']}"
    return unquote(urlsplit(url).path) if url.startswith("file:") else f"{PACKAGE} @ {url}"


def called(executable: Path | None = None) -> str:
    """How root finds the program, or the one that runs: by its name, where that is this very file, else by its path."""
    if executable is None:
        executable = Path(sys.executable).parent / PACKAGE
        if not executable.is_file():
            return f"{shlex.quote(sys.executable)} -m {PACKAGE}"
    found = shutil.which(PACKAGE, path=ROOTS_PATH)
    known = found is not None and Path(found).resolve() == executable.resolve()
    return PACKAGE if known else shlex.quote(str(executable))
