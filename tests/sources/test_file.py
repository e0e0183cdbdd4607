"""Recordings: real files of every kind, whole and broken."""

import asyncio
import logging
import os
import subprocess
import time
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import soundfile
from programs import need

from listener.errors import SourceError
from listener.sources.file import Recording, describe
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk

SECONDS = 3.0
RATE = 44_100


def tone(seconds: float = SECONDS, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """1 kHz at half of full scale, with a little noise, so that no coder makes it small."""
    t = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).uniform(-0.05, 0.05, (len(t), channels))
    return (0.5 * np.sin(2 * np.pi * 1_000 * t)[:, None] + noise).astype(np.float32)


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 16_000 / len(samples))


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def listen(path: Path) -> tuple[list[Chunk], str]:
    """All chunks of a recording, and the error that came after them."""
    chunks: list[Chunk] = []
    try:
        async for chunk in Recording(path).chunks():
            chunks.append(chunk)  # noqa: PERF401 - what came before an error counts too
    except SourceError as error:
        return chunks, str(error)
    return chunks, ""


def encode(path: Path, sound: np.ndarray, *options: str) -> Path:
    """Write by ffmpeg what soundfile cannot, without a seekable output."""
    need("ffmpeg")
    soundfile.write(path.with_suffix(".in.wav"), sound, RATE)
    with path.open("wb") as out:
        command = ["ffmpeg", "-loglevel", "error", "-i", str(path.with_suffix(".in.wav")), *options, "-"]
        subprocess.run(command, stdout=out, check=True, timeout=30)
    return path


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
async def test_the_usual_formats_are_heard_whole(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    soundfile.write(path, tone(channels=2), RATE)
    chunks, error = await listen(path)
    assert error == ""
    assert [chunk.index for chunk in chunks] == list(range(8))
    assert loudest_hz(chunks[3].samples) == pytest.approx(1_000, abs=3)
    assert 0.4 < np.abs(chunks[3].samples).max() < 0.7
    assert not chunks[-1].samples[CHUNK_SAMPLES // 2 + 2 :].any(), "the last chunk is padded with zeros"
    assert chunks[0].captured_at_ns is None
    assert chunks[0].monotonic_ns is None


@pytest.mark.parametrize(
    ("subtype", "rate", "channels"),
    [("PCM_U8", 8_000, 1), ("PCM_24", 48_000, 7), ("FLOAT", 384_000, 2), ("DOUBLE", 16_000, 1), ("ULAW", 8_000, 1)],
)
async def test_unusual_waves_are_heard(tmp_path: Path, subtype: str, rate: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1, rate, channels), rate, subtype=subtype)
    chunks, error = await listen(path)
    assert (len(chunks), error) == (3, "")
    assert loudest_hz(chunks[1].samples) == pytest.approx(1_000, abs=3)


async def test_numbers_that_are_none_become_silence_and_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "nan.wav"
    sound = tone(1, 16_000)
    sound[100:110], sound[200], sound[300] = np.nan, np.inf, 7.0
    soundfile.write(path, sound, 16_000, subtype="FLOAT")
    with caplog.at_level(logging.WARNING):
        chunks, error = await listen(path)
    assert error == ""
    assert not chunks[0].samples[100:110].any()
    assert chunks[0].samples[300] == 1.0
    assert "nan.wav: in all, 11 samples were no finite numbers and became 0; 1 samples beyond full scale" in caplog.text


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
async def test_a_cut_file_is_heard_as_far_as_it_goes_and_then_told(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"cut.{extension}"
    soundfile.write(path, tone(), RATE)
    os.truncate(path, path.stat().st_size * 3 // 5)
    chunks, error = await listen(path)
    assert 3 <= len(chunks) <= 6
    assert loudest_hz(chunks[1].samples) == pytest.approx(1_000, abs=3)
    assert "cut." + extension in error
    assert "damaged or cut off" in error


async def test_an_ogg_stream_that_ends_between_two_pages_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    soundfile.write(path, tone(), RATE)
    os.truncate(path, path.read_bytes().rindex(b"OggS"))
    chunks, error = await listen(path)
    assert len(chunks) > 2
    assert "the last page of the Ogg stream is not there" in error


@pytest.mark.parametrize("extension", ["flac", "ogg"])
async def test_a_file_with_rubbish_in_it_is_told(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"damaged.{extension}"
    soundfile.write(path, tone(), RATE)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2_000] = np.random.default_rng(1).bytes(2_000)
    path.write_bytes(data)
    chunks, error = await listen(path)
    assert 0 < len(chunks) < 8
    assert "damaged or cut off" in error


async def test_a_wave_of_unknown_length_is_whole(tmp_path: Path) -> None:
    chunks, error = await listen(encode(tmp_path / "piped.wav", tone(), "-f", "wav"))
    assert (len(chunks), error) == (8, "")


async def test_an_mp3_whose_end_cannot_be_found_is_told(tmp_path: Path) -> None:
    """Without a Xing header libsndfile guesses the length from the first frames, and stops there."""
    sound = np.concatenate((np.random.default_rng(0).uniform(-0.9, 0.9, (RATE, 1)), np.zeros((20 * RATE, 1))))
    chunks, error = await listen(encode(tmp_path / "vbr.mp3", sound, "-f", "mp3", "-write_xing", "0", "-q:a", "2"))
    assert 0 < len(chunks) < 50
    assert "does not say how long it is" in error
    chunks, error = await listen(encode(tmp_path / "cbr.mp3", sound, "-f", "mp3", "-write_xing", "0", "-b:a", "64k"))
    assert len(chunks) >= 52
    assert error == ""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.wav", b"", "is empty (0 bytes)"),
        ("text.wav", b"hello " * 1_000, "is no audio that can be read"),
        ("head.wav", b"RIFF\x00\x10\x00\x00WAVEfmt ", "is no audio that can be read"),
        ("zeros.mp3", bytes(10_000), "is no audio that can be read"),
        ("two\nlines.wav", b"hello", "two\\nlines.wav"),
    ],
)
async def test_what_is_no_audio_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    chunks, error = await listen(path)
    assert chunks == []
    assert words in error
    assert "\n" not in error


async def test_a_wave_without_a_sample_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nothing.wav", tone(0), RATE)
    assert "holds no sound" in (await listen(tmp_path / "nothing.wav"))[1]


async def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "is a folder" in (await listen(tmp_path))[1]
    assert "use the source `pipe`" in (await listen(tmp_path / "fifo"))[1]
    assert "No such file" in (await listen(tmp_path / "missing.wav"))[1]
    assert "cannot be opened" in (await listen(tmp_path / "x\0.wav"))[1]


async def test_an_absurd_rate_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", tone(1, 100), 100)
    assert "100 Hz is outside" in (await listen(tmp_path / "slow.wav"))[1]


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg", "mp3"])
async def test_a_loop_begins_again_without_a_gap(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    soundfile.write(path, tone(1, 16_000), 16_000)
    heard = []
    async with aclosing(Recording(path, loop=True).chunks(first_index=5)) as chunks:
        async for chunk in chunks:
            heard.append(chunk)
            if len(heard) == 15:
                break
    assert [chunk.index for chunk in heard] == list(range(5, 20))
    sound = np.concatenate([chunk.samples for chunk in heard])
    assert np.abs(sound[:16_000] - sound[16_000 * 4 : 16_000 * 5]).max() < 0.1


async def test_real_time_chunks_are_due_on_a_grid(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(1.2, 16_000), 16_000)
    started_ns = time.monotonic_ns()
    stamps, walls = [], []
    async for chunk in Recording(path, realtime=True).chunks():
        assert chunk.monotonic_ns is not None
        assert chunk.captured_at_ns is not None
        assert chunk.monotonic_ns <= time.monotonic_ns(), "no chunk before its last sample is due"
        stamps.append(chunk.monotonic_ns)
        walls.append(chunk.captured_at_ns)
        await asyncio.sleep(0.05)  # a busy room must not make the next chunk late
    assert stamps[0] >= started_ns + CHUNK_SECONDS * 1e9
    assert np.diff(stamps).tolist() == [400_000_000, 400_000_000]
    assert all(abs(wall - time.time_ns()) < 60e9 for wall in walls)


async def test_a_fast_recording_lets_others_have_a_turn(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8, 16_000), 16_000)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    await listen(path)
    task.cancel()
    assert turns >= 20


async def test_closing_early_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), RATE)
    before = open_files()
    async with aclosing(Recording(path).chunks()) as chunks:
        await anext(chunks)
        assert open_files() > before
    assert open_files() == before


def test_a_recording_is_described_without_being_played(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2, 8_000, 2), 8_000)
    assert describe(tmp_path / "a.wav").endswith("a.wav: 2.0 s, 8000 Hz, 2 channels, WAV PCM_16")
    soundfile.write(tmp_path / "slow.wav", tone(1, 100), 100)
    with pytest.raises(SourceError, match="100 Hz is outside"):
        describe(tmp_path / "slow.wav")
