"""The cascade decides on what was heard and on audio seconds, and on nothing else."""

from itertools import count

import numpy as np
import pytest

from listener.decide.cascade import Cascade, CascadeSession
from listener.decide.texts import languages, load_texts
from listener.errors import ConfigError
from listener.types import (
    CHUNK_SAMPLES,
    Chunk,
    Episode,
    Outcome,
    Percept,
    RoomSettings,
    SetThreshold,
    Snooze,
)
from listener.vocabulary import SOUND_LABELS, TEST_LABEL, URGENT_LABELS

SILENCE = np.zeros(CHUNK_SAMPLES, np.float32)


async def session(threshold: float = 0.5, urgent: tuple[str, ...] = URGENT_LABELS) -> CascadeSession:
    ids = (f"reply-{n}" for n in count())
    cascade = Cascade(urgent, {"baby_cry": "The baby cries in {room} {now}."}, lambda: next(ids))
    return await cascade.open("the kitchen", "en", RoomSettings(threshold=threshold))


def sound(label: str, id_: str = "1", by_pattern: bool = False, test: bool = False) -> Episode:
    return Episode(id_, label, 0.6, 0.0, by_pattern=by_pattern, test=test)


async def step(
    subject: CascadeSession, index: int, *started: Episode, ended: tuple[Episode, ...] = (), **evidence: float
) -> Outcome:
    chunk = Chunk(SILENCE, index)
    return await subject.step(chunk, Percept(chunk.t, -40.0, started=started, ended=ended, evidence=evidence))


async def text(outcome: Outcome) -> str:
    assert outcome.reply is not None
    return "".join([piece async for piece in outcome.reply.pieces])


async def test_silence_is_answered_with_silence() -> None:
    outcome = await step(await session(), 0)
    assert outcome == Outcome("silent", 0.0)


async def test_an_urgent_sound_is_answered_once() -> None:
    subject = await session()
    first = await step(subject, 0, sound("smoke_alarm"), smoke_alarm=0.7)
    second = await step(subject, 1, smoke_alarm=0.9)
    assert (first.decision, first.probability, first.trigger) == ("respond", 0.7, "sound")
    assert first.reply is not None
    assert (first.reply.emotion, first.reply.sounds) == ("urgent", ("1",))
    assert await text(first) == "Smoke alarm in the kitchen! Check for fire now."
    assert (second.decision, second.probability, second.reply) == ("silent", 0.9, None)


async def test_an_everyday_sound_is_not_answered() -> None:
    outcome = await step(await session(), 0, sound("dog_bark"), dog_bark=0.99)
    assert (outcome.decision, outcome.probability) == ("silent", 0.0)


async def test_a_sound_below_the_threshold_is_answered_when_it_becomes_surer() -> None:
    subject = await session(threshold=0.8)
    assert (await step(subject, 0, sound("scream"), scream=0.6)).decision == "silent"
    assert (await step(subject, 1, scream=0.85)).decision == "respond"


async def test_a_sound_that_has_ended_is_not_answered_late() -> None:
    subject = await session(threshold=0.8)
    await step(subject, 0, sound("scream"), scream=0.6)
    await step(subject, 1, ended=(sound("scream"),), scream=0.1)
    assert (await step(subject, 2, scream=0.9)).decision == "silent"


async def test_no_threshold_silences_an_alarm_pattern() -> None:
    outcome = await step(await session(threshold=1.0), 0, sound("co_alarm", by_pattern=True))
    assert (outcome.decision, outcome.probability) == ("respond", 1.0)


async def test_a_threshold_is_taken_over() -> None:
    subject = await session()
    subject.apply(SetThreshold(0.9))
    assert (await step(subject, 0, sound("scream"), scream=0.6)).decision == "silent"


@pytest.mark.parametrize("labels", [None, ("smoke_alarm",)])
async def test_a_snoozed_sound_is_quiet_for_its_time_and_not_longer(labels: tuple[str, ...] | None) -> None:
    subject = await session()
    await step(subject, 0, sound("smoke_alarm"), smoke_alarm=0.7)
    subject.apply(Snooze(labels, seconds=8.0))
    quiet = await step(subject, 10, sound("smoke_alarm", "2"), smoke_alarm=0.7)
    other = await step(subject, 11, sound("scream", "3"), scream=0.7)
    again = await step(subject, 21, sound("smoke_alarm", "4"), smoke_alarm=0.7)
    assert (quiet.decision, quiet.probability) == ("silent", 0.0)
    assert other.decision == "respond"
    assert again.decision == "respond"


async def test_a_snooze_without_a_label_takes_the_last_sound_when_none_is_open() -> None:
    subject = await session()
    await step(subject, 0, sound("scream"), scream=0.7)
    await step(subject, 1, ended=(sound("scream"),))
    subject.apply(Snooze(seconds=60.0))
    assert (await step(subject, 2, sound("scream", "2"), scream=0.7)).decision == "silent"


async def test_a_test_is_answered_and_says_so() -> None:
    subject = await session()
    plain = await step(subject, 0, sound(TEST_LABEL, test=True))
    alarm = await step(subject, 1, sound("smoke_alarm", "2", test=True))
    assert plain.reply is not None
    assert plain.reply.emotion == "normal"
    assert await text(plain) == "This is a test in the kitchen. All is well."
    assert (await text(alarm)).startswith("This is a test in the kitchen.")


async def test_two_sounds_at_once_are_one_answer() -> None:
    outcome = await step(await session(), 0, sound("scream"), sound("glass_break", "2"), scream=0.6, glass_break=0.8)
    assert outcome.reply is not None
    assert outcome.reply.sounds == ("1", "2")
    assert outcome.probability == 0.8
    assert await text(outcome) == "Somebody is screaming in the kitchen. I hear breaking glass in the kitchen."


async def test_own_texts_win_and_unknown_braces_stay() -> None:
    subject = await session(urgent=("baby_cry",))
    outcome = await step(subject, 0, sound("baby_cry"), baby_cry=0.9)
    assert await text(outcome) == "The baby cries in the kitchen {now}."


def test_every_language_can_name_every_label() -> None:
    assert languages() == ("en", "de", "ru")
    for language in languages():
        texts = load_texts(language, {})
        assert set(texts.sounds) == set(SOUND_LABELS)
        for label in SOUND_LABELS:
            assert "{" not in texts.announcement(label, "kitchen")


async def test_a_language_without_texts_is_an_error_that_lists_those_with() -> None:
    with pytest.raises(ConfigError, match="no texts in 'xx'; choose one of en, de, ru"):
        await Cascade((), {}, str).open("kitchen", "xx", RoomSettings())
