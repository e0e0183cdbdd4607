"""What the day has brought so far survives a restart; what makes no sense on the disk does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.app.commands import DAY_FILE, open_attention
from listener.config import HomeConfig, QuietConfig, parse
from listener.respond.day import Day
from listener.respond.memory import Memory
from listener.respond.quiet import LONGEST_SECONDS, Quiet
from listener.respond.summary import DailySummary
from listener.store.day import MAX_BYTES, DayFile
from listener.types import Intent, Reply, SoundStarted, Spoken, SummaryReport

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def nothing() -> AsyncIterator[str]:
    yield ""


REMARK = Reply("1", "normal", "model", (), nothing())


def sound(label: str, room: str = "kitchen") -> SoundStarted:
    return SoundStarted(room=room, t=1.0, id="1", label=label, score=0.9, onset=1.0, group="g")


class Run:
    """One run of the daemon, begun so many seconds after noon."""

    def __init__(self, path: Path, after_noon: float = 0.0, save_seconds: float = 60.0) -> None:
        self.now = NOON + timedelta(seconds=after_noon)
        self.told: list[SummaryReport] = []
        self.memory = Memory()
        self.quiet = Quiet(QuietConfig(), self.seconds, lambda: self.now)
        self.summary = DailySummary(self.memory, self.told.append, lambda: self.now)
        self.day = Day(DayFile(path), self.memory, self.summary, self.quiet, save_seconds)

    def seconds(self) -> float:
        return self.now.timestamp()


async def test_counts_and_quiet_go_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "day.json"
    first = Run(path)
    await first.day.start()
    for label, room in (("knock", "hall"), ("rain", "kitchen"), ("rain", "kitchen")):
        first.memory.publish(sound(label, room))
    first.quiet.ask("kitchen", 3_600)
    await first.day.save()
    second = Run(path, 600)
    await second.day.start()
    second.memory.publish(sound("knock", "hall"))
    await second.summary.tell()
    counts = {"hall": {"knock": 2}, "kitchen": {"rain": 2}}
    assert second.told == [SummaryReport("2026-11-22T12:00:00+00:00", "2026-11-22T12:10:00+00:00", counts)]
    assert not second.quiet.speaks("kitchen", REMARK)
    assert second.quiet.speaks("hall", REMARK)
    second.now += timedelta(seconds=3_000)
    assert second.quiet.speaks("kitchen", REMARK)
    await second.day.save()
    third = Run(path, 4_000)
    await third.day.start()
    await third.summary.tell()
    assert third.told == [SummaryReport("2026-11-22T12:10:00+00:00", "2026-11-22T13:06:40+00:00", {})]


async def test_quiet_is_saved_at_once_and_counts_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    run = Run(path, save_seconds=3_600)
    await run.day.start()
    saving = asyncio.create_task(run.day.run())
    run.memory.publish(sound("rain"))
    run.quiet.ask("hall", 60)
    async with asyncio.timeout(10):
        while not path.exists():
            await asyncio.sleep(0.01)
    assert json.loads(path.read_text())["quiet_until"] == {"hall": NOON.timestamp() + 60}
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)
    quick = Run(path, save_seconds=0.01)
    await quick.day.start()
    saving = asyncio.create_task(quick.day.run())
    quick.memory.publish(sound("knock"))
    async with asyncio.timeout(10):
        while "knock" not in path.read_text():
            await asyncio.sleep(0.01)
    saving.cancel()
    await asyncio.gather(saving, return_exceptions=True)


async def test_what_has_not_changed_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    run = Run(path)
    await run.day.start()
    await run.day.save()
    assert not path.exists()


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ({"counts": [1]}, "counts makes no sense (no counts by room)"),
        ({"counts": {"kitchen": 3}}, "counts makes no sense (no counts by room)"),
        ({"counts": {"kitchen": {"rain": -1}}}, "counts makes no sense ('rain' was not heard -1 times)"),
        ({"counts": {"kitchen": {"rain": True}}}, "counts makes no sense ('rain' was not heard True times)"),
        ({"since": 5}, "since makes no sense (5 is no time with its zone)"),
        ({"since": "yesterday"}, "since makes no sense (Invalid isoformat string: 'yesterday')"),
        ({"since": "2026-11-22T10:00:00"}, "since makes no sense ('2026-11-22T10:00:00' is no time with its zone)"),
        ({"since": "2031-01-01T00:00:00+00:00"}, "2031-01-01T00:00:00+00:00 has not come yet"),
        ({"quiet_until": {"kitchen": "x"}}, "quiet_until makes no sense (could not convert string to float: 'x')"),
        ({"quiet_until": {"kitchen": None}}, "quiet_until makes no sense ("),
        ({"quiet_until": 3}, "quiet_until makes no sense (no times by room)"),
    ],
)
async def test_what_makes_no_sense_is_named_and_the_rest_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kept: dict[str, Any], expected: str
) -> None:
    path = tmp_path / "day.json"
    good = {"since": "2026-11-22T08:00:00+00:00", "counts": {"hall": {"knock": 1}}, "quiet_until": {"hall": 1e12}}
    path.write_text(json.dumps({"version": 1, **good, **kept}))
    run = Run(path)
    await run.day.start()
    (line,) = [record.getMessage() for record in caplog.records]
    assert expected in line
    assert run.memory.counts() == ({} if "counts" in kept else {"hall": {"knock": 1}})
    assert run.summary.since == (NOON if "since" in kept else NOON - timedelta(hours=4))
    if "quiet_until" not in kept:
        assert run.quiet.until() == {"hall": NOON.timestamp() + LONGEST_SECONDS}, "not for ever"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000, b'{"version": 9}', b" " * (MAX_BYTES + 1)])
async def test_a_file_that_is_none_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "day.json"
    path.write_bytes(content)
    assert DayFile(path).load() == {}
    assert "was set aside as day.json." in caplog.text
    assert "The day begins anew" in caplog.text
    assert not path.exists()


async def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "state"
    folder.write_text("in the way")
    file = DayFile(folder / "day.json")
    assert [file.save({}), file.save({})] == [False, False]
    assert caplog.text.count("cannot be saved") == 1
    folder.unlink()
    assert file.save({})
    assert "is saved again" in caplog.text


async def test_the_daemon_keeps_it(tmp_path: Path) -> None:
    config = parse({"rooms": [{"name": "Kitchen", "source": {"type": "pipe"}}], "summary": {}})
    spoken = Spoken("", True, 1.0, 0.0, 1.0, "open")

    async def ignore(_room: str, _reply: Reply) -> None:
        """Nobody is there."""

    for _ in range(2):
        opening = open_attention(config, HomeConfig(), tmp_path, str, ignore, lambda _report: None)
        async with opening as attention:
            attention.responder.publish(sound("rain"))
            await attention.responder.hear("kitchen", Intent("ListenerQuiet", {"hours": 1}, "", 1.0), spoken, 1.0)
            assert not attention.quiet.speaks("kitchen", REMARK)
    day = json.loads((tmp_path / DAY_FILE).read_text())
    assert day["counts"] == {"kitchen": {"rain": 2}}
    assert list(day["quiet_until"]) == ["kitchen"]
