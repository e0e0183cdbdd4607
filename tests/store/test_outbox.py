"""The outbox in memory."""

import logging
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.store.kept import Kept
from listener.store.outbox import MemoryOutbox
from listener.types import Message


def event(name: str, room: str = "kitchen", urgent: bool = False) -> Message:
    return Message(f"listener/{room}/sound", name.encode(), room, "sound", urgent=urgent)


def state(topic: str, value: str) -> Message:
    return Message(topic, value.encode(), retain=True)


def drain(outbox: MemoryOutbox, events: bool = True) -> list[str]:
    names = []
    while (taken := outbox.take(events)) is not None:
        names.append(taken[1].payload.decode())
        outbox.acknowledge(taken[0])
    return names


def test_messages_stay_until_acknowledged_and_in_order() -> None:
    outbox = MemoryOutbox()
    for n in range(3):
        outbox.put(event(str(n)))
    first, second = outbox.take(True), outbox.take(True)
    assert first is not None
    assert second is not None
    outbox.acknowledge(second[0])
    assert len(outbox) == 2
    outbox.release()
    assert drain(outbox) == ["0", "2"]
    assert len(outbox) == 0


def test_states_are_coalesced_and_go_without_events() -> None:
    outbox = MemoryOutbox()
    outbox.put(event("e"))
    outbox.put(state("a", "ON"))
    outbox.put(state("b", "1"))
    outbox.put(state("a", "OFF"))
    assert drain(outbox, events=False) == ["1", "OFF"]
    assert drain(outbox) == ["e"]


def test_a_state_in_flight_gives_way_to_its_successor() -> None:
    outbox = MemoryOutbox()
    outbox.put(state("a", "old"))
    taken = outbox.take(True)
    assert taken is not None
    outbox.put(state("a", "new"))
    outbox.release()  # the connection is lost: only the new one is worth sending
    assert drain(outbox) == ["new"]
    outbox.acknowledge(taken[0])  # late, and of a connection that is no more
    outbox.put(state("a", "newest"))
    assert drain(outbox) == ["newest"]


def test_when_full_the_oldest_harmless_event_goes(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    outbox = MemoryOutbox(capacity=3, clock=lambda: now)
    outbox.put(event("fire", urgent=True))
    for n in range(4):
        outbox.put(event(str(n)))
    outbox.put(state("a", "ON"))
    assert dict(outbox.drops) == {"sound": 2}
    assert len(caplog.records) == 1
    now = 61.0
    outbox.put(event("4"))
    assert [r.getMessage() for r in caplog.records][1].startswith("MQTT messages lost: 2 sound")
    assert drain(outbox) == ["fire", "3", "ON", "4"]


def test_when_all_are_urgent_the_oldest_goes() -> None:
    outbox = MemoryOutbox(capacity=2)
    for n in range(4):
        outbox.put(event(str(n), urgent=True))
    assert drain(outbox) == ["2", "3"]


def test_old_events_go_and_urgent_ones_later() -> None:
    now = 0.0
    outbox = MemoryOutbox(clock=lambda: now, max_age_seconds=10, max_urgent_age_seconds=100)
    outbox.put(event("fire", urgent=True))
    outbox.put(event("dog"))
    now = 11.0
    outbox.put(event("late"))
    assert dict(outbox.drops) == {"sound": 1}
    assert drain(outbox) == ["fire", "late"]
    outbox.put(event("flood", urgent=True))
    now = 112.0
    assert outbox.take(True) is None
    assert dict(outbox.drops) == {"sound": 2}
    assert len(outbox) == 0


def test_large_events_go_before_there_are_too_many_bytes() -> None:
    outbox = MemoryOutbox(capacity_bytes=100)
    outbox.put(event("u" * 60, urgent=True))
    outbox.put(event("a" * 30))
    outbox.put(event("b" * 30))
    assert drain(outbox) == ["u" * 60, "b" * 30]
    outbox.put(event("c" * 100))
    assert drain(outbox) == ["c" * 100]  # what has left makes room


def test_what_an_earlier_process_left_goes_first_and_keeps_its_age() -> None:
    now = 0.0
    outbox = MemoryOutbox(clock=lambda: now, max_age_seconds=3_600)
    outbox.put(event("new"))
    hour_ago, future = time.time() - 3_590, time.time() + 1e9
    outbox.absorb([Kept(-3, event("old"), hour_ago), Kept(-2, event("set back"), future)], 5)
    assert drain(outbox) == ["old", "set back", "new"]
    outbox.absorb([Kept(-1, event("expired"), hour_ago - 20)], 5)
    assert drain(outbox) == []
    assert dict(outbox.drops) == {"sound": 1}


def test_what_the_broker_refuses_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    outbox = MemoryOutbox()
    outbox.put(event("x"))
    taken = outbox.take(True)
    assert taken is not None
    outbox.refuse(taken[0])
    assert dict(outbox.drops) == {"sound": 1}
    assert len(outbox) == 0


Step = st.one_of(
    st.tuples(st.just("event"), st.sampled_from(["hall", "kitchen"]), st.booleans()),
    st.tuples(st.just("state"), st.sampled_from(["a", "b", "c"]), st.just(False)),
    st.tuples(st.sampled_from(["take", "acknowledge", "lose"]), st.just(""), st.booleans()),
)


@given(st.lists(Step, max_size=60))
def test_whatever_happens_events_keep_their_order_and_states_their_last_value(
    steps: list[tuple[str, str, bool]],
) -> None:
    """Order of first sending per room, nothing lost below capacity, and the last value of each topic arrives last."""
    outbox = MemoryOutbox()
    in_flight: list[tuple[int, Message]] = []
    first_sent: dict[str, list[int]] = {"hall": [], "kitchen": []}
    put: dict[str, list[int]] = {"hall": [], "kitchen": []}
    wanted: dict[str, bytes] = {}
    broker: dict[str, bytes] = {}

    def send(taken: tuple[int, Message] | None) -> bool:
        if taken is None:
            return False
        in_flight.append(taken)
        message = taken[1]
        if message.retain:
            broker[message.topic] = message.payload
        elif int(message.payload) not in first_sent[message.room]:
            first_sent[message.room].append(int(message.payload))
        return True

    for number, (kind, name, flag) in enumerate(steps):
        if kind == "event":
            outbox.put(event(str(number), name, urgent=flag))
            put[name].append(number)
        elif kind == "state":
            outbox.put(state(name, str(number)))
            wanted[name] = str(number).encode()
        elif kind == "take":
            send(outbox.take(flag))
        elif kind == "acknowledge" and in_flight:
            outbox.acknowledge(in_flight.pop(0)[0])
        elif kind == "lose":
            outbox.release()
            in_flight.clear()
    while send(outbox.take(True)):
        pass
    for key, _ in in_flight:
        outbox.acknowledge(key)
    assert first_sent == put
    assert broker == wanted
    assert len(outbox) == 0
