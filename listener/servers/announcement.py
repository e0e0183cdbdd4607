"""Tells the house's network by zeroconf (mDNS, RFC 6763) that there is a Wyoming server."""

import logging
from contextlib import suppress
from ipaddress import ip_address
from socket import AF_INET
from typing import Any, Final, Self

from psutil import net_if_addrs

from listener.origin import extra_command

logger = logging.getLogger(__name__)

SERVICE: Final = "_wyoming._tcp.local."


class Announcement:
    """`async with`: announced. Where that is not possible, the log has an error, and the server is there all the same.

    `name` is the instance; it must stay the same, since Home Assistant knows us by it. `host` is where the server
    listens, 0.0.0.0 for all of this machine's addresses.
    """

    def __init__(self, name: str, host: str, port: int) -> None:
        self._name = name
        self._host = host
        self._port = port
        self._zeroconf: Any = None

    async def __aenter__(self) -> Self:
        try:
            from zeroconf import Error
            from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
        except ModuleNotFoundError:
            logger.error("wyoming_server.announce needs zeroconf: %s", extra_command("zeroconf"))
            return self
        addresses = addresses_of(self._host)
        if not addresses:
            logger.error(
                "wyoming_server.announce: %s is no address of this machine; give `host` as digits, or 0.0.0.0",
                self._host,
            )
            return self
        info = AsyncServiceInfo(
            SERVICE,
            f"{self._name}.{SERVICE}",
            port=self._port,
            parsed_addresses=addresses,
            server=f"{self._name}.local.",
        )
        try:
            self._zeroconf = AsyncZeroconf(interfaces=addresses)
            await self._zeroconf.async_register_service(info)
        except (OSError, Error) as error:
            words = str(error) or type(error).__name__
            logger.error(
                "wyoming_server.announce: %s is not announced: %s; has another Listener the same mqtt.base_topic?",
                *(self._name, words),
            )
        else:
            logger.info("wyoming_server: announced as %s at %s", self._name, ", ".join(addresses))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._zeroconf is not None:
            with suppress(OSError):  # the network may have gone before us
                await self._zeroconf.async_unregister_all_services()
            await self._zeroconf.async_close()


def addresses_of(host: str) -> list[str]:
    """The IPv4 addresses to announce for a server that listens at `host`."""
    try:
        address = ip_address(host)
    except ValueError:
        return []
    if not address.is_unspecified:
        return [host]
    known = [one.address for of_card in net_if_addrs().values() for one in of_card if one.family == AF_INET]
    return [one for one in known if not ip_address(one).is_loopback]
