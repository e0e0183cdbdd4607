"""Home Assistant's conversation API: a real server on loopback, as it should be and as it is on bad days."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from listener.config import HomeAssistantConfig
from listener.errors import HomeAssistantError
from listener.respond.conversation import (
    MAX_ANSWER_BYTES,
    MAX_AT_ONCE,
    Conversation,
    HouseAnswer,
    NotLetInError,
    read_token,
)

TOKEN = "abc.def-123"
Answering = Callable[[BaseHTTPRequestHandler], None]


def speech(text: Any, conversation_id: Any = "c1") -> dict[str, Any]:
    return {"response": {"speech": {"plain": {"speech": text}}}, "conversation_id": conversation_id}


def send(request: BaseHTTPRequestHandler, content: bytes, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(content)))
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


class HomeAssistant:
    """`answer` is what it does with a request; `asked` the bodies so far. `released` lets a hanging answer end."""

    def __init__(self) -> None:
        self.answer: Answering = lambda request: send(request, json.dumps(speech("Done")).encode())
        self.asked: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.released = threading.Event()
        self.url = ""

    def says(self, data: Any) -> None:
        self.answer = lambda request: send(request, json.dumps(data).encode())

    def sends(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.answer = lambda request: send(request, content, status, **headers)

    def hang(self, request: BaseHTTPRequestHandler) -> None:
        self.released.wait(60)

    def drip(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not self.released.wait(0.05):
            request.wfile.write(b" ")
            request.wfile.flush()


@pytest.fixture
def house() -> Iterator[HomeAssistant]:
    house = HomeAssistant()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            house.asked.append({"path": self.path, **body})
            house.tokens.append(self.headers["Authorization"])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client has seen enough
                house.answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # so that closing waits for them, and no socket is left open

    with Server(("127.0.0.1", 0), Handler) as server:
        house.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield house
        finally:
            house.released.set()
            server.shutdown()
            thread.join()


def client(folder: Path, url: str, now: Callable[[], float] = lambda: 0.0, **more: Any) -> Conversation:
    token = folder / "token"
    token.write_text(f"{TOKEN}\n")
    return Conversation(HomeAssistantConfig(url=url, token_file=token, **more), now)


async def failure(conversation: Conversation) -> str:
    with pytest.raises(HomeAssistantError) as caught:
        await conversation.process("kitchen", "turn on the light", "en")
    text = str(caught.value)
    assert "\n" not in text
    assert TOKEN not in text
    return text


async def test_a_sentence_is_answered(tmp_path: Path, house: HomeAssistant) -> None:
    conversation = client(tmp_path, house.url + "/", agent_id="conversation.mine")
    assert await conversation.process("kitchen", "Licht an", "de") == HouseAnswer("Done")
    assert house.asked == [
        {
            "path": "/api/conversation/process",
            "text": "Licht an",
            "language": "de",
            "agent_id": "conversation.mine",
        }
    ]
    assert house.tokens == [f"Bearer {TOKEN}"]


async def test_a_conversation_goes_on_for_a_while_in_its_room(tmp_path: Path, house: HomeAssistant) -> None:
    now = 0.0
    conversation = client(tmp_path, house.url, lambda: now, keep_conversation_seconds=60, language="en-GB")
    for at, room in ((0.0, "kitchen"), (50.0, "kitchen"), (50.0, "hall"), (111.0, "kitchen")):
        now = at
        await conversation.process(room, "and now?", "de")
    assert [asked.get("conversation_id") for asked in house.asked] == [None, "c1", None, None]
    assert {asked["language"] for asked in house.asked} == {"en-GB"}


async def test_a_question_is_told_and_its_conversation_is_kept_for_the_answer(
    tmp_path: Path, house: HomeAssistant
) -> None:
    now = 0.0
    house.says({**speech("Which lamp?"), "continue_conversation": True})
    conversation = client(tmp_path, house.url, lambda: now, keep_conversation_seconds=0)
    assert await conversation.process("kitchen", "light on", "en") == HouseAnswer("Which lamp?", asks_back=True)
    now = 20.0
    house.says(speech("Done"))
    assert await conversation.process("kitchen", "the big one", "en") == HouseAnswer("Done")
    now = 40.0
    await conversation.process("kitchen", "thanks", "en")
    assert [asked.get("conversation_id") for asked in house.asked] == [None, "c1", None]


@pytest.mark.parametrize("asks", ["true", 1, None, {}])
async def test_a_question_is_one_only_if_it_says_so(tmp_path: Path, house: HomeAssistant, asks: Any) -> None:
    house.says({**speech("Which lamp?"), "continue_conversation": asks})
    assert await client(tmp_path, house.url).process("kitchen", "light on", "en") == HouseAnswer("Which lamp?")


async def test_nothing_is_taken_from_the_environment(
    tmp_path: Path, house: HomeAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert await client(tmp_path, house.url).process("kitchen", "hello", "en") == HouseAnswer("Done")
    assert house.tokens == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    "answer", [{"response": {}}, speech(None, 7), speech(["x"], None), {"response": {"speech": 1}}]
)
async def test_an_answer_without_words_is_nothing_to_say(tmp_path: Path, house: HomeAssistant, answer: Any) -> None:
    house.says(answer)
    conversation = client(tmp_path, house.url)
    assert await conversation.process("kitchen", "hello", "en") == HouseAnswer("")
    assert await conversation.process("kitchen", "hello", "en") == HouseAnswer("")


async def test_a_long_answer_is_cut(tmp_path: Path, house: HomeAssistant) -> None:
    house.says(speech("word " * 10_000))
    assert len((await client(tmp_path, house.url).process("kitchen", "hello", "en")).text) == 1_000


@pytest.mark.parametrize(
    ("content", "status", "expected"),
    [
        (b"<html><body>Login</body></html>", 200, "answered with HTML, as another program at that address would"),
        (b"", 200, "answered with no JSON"),
        (b"\xff\xfe{", 200, "answered with no JSON"),
        (b"[" * 100_000, 200, "answered with no JSON"),
        (b"[1]", 200, "answered with JSON that is not its conversation API's"),
        (b'{"message": "no"}', 200, "answered with JSON that is not its conversation API's"),
        (b"", 404, "has no conversation API (404)"),
        (b"oops", 500, "answered 500 to a command; its own log says why"),
        (b" " * (MAX_ANSWER_BYTES + 1), 200, f"answered with more than {MAX_ANSWER_BYTES} bytes"),
    ],
)
async def test_what_is_no_answer_is_one_clear_line(
    tmp_path: Path, house: HomeAssistant, content: bytes, status: int, expected: str
) -> None:
    house.sends(content, status)
    assert expected in await failure(client(tmp_path, house.url))


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_says_how_to_make_another(tmp_path: Path, house: HomeAssistant, status: int) -> None:
    house.sends(b"", status)
    conversation = client(tmp_path, house.url)
    text = await failure(conversation)
    assert f"refuses the token in {tmp_path / 'token'} ({status}); make a new long-lived access token" in text
    with pytest.raises(NotLetInError):
        await conversation.process("kitchen", "hello", "en")


async def test_we_do_not_follow_it_elsewhere(tmp_path: Path, house: HomeAssistant) -> None:
    house.sends(b"", 302, Location=f"{house.url}/login")
    assert f"sends us elsewhere (302 to '{house.url}/login')" in await failure(client(tmp_path, house.url))
    assert len(house.asked) == 1


async def test_refused_and_unknown_addresses(tmp_path: Path) -> None:
    assert "cannot be reached (Connection refused)" in await failure(client(tmp_path, "http://127.0.0.1:9"))
    assert "cannot be reached" in await failure(client(tmp_path, "http://no-such-host.invalid:8123"))


@pytest.mark.parametrize("way", ["hang", "drip"])
async def test_an_answer_that_does_not_come_is_given_up(tmp_path: Path, house: HomeAssistant, way: str) -> None:
    house.answer = getattr(house, way)
    conversation = client(tmp_path, house.url, timeout_seconds=1)
    assert "has not answered within 1 s" in await failure(conversation)


async def test_few_are_waited_for_at_once(tmp_path: Path, house: HomeAssistant) -> None:
    house.answer = house.hang
    conversation = client(tmp_path, house.url, timeout_seconds=2)
    failures = await asyncio.gather(*(failure(conversation) for _ in range(MAX_AT_ONCE + 3)))
    assert sum(f"still owes {MAX_AT_ONCE} answers" in text for text in failures) == 3
    assert sum("has not answered within 2 s" in text for text in failures) == MAX_AT_ONCE


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "its first line is no token"),
        (b"two words\n", "its first line is no token"),
        ("täken\n".encode(), "its first line is no token"),
        (b"a\rX-Header: b\n", "its first line is no token"),
        (b"x" * 10_000, "its first line is no token"),
    ],
)
def test_a_token_file_with_something_else_in_it(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(HomeAssistantError, match=expected):
        read_token(path)


def test_a_missing_token_file(tmp_path: Path) -> None:
    with pytest.raises(HomeAssistantError, match="none: cannot be read: No such file or directory; put a long-lived"):
        read_token(tmp_path / "none")
