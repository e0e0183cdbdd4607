"""A real RTSP server, as cameras have one: heard, frozen, thawed, killed and started again."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from listener.config import StreamSource
from listener.errors import SourceError
from listener.sources.stream import Stream
from listener.sources.supervisor import SupervisedSource
from listener.types import Chunk, Outage

pytest.importorskip("av", reason="the extra `stream` is not installed")

SERVER = Path(__file__).with_name("rtsp_server.py")
PYTHON = "/usr/bin/python3"
"""Debian's, which has the bindings of GStreamer."""
PACKAGES = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
WAIT_SECONDS = 60.0
"""The machine may be busy, and how long it takes is not what is tested."""


@dataclass
class Camera:
    port: str
    process: subprocess.Popen[str]

    def source(self, path: str, **limits: float) -> Stream:
        config = StreamSource(type="stream", url=f"rtsp://127.0.0.1:{self.port}{path}")
        return Stream(config, **{"open_seconds": 30.0, **limits})

    def kill(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def start(port: str = "0") -> Camera:
    process = subprocess.Popen(
        [PYTHON, str(SERVER), port], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={"PATH": ""}
    )
    assert process.stdout is not None
    bound = process.stdout.readline().strip()
    if bound:
        return Camera(bound, process)
    process.wait()
    process.stdout.close()
    reason = f"GStreamer's RTSP server is not installed: apt-get install {PACKAGES}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def camera() -> Iterator[Camera]:
    camera = start()
    yield camera
    camera.kill()


@pytest.mark.parametrize("path", ["/pcma", "/l16"])
async def test_a_camera_is_heard(camera: Camera, path: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS), aclosing(camera.source(path).chunks(7)) as chunks:
        heard = [await anext(chunks) for _ in range(4)]
    assert [chunk.index for chunk in heard] == [7, 8, 9, 10]
    sound = np.concatenate([chunk.samples for chunk in heard[1:]])
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * 16_000 / len(sound) - 440) < 2
    assert 0.45 < np.abs(sound).max() < 0.55


async def until(kind: type, items: AsyncIterator[Chunk | Outage]) -> Chunk | Outage:
    async with asyncio.timeout(WAIT_SECONDS):
        while not isinstance(item := await anext(items), kind):
            pass
    return item


async def test_a_camera_that_freezes_is_shown_and_heard_again_when_it_thaws(camera: Camera) -> None:
    source = SupervisedSource(camera.source("/pcma", no_data_seconds=1.0))
    async with aclosing(source.items(0)) as items:
        before = await until(Chunk, items)
        camera.process.send_signal(signal.SIGSTOP)
        outage = await until(Outage, items)
        camera.process.send_signal(signal.SIGCONT)
        after = await until(Chunk, items)
    assert isinstance(before, Chunk)
    assert isinstance(outage, Outage)
    assert isinstance(after, Chunk)
    assert "delivered nothing for 1 s" in outage.detail
    assert after.index > before.index
    assert source.reopened >= 1


async def test_a_camera_that_is_frozen_from_the_start_does_not_open(camera: Camera) -> None:
    camera.process.send_signal(signal.SIGSTOP)
    with pytest.raises(SourceError, match="did not open for 1 s"):
        async with aclosing(camera.source("/pcma", open_seconds=1.0).chunks()) as chunks:
            await anext(chunks)


async def test_a_camera_that_is_switched_off_and_on_is_heard_again(camera: Camera) -> None:
    source = SupervisedSource(camera.source("/pcma"))
    async with aclosing(source.items(0)) as items:
        await until(Chunk, items)
        camera.kill()
        outage = await until(Outage, items)
        camera.process = start(camera.port).process
        await until(Chunk, items)
    assert isinstance(outage, Outage)
    assert re.match(r"stream rtsp://127\.0\.0\.1:\d+/pcma", outage.detail)


async def test_a_stream_that_the_camera_does_not_have(camera: Camera) -> None:
    with pytest.raises(SourceError, match=r"knows no such stream \(404\)"):
        async with aclosing(camera.source("/nothing").chunks()) as chunks:
            await anext(chunks)
