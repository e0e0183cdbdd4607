"""What `listener check` says of the Wyoming server: at real addresses."""

import socket

import pytest

from listener.cli.check_wyoming import assist
from listener.config import parse


async def told(**section: object) -> list[tuple[str, str]]:
    data = {"rooms": [{"name": "Kitchen", "source": {"type": "pipe"}}], "voice": {"engine": "espeak"}}
    return [line async for line in assist(parse({**data, "wyoming_server": {"port": 0, **section}}))]


async def test_a_port_that_is_free_is_fine() -> None:
    assert await told() == [("ok", "wyoming_server: tcp://127.0.0.1:0: can be started")]


async def test_a_port_that_is_taken_is_a_warning() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ((severity, words),) = await told(port=other.getsockname()[1])
    assert severity == "warning"
    assert "something listens there already" in words


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_an_address_of_somebody_else_is_an_error(host: str) -> None:
    ((severity, words),) = await told(host=host)
    assert severity == "error"
    assert "correct wyoming_server.host" in words
