"""File handles of connections to the broker: as many after a loss as before, without a garbage collection."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import Wire, daemon

from listener.config import parse
from listener.publish import backoff
from listener.publish.link import Link
from listener.publish.remote import Remote
from listener.publish.settings import link_settings
from listener.types import Message

BROKEN = 25
FAILED = 25


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """A handle that waits for the collector waits for hours in a daemon that makes little garbage."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_SECONDS", 0.01)
    monkeypatch.setattr(backoff, "LIMIT_SECONDS", 0.01)


@asynccontextmanager
async def no_handle_is_left() -> AsyncIterator[None]:
    before = psutil.Process().num_fds()
    yield
    for _ in range(500):  # the other ends of our connections, which are the test's, close a moment later
        if psutil.Process().num_fds() <= before:
            return
        await asyncio.sleep(0.01)
    left = psutil.Process().num_fds() - before
    pytest.fail(f"{left} handles are left open: {psutil.Process().net_connections('all')}")


async def test_connections_that_break_leave_no_handle(mosquitto: Mosquitto) -> None:
    mosquitto.start()
    async with (
        Wire(free_port(), mosquitto.port) as wire,
        no_handle_is_left(),
        daemon(wire.port) as d,
        asyncio.timeout(60),
    ):
        while d.publisher.figures().reconnects < BROKEN:
            await asyncio.sleep(0.05)
            wire.cut()  # before CONNECT, before CONNACK, or later: as it comes


@pytest.mark.parametrize("tls", [None, {}])
async def test_connections_that_fail_leave_no_handle(tls: dict[str, str] | None) -> None:
    """Somebody hangs up on our CONNECT, or on our TLS handshake."""
    failed = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal failed
        await reader.read(1)
        failed += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with (
        server,
        no_handle_is_left(),
        daemon(server.sockets[0].getsockname()[1], tls=tls),
        asyncio.timeout(60),
    ):
        while failed < FAILED:
            await asyncio.sleep(0.001)


async def test_connections_that_are_refused_leave_no_handle(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "listener.publish.backoff")
    async with no_handle_is_left(), daemon(free_port()), asyncio.timeout(60):
        while len(caplog.records) < FAILED:
            await asyncio.sleep(0.001)


async def test_connections_that_are_given_up_leave_no_handle(mosquitto: Mosquitto) -> None:
    """The daemon ends while it connects: nobody waits for the thread that does so."""
    mosquitto.start()
    async with no_handle_is_left():
        for n in range(FAILED):
            async with daemon(mosquitto.port):
                await asyncio.sleep(0.0002 * n)


async def test_connections_that_are_cut_short_as_they_close_leave_no_handle(mosquitto: Mosquitto) -> None:
    """The daemon ends while a link waits for the end of its connection."""
    mosquitto.start()
    mqtt = parse({"rooms": [{"name": "x", "source": {"type": "microphone"}}], "mqtt": {"port": mosquitto.port}}).mqtt
    assert mqtt is not None
    async with no_handle_is_left(), asyncio.timeout(60):
        for _ in range(3):
            link = await Link(link_settings(mqtt), Message("will", b"", qos=0), Remote()).__aenter__()
            closing = asyncio.create_task(link.close(30.0))
            await asyncio.sleep(0)
            closing.cancel()
            with suppress(asyncio.CancelledError):
                await closing
            assert closing.cancelled()
