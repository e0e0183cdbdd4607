"""Figures for Prometheus: a publisher that counts, and an HTTP server that tells the counts."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from threading import Thread
from typing import Final, Self
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from listener.config import MetricsConfig
from listener.types import (
    BridgeInfo,
    Command,
    Decision,
    Event,
    HealthReport,
    LevelReport,
    QueueFigures,
    Report,
    ResponseEnded,
    SettingsReport,
    SoundStarted,
    Status,
)
from listener.vocabulary import STATES

LATENCY_SECONDS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Around 0.4 s, the time until the next chunk."""

LOOPBACK: Final = ("127.", "::1", "localhost")

logger = logging.getLogger(__name__)


class Figures:
    """Implements `Publisher`. Counts in memory, in a registry of its own; rooms and labels are the configured ones.

    `queue` tells how the way to the broker fares; it is asked on the event loop, with each health report.
    """

    def __init__(self, queue: Callable[[], QueueFigures] | None = None) -> None:
        self.registry = CollectorRegistry()
        self._queue = queue
        room, of = ("room",), self.registry
        self._latency = Histogram(
            "listener_chunk_latency_seconds",
            "Age of a chunk when it was decided, from its last sample.",
            buckets=LATENCY_SECONDS,
            registry=of,
        )
        self._decisions = Counter("listener_decisions", "Chunks decided.", (*room, "decision", "engine"), registry=of)
        self._episodes = Counter(
            "listener_episodes", "Sounds that started, tests apart.", (*room, "label"), registry=of
        )
        self._responses = Counter("listener_responses", "Answers that ended.", (*room, "reason"), registry=of)
        self._commands = Counter("listener_commands", "Spoken commands.", (*room, "verdict"), registry=of)
        self._state = Gauge("listener_room_state", "1 for the state that a room is in.", (*room, "state"), registry=of)
        self._flags = Gauge("listener_room_flags", "Number of a room's flags, such as degraded.", room, registry=of)
        self._level = Gauge("listener_level_dbfs", "Level of a room's sound.", room, registry=of)
        self._muted = Gauge("listener_muted", "1 when the room's microphone is to be closed.", room, registry=of)
        self._info = Gauge("listener_info", "Always 1.", ("version", "engine"), registry=of)
        self._health = _Health()
        self.registry.register(self._health)
        ProcessCollector(registry=of)

    def publish(self, event: Event) -> None:
        match event:
            case Decision():
                self._decisions.labels(event.room, event.decision, event.engine).inc()
            case SoundStarted() if not event.test:
                self._episodes.labels(event.room, event.label).inc()
            case ResponseEnded():
                self._responses.labels(event.room, event.reason).inc()
            case Command():
                self._commands.labels(event.room, event.verdict).inc()
            case Status():
                for state in STATES:
                    self._state.labels(event.room, state).set(state == event.state)
                self._flags.labels(event.room).set(len(event.flags))

    def report(self, report: Report) -> None:
        match report:
            case LevelReport():
                self._level.labels(report.room).set(report.level_dbfs)
            case SettingsReport():
                self._muted.labels(report.room).set(report.settings.muted)
            case BridgeInfo():
                self._info.labels(report.version, report.engine).set(1)
            case HealthReport():
                self._health.latest = (report, self._queue() if self._queue else QueueFigures())

    def latencies(self, seconds: Iterable[float]) -> None:
        """Ages of chunks at their decision."""
        for age in seconds:
            self._latency.observe(age)


class _Health(Collector):
    """Counts that others keep, told as they are at the latest report."""

    def __init__(self) -> None:
        self.latest: tuple[HealthReport, QueueFigures] | None = None

    def collect(self) -> Iterator[Metric]:
        latest = self.latest  # set on the event loop; read once, in the server's thread
        if latest is None:
            return
        report, queue = latest
        yield _gauge("listener_uptime_seconds", "Since the daemon started.", report.uptime_seconds)
        yield _gauge("listener_chunk_queue", "Chunks that wait to be heard.", report.chunk_queue)
        yield _gauge("listener_message_queue", "Messages that the broker has not acknowledged.", queue.waiting)
        yield _gauge("listener_trouble", "Things that are wrong with the daemon itself.", len(report.trouble))
        yield _count("listener_chunks_dropped", "Chunks that could not be heard.", report.chunks_dropped)
        yield _count("listener_reconnects", "Connections to the broker after the first.", queue.reconnects)
        lost = CounterMetricFamily("listener_messages_dropped", "Messages that were lost.", labels=("kind",))
        for kind, count in queue.drops.items():
            lost.add_metric((kind,), count)
        yield lost


class MetricsServer:
    """`async with`: tells `figures` over HTTP. A port that cannot be had is an error in the log: hearing goes on."""

    def __init__(self, config: MetricsConfig, figures: Figures) -> None:
        self._config = config
        self._figures = figures
        self._server: WSGIServer | None = None
        self._thread: Thread | None = None

    @property
    def where(self) -> str:
        return f"http://{self._config.host}:{self._config.port}/metrics"

    async def __aenter__(self) -> Self:
        host, port = self._config.host, self._config.port
        try:
            self._server, self._thread = await asyncio.to_thread(start_http_server, port, host, self._figures.registry)
        except (OSError, OverflowError) as error:
            logger.error("metrics: %s: %s; correct metrics.host and metrics.port", self.where, error)
            return self
        logger.info("metrics: %s", self.where)
        if not host.startswith(LOOPBACK):
            logger.warning("metrics: whoever reaches %s learns what is heard in the house", self.where)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is None or self._thread is None:
            return
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()
        await asyncio.to_thread(self._thread.join)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value)


def _count(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(name, what, value)
