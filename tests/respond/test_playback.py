"""Loudspeakers that really play: PulseAudio, ALSA, PortAudio, the playback process."""

import asyncio
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from outputs import until
from sound_server import SoundServer, sound_server

from listener.errors import SourceError, VoiceError
from listener.respond.output import Clip, Track
from listener.respond.playback import DEFAULT_DEVICE, Loudspeaker
from listener.respond.player import Handover, copy

VOICE_RATE_HZ = 22_050


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with sound_server(loudspeakers=("kitchen",)) as server:
        server.plug_in_loudspeaker("kitchen")
        yield server


@pytest.fixture(autouse=True)
def _environment(server: SoundServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in server.environment.items():
        monkeypatch.setenv(key, value)


def sine(frequency_hz: float, seconds: float) -> Clip:
    t = np.arange(round(seconds * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    return Clip((8_000 * np.sin(2 * np.pi * frequency_hz * t)).astype(np.int16), VOICE_RATE_HZ)


async def play_to_the_end(track: Track, seconds: float) -> None:
    await track.play(sine(440, seconds))
    await track.finish()


def heard(path: Path) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    data = path.read_bytes()
    return np.frombuffer(data[: len(data) // 2 * 2], np.int16).astype(np.float64)


def seconds_of_sound(path: Path) -> float:
    return float((np.abs(heard(path)) > 100).sum() / 48_000)


def players() -> list[psutil.Process]:
    """Playback processes, dead ones that nobody has reaped too."""
    return [child for child in psutil.Process().children() if child.name() not in ("pulseaudio", "parec")]


async def test_a_clip_is_heard_whole_and_at_its_pitch(server: SoundServer) -> None:
    with server.recording("kitchen") as path:
        async with Loudspeaker("KITCHEN_speak").open() as track:
            await track.play(sine(440, 0.5))
            await track.play(sine(440, 0.5))
            assert len(players()) == 1
            await track.finish()
        assert players() == [], "a silent loudspeaker has no process"
        await until(lambda: seconds_of_sound(path) > 0.95)
    sound = heard(path)
    sound = sound[np.flatnonzero(np.abs(sound) > 100)[0] :]
    assert seconds_of_sound(path) == pytest.approx(1.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(sound[:48_000] * np.hanning(len(sound[:48_000]))))
    assert np.argmax(spectrum) * 48_000 / len(sound[:48_000]) == pytest.approx(440, abs=3)
    assert np.abs(sound).max() == pytest.approx(8_000, rel=0.05)


async def test_leaving_early_is_silence_at_once(server: SoundServer) -> None:
    with server.recording("kitchen") as path:
        async with Loudspeaker(DEFAULT_DEVICE).open() as track:
            playing = asyncio.create_task(track.play(sine(440, 20)))
            await until(lambda: seconds_of_sound(path) > 0.2)
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        assert players() == []
    assert seconds_of_sound(path) < 5, "20 s were under way"


async def test_a_loudspeaker_that_is_not_there_says_which_are() -> None:
    with pytest.raises(VoiceError, match=r"output 'attic': no loudspeaker is called 'attic'; there are: .*kitchen"):
        async with Loudspeaker("attic").open():
            pass
    assert players() == []


async def test_a_sound_server_that_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with sound_server(loudspeakers=("study",)) as mine:
        for key, value in mine.environment.items():
            monkeypatch.setenv(key, value)
        mine.plug_in_loudspeaker("study")
        async with Loudspeaker("study_speaker").open() as track:
            await track.play(sine(440, 0.1))
            mine.kill()
            with pytest.raises(VoiceError, match=r"output 'study_speaker'.*(plays no more|takes no more sound)"):
                await play_to_the_end(track, 2)
    assert players() == []


async def test_a_player_that_dies_is_told(server: SoundServer) -> None:
    async with Loudspeaker("kitchen_speaker").open() as track:
        players()[0].kill()
        with pytest.raises(VoiceError, match=r"output 'kitchen_speaker': playback ended with status -9"):
            await play_to_the_end(track, 20)


def test_without_portaudio_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom listener.respond.player import main\nmain([])"
    done = subprocess.run([sys.executable, "-c", program], input=b"", capture_output=True, timeout=30, check=False)
    assert done.returncode == 1
    assert b"apt install libportaudio2" in done.stderr


def test_a_device_that_asks_for_nothing_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listener.respond.player.GONE_SECONDS", 0.01)
    with pytest.raises(SourceError, match="'USB' plays no more"):
        copy(io.BytesIO(bytes(1_000)), Handover(), 10, "USB")


def test_between_two_sentences_there_is_silence_and_no_old_sound() -> None:
    handover, out = Handover(), bytearray(b"\x07" * 8)
    handover.blocks.put(b"\x01" * 4)
    handover.on_block(out, 2, None, None)
    assert out == b"\x01" * 4 + bytes(4)
    handover.on_block(out, 2, None, None)
    assert out == bytes(8)
