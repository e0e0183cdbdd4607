"""Sound from the network: RTSP, HTTP and whatever else FFmpeg opens, in a process of its own (see `demux`)."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from urllib.parse import quote, urlsplit

from listener.chunks import Frames
from listener.config import StreamSource
from listener.errors import SourceError
from listener.sources.backlog import Backlog
from listener.sources.child import CaptureProcess
from listener.sources.intake import Intake
from listener.sources.pcm import PcmDecoder
from listener.sources.waiting import NO_DATA_SECONDS, OPEN_SECONDS, within
from listener.types import Chunk

MODULE = "listener.sources.demux"
HINT = "try the URL with `ffplay`"
MAX_PASSWORD_BYTES = 4_096


class Stream:
    """A source that receives one URL. The connection is there while `chunks` is iterated, and at no other time.

    There is no clock of ours between stream and room: chunks follow the stream's samples, so a sender whose clock is a
    little fast or slow makes them come a little earlier or later, and nothing grows or runs dry.
    """

    live = True

    def __init__(
        self, config: StreamSource, open_seconds: float = OPEN_SECONDS, no_data_seconds: float = NO_DATA_SECONDS
    ) -> None:
        self._config = config
        self._open_seconds = open_seconds
        self._no_data_seconds = no_data_seconds

    @property
    def description(self) -> str:
        """Without user, password and parameters, which are secrets more often than not."""
        return f"stream {public_url(self._config.url)}"

    async def chunks(self, first_index: int = 0) -> AsyncGenerator[Chunk]:
        """Yield chunks, stamped on arrival, until the iterator is closed. Never ends by itself.

        Raises SourceError: not to be reached, refused, no sound, nothing for 3 s, ended, broke off, extra missing.
        """
        request = json.dumps(await asyncio.to_thread(self._request)).encode() + b"\n"
        async with await CaptureProcess.launch(self.description, MODULE, (), request, HINT) as process:
            opening = f"{self.description} did not open"
            head = await within(self._open_seconds, process.head(), opening)
            received = _frames(process, PcmDecoder(head.channels, "f32le"))
            with Intake(self.description, head.rate, head.channels, first_index, live=True) as intake:
                async with Backlog(self.description, head.rate, received) as backlog:
                    while True:
                        failure = f"{self.description} delivered nothing"
                        for chunk in intake.push(await within(self._no_data_seconds, backlog.take(), failure)):
                            yield chunk

    def _request(self) -> dict[str, object]:
        return {
            "url": _with_login(self._config),
            "verify_tls": self._config.verify_tls,
            "ca_file": ssl.get_default_verify_paths().cafile,
        }


def public_url(url: str) -> str:
    """The URL without what may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _with_login(config: StreamSource) -> str:
    """The URL with the configured user and password. Raises SourceError: the password's file cannot be read."""
    if config.username is None:
        return config.url
    login = quote(config.username, safe="")
    if config.password_file is not None:
        try:
            with config.password_file.open("rb") as file:
                password = file.read(MAX_PASSWORD_BYTES).decode().split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            words = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            raise SourceError(
                f"stream {public_url(config.url)}: password_file {config.password_file} cannot be read: {words}; check "
                "its path and owner"
            ) from None
        login += f":{quote(password, safe='')}"
    parts = urlsplit(config.url)
    return parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}").geturl()


async def _frames(process: CaptureProcess, decoder: PcmDecoder) -> AsyncIterator[Frames]:
    while True:
        yield decoder.decode(await process.read())
