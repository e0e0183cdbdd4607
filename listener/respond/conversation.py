"""Home Assistant's conversation API: a sentence goes in, its answer comes out.

POST {url}/api/conversation/process, as in
https://developers.home-assistant.io/docs/intent_conversation_api. The transport is
requests, in a thread: it is installed anyway, and one sentence a minute needs no connection that stays open.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Final

import requests

from listener.config import HomeAssistantConfig
from listener.errors import HomeAssistantError
from listener.respond.trust import refusal, trusted

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES: Final = 256_000
MAX_TOKEN_BYTES: Final = 8_192
MAX_SPOKEN_CHARACTERS: Final = 1_000
"""A minute of speech; nobody listens longer to a machine."""

ANSWERED_SECONDS: Final = 60.0
"""So long a question of Home Assistant's is remembered at least: its words, and those of the answer."""

MAX_AT_ONCE: Final = 4
PIECE_BYTES: Final = 8_192


class NotLetInError(HomeAssistantError):
    """Home Assistant is there and refuses us."""


@dataclass(frozen=True, slots=True)
class HouseAnswer:
    """What Home Assistant says; `asks_back`: it waits for an answer."""

    text: str
    asks_back: bool = False


@dataclass(frozen=True, slots=True)
class _Thread:
    """A conversation that goes on: Home Assistant's id of it, and until when."""

    conversation_id: str
    until: float


class Conversation:
    """Client of one Home Assistant. `now` is a monotonic clock, in seconds."""

    def __init__(self, config: HomeAssistantConfig, now: Callable[[], float] = monotonic) -> None:
        self._config = config
        self._url = config.url.rstrip("/")
        self._now = now
        self._threads: dict[str, _Thread] = {}
        self._asking: set[Future[bytes]] = set()

    async def process(self, room: str, text: str, language: str) -> HouseAnswer:
        """What Home Assistant answers to `text`; its text may be empty. Raises HomeAssistantError.

        The deadline of the configuration covers everything from connecting to the last byte.
        """
        body = {"text": text, "language": self._config.language or language}
        if self._config.agent_id is not None:
            body["agent_id"] = self._config.agent_id
        if (thread := self._thread(room)) is not None:
            body["conversation_id"] = thread
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                raw = await asyncio.wrap_future(self._asked(body))
        except TimeoutError:
            raise HomeAssistantError(self._slow()) from None
        answer, conversation_id = _parse(raw, self._url)
        if conversation_id:
            keep_seconds = self._config.keep_conversation_seconds
            if answer.asks_back:
                keep_seconds = max(keep_seconds, ANSWERED_SECONDS)
            self._threads[room] = _Thread(conversation_id, self._now() + keep_seconds)
        return answer

    async def probe(self) -> None:
        """Whether it is there and lets us in. Raises HomeAssistantError."""
        try:
            async with asyncio.timeout(self._config.timeout_seconds):
                raw = await asyncio.to_thread(self._request, "GET", "/api/", None)
        except TimeoutError:
            raise HomeAssistantError(self._slow()) from None
        if b"message" not in raw:
            raise HomeAssistantError(f"home_assistant: {self._url} answers, but not as Home Assistant's API does")

    def _asked(self, body: dict[str, str]) -> "Future[bytes]":
        """Ask in a thread of its own, one of few. It is a daemon: a server that hangs must not delay our shutdown."""
        self._asking = {asked for asked in self._asking if not asked.done()}
        if len(self._asking) >= MAX_AT_ONCE:
            raise HomeAssistantError(
                f"home_assistant: {self._url} still owes {MAX_AT_ONCE} answers; look at its load and its log"
            )
        asked: Future[bytes] = Future()
        asked.set_running_or_notify_cancel()
        self._asking.add(asked)
        Thread(target=self._answer, args=(asked, body), daemon=True, name="home-assistant").start()
        return asked

    def _answer(self, asked: "Future[bytes]", body: dict[str, str]) -> None:
        try:
            asked.set_result(self._request("POST", "/api/conversation/process", body))
        except BaseException as error:
            asked.set_exception(error)

    def _thread(self, room: str) -> str | None:
        thread = self._threads.get(room)
        if thread is None or self._now() > thread.until:
            return None
        return thread.conversation_id

    def _slow(self) -> str:
        return (
            f"home_assistant: {self._url} has not answered within {self._config.timeout_seconds:g} s; "
            "look at its load, or raise home_assistant.timeout_seconds"
        )

    def _request(self, method: str, path: str, body: dict[str, str] | None) -> bytes:
        """In a thread. Raises HomeAssistantError."""
        token, certificates = read_token(self._config.token_file), trusted(self._config.ca_file)
        deadline = monotonic() + self._config.timeout_seconds
        try:
            with requests.Session() as session:
                session.trust_env = False  # a .netrc would replace our token, a proxy would see it
                with session.request(
                    method,
                    f"{self._url}{path}",
                    json=body,
                    headers={"Authorization": f"Bearer {token}"},
                    timeout=self._config.timeout_seconds,
                    verify=certificates,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    self._check(response)
                    return self._read(response, deadline)
        except requests.Timeout:
            raise HomeAssistantError(self._slow()) from None
        except requests.exceptions.SSLError as error:
            raise HomeAssistantError(refusal(self._url, error, self._config.ca_file)) from None
        except (requests.RequestException, OSError) as error:
            raise HomeAssistantError(
                f"home_assistant: {self._url} cannot be reached ({_root(error)}); is it running, and is the url right?"
            ) from None

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise NotLetInError(
                f"home_assistant: {self._url} refuses the token in {self._config.token_file} ({status}); make a new "
                "long-lived access token in Home Assistant (your profile, Security)"
            )
        if status in (301, 302, 303, 307, 308):
            raise HomeAssistantError(
                f"home_assistant: {self._url} sends us elsewhere ({status} to "
                f"{response.headers.get('Location', '?')!r:.200}); write that address as home_assistant.url"
            )
        if status == 404:
            raise HomeAssistantError(
                f"home_assistant: {self._url} has no conversation API (404); is the url right, and is `conversation` "
                "part of its configuration?"
            )
        if status != 200:
            raise HomeAssistantError(
                f"home_assistant: {self._url} answered {status} to a command; its own log says why"
            )

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        raw = bytearray()
        for piece in response.iter_content(PIECE_BYTES):
            raw += piece
            if len(raw) > MAX_ANSWER_BYTES:
                raise HomeAssistantError(
                    f"home_assistant: {self._url} answered with more than {MAX_ANSWER_BYTES} bytes; that is no answer "
                    "to a spoken command"
                )
            if monotonic() > deadline:
                raise HomeAssistantError(self._slow())
        return bytes(raw)


def read_token(path: Path) -> str:
    """The first line of the file. Raises HomeAssistantError, which never shows what is in it."""
    try:
        with path.open("rb") as file:
            line = file.read(MAX_TOKEN_BYTES + 1).split(b"\n", 1)[0].strip()
    except OSError as error:
        raise HomeAssistantError(
            f"home_assistant.token_file: {path}: cannot be read: {error.strerror}; put a long-lived access token there"
        ) from None
    if not line or len(line) > MAX_TOKEN_BYTES or not all(0x21 <= byte <= 0x7E for byte in line):
        raise HomeAssistantError(
            f"home_assistant.token_file: {path}: its first line is no token; it must be one word of plain letters"
        )
    return line.decode("ascii")


def _parse(raw: bytes, url: str) -> tuple[HouseAnswer, str | None]:
    """What to say, and the id of the conversation. Raises HomeAssistantError for what is no answer of its API."""
    try:
        data: Any = json.loads(raw)
    except (ValueError, RecursionError):
        what = "HTML" if raw.lstrip()[:1] == b"<" else "no JSON"
        raise HomeAssistantError(
            f"home_assistant: {url} answered with {what}, as another program at that address would; is the url right?"
        ) from None
    response = data.get("response") if isinstance(data, dict) else None
    if not isinstance(response, dict):
        raise HomeAssistantError(f"home_assistant: {url} answered with JSON that is not its conversation API's")
    speech: Any = response
    for key in ("speech", "plain", "speech"):
        speech = speech.get(key) if isinstance(speech, dict) else None
    conversation_id = data.get("conversation_id")
    text = speech[:MAX_SPOKEN_CHARACTERS] if isinstance(speech, str) else ""
    return (
        HouseAnswer(text, bool(text) and data.get("continue_conversation") is True),
        conversation_id[:200] if isinstance(conversation_id, str) else None,
    )


def _root(error: BaseException) -> str:
    """The reason at the bottom of requests' nest of exceptions."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
