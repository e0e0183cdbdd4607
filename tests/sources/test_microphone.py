"""Microphones that really run: PulseAudio, ALSA, PortAudio, the capture process."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import numpy as np
import psutil
import pytest
from sound_server import SoundServer, sound_server

from listener.errors import DeviceNotFoundError, SourceError
from listener.portaudio.library import DEVICE_UNAVAILABLE, explain
from listener.sources.capture import Handover, copy
from listener.sources.devices import find_input, list_devices
from listener.sources.microphone import Microphone
from listener.types import Chunk


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with sound_server("kitchen") as server:
        server.plug_in("kitchen", 1_000)
        yield server


def use(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in server.environment.items():
        monkeypatch.setenv(key, value)


@pytest.fixture(autouse=True)
def _environment(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    use(server, monkeypatch)


def children() -> list[psutil.Process]:
    """Capture processes, dead ones that nobody has reaped too."""
    return [child for child in psutil.Process().children() if child.name() not in ("pulseaudio", "parec")]


async def take(chunks: AsyncIterator[Chunk], count: int) -> list[Chunk]:
    return [await anext(chunks) for _ in range(count)]


def assert_sine(chunks: list[Chunk], frequency_hz: float) -> None:
    """One sine without a gap: fitted to the first half of the sound, it must foretell the second."""
    sound = np.concatenate([chunk.samples for chunk in chunks]).astype(np.float64)
    t = np.arange(len(sound)) / 16_000
    waves = np.stack((np.sin(2 * np.pi * frequency_hz * t), np.cos(2 * np.pi * frequency_hz * t)), axis=1)
    half = len(sound) // 2
    weights, *_ = np.linalg.lstsq(waves[:half], sound[:half], rcond=None)
    assert 0.1 < np.hypot(*weights) < 1.0
    assert np.abs(waves[half:] @ weights - sound[half:]).max() < 0.02


async def test_a_microphone_is_heard_without_a_gap() -> None:
    async with aclosing(Microphone("KITCHEN").chunks(first_index=3)) as chunks:
        heard = await take(chunks, 7)
        assert len(children()) == 1
    assert children() == [], "a closed microphone has no process"
    assert [chunk.index for chunk in heard] == list(range(3, 10))
    assert_sine(heard[1:], 1_000)  # the first begins anywhere
    stamps = [chunk.monotonic_ns for chunk in heard if chunk.monotonic_ns]
    assert len(stamps) == 7
    assert stamps == sorted(stamps)


async def test_unplugged_and_plugged_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with sound_server("study") as server:  # of its own: with two microphones it would move us to the other one
        use(server, monkeypatch)
        server.plug_in("study", 500)
        microphone = Microphone("study_mic")
        async with aclosing(microphone.chunks()) as chunks:
            await take(chunks, 2)
            server.unplug("study")
            with pytest.raises(SourceError, match=r"study_mic.*has gone: unplugged"):
                await take(chunks, 100)
        with pytest.raises(SourceError, match="study_mic"):
            await anext(microphone.chunks(5))
        assert children() == []
        server.plug_in("study", 700)
        async with aclosing(microphone.chunks(first_index=5)) as chunks:
            heard = await take(chunks, 4)
        assert heard[0].index == 5
        assert_sine(heard[1:], 700)


async def test_a_process_that_is_killed_is_told_and_replaced() -> None:
    microphone = Microphone("kitchen_mic")
    async with aclosing(microphone.chunks()) as chunks:
        await take(chunks, 1)
        children()[0].kill()
        with pytest.raises(SourceError, match="capture process was killed by SIGKILL"):
            await take(chunks, 100)
    async with aclosing(microphone.chunks(first_index=9)) as chunks:
        assert (await anext(chunks)).index == 9


async def test_a_driver_that_hangs_is_noticed_and_killed() -> None:
    async with aclosing(Microphone("kitchen_mic", no_data_seconds=2.5).chunks()) as chunks:
        await take(chunks, 1)
        children()[0].suspend()  # deaf to everything but a kill, as in a driver's uninterruptible call
        with pytest.raises(SourceError, match=r"delivered nothing for 2\.5 s"):
            await take(chunks, 100)
    assert children() == []


async def test_a_driver_that_hangs_when_it_is_opened_is_killed() -> None:
    with pytest.raises(SourceError, match=r"did not open for 0\.001 s"):
        await anext(Microphone("kitchen_mic", open_seconds=0.001).chunks())
    assert children() == []


async def test_being_cancelled_closes_the_microphone() -> None:
    task = asyncio.create_task(take(Microphone("kitchen_mic").chunks(), 1_000))
    while not children():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


async def test_a_missing_device_is_told_with_those_that_exist() -> None:
    with pytest.raises(DeviceNotFoundError, match=r"^microphone 'kitchn_mic': no .*; there are: 'kitchen_mic', "):
        await anext(Microphone("kitchn_mic").chunks())
    assert children() == []


async def test_without_a_name_the_default_is_heard() -> None:
    async with aclosing(Microphone().chunks()) as chunks:
        assert np.abs((await take(chunks, 2))[1].samples).max() > 0.1


def test_the_devices_are_listed() -> None:
    devices = list_devices()
    assert {"kitchen_mic"} <= {device.name for device in devices.inputs}
    kitchen = next(device for device in devices.inputs if device.name == "kitchen_mic")
    assert (kitchen.stable_id, kitchen.host_api, kitchen.default_rate_hz) == ("kitchen_mic", "ALSA", 44_100)
    assert kitchen.channels > 0
    assert any(device.name == "kitchen_mic" for device in devices.outputs)


def test_a_configured_device_is_found_without_being_opened() -> None:
    assert find_input("Kitchen").name == "kitchen_mic"
    assert find_input(None).is_default
    with pytest.raises(DeviceNotFoundError, match="there are: 'kitchen_mic'"):
        find_input("kitchn")


PARENT = """
import asyncio
from listener.sources.microphone import Microphone
async def main():
    async for _ in Microphone("kitchen_mic").chunks():
        print("heard", flush=True)
asyncio.run(main())
"""


def test_a_capture_process_does_not_outlive_its_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"heard\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    child.wait(timeout=10)


def test_a_capture_process_ends_with_its_stdin() -> None:
    command = [sys.executable, "-m", "listener.sources.capture", "--device=kitchen_mic"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert b'"device": "kitchen_mic"' in child.stdout.readline()
        child.stdin.close()
        assert child.wait(timeout=10) == 0


class Overflow:
    input_overflow = True


def test_what_is_lost_is_counted_and_told(capfd: pytest.CaptureFixture[str]) -> None:
    handover = Handover()
    size = handover.blocks.maxsize
    for number in range(size + 3):
        handover.on_block(bytes([number % 256]), 1, None, Overflow())
    handover.ended.set()
    out = io.BytesIO()
    with pytest.raises(SourceError, match="'mic' has gone"):
        copy(handover, out, "mic")
    assert len(out.getvalue()) == size, "the oldest are kept, in order"
    assert json.loads(capfd.readouterr().err) == {"overflows": size + 3, "dropped_blocks": 3}


def test_a_capture_process_imports_little() -> None:
    code = "import sys, listener.sources.capture; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert not {"numpy", "pydantic", "asyncio", "soundfile"} & set(done.stdout.split())


def test_without_portaudio_it_says_what_to_install() -> None:
    """A sounddevice that fails as the real one does where the library is missing."""
    code = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'sounddevice': raise OSError('PortAudio library not found')\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from listener.sources.capture import main\n"
        "main(['--list'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "apt install libportaudio2" in done.stderr


def test_a_busy_device_is_told() -> None:
    words = explain("USB Mic", Exception("Device unavailable", DEVICE_UNAVAILABLE))
    assert "'USB Mic' cannot be opened: Device unavailable; it is in use by another program" in words
