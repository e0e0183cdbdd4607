"""The files that `listener service install` writes: made from the masters that come with the package, and marked, so
that a later install can tell what a person has changed since.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from listener import __version__
from listener.errors import ConfigError

TARGETS = {
    "listener.service": "etc/systemd/system/listener.service",
    "listener.sysusers.conf": "etc/sysusers.d/listener.conf",
    "listener.tmpfiles.conf": "etc/tmpfiles.d/listener.conf",
}
_MARK = re.compile(r"# Written by listener \S+; sha256 ([0-9a-f]{64})\n")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))  # noqa: S108
"""What ProtectHome= and PrivateTmp= hide from the service."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file: where it goes, and what is in it, mark included."""

    path: Path
    text: str


def render(prefix: Path, executable: Path, config: Path, user: str) -> tuple[Wanted, ...]:
    """The files for one installation, below `prefix`. Raises ConfigError for a name or path that cannot be written."""
    if not _USER.fullmatch(user):
        raise ConfigError(f"--user {user!r}: is no name of a Linux user; use a-z, 0-9, _ and -")
    command = f"{_quoted(executable)} run -c {_quoted(config)}"
    masters = files("listener").joinpath("units")
    wanted = []
    for name, target in TARGETS.items():
        text = masters.joinpath(name).read_text(encoding="utf-8")
        text = re.sub(r"^ExecStart=.*$", lambda _: f"ExecStart={command}", text, flags=re.MULTILINE)
        text = re.sub(r"^(User|Group)=.*$", rf"\1={user}", text, flags=re.MULTILINE)
        text = re.sub(r"^(u|m) listener\b", rf"\1 {user}", text, flags=re.MULTILINE)
        text = text.replace(" listener listener -", f" {user} {user} -")
        wanted.append(Wanted(prefix / target, _marked(text)))
    return tuple(wanted)


def _quoted(path: Path) -> str:
    """A path as a word of ExecStart=: systemd.service(5), "Command lines"; `%` and `$` would be replaced."""
    text = str(path)
    if not path.is_absolute() or any(ord(c) < 32 for c in text):
        raise ConfigError(f"{text!r}: must be an absolute path without control characters")
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if re.search(r"[\s\"';\\]", text) else text


def _marked(text: str) -> str:
    return f"# Written by listener {__version__}; sha256 {hashlib.sha256(text.encode()).hexdigest()}\n{text}"


def is_ours(text: str) -> bool:
    """True for a file that we wrote, in this release or an earlier one, and that nobody has changed since."""
    mark = _MARK.match(text)
    return mark is not None and hashlib.sha256(text[mark.end() :].encode()).hexdigest() == mark[1]


def hidden_from_service(paths: tuple[Path, ...]) -> list[Path]:
    """Those of the paths, links followed, that the hardened service cannot see or whose folders it may not enter."""
    return [path for path in paths if _below(path.resolve(), HIDDEN) or not _open_to_all(path.resolve())]


def _below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _open_to_all(path: Path) -> bool:
    try:
        return all(folder.stat().st_mode & 0o001 for folder in path.parents)
    except OSError:
        return False
