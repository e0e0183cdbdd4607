"""Processes of our own beside the daemon, each a module of this package: `python -m MODULE`."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

PACKAGE_PARENT: Final = Path(__file__).resolve().parents[1]
"""Where `python -m listener…` finds this package, whether it is installed or not."""


async def start_module(
    module: str, *arguments: str, stderr: int | None = asyncio.subprocess.PIPE
) -> asyncio.subprocess.Process:
    """Run it with pipes on stdin and stdout. Raises OSError if no process can be started.

    It is in a session of its own: Ctrl-C is for the daemon, which ends it.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        cwd=PACKAGE_PARENT,
        start_new_session=True,
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    """End it at once. What it has written is read to its end: before that asyncio does not let go of it."""
    with suppress(ProcessLookupError):
        process.kill()
    assert process.stdout is not None
    await asyncio.gather(process.wait(), process.stdout.read())
