"""The bytes of a configuration: of a file, or of a pipe (`listener run -c <(make-config)`); nothing that hangs."""

import os
import stat
import time
from pathlib import Path
from typing import Final

from listener.errors import ConfigError

MAX_CONFIG_BYTES = 1_000_000
PIPE_SECONDS: Final = 10.0
"""So long a pipe may be silent, or take until its end."""
REST_SECONDS: Final = 0.02


def read(path: Path, pipe_seconds: float = PIPE_SECONDS) -> bytes:
    """Waits for the disk, and for who writes into a pipe. Raises ConfigError, OSError."""
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode):
        content = _piped(path, pipe_seconds)
    elif stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # of a folder the system says what is wrong
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    else:
        raise ConfigError(f"{path}: is no file and no pipe; give the configuration's path with -c")
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes; this is no configuration of ours")
    return content


def _piped(path: Path, seconds: float) -> bytes:
    """All that is written, or more than is allowed. To open a pipe or to read it may take for ever: neither waits."""
    deadline, content = time.monotonic() + seconds, b""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while len(content) <= MAX_CONFIG_BYTES:
            piece = _piece(file)
            if piece:
                content += piece
                continue
            if piece == b"" and content:
                break
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"{path}: is a pipe whose end did not come within {seconds:g} s; does somebody write into it? "
                    "What was read once is gone"
                )
            time.sleep(REST_SECONDS)
    finally:
        os.close(file)
    return content


def _piece(file: int) -> bytes | None:
    """The next bytes. None: nothing at the moment; empty: nobody has it open for writing, any more or not yet."""
    try:
        return os.read(file, MAX_CONFIG_BYTES)
    except BlockingIOError:
        return None
