"""`listener teach` by the daemon that runs: it has the microphones, and is asked over MQTT as by Home Assistant."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rich.console import Console
from rich.markup import escape

from listener.config import MqttConfig, RoomConfig
from listener.errors import ConfigError, NoAnswerError, PublishError

if TYPE_CHECKING:
    from listener.publish.link import Link
    from listener.publish.remote import Remote

T = TypeVar("T")

HERE_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 10.0
LESSON_SECONDS: Final = 240.0
"""Longer than the daemon holds a lesson: it is the daemon that gives up first, and says why."""
WITHOUT_BROKER: Final = "Without `mqtt` in the configuration `listener teach` works in this machine's state folder"


def daemon_answers(mqtt: MqttConfig) -> bool:
    """Whether a daemon with this base topic is there; False too when no broker listens.

    Raises PublishError, ConfigError: we are not let in, so that nobody knows.
    """
    return _unless_nobody(_with_daemon(mqtt, (), _nothing)) is not None


def must_let_us_in(mqtt: MqttConfig) -> None:
    """Raises PublishError, ConfigError: the broker does not, and a daemon behind it may know what we do not."""
    from listener.publish.probe import probe

    _unless_nobody(probe(mqtt))


def _unless_nobody(asking: Coroutine[Any, Any, T]) -> T | None:
    """What is answered; None: nobody is there. Raises PublishError, ConfigError: we are not let in."""
    try:
        return asyncio.run(asking)
    except NoAnswerError:
        return None
    except (PublishError, ConfigError) as error:
        raise type(error)(f"{error}. {WITHOUT_BROKER}") from None


async def _nothing(_remote: "Remote", _link: "Link") -> bool:
    return True


async def _with_daemon(mqtt: MqttConfig, topics: tuple[str, ...], work: "Callable[[Remote, Link], Awaitable[T]]") -> T:
    """Do `work` with a daemon that is online. Raises PublishError, ConfigError; NoAnswerError: there is none."""
    from listener.publish.remote import open_remote
    from listener.publish.topics import Topics

    bridge = Topics(mqtt.base_topic).bridge("state")
    async with open_remote(mqtt, (bridge, *topics)) as (remote, link):
        nobody = "no daemon answers at the broker; is `listener run` running, with this broker and base topic?"
        await remote.until(lambda: '"online"' in (remote.text(bridge) or ""), HERE_SECONDS, nobody)
        return await work(remote, link)


def standing(mqtt: MqttConfig, rooms: Sequence[str], leaf: str) -> dict[str, dict[str, Any]]:
    """What the daemon that runs says of each room on that topic, by slug; of none where there is no daemon.

    Raises PublishError, ConfigError: we are not let in.
    """
    from listener.publish.topics import Topics

    topics = {room: Topics(mqtt.base_topic).room(room, leaf) for room in rooms}

    async def look(remote: "Remote", _link: "Link") -> dict[str, dict[str, Any]]:
        await _wait_for(remote, tuple(topics.values()))
        return {room: _object(remote, topic) for room, topic in topics.items()}

    return _unless_nobody(_with_daemon(mqtt, tuple(topics.values()), look)) or {}


def teach_remotely(console: Console, mqtt: MqttConfig, room: RoomConfig, name: str) -> int:
    """The exit status: 1 when it was refused. Raises PublishError. Ctrl-C ends the lesson."""
    from listener.publish.topics import Topics

    topics = Topics(mqtt.base_topic)
    learning, learn = topics.room(room.slug, "learning"), topics.room(room.slug, "learn")

    async def lesson(remote: "Remote", link: "Link") -> int:
        from listener.types import Message

        before = await _standing_stamp(remote, learning, "begun_at")
        held = _object(remote, learning)
        if held.get("state") in ("be_quiet", "listening"):
            raise PublishError(
                f"{room.name}: {held.get('name')} is being learnt already; wait, or press `Stop learning`"
            )
        console.print(f"The daemon listens with the microphone of {escape(room.name)}. Ctrl-C ends it.")
        link.send(Message(learn, name.encode()))
        try:
            return await _follow(console, remote, learning, room, name, before)
        except asyncio.CancelledError:
            link.send(Message(learn, b"CANCEL"))
            raise

    return asyncio.run(_with_daemon(mqtt, (learning,), lesson))


async def _wait_for(remote: "Remote", topics: Sequence[str]) -> None:
    """For what stands on all these topics; of a room that is new nothing does."""
    with suppress(NoAnswerError):
        await remote.until(lambda: all(remote.text(topic) for topic in topics), HERE_SECONDS, "")


async def _standing_stamp(remote: "Remote", topic: str, field: str) -> str:
    """Of what stands on the topic before we ask. All that stands is said again, live, whenever Home Assistant or our
    connection comes back, or a sound is learnt or forgotten: only another stamp is the answer to what we ask."""
    await _wait_for(remote, (topic,))
    return _stamp(remote, topic, field)


def _stamp(remote: "Remote", topic: str, field: str) -> str:
    """Empty: none."""
    return str(_object(remote, topic).get(field) or "")


async def _follow(console: Console, remote: "Remote", topic: str, room: RoomConfig, name: str, before: str) -> int:
    """Say what the room says of this lesson, until it is over; not what it says of another one, or of none.

    `before`: when the lesson began that stood on the topic before ours.
    """
    said: dict[str, Any] = {}
    begun = False
    silent = f"{room.name}: the daemon says nothing of a lesson; look at its log, and whether we may write to {topic}"
    while True:
        said = await _news(remote, topic, said, LESSON_SECONDS if begun else ANSWER_SECONDS, silent)
        if said.get("name") != name or _stamp(remote, topic, "begun_at") in ("", before):
            continue
        begun = True
        detail, state = escape(str(said.get("detail", ""))), said.get("state")
        if state == "accepted":
            console.print(f"[bold green]Learnt.[/] {detail}")
            return 0
        if state in ("refused", "idle"):
            raise PublishError(f"{room.name}: it was not learnt: {said.get('detail') or 'the lesson was ended'}")
        console.print(detail or escape(str(said.get("text", ""))))


async def _news(remote: "Remote", topic: str, before: dict[str, Any], seconds: float, silent: str) -> dict[str, Any]:
    """What is said next on a topic, other than `before`. Raises PublishError, which says `silent`."""
    await remote.until(
        lambda: remote.is_live(topic) and _object(remote, topic) not in ({}, before),
        seconds,
        silent,
    )
    return _object(remote, topic)


def ask(mqtt: MqttConfig, room: str, action: str, payload: str, answer: str) -> str:
    """Have a change made by the daemon; `answer`: the topic on which it says what it did. Returns that.

    Raises PublishError: no daemon, no answer, or it was refused.
    """
    from listener.publish.topics import Topics
    from listener.types import Message

    topics = Topics(mqtt.base_topic)
    topic = topics.room(room, answer)

    async def work(remote: "Remote", link: "Link") -> str:
        before = await _standing_stamp(remote, topic, "answered_at")
        link.send(Message(topics.room(room, action), payload.encode()))
        silent = f"no answer within {ANSWER_SECONDS:g} s; look at the daemon's log"
        answered = lambda: remote.is_live(topic) and _stamp(remote, topic, "answered_at") not in ("", before)  # noqa: E731
        await remote.until(answered, ANSWER_SECONDS, silent)
        return str(_object(remote, topic).get("detail", ""))

    done = asyncio.run(_with_daemon(mqtt, (topic,), work))
    if done.endswith("nothing was changed"):
        raise PublishError(done)
    return done


def follow_hearing(console: Console, mqtt: MqttConfig, room: RoomConfig, label: str | None) -> None:
    """Show what a room's daemon hears of a label (None: of all), until Ctrl-C. Raises PublishError."""
    from listener.publish.topics import Topics

    topics = Topics(mqtt.base_topic)
    hearing = topics.room(room.slug, "hearing")

    async def work(remote: "Remote", _link: "Link") -> None:
        console.print(
            f"What {escape(room.name)} hears, as the daemon tells it; the five best at a time. Ctrl-C ends it."
        )
        before: dict[str, Any] = {}
        while True:
            before = await _news(remote, hearing, before, 3_600.0, f"{room.name}: nothing new was heard for an hour")
            for line in before.get("labels", []):
                if isinstance(line, dict) and label in (None, line.get("label")):
                    console.print(
                        escape(f"{line.get('score', 0):.2f}  {line.get('label')}  {line.get('reason') or ''}")
                    )

    asyncio.run(_with_daemon(mqtt, (hearing,), work))


def _object(remote: "Remote", topic: str) -> dict[str, Any]:
    """What stands there; empty for what is no JSON object: anybody may write to a broker."""
    try:
        found = json.loads(remote.text(topic) or "null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
