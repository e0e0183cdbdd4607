"""That there is a Wyoming server is told by real multicast DNS, on the loopback interface."""

import asyncio

import pytest

from listener.config import parse
from listener.errors import ConfigError
from listener.servers.announcement import SERVICE, Announcement, addresses_of

aio = pytest.importorskip("zeroconf.asyncio", reason="the extra `zeroconf` is not installed")


async def seen(name: str) -> "aio.AsyncServiceInfo | None":
    """What a browser on this machine is told of that instance."""
    async with asyncio.timeout(20), aio.AsyncZeroconf(interfaces=["127.0.0.1"]) as browser:
        return await browser.async_get_service_info(SERVICE, f"{name}.{SERVICE}", 3_000)


async def test_it_is_announced_under_its_name_and_taken_back() -> None:
    async with Announcement("listener_test-bridge", "127.0.0.1", 10_600):
        found = await seen("listener_test-bridge")
    assert found is not None
    assert (found.parsed_addresses(), found.port) == (["127.0.0.1"], 10_600)
    assert await seen("listener_test-bridge") is None


async def test_a_name_that_is_taken_is_told_and_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async with Announcement("listener_twin-bridge", "127.0.0.1", 10_600):
        async with Announcement("listener_twin-bridge", "127.0.0.1", 10_601):
            assert "listener_twin-bridge is not announced" in caplog.text
        assert "another Listener" in caplog.text


async def test_an_address_that_is_none_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with Announcement("listener_lost-bridge", "kitchen.lan", 10_600):
        assert "kitchen.lan is no address of this machine" in caplog.text


def test_all_addresses_are_those_that_others_reach() -> None:
    assert not any(address.startswith("127.") for address in addresses_of("0.0.0.0"))
    assert addresses_of("192.0.2.7") == ["192.0.2.7"]


def test_nobody_is_told_of_what_only_this_machine_reaches() -> None:
    data = {"rooms": [{"name": "Kitchen", "source": {"type": "pipe"}}], "wyoming_server": {"announce": True}}
    with pytest.raises(ConfigError, match=r"wyoming_server: announce: nobody else reaches 127\.0\.0\.1"):
        parse(data)
    data["wyoming_server"] = {"room": "attic"}
    with pytest.raises(ConfigError, match="no room has the slug 'attic'"):
        parse(data)
