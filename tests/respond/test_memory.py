"""What is remembered of events, and the daily summary of them."""

from datetime import UTC, datetime, timedelta

from listener.respond.memory import FORGET_SECONDS, SOUNDS_KEPT, Memory
from listener.respond.summary import DailySummary
from listener.types import Decision, SoundStarted, SummaryReport


def sound(label: str, t: float, room: str = "kitchen", test: bool | None = None) -> SoundStarted:
    return SoundStarted(room=room, t=t, id="1", label=label, score=0.9, onset=t, group="g", test=test)


def test_the_newest_sounds_come_first_and_each_label_once() -> None:
    memory = Memory()
    for label, t in (("rain", 1.0), ("knock", 2.0), ("dog_bark", 3.0), ("knock", 4.0)):
        memory.publish(sound(label, t))
    memory.publish(Decision(room="kitchen", t=5.0, decision="silent", probability=0.0, engine="cascade"))
    assert [(heard.label, heard.t) for heard in memory.recent("kitchen", 5.0, 2)] == [("knock", 4.0), ("dog_bark", 3.0)]
    assert memory.recent("hall", 5.0, 2) == []
    assert memory.recent("kitchen", 4.0 + FORGET_SECONDS, 3)[0].label == "knock"
    assert memory.recent("kitchen", 4.1 + FORGET_SECONDS, 3) == []


def test_memory_is_bounded() -> None:
    memory = Memory()
    for t in range(1_000):
        memory.publish(sound(f"label{t}", float(t)))
    assert len(memory.recent("kitchen", 1_000.0, 1_000)) == SOUNDS_KEPT


async def test_a_summary_counts_by_room_since_the_last_one() -> None:
    now = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
    memory = Memory()
    told: list[SummaryReport] = []
    summary = DailySummary(memory, told.append, lambda: now)
    for label, room in (("knock", "hall"), ("dog_bark", "kitchen"), ("rain", "kitchen"), ("dog_bark", "kitchen")):
        memory.publish(sound(label, 1.0, room))
    memory.publish(sound("smoke_alarm", 2.0, test=True))
    now += timedelta(days=1)
    await summary.tell()
    await summary.tell()
    first, second = "2026-11-22T21:00:00+00:00", "2026-11-23T21:00:00+00:00"
    assert told == [
        SummaryReport(first, second, {"hall": {"knock": 1}, "kitchen": {"dog_bark": 2, "rain": 1}}),
        SummaryReport(second, second, {}),
    ]
