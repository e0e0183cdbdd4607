"""Programs that tests of real sound need."""

import os
import shutil

import pytest


def need(*names: str) -> None:
    """Skip the test where a program is missing; on CI, where nothing may be skipped unseen, fail."""
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
