"""What native code writes to file descriptor 2, and what of it arrives."""

import os

import pytest

from listener.perceive.sounds.native_stderr import without_lines


def test_only_the_noise_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with without_lines(b"chatter"):
        os.write(2, b"INFO: chatter\nERROR: the disk is on fire\n")
    os.write(2, b"INFO: chatter afterwards\n")
    assert capfd.readouterr().err == "ERROR: the disk is on fire\nINFO: chatter afterwards\n"


def break_inside() -> None:
    with without_lines(b"chatter"):
        os.write(2, b"before it broke\n")
        raise ValueError("inside")


def test_an_exception_passes_and_stderr_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"):
        break_inside()
    os.write(2, b"still here\n")
    assert capfd.readouterr().err == "before it broke\nstill here\n"
