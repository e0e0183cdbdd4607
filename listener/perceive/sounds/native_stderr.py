"""Keeping the chatter of native code off stderr, and nothing but the chatter."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

XNNPACK = b"Created TensorFlow Lite XNNPACK delegate"
"""What LiteRT says whenever it loads a model."""

_STDERR = 2
_lock = threading.Lock()  # file descriptor 2 belongs to the process, so its guard does too


@contextmanager
def without_lines(noise: bytes) -> Iterator[None]:
    """Hold back what is written to file descriptor 2 meanwhile, then pass on every line that does not hold `noise`.

    LiteRT's log has no level that can be set from Python (its minimum severity is not exported in 2.1 to 2.3).
    """
    with _lock, tempfile.TemporaryFile() as held:
        try:
            stderr = os.dup(_STDERR)
        except OSError:  # stderr is closed: there is nothing to keep clean
            yield
            return
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, _STDERR)
            os.close(stderr)
            held.seek(0)
            for line in held:
                if noise not in line:
                    os.write(_STDERR, line)
