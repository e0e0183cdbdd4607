"""Figures for Prometheus, read over HTTP as Prometheus does, and parsed by its own parser."""

import asyncio
import logging
import socket
import threading
import urllib.request

import pytest
from conftest import free_port
from prometheus_client.parser import text_string_to_metric_families

from listener.config import MetricsConfig
from listener.servers.metrics import Figures, MetricsServer
from listener.types import (
    BridgeInfo,
    Command,
    Decision,
    HealthReport,
    LevelReport,
    QueueFigures,
    ResponseEnded,
    RoomSettings,
    SettingsReport,
    SoundStarted,
    Status,
)

AT = {"room": "kitchen", "t": 0.4}


def fill(figures: Figures) -> None:
    sound = {"id": "1", "label": "dog_bark", "score": 0.9, "onset": 0.0, "group": "g"}
    for event in (
        Decision(**AT, decision="silent", probability=0.1, engine="cascade"),
        Decision(**AT, decision="silent", probability=0.1, engine="cascade"),
        Decision(**AT, decision="respond", probability=0.9, engine="cascade"),
        SoundStarted(**AT, **sound),
        SoundStarted(**AT, **{**sound, "test": True}),
        ResponseEnded(**AT, id="2", text="Hello", reason="complete"),
        Command(**AT, id="3", intent="X", slots={}, text="secret words", confidence=1.0, verdict="denied"),
        Status(**AT, state="listening"),
        Status(**AT, state="no_audio", flags=("degraded", "clipping")),
    ):
        figures.publish(event)
    for report in (
        LevelReport("kitchen", -42.0),
        SettingsReport("kitchen", RoomSettings(muted=True)),
        BridgeInfo("1.2.3", "cascade", ("kitchen",)),
        HealthReport(uptime_seconds=60, memory_mb=100, chunk_latency_ms=30, chunk_queue=2, chunks_dropped=7),
    ):
        figures.report(report)
    figures.latencies([0.015, 0.03, 0.5])


def read(port: int) -> tuple[str, dict[tuple[str, ...], float]]:
    """The text, and every sample by its name and the values of its labels in the order of their names."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return text, {(s.name, *(s.labels[key] for key in sorted(s.labels))): s.value for s in samples}


async def test_what_happens_is_counted() -> None:
    figures = Figures(lambda: QueueFigures(waiting=5, drops={"sound": 2}, reconnects=3))
    fill(figures)
    port = free_port()
    async with MetricsServer(MetricsConfig(port=port), figures):
        text, found = await asyncio.to_thread(read, port)
    expected = {
        ("listener_decisions_total", "silent", "cascade", "kitchen"): 2,
        ("listener_decisions_total", "respond", "cascade", "kitchen"): 1,
        ("listener_episodes_total", "dog_bark", "kitchen"): 1,
        ("listener_responses_total", "complete", "kitchen"): 1,
        ("listener_commands_total", "kitchen", "denied"): 1,
        ("listener_room_state", "kitchen", "no_audio"): 1,
        ("listener_room_state", "kitchen", "listening"): 0,
        ("listener_room_flags", "kitchen"): 2,
        ("listener_level_dbfs", "kitchen"): -42,
        ("listener_muted", "kitchen"): 1,
        ("listener_info", "cascade", "1.2.3"): 1,
        ("listener_uptime_seconds",): 60,
        ("listener_chunk_queue",): 2,
        ("listener_chunks_dropped_total",): 7,
        ("listener_message_queue",): 5,
        ("listener_messages_dropped_total", "sound"): 2,
        ("listener_reconnects_total",): 3,
        ("listener_trouble",): 0,
        ("listener_chunk_latency_seconds_bucket", "0.02"): 1,
        ("listener_chunk_latency_seconds_bucket", "0.8"): 3,
        ("listener_chunk_latency_seconds_count",): 3,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert found["process_open_fds",] > 0
    assert "secret" not in text
    assert "Hello" not in text


async def test_two_daemons_in_one_process_do_not_share_counts() -> None:
    one, other = Figures(), Figures()
    fill(one)
    port = free_port()
    async with MetricsServer(MetricsConfig(port=port), other):
        _, found = await asyncio.to_thread(read, port)
    assert not [key for key in found if key[0] == "listener_decisions_total"]


async def test_only_this_machine_is_answered_and_nothing_is_left_behind() -> None:
    port = free_port()
    before = set(threading.enumerate())
    async with MetricsServer(MetricsConfig(port=port), Figures()):
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.2", port), 5)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 5)
    assert not [t for t in set(threading.enumerate()) - before if not t.name.startswith("asyncio_")]


async def test_a_port_that_cannot_be_had_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with MetricsServer(MetricsConfig(port=taken.getsockname()[1]), Figures()):
            pass
    (record,) = caplog.records
    assert "correct metrics.host and metrics.port" in record.getMessage()
    assert record.levelno == logging.ERROR


async def test_beyond_loopback_it_warns(caplog: pytest.LogCaptureFixture) -> None:
    async with MetricsServer(MetricsConfig(host="0.0.0.0", port=free_port()), Figures()):
        pass
    assert "learns what is heard in the house" in caplog.text
