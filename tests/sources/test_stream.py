"""Streams that are really received: an HTTP server of the test, PyAV in its process, decoded and cut."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from stream_server import LOGIN, Handler, StreamServer, encoded, endless_wav, stream_server

from listener.config import StreamSource, parse
from listener.errors import ConfigError, SourceError
from listener.sources.stream import Stream
from listener.sources.supervisor import SupervisedSource
from listener.types import Chunk, Outage

pytest.importorskip("av", reason="the extra `stream` is not installed")

PATIENT = {"open_seconds": 30.0}
"""The machine may be busy, and how long opening takes is not what is tested."""


@pytest.fixture(scope="module")
def server() -> Iterator[StreamServer]:
    with stream_server() as server:
        yield server


def stream(server: StreamServer, path: str, limits: Any = PATIENT, login: str = "", **keys: Any) -> Stream:
    url = f"http://{login}127.0.0.1:{server.port}{path}"
    return Stream(StreamSource(type="stream", url=url, **keys), **limits)


async def take(source: Stream, count: int, first_index: int = 0) -> list[Chunk]:
    async with aclosing(source.chunks(first_index)) as chunks:
        return [await anext(chunks) for _ in range(count)]


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def assert_sine(chunks: list[Chunk], tolerance: float) -> None:
    """440 Hz without a gap: fitted to the first half of the sound, it must foretell the second."""
    sound = np.concatenate([chunk.samples for chunk in chunks]).astype(np.float64)
    t = np.arange(len(sound)) / 16_000
    waves = np.stack((np.sin(2 * np.pi * 440 * t), np.cos(2 * np.pi * 440 * t)), axis=1)
    half = len(sound) // 2
    weights, *_ = np.linalg.lstsq(waves[:half], sound[:half], rcond=None)
    assert 0.4 < np.hypot(*weights) < 0.6
    assert np.abs(waves[half:] @ weights - sound[half:]).max() < tolerance


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (endless_wav(), 0.01),
        (encoded("MP3", "MPEG_LAYER_III"), 0.05),
        (encoded("OGG", "VORBIS"), 0.05),
        (encoded("FLAC", "PCM_16"), 0.01),
    ],
    ids=["wav", "mp3", "vorbis", "flac"],
)
async def test_a_stream_is_heard_without_a_gap(server: StreamServer, data: bytes, tolerance: float) -> None:
    server.answers["/sound"] = lambda handler: handler.send(data, "application/octet-stream")
    heard = await take(stream(server, "/sound"), 8, first_index=5)
    assert children() == [], "a stream that nobody hears has no process and no connection"
    assert [chunk.index for chunk in heard] == list(range(5, 13))
    assert all(chunk.monotonic_ns for chunk in heard)
    assert_sine(heard[1:], tolerance)  # the first has the codec's onset


def refuse(status: int, kind: str = "text/html", body: bytes = b"<html>no</html>") -> Any:
    def answer(handler: Handler) -> None:
        handler.begin(kind, status, len(body))
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refuse(401), "wants another user name and password"),
        (refuse(403), "does not let us in"),
        (refuse(404), "knows no such stream"),
        (refuse(500), "has an error of its own"),
        (refuse(200), "sends what is no sound"),
        (refuse(200, "audio/wav", np.random.default_rng(1).bytes(300_000)), "sends what is no sound"),
        (refuse(200, "audio/wav", b""), "sends what is no sound|closed the connection before any sound came"),
        (refuse(200, "audio/wav", endless_wav(1.0)), "has ended"),
    ],
    ids=["401", "403", "404", "500", "html", "garbage", "empty", "ends"],
)
async def test_what_is_wrong_is_one_clear_line_without_the_password(
    server: StreamServer, answer: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    server.answers["/bad"] = answer
    source = stream(server, "/bad?token=t0ken", login="user:hunter2@")
    with pytest.raises(SourceError, match=rf"^stream http://127\.0\.0\.1:{server.port}/bad: ({words})") as caught:
        await take(source, 100)
    told = str(caught.value) + caplog.text + source.description
    assert not any(secret in told for secret in ("hunter2", "t0ken", "user:"))
    assert "\n" not in str(caught.value)
    assert children() == []


async def test_a_playlist_opens_no_file_of_ours(server: StreamServer, tmp_path: Path) -> None:
    (tmp_path / "private.wav").write_bytes(encoded("WAV", "PCM_16"))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://{tmp_path}/private.wav\n#EXT-X-ENDLIST\n"
    server.answers["/list.m3u8"] = refuse(200, "application/vnd.apple.mpegurl", playlist.encode())
    with pytest.raises(SourceError):
        await take(stream(server, "/list.m3u8"), 1)


async def test_the_login_is_used_and_no_argument_of_a_process(server: StreamServer, tmp_path: Path) -> None:
    user, _, password = LOGIN.partition(":")
    (tmp_path / "password").write_text(f"{password}\n")
    data = endless_wav()
    server.answers["/private"] = lambda h: h.send(data) if h.let_in else refuse(401)(h)
    source = stream(server, "/private", username=user, password_file=tmp_path / "password")
    async with aclosing(source.chunks()) as chunks:
        await anext(chunks)
        (child,) = children()
        assert "127.0.0.1" not in " ".join(child.cmdline())
    (tmp_path / "password").unlink()
    with pytest.raises(SourceError, match=r"password_file .* cannot be read: No such file"):
        await take(source, 1)


async def test_a_stream_that_freezes_is_noticed_and_heard_again_when_it_thaws(server: StreamServer) -> None:
    data = endless_wav(2.0)

    def answer(handler: Handler) -> None:
        if len(server.requests) > before + 1:
            server.thawed.wait(60)  # the connection is taken, and that is all
        handler.send(data)

    server.answers["/freezes"] = answer
    before = len(server.requests)
    source = SupervisedSource(stream(server, "/freezes", {"open_seconds": 3.0, "no_data_seconds": 0.7}), 30.0)
    heard: list[Chunk | Outage] = []
    async with aclosing(source.items(0)) as items:
        async for item in items:
            heard.append(item)
            outages = [item for item in heard if isinstance(item, Outage)]
            if len(outages) == 2:
                server.thawed.set()
            if len(outages) >= 2 and isinstance(item, Chunk):
                break
    assert "delivered nothing for 0.7 s" in outages[0].detail
    assert "did not open for 3 s" in outages[1].detail
    chunks = [item.index for item in heard if isinstance(item, Chunk)]
    assert chunks == list(range(len(chunks)))
    assert children() == [], "half-open connections are cut"


async def all_of(chunks: AsyncIterator[Chunk]) -> None:
    async for _ in chunks:
        pass


async def test_a_decoder_that_hangs_is_killed(server: StreamServer) -> None:
    data = endless_wav()
    server.answers["/hangs"] = lambda handler: handler.send(data)
    async with aclosing(stream(server, "/hangs", {"open_seconds": 30.0, "no_data_seconds": 0.7}).chunks()) as chunks:
        await anext(chunks)
        children()[0].suspend()  # deaf to everything but a kill
        with pytest.raises(SourceError, match=r"delivered nothing for 0\.7 s"):
            await all_of(chunks)
    assert children() == []


async def test_being_cancelled_closes_the_connection(server: StreamServer) -> None:
    server.answers["/silent"] = lambda handler: handler.send(b"")
    before = len(server.requests)
    task = asyncio.create_task(take(stream(server, "/silent"), 1))
    while len(server.requests) == before:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -days 2 -keyout {key} -out {cert}"
    subprocess.run(command.split(), check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    return tls


async def test_a_certificate_that_nobody_signed_is_refused_unless_configured(self_signed: ssl.SSLContext) -> None:
    data = endless_wav()
    with stream_server(self_signed) as server:
        server.answers["/"] = lambda handler: handler.send(data)
        url = f"https://127.0.0.1:{server.port}/"
        with pytest.raises(SourceError, match="with TLS, its certificate"):
            await take(Stream(StreamSource(type="stream", url=url), **PATIENT), 1)
        assert server.requests == []
        assert len(await take(Stream(StreamSource(type="stream", url=url, verify_tls=False), **PATIENT), 1)) == 1


async def test_without_the_extra_it_is_named(
    server: StreamServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "av.py").write_text("raise ModuleNotFoundError(name='av')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SourceError, match=r"needs PyAV, which is not installed: .* -m pip install .*\[stream\]"):
        await take(stream(server, "/"), 1)


@pytest.mark.parametrize(
    "url",
    [*("file:///etc/passwd", "concat:a|b", "http://", "u:hunter2@host/x", "http://u:hunter2@[x/", "http://a b/"), ""],
)
def test_a_url_that_cannot_be_one_is_an_error_without_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"rooms\[0\]\.source\.url: ") as caught:
        parse({"rooms": [{"name": "Kitchen", "source": {"type": "stream", "url": url}}]})
    assert "hunter2" not in str(caught.value)


def test_the_login_is_not_in_the_configuration_s_text() -> None:
    assert "hunter2" not in repr(StreamSource(type="stream", url="rtsp://u:hunter2@camera/1"))
