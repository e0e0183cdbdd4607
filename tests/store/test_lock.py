"""One daemon a state folder: between real processes."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from listener.errors import StoreError
from listener.store.lock import PID_FILE, StateLock

HOLDER = """
import sys
from pathlib import Path
from listener.store.lock import StateLock
with StateLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    holder = hold(tmp_path / "state")
    with pytest.raises(StoreError, match=f"process {holder.pid}.*stop it first"), StateLock(tmp_path / "state"):
        pass
    holder.send_signal(signal.SIGKILL)  # it cannot tidy up
    holder.communicate()
    with StateLock(tmp_path / "state"):
        assert (tmp_path / "state" / PID_FILE).read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "state" / PID_FILE).exists()
    with StateLock(tmp_path / "state"):
        pass


def test_nonsense_in_the_pid_file_does_not_hide_the_refusal(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    (tmp_path / PID_FILE).write_bytes(b"\xff" * 1_000)
    with pytest.raises(StoreError, match="another listener runs with this state folder"), StateLock(tmp_path):
        pass
    holder.communicate("")


def test_without_a_folder_there_is_no_lock_and_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "state").write_text("a file")
    with StateLock(tmp_path / "state"):
        pass
    assert "cannot be locked" in caplog.text
