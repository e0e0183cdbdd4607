"""The program that owns one network stream: `python -m listener.sources.demux`, by PyAV, which is FFmpeg.

A process of its own, because FFmpeg blocks where it likes (names, half-open connections) and can then be killed;
because whatever a stranger's stream does to a decoder stays in it; and because FFmpeg's licences do (decision 70).

stdin: one line of JSON (url, ca_file, verify_tls); no argument, since every user of the machine can read arguments.
stdout: one line of JSON (rate, channels, device), then interleaved float32 frames, for as long as stdin is open.
stderr: JSON lines: `{"error": text}` before it exits with 1, `{"damaged": n}`: packets that could not be decoded.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from listener.errors import SourceError
from listener.origin import extra_command
from listener.portaudio.library import follow_parent, tell

PROTOCOLS = "http,https,tls,tcp,udp,rtp,rtsp,rtsps,srtp,rtmp,rtmps,srt,crypto,httpproxy"
"""No `file`, `concat` …: a playlist that a stranger sends must not open files of this machine."""
ANALYZE_MICROSECONDS = 500_000
"""How much FFmpeg may listen before it says what the stream is. Its own 5 s are more than an outage."""
PROBE_BYTES = 1 << 16
"""The same in bytes: 2 s of the slowest PCM that is usual, 16 kHz and 16 bits."""
REPORT_SECONDS = 1.0
MAX_REQUEST_BYTES = 1 << 16

_WORDS = {
    "HTTPUnauthorizedError": "wants another user name and password (401); see `username` and `password_file`",
    "HTTPForbiddenError": "does not let us in (403); look at the user's rights there",
    "HTTPNotFoundError": "knows no such stream (404); look at the path of the URL",
    "HTTPServerError": "has an error of its own (5xx); look at the server's log",
    "InvalidDataError": "sends what is no sound; it may be a web page, or something that is encrypted",
    "ConnectionRefusedError": "refuses connections; is it switched on, and the port right?",
    "DecoderNotFoundError": "sends sound in a coding that FFmpeg does not know here; choose AAC, MP3, Opus or G.711",
    "EOFError": "closed the connection before any sound came; is the stream running?",
}


def read_request() -> dict[str, Any]:
    """The line on stdin. Not by `sys.stdin`, whose buffer and lock would be in the way of `follow_parent`."""
    line = b""
    while not line.endswith(b"\n") and len(line) < MAX_REQUEST_BYTES and (data := os.read(0, 4_096)):
        line += data
    request: dict[str, Any] = json.loads(line)
    return request


def options(url: str, ca_file: str | None, verify_tls: bool) -> dict[str, str]:
    """FFmpeg's options: https://ffmpeg.org/ffmpeg-formats.html, https://ffmpeg.org/ffmpeg-protocols.html."""
    chosen = {
        "protocol_whitelist": PROTOCOLS,
        "analyzeduration": str(ANALYZE_MICROSECONDS),
        "probesize": str(PROBE_BYTES),
        "tls_verify": str(int(verify_tls)),  # FFmpeg's own default is not to look
    }
    if ca_file is not None:
        chosen["ca_file"] = ca_file
    if url.startswith(("rtsp:", "rtsps:")):
        chosen |= {"rtsp_flags": "prefer_tcp", "allowed_media_types": "audio"}  # nobody sends us pictures
    return chosen


def explain(error: Exception) -> str:
    """FFmpeg's error as words that follow the stream's name; its own text would repeat the URL with the password."""
    for kind in type(error).__mro__:
        if kind.__name__ in _WORDS:
            return _WORDS[kind.__name__]
    words = getattr(error, "strerror", None) or type(error).__name__
    return f"cannot be reached, or broke off: {words}; look at its name, the network and, with TLS, its certificate"


def play(av: Any, request: dict[str, Any], out: BinaryIO) -> None:
    """Write the stream's sound to `out`. Raises SourceError when it cannot be opened, breaks off or ends."""
    url = request["url"]
    try:
        with av.open(url, options=options(url, request["ca_file"], request["verify_tls"])) as container:
            copy(av, decoded(av, container), out)
    except av.FFmpegError as error:
        raise SourceError(explain(error)) from None
    raise SourceError("has ended")


def decoded(av: Any, container: Any) -> Iterator[Any]:
    """Frames of the first audio stream; packets that cannot be decoded are counted, told and left out."""
    if not container.streams.audio:
        raise SourceError("carries no sound; switch the camera's microphone on, or choose another of its streams")
    damaged, report_due = 0, 0.0
    for packet in container.demux(container.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            damaged += 1
            if time.monotonic() >= report_due:
                tell(damaged=damaged)
                report_due = time.monotonic() + REPORT_SECONDS


def copy(av: Any, frames: Iterator[Any], out: BinaryIO) -> None:
    """Write what the frames are, then their samples. Raises SourceError when they become something else."""
    head: tuple[int, str] | None = None
    converter: Any = None
    for frame in frames:
        if head is None:
            head = (frame.sample_rate, frame.layout.name)
            converter = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.sample_rate)
            words = {"rate": frame.sample_rate, "channels": frame.layout.nb_channels, "device": frame.format.name}
            out.write(json.dumps(words).encode() + b"\n")
        if head != (frame.sample_rate, frame.layout.name):
            raise SourceError(f"went over from {head} to {(frame.sample_rate, frame.layout.name)}")
        for block in converter.resample(frame):
            out.write(bytes(block.planes[0])[: block.samples * 4 * block.layout.nb_channels])  # planes are padded
        out.flush()


def main() -> int:
    request = read_request()
    follow_parent()
    try:
        try:
            import av
        except ModuleNotFoundError:
            raise SourceError(f"needs PyAV, which is not installed: {extra_command('stream')}") from None
        play(av, request, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more
    except SourceError as error:
        tell(error=str(error))
    except Exception as error:  # its text might repeat the URL
        tell(error=f"cannot be decoded ({type(error).__name__}); please report this")
    os._exit(1)  # without closing the connection, which may take seconds


if __name__ == "__main__":
    sys.exit(main())
