"""The parent's end of a capture process, with another program in the child's place."""

import asyncio
import gc
import sys
import warnings

from listener.sources.child import CaptureProcess, how_it_ended, parse_line

UNREAD_BYTES = 150_000
"""More than asyncio buffers before it pauses (128 KiB), so that the end of the pipe is not seen by itself."""


async def end_with_unread_sound() -> None:
    program = f"import sys; sys.stdout.buffer.write(bytes({UNREAD_BYTES}))"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), stdin=pipe, stdout=pipe, stderr=pipe
    )
    async with CaptureProcess("microphone", process):
        await process.wait()


def test_sound_that_nobody_read_leaves_nothing_open() -> None:
    """Else the interpreter complains at the daemon's end: `Exception ignored … Event loop is closed`."""
    gc.collect()
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(end_with_unread_sound())
        gc.collect()
    assert [str(c.message) for c in complaints] == []


def test_only_json_objects_are_lines_of_ours() -> None:
    assert parse_line('{"error": "gone"}') == {"error": "gone"}
    for line in ("ALSA lib pcm.c:2664", "[1]", "12", "", "{"):
        assert parse_line(line) is None


def test_an_end_is_told_in_words() -> None:
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(3) == "exited with 3"
