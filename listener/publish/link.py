"""One connection to the broker, from CONNECT to its loss: paho's threads turned into calls on the event loop."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol, Self, TypeVar

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from listener.errors import NoAnswerError, PublishError
from listener.publish import refusals
from listener.publish.settings import LinkSettings
from listener.types import Message

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
IN_FLIGHT = 20
"""Messages without acknowledgement at one time; what mosquitto allows a client (its max_inflight_messages)."""

KEPT_BYTES = 1_000_000
"""Of an incoming payload. Longer than any device we announce; what is cut off makes the rest not understood."""

VERSIONS = {"3.1.1": MQTTProtocolVersion.MQTTv311, "5": MQTTProtocolVersion.MQTTv5}

logger = logging.getLogger(__name__)
T = TypeVar("T")


class LinkUser(Protocol):
    """What a link tells, on the event loop."""

    def on_message(self, topic: str, payload: bytes, retained: bool) -> None: ...

    def on_sent(self, mid: int, failure: str | None) -> None:
        """QoS 1: acknowledged, or refused with `failure`; QoS 0: handed to the socket."""
        ...


async def in_daemon_thread(function: Callable[[], T]) -> T:
    """Run what blocks (a name server, a handshake) in a thread that cannot hold up the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            outcome = partial(finish, function(), None)
        except Exception as error:  # whatever it is, it is the caller's
            outcome = partial(finish, None, error)
        with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits any more
            loop.call_soon_threadsafe(outcome)

    threading.Thread(target=work, name="mqtt-connect", daemon=True).start()
    return await future


class Link:
    """Used once: `async with`, then `send` until `lost` is done.

    paho keeps nothing of ours over a connection; what was not acknowledged is the outbox's to send again. The session
    is clean, so that a command given while we were away does not act hours later.
    """

    def __init__(self, settings: LinkSettings, will: Message, user: LinkUser) -> None:
        self._settings = settings
        self._user = user
        self._loop = asyncio.get_running_loop()
        self._abandoned = False
        self._connecting = False
        self._answer: asyncio.Future[str | None] = self._loop.create_future()
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done with the reason when the connection is no more."""
        self._client = self._build(will)

    def _build(self, will: Message) -> Client:
        settings = self._settings
        version = VERSIONS[settings.protocol]
        client = Client(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=True if version == MQTTProtocolVersion.MQTTv311 else None,
            protocol=version,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_SECONDS
        client.max_inflight_messages_set(IN_FLIGHT)
        client.will_set(will.topic, will.payload, will.qos, will.retain)
        if settings.credentials is not None:
            client.username_pw_set(settings.credentials.username, settings.credentials.password)
        if settings.tls is not None:
            client.tls_set_context(settings.tls)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        return client

    async def __aenter__(self) -> Self:
        """Connect and wait for the broker's answer. Raises PublishError with the reason and what to do; NoAnswerError
        where nobody listens."""
        try:
            await self._open()
        except BaseException:
            self._abandoned = True
            await self.close(0.0)
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _open(self) -> None:
        self._connecting = True
        try:
            await in_daemon_thread(self._connect)
        except ConnectionRefusedError as error:
            raise NoAnswerError(refusals.of_error(self._settings, error)) from error
        except (OSError, ValueError) as error:
            raise PublishError(refusals.of_error(self._settings, error)) from error
        self._client.loop_start()
        ends: set[asyncio.Future[Any]] = {self._answer, self.lost}
        await asyncio.wait(ends, timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():
            raise PublishError(refusals.of_silence(self._settings))
        refusal = self._answer.result()
        if refusal is not None:
            raise PublishError(refusals.of_connack(self._settings, refusal))

    def _connect(self) -> None:
        settings = self._settings
        try:
            self._client.connect(settings.host, settings.port, settings.keepalive_seconds)
        finally:
            self._connecting = False  # before the question, so that one of us two surely closes the sockets
            if self._abandoned:
                self._client.reinitialise()

    def subscribe(self, filters: Iterable[str]) -> None:
        self._client.subscribe([(topic_filter, 1) for topic_filter in filters])

    def unsubscribe(self, filters: Iterable[str]) -> None:
        self._client.unsubscribe(list(filters))

    def send(self, message: Message) -> int:
        """Hand over to paho; the id that comes back in `on_sent`."""
        return self._client.publish(message.topic, message.payload, message.qos, message.retain).mid

    def give_up(self, reason: str) -> None:
        """Count the connection as lost, whatever TCP believes."""
        _settle(self.lost, reason)
        self._cut()

    async def close(self, seconds: float = 1.0) -> None:
        """DISCONNECT, so that the broker keeps our will to itself; the socket is cut when that takes too long, or when
        the daemon ends meanwhile."""
        self._client.disconnect()
        try:
            await asyncio.wait({self.lost}, timeout=seconds)
        finally:
            self._cut()
            await in_daemon_thread(self._release)

    def _release(self) -> None:
        """End paho's thread, close its sockets (it has three) and let go of us, without waiting for the collector."""
        with contextlib.suppress(AttributeError):  # paho (2.1) does not look whether its thread has ended meanwhile
            self._client.loop_stop()
        if not self._connecting:  # else the thread that connects does it
            self._client.reinitialise()

    def _cut(self) -> None:
        opened = self._client.socket()
        if isinstance(opened, socket.socket):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    # From here on: paho's network thread. It only hands over.

    def _tell(self, function: Callable[..., None], *args: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(function, *args)

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._tell(_settle, self._answer, str(reason) if reason.is_failure else None)

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._tell(_settle, self.lost, str(reason))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # raised here it would end paho's thread without a word
            logger.warning("%s: sent a topic that is not UTF-8; ignored", self._settings.where)
            return
        self._tell(self._user.on_message, topic, message.payload[:KEPT_BYTES], message.retain)

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: Any, _properties: Any) -> None:
        self._tell(self._user.on_sent, mid, str(reason) if reason.is_failure else None)

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            logger.warning(
                "%s: does not let us read all our topics; commands will not arrive. Allow them at the broker",
                self._settings.where,
            )


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
