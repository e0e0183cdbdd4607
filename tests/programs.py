"""Programs that tests of real sound need."""

import os
import shutil
import signal
import subprocess
from typing import NoReturn

import pytest


def need(*names: str) -> None:
    """Skip the test where a program is missing; on CI, where nothing may be skipped unseen, fail."""
    absent = [name for name in names if shutil.which(name) is None]
    if absent:
        missing(f"not installed: {', '.join(absent)}")


def missing(reason: str) -> NoReturn:
    """Something real is not there: skip, or fail on CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def end(process: subprocess.Popen[bytes], kill: bool, seconds: float) -> None:
    """Ask it to end, or kill it; it has so long, and is gone afterwards in any case."""
    process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
    try:
        process.wait(seconds)
    finally:
        process.kill()
        process.wait(seconds)
