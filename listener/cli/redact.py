"""Taking secrets out of what somebody will send to strangers. Pure, but for reading the files that hold the secrets."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

HIDDEN = "…"
SECRET_KEY = re.compile(r"(password|passphrase|passwd|token|secret|credential|api_?key)s?$", re.I)
SECRET_VARIABLE = re.compile(r"PASSWORD|TOKEN|SECRET|KEY|CREDENTIAL", re.I)
SECRET_FILES = ("password_file", "token_file", "key_file")
MAX_SECRET_BYTES = 100_000
SHORTEST = 4
"""Characters of a secret below which it would be found in every other word."""

_USER_INFO = re.compile(r"(?<=://)[^/\s\"'@]+@")
_QUERY = re.compile(r"(?<=[?&])([A-Za-z0-9_.-]+)=[^&\s\"'#]+")


class Scrubber:
    """Replaces every known secret, the login and the parameters of every URL, and any value of a telling name."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may be a part of another.
        self._secrets = sorted({s for s in secrets if len(s) >= SHORTEST}, key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return _QUERY.sub(rf"\1={HIDDEN}", _USER_INFO.sub(f"{HIDDEN}@", text))

    def data(self, data: Any, key: str = "") -> Any:
        """The same for parsed JSON or YAML. Paths of files with secrets stay: they are no secrets."""
        if isinstance(data, Mapping):
            return {self.text(str(name)): self.data(value, str(name)) for name, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value, key) for value in data]
        if data is not None and SECRET_KEY.search(key):
            return HIDDEN
        return self.text(data) if isinstance(data, str) else data


def known_secrets(config: Any, environ: Mapping[str, str]) -> Iterator[str]:
    """The secrets themselves: from the files that the configuration names, and from variables of ours."""
    for path in _secret_files(config):
        yield from _lines(path)
    for name, value in environ.items():
        if name.startswith("LISTENER_") and SECRET_VARIABLE.search(name):
            yield from (value, *value.split())


def _secret_files(data: Any) -> Iterator[Path]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key in SECRET_FILES and isinstance(value, str):
                yield Path(value)
            yield from _secret_files(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _secret_files(value)


def _lines(path: Path) -> Iterator[str]:
    """Every line: a key has many. A file that we cannot read cannot get into anything else of ours either."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_SECRET_BYTES).decode("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        if not line.startswith("-----"):
            yield line.strip()
