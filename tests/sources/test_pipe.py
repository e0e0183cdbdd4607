"""Sound from a pipe: raw PCM and WAV, from real programs and from broken ones."""

import asyncio
import io
import logging
import os
import pty
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import need

from listener.errors import SourceError
from listener.sources.pcm import SAMPLE_BYTES, PcmDecoder
from listener.sources.pipe import Pipe
from listener.sources.wav import is_wav, parse_head
from listener.types import CHUNK_SAMPLES, Chunk


class Line:
    """A pipe with a writer that waits, as programs do, until there is room."""

    def __init__(self) -> None:
        read_fd, self._write_fd = os.pipe()
        self.reader: BinaryIO = os.fdopen(read_fd, "rb", buffering=0)
        self._writers: list[threading.Thread] = []

    def write(self, data: bytes) -> None:
        """Of no more than a pipe holds."""
        os.write(self._write_fd, data)

    def feed_and_end(self, data: bytes) -> None:
        def feed() -> None:
            with os.fdopen(self._write_fd, "wb") as out:
                out.write(data)

        self._writers.append(threading.Thread(target=feed))
        self._writers[-1].start()

    def end(self) -> None:
        os.close(self._write_fd)

    def close(self) -> None:
        for writer in self._writers:
            writer.join(timeout=10)
        self.reader.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def ramp(samples: int) -> np.ndarray:
    """int16 samples that each differ from their neighbours, so that a lost one shows."""
    return (np.arange(samples) * 7 % 30_000).astype("<i2")


def start(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def wave(sound: np.ndarray, rate: int, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="WAV", subtype=subtype)
    return file.getvalue()


async def listen(source: Pipe) -> tuple[list[Chunk], str]:
    chunks: list[Chunk] = []
    try:
        async for chunk in source.chunks():
            chunks.append(chunk)  # noqa: PERF401 - what came before an error counts too
    except SourceError as error:
        return chunks, str(error)
    return chunks, ""


def joined(chunks: list[Chunk]) -> np.ndarray:
    return np.concatenate([chunk.samples for chunk in chunks])


async def test_raw_sound_arrives_whole_and_stamped(line: Line) -> None:
    sound = ramp(CHUNK_SAMPLES * 40 + 100)  # far more than the pipe holds
    line.feed_and_end(sound.tobytes())
    chunks, error = await listen(Pipe(line.reader))
    assert error == ""
    assert [chunk.index for chunk in chunks] == list(range(41))
    assert np.array_equal(joined(chunks)[: len(sound)], sound.astype(np.float32) / 32_768)
    assert not joined(chunks)[len(sound) :].any()
    stamps = [chunk.monotonic_ns for chunk in chunks if chunk.monotonic_ns]
    assert stamps == sorted(stamps)
    assert len(stamps) == 41
    assert all(chunk.captured_at_ns for chunk in chunks)


async def test_who_is_too_fast_has_to_wait(line: Line) -> None:
    """Nothing is lost, and nothing piles up here: the pipe is read when somebody takes chunks."""
    sound = ramp(CHUNK_SAMPLES * 100)
    line.feed_and_end(sound.tobytes())
    chunks = []
    async for chunk in Pipe(line.reader).chunks():
        chunks.append(chunk)
        for _ in range(20):
            await asyncio.sleep(0)
    assert np.array_equal(joined(chunks), sound.astype(np.float32) / 32_768)


async def test_a_partial_sample_at_the_end_is_told(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.feed_and_end(ramp(1_000).tobytes() + b"\x01")
    chunks, error = await listen(Pipe(line.reader))
    assert (len(chunks), error) == (1, "")
    assert "ended inside of a sample: 1 bytes dropped" in caplog.text


async def test_after_the_end_there_is_nothing_more(line: Line) -> None:
    line.feed_and_end(ramp(10).tobytes())
    source = Pipe(line.reader)
    assert len((await listen(source))[0]) == 1
    assert await listen(source) == ([], "")


@pytest.mark.parametrize(("subtype", "channels"), [("PCM_U8", 1), ("PCM_16", 2), ("PCM_24", 7), ("FLOAT", 1)])
async def test_a_wave_header_is_believed(
    line: Line, subtype: str, channels: int, caplog: pytest.LogCaptureFixture
) -> None:
    sound = np.random.default_rng(0).uniform(-0.9, 0.9, (4_000, channels)).astype(np.float32)
    line.feed_and_end(wave(sound, 8_000, subtype))
    with caplog.at_level(logging.INFO):
        chunks, error = await listen(Pipe(line.reader, rate=48_000))
    assert (len(chunks), error) == (2, "")
    assert np.abs(joined(chunks)).max() > 0.1
    assert f"stdin carries WAV: 8000 Hz, {channels} channels" in caplog.text


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0x8000_0000 - 36, 0xFFFF_FFFF])
async def test_a_wave_header_without_a_length_is_endless(line: Line, size: int) -> None:
    head = bytearray(wave(ramp(0), 16_000, "PCM_16")[:44])
    struct.pack_into("<I", head, 40, size)
    line.feed_and_end(bytes(head) + ramp(CHUNK_SAMPLES).tobytes())
    chunks, error = await listen(Pipe(line.reader))
    assert (len(chunks), error) == (1, "")
    assert np.array_equal(joined(chunks), ramp(CHUNK_SAMPLES).astype(np.float32) / 32_768)


async def test_a_wave_that_breaks_off_is_told(line: Line) -> None:
    line.feed_and_end(wave(ramp(CHUNK_SAMPLES), 16_000, "PCM_16")[:-1_000])
    chunks, error = await listen(Pipe(line.reader))
    assert len(chunks) == 1
    assert "broke off: its WAV header promised 1000 more bytes" in error


async def test_what_follows_the_sound_of_a_wave_is_not_heard(line: Line) -> None:
    line.feed_and_end(wave(ramp(CHUNK_SAMPLES), 16_000, "PCM_16") + b"LIST" + bytes(range(256)) * 100)
    chunks, error = await listen(Pipe(line.reader))
    assert (len(chunks), error) == (1, "")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "ended before any sound came"),
        (b"fLaC" + bytes(100), "carries FLAC, not PCM"),
        (b"RIFF\x00\x00\x00\x00WAVE", "ended inside of the WAV header"),
        (b"RIFF\x00\x00\x00\x00WAVEdata\x00\x00\x00\x00", "does not say what format"),
        (b"RIFF\x00\x00\x00\x00WAVEjunk\xff\xff\xff\xff", "the WAV header is damaged"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt \x02\x00\x00\x00ab", "the WAV header is damaged"),
        (wave(ramp(100), 8_000, "ULAW"), "coding 7, which is not understood"),
        (wave(ramp(100), 100, "PCM_16"), "100 Hz is outside"),
        (wave(np.zeros((10, 33)), 8_000, "PCM_16"), "33 channels"),
    ],
)
async def test_what_is_no_sound_is_refused_in_one_line(line: Line, data: bytes, words: str) -> None:
    line.feed_and_end(data)
    chunks, error = await listen(Pipe(line.reader))
    assert chunks == []
    assert words in error
    assert error.startswith("stdin")
    assert "\n" not in error


async def test_what_follows_a_refused_start_is_not_taken_for_sound(line: Line) -> None:
    source = Pipe(line.reader)
    line.write(b"fLaC" + bytes(100))
    assert "FLAC" in (await listen(source))[1]
    line.write(ramp(1_000).tobytes())
    line.end()
    assert await listen(source) == ([], "")


async def test_silence_of_the_program_before_us_is_told(line: Line) -> None:
    source = Pipe(line.reader, no_data_seconds=0.05)
    line.write(ramp(5).tobytes()[:9])
    assert "brought nothing for 0.05 s" in (await listen(source))[1]
    line.write(ramp(CHUNK_SAMPLES).tobytes()[9:])  # it was only slow: nothing is lost
    line.end()
    chunks, error = await listen(source)
    assert error == ""
    assert np.array_equal(joined(chunks), ramp(CHUNK_SAMPLES).astype(np.float32) / 32_768)


async def test_what_came_while_muted_is_not_heard_and_frames_stay_whole(line: Line) -> None:
    source = Pipe(line.reader, channels=2)
    frames = np.stack((ramp(4 * CHUNK_SAMPLES), ramp(4 * CHUNK_SAMPLES)), axis=1)
    data = frames.tobytes()
    first = CHUNK_SAMPLES * 4 + 3  # ends inside of a frame
    line.write(data[:first])
    async with aclosing(source.chunks()) as chunks:
        await anext(chunks)
    line.write(data[first : first + 30_001])  # while muted
    line_goes_on = asyncio.get_running_loop().call_later(0.1, line.write, data[first + 30_001 : first + 60_000])
    async with aclosing(source.chunks(first_index=9)) as chunks:
        chunk = await anext(chunks)
    line_goes_on.cancel()
    line.end()
    assert chunk.index == 9
    start = (first + 30_001) // 4 + 1  # the frame that was cut by the mute is thrown away or whole, never shifted
    heard = chunk.samples * 32_768
    assert np.array_equal(heard[1:], np.arange(start, start + CHUNK_SAMPLES - 1) * 7 % 30_000)


async def test_closing_while_waiting_leaves_nothing_behind(line: Line) -> None:
    source = Pipe(line.reader)
    task = asyncio.create_task(listen(source))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not asyncio.get_running_loop().remove_reader(line.reader.fileno())
    line.end()


async def test_a_plain_file_on_stdin_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(ramp(2 * CHUNK_SAMPLES).tobytes())
    with path.open("rb") as stream:
        chunks, error = await listen(Pipe(stream))
    assert (len(chunks), error) == (2, "")


async def test_no_stream_at_all_is_told() -> None:
    with os.fdopen(os.open("/dev/null", os.O_RDONLY), "rb") as stream:
        assert "ended before any sound came" in (await listen(Pipe(stream)))[1]
    assert "stdin cannot be read" in (await listen(Pipe(stream)))[1], "a stream that was closed"


async def test_a_terminal_is_told() -> None:
    leader, follower = pty.openpty()
    with os.fdopen(follower, "rb", buffering=0) as stream:
        assert "is a terminal" in (await listen(Pipe(stream)))[1]
    os.close(leader)


@pytest.mark.parametrize("arguments", [["-f", "s16le"], ["-f", "wav"], ["-f", "f32le"]])
async def test_ffmpeg_can_be_in_front(arguments: list[str]) -> None:
    need("ffmpeg")
    sine = ["-f", "lavfi", "-i", "sine=frequency=1000:duration=2:sample_rate=44100"]
    command = ["ffmpeg", "-loglevel", "error", *sine, "-ac", "2", "-ar", "48000", *arguments, "-"]
    with start(command) as process:
        assert process.stdout is not None
        pcm_format: Any = "f32le" if "f32le" in arguments else "s16le"
        source = Pipe(process.stdout, rate=48_000, channels=2, pcm_format=pcm_format)
        chunks, error = await listen(source)
    assert (len(chunks), error) == (5, "")
    spectrum = np.abs(np.fft.rfft(joined(chunks)))
    assert np.argmax(spectrum) / 2 == pytest.approx(1_000, abs=1)


@given(st.data(), st.sampled_from(sorted(SAMPLE_BYTES)), st.integers(1, 7))
@settings(deadline=None)
def test_bytes_may_be_cut_anywhere(data: st.DataObject, pcm_format: Any, channels: int) -> None:
    content = data.draw(st.binary(max_size=200))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    decoder = PcmDecoder(channels, pcm_format)
    pieces = [decoder.decode(content[a:b]) for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    whole = PcmDecoder(channels, pcm_format).decode(content)
    assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert decoder.rest_bytes == len(content) % (channels * SAMPLE_BYTES[pcm_format])


def test_24_bits_are_signed() -> None:
    decoder = PcmDecoder(1, "s24le")
    assert decoder.decode(b"\x00\x00\x80\xff\xff\xff\x01\x00\x00").tolist() == [[-(2**31)], [-256], [256]]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_wave_header_or_not_but_never_a_crash(content: bytes) -> None:
    data = b"RIFF\x00\x00\x00\x00WAVE" + content
    assert is_wav(data)
    try:
        head = parse_head(data)
    except SourceError:
        return
    assert head is None or head.head_bytes <= len(data)
