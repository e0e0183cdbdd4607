"""A broker inside the daemon, for a house that has none: amqtt, in a thread and an event loop of its own.

It speaks MQTT 3.1.1 with retained messages and wills, keeps nothing over a restart, and speaks no TLS. amqtt does not
limit the size of a message, nor really the number of clients, so the sockets are ours (its `external` listener) and
limit both. What it cannot do: bound what it queues for a subscriber that does not read, and check a password before it
has put aside a session of the same client id. Beyond a house of one's own, use mosquitto.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any, Self

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import NoDataError

from listener.config import MqttConfig
from listener.errors import ConfigError, PublishError
from listener.publish.settings import Credentials, credentials

MAX_READ_BYTES = 1_000_000
"""The largest piece of a message that is read: a payload comes in one. Our largest is a room's discovery, 20 kB."""

MAX_CLIENTS = 64
START_SECONDS = 10.0
STOP_SECONDS = 5.0
LISTENER = "default"
PLUGINS = "listener.publish.broker_login"

logger = logging.getLogger(__name__)


class EmbeddedBroker:
    """`async with EmbeddedBroker(config)`: it listens inside, and has ended after.

    Building one raises ConfigError when it would listen beyond this machine and let anybody in; entering raises
    PublishError when the address cannot be had.
    """

    def __init__(self, config: MqttConfig, environ: Mapping[str, str] = os.environ) -> None:
        self._host = config.host
        self._port = config.effective_port
        self._login = credentials(config, environ)
        _refuse_open_house(self._host, self._login)
        self._clients: dict[asyncio.Task[None], asyncio.WriteTransport] = {}
        self._thread = threading.Thread(target=self._work, name="mqtt-broker", daemon=True)
        self._started: Future[None] = Future()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def where(self) -> str:
        return f"embedded MQTT broker {self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        _quiet_amqtt()
        self._thread.start()
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.wrap_future(self._started)
        except TimeoutError:
            raise PublishError(f"{self.where}: did not start within {START_SECONDS:g} s") from None
        logger.info("%s: started", self.where)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself, and said why
                self._loop.call_soon_threadsafe(self._stop.set)
        await asyncio.to_thread(self._thread.join, STOP_SECONDS)
        if self._thread.is_alive():
            logger.error("%s: did not stop within %g s; the process ends without it", self.where, STOP_SECONDS)

    # From here on: the broker's thread.

    def _work(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # the thread has nobody else to tell
            if self._started.done():
                logger.exception("%s: ended by a fault; restart the daemon", self.where)
            else:
                self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(self._on_fault)
        broker = Broker(_amqtt_config(self._login), loop=self._loop)
        await broker.start()
        try:
            server = await self._listen(broker)
            self._started.set_result(None)
            await self._stop.wait()
            server.close()
            await self._hang_up()
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(broker.shutdown(), STOP_SECONDS / 3)

    async def _hang_up(self) -> None:
        """Before amqtt stops: it would cancel each client's reader and wait for it, and before Python 3.12 `wait_for`
        can lose a cancellation. A reader whose line is dead ends by itself.
        """
        for transport in self._clients.values():
            transport.abort()
        if self._clients:
            await asyncio.wait(self._clients, timeout=STOP_SECONDS / 3)

    def _on_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What amqtt's tasks leave behind: a subscriber that did not acknowledge in time is its own loss."""
        error = context.get("exception")
        level = logging.DEBUG if isinstance(error, TimeoutError | OSError) else logging.ERROR
        logger.log(level, "%s: %s", self.where, context.get("message"), exc_info=error)

    async def _listen(self, broker: Broker) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._attend(broker, reader, writer)

        try:
            return await asyncio.start_server(connected, self._host, self._port)
        except OSError as error:
            raise PublishError(f"{self.where}: {_why_not(error)}") from error

    async def _attend(self, broker: Broker, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first byte to its last."""
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._clients) >= MAX_CLIENTS:
                logger.warning("%s: %d clients are connected; another was turned away", self.where, MAX_CLIENTS)
                return
            self._clients[task] = writer.transport
            await broker.external_connected(BoundedReader(reader), StreamWriterAdapter(writer), LISTENER)
        except OSError as error:
            logger.debug("%s: a client went away: %s", self.where, error)
        except Exception:  # one client's nonsense must not end the others
            logger.exception("%s: a client was cut off by a fault", self.where)
        finally:
            self._clients.pop(task, None)
            writer.transport.abort()  # amqtt has said its last word, and a client that does not read must not hold us
            await asyncio.sleep(0)  # for the transport to close; `wait_closed` may be cancelled by amqtt's own wait


class BoundedReader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt is not type-checked here
    """Ends the connection of a client that announces more than anybody here has to say."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._ended = False

    async def read(self, n: int = -1) -> bytes:
        """Exactly `n` bytes. Raises NoDataError, which is how amqtt learns of an end, and goes on raising it."""
        if n > MAX_READ_BYTES:
            logger.warning("a client sent the embedded MQTT broker a message of %d bytes and was cut off", n)
            self._ended = True
        if self._ended:
            raise NoDataError("message too long")
        data: bytes = await super().read(n)
        return data


def _refuse_open_house(host: str, login: Credentials | None) -> None:
    if _is_loopback(host) or (login is not None and login.password is not None):
        return
    raise ConfigError(
        f"mqtt.host: the embedded broker would listen on {host}, beyond this machine, and let anybody in; give "
        "mqtt.username and mqtt.password_file, or leave mqtt.host out to stay on loopback"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _why_not(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use, perhaps by mosquitto; use that (mqtt.broker: external), or set another mqtt.port"
    if error.errno == errno.EACCES:
        return "ports below 1024 need a privilege that we do not have; set another mqtt.port"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address; correct mqtt.host"
    return f"cannot listen: {error.strerror or error}; correct mqtt.host and mqtt.port"


def _amqtt_config(login: Credentials | None) -> BrokerConfig:
    anybody: dict[str, Any] = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {}}
    known: dict[str, Any] = {f"{PLUGINS}.LoginPlugin": {}}
    if login is not None:
        known = {f"{PLUGINS}.LoginPlugin": {"username": login.username, "password": login.password or ""}}
    listeners = {LISTENER: ListenerConfig(type=ListenerType.EXTERNAL)}
    return BrokerConfig(listeners=listeners, plugins=anybody if login is None else known)


def _quiet_amqtt() -> None:
    """It reports each client's every step, and as warnings what any port scanner causes."""
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.ERROR)
