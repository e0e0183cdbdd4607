"""Where a configuration may be read from: a file, or a pipe whose end comes."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from program import command, environment

from listener.config import MAX_CONFIG_BYTES, load
from listener.config.files import read
from listener.errors import ConfigError

CONFIG = b"rooms: [{name: Kitchen, source: {type: microphone}}]\n"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def written(path: Path, *pieces: bytes) -> threading.Thread:
    def write() -> None:
        with path.open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_a_pipe_is_read_to_its_end(pipe: Path) -> None:
    writing = written(pipe, CONFIG, b"#" * 200_000, b"\nmqtt: {port: 1884}\n")
    config = load(pipe)
    assert config.mqtt is not None
    assert config.mqtt.port == 1884
    writing.join()


def test_a_pipe_into_which_nobody_writes_is_an_error(pipe: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a pipe whose end did not come within 0\.05 s"):
        read(pipe, 0.05)


def test_a_pipe_whose_end_does_not_come_is_an_error(pipe: Path) -> None:
    held = os.open(pipe, os.O_RDWR)
    os.write(held, CONFIG)
    try:
        with pytest.raises(ConfigError, match="whose end did not come"):
            read(pipe, 0.05)
    finally:
        os.close(held)


def test_too_much_is_refused_wherever_it_comes_from(pipe: Path, tmp_path: Path) -> None:
    much = b"#" * (MAX_CONFIG_BYTES + 1)
    file = tmp_path / "c.yaml"
    file.write_bytes(much)
    writing = written(pipe, much)
    for path in (file, pipe):
        with pytest.raises(ConfigError, match="is larger than 1000000 bytes"):
            load(path)
    writing.join()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: Path("/dev/zero"), "/dev/zero: is no file and no pipe; give the configuration's path with -c"),
        (lambda folder: folder, "Is a directory; give the right path with -c"),
        (lambda folder: folder / "none", "No such file or directory; give the right path with -c"),
    ],
    ids=["device", "folder", "nothing"],
)
def test_what_is_no_file_is_one_line(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(make(tmp_path))
    assert words in str(caught.value)


def test_a_shell_may_make_the_configuration(tmp_path: Path) -> None:
    script = "exec \"$@\" -c <(printf '%s' 'rooms: [{name: Kitchen}]')"
    words = ["bash", "-c", script, "bash", *command("mute", "kitchen")]
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    assert "rooms[0].source: is missing" in done.stderr
