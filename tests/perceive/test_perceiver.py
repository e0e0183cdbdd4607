"""The room's perceiver: what it tells of a chunk, with a tagger, without one, and with one that fails."""

import logging
import threading

import numpy as np
import pytest
from ears import FakeMatch, FakePatterns, FakeTagger, room, silence, started, table

from listener.errors import PerceiveError
from listener.perceive.perceiver import RoomPerceiver
from listener.types import (
    CHUNK_SAMPLES,
    Chunk,
    Hearing,
    OwnVoice,
    Percept,
    SetMute,
    SetStrictness,
    SpeechPercept,
    Spoken,
    Tagger,
    Test,
)
from listener.vocabulary import TEST_LABEL

SETTING = {"on": 0.5, "off": 0.3, "windows": 2, "of": 3, "hold_seconds": 0.8}
TUNING = dict.fromkeys(("rain", "scream", "snore", "music"), SETTING)
TABLE = table(tuning=TUNING)


def perceive(ears: RoomPerceiver, tagger: Tagger | None, chunks: int, first: int = 0) -> list[Percept]:
    return [ears.perceive(silence(i), tagger) for i in range(first, first + chunks)]


def reasons(percept: Percept) -> dict[str, str | None]:
    return {heard.label: heard.reason for heard in percept.hearing}


def test_a_sound_goes_from_scores_to_an_episode() -> None:
    percepts = perceive(room(TABLE), FakeTagger(*[{"Rain": 0.8}] * 3), 6)
    assert [[e.label for e in p.started] for p in percepts] == [[], ["rain"], [], [], [], []]
    assert [[(e.label, e.duration) for e in p.ended] for p in percepts[4:]] == [[("rain", 1.2)], []]
    assert [p.t for p in percepts] == [0.4, 0.8, 1.2, 1.6, 2.0, 2.4]


def test_level_and_clipping_are_measured() -> None:
    loud = Chunk(np.ones(CHUNK_SAMPLES, np.float32), 0)
    percept = room(TABLE).perceive(loud, FakeTagger())
    assert (percept.level_dbfs, percept.clipping, percept.flags) == (0.0, True, {"clipping"})
    assert room(TABLE).perceive(silence(0), FakeTagger()).level_dbfs == -120.0


# ---------------------------------------------------------------- why it did not fire


def test_hearing_gives_the_five_best_and_why_they_do_not_sound() -> None:
    of = table(tuning=TUNING, labels=["rain", "music", "cough", "clock"])
    scores = {"Rain": 0.8, "Snoring": 0.7, "Music": 0.31, "Cough": 0.3, "Clock": 0.1, "Speech": 0.05}
    first, second = perceive(room(of), FakeTagger(scores, scores), 2)
    assert first.hearing == (
        Hearing("rain", 0.8, "1 of 2 windows so far"),
        Hearing("snore", 0.7, "not among the labels to report"),
        Hearing("music", 0.31, "0.31 is not above its threshold of 0.50"),
        Hearing("cough", 0.3, "0.30 is not above its threshold of 0.45"),
        Hearing("clock", 0.1, "0.10 is not above its threshold of 0.23"),
    )
    assert reasons(second)["rain"] is None


def test_hearing_names_the_strictness_that_hides_a_sound() -> None:
    percept = perceive(room(TABLE, "urgent_only"), FakeTagger({"Rain": 0.9, "Screaming": 0.4}), 1)[0]
    assert reasons(percept)["rain"] == "strictness urgent_only reports urgent sounds only"
    assert reasons(percept)["scream"] == "0.40 is not above its threshold of 0.50"


def test_a_label_without_classes_says_that_only_its_pattern_counts() -> None:
    assert reasons(perceive(room(TABLE), FakeTagger(), 1)[0])["co_alarm"] == "recognised by its pattern only"


# ---------------------------------------------------------------- evidence


def test_evidence_is_one_half_at_the_threshold_and_remembers_m_windows() -> None:
    of = table(tuning={"scream": {"on": 0.2, "off": 0.1, "windows": 2, "of": 3}})
    percepts = perceive(room(of), FakeTagger({}, {"Screaming": 0.2}, {"Screaming": 0.5}), 6)
    evidence = [round(p.evidence["scream"], 2) for p in percepts]
    assert evidence == [0.0, 0.5, 0.8, 0.8, 0.8, 0.0]
    assert set(percepts[0].evidence) == {"smoke_alarm", "co_alarm", "glass_break", "scream"}


def test_evidence_of_a_pattern_is_certain_until_its_matches_stop() -> None:
    patterns = FakePatterns({2: (FakeMatch("smoke_alarm", score=0.6),)})
    percepts = perceive(room(TABLE, patterns=patterns), FakeTagger(), 20)
    certain = [p.t for p in percepts if p.evidence["smoke_alarm"] == 1.0]
    assert (certain[0], certain[-1]) == (1.2, 6.0)
    assert [e.label for p in percepts for e in p.ended] == ["smoke_alarm"]


# ---------------------------------------------------------------- without a tagger


def test_without_a_tagger_patterns_are_heard_and_the_flag_says_so() -> None:
    patterns = FakePatterns({3: (FakeMatch("co_alarm"),)})
    percepts = perceive(room(TABLE, patterns=patterns), None, 5)
    assert started(percepts) == ["co_alarm"]
    assert all(p.flags == {"no_tagger"} for p in percepts)


def test_a_failing_tagger_does_not_take_the_patterns_with_it(caplog: pytest.LogCaptureFixture) -> None:
    patterns = FakePatterns({1: (FakeMatch("smoke_alarm"),)})
    ears = room(TABLE, patterns=patterns)
    with caplog.at_level(logging.WARNING):
        percepts = perceive(ears, FakeTagger(None), 3) + perceive(ears, FakeTagger(), 1, first=3)
    assert started(percepts) == ["smoke_alarm"]
    assert [p.flags for p in percepts] == [{"degraded", "no_tagger"}] * 3 + [frozenset()]
    assert ears.tagger_failures == 3
    assert [record.message for record in caplog.records] == [
        "room kitchen: the fake tagger was told to fail; going on with the alarm patterns only",
        "room kitchen: the tagger works again after 3 chunks",
    ]


def test_any_instance_of_the_tagger_goes_on_with_the_stream() -> None:
    script = [{"Rain": 0.8}, {"Rain": 0.8}]
    first, second = FakeTagger(*script), FakeTagger(*script)
    ears = room(TABLE)
    percepts = [ears.perceive(silence(0), first), ears.perceive(silence(1), second)]
    assert started(percepts) == ["rain"]
    assert (first.opened, second.opened) == (1, 0)


# ---------------------------------------------------------------- control


def test_strictness_takes_effect_at_the_next_chunk() -> None:
    ears, tagger = room(TABLE, "urgent_only"), FakeTagger(*[{"Rain": 0.9}] * 9)
    assert started(perceive(ears, tagger, 3)) == []
    ears.apply(SetStrictness("balanced"))
    assert started(perceive(ears, tagger, 1, first=3)) == ["rain"]


def test_a_marked_test_goes_through() -> None:
    ears = room(TABLE)
    ears.apply(Test())
    ears.apply(Test("dog_bark"))
    percepts = perceive(ears, None, 6)
    assert [(e.label, e.test, e.onset) for p in percepts for e in p.started] == [
        (TEST_LABEL, True, 0.0),
        ("dog_bark", True, 0.0),
    ]
    assert [(e.label, e.duration) for p in percepts for e in p.ended] == [(TEST_LABEL, 2.0), ("dog_bark", 2.0)]


def test_what_does_not_exist_is_refused_and_changes_nothing() -> None:
    ears = room(TABLE)
    with pytest.raises(PerceiveError, match="no sound is called 'dog'"):
        ears.apply(Test("dog"))
    with pytest.raises(PerceiveError, match="no strictness is called 'lax'; there are paranoid"):
        ears.apply(SetStrictness("lax"))
    ears.apply(SetMute(True))
    assert started(perceive(ears, None, 2)) == []
    with pytest.raises(PerceiveError, match="no strictness is called 'lax'"):
        room(TABLE, "lax")


def test_controls_of_other_threads_are_all_obeyed_one_after_the_other() -> None:
    ears = room(TABLE)
    labels = [label for label in TABLE.labels if label != "rain"]
    threads = [threading.Thread(target=lambda x=x: ears.apply(Test(x))) for x in labels]
    percepts: list[Percept] = []
    for i, thread in enumerate(threads):
        thread.start()
        percepts.append(ears.perceive(silence(i), None))
    for thread in threads:
        thread.join()
    percepts.append(ears.perceive(silence(len(threads)), None))
    assert sorted(started(percepts)) == sorted(labels)


def test_finish_ends_what_sounds_and_begins_anew() -> None:
    made: list[FakePatterns] = []

    def patterns() -> FakePatterns:
        made.append(FakePatterns())
        return made[-1]

    ears = RoomPerceiver("kitchen", TABLE, "balanced", patterns=patterns, pattern_hold_seconds={})
    tagger = FakeTagger({"Rain": 0.8}, {"Rain": 0.8})
    perceive(ears, tagger, 2)
    assert [(e.label, e.duration) for e in ears.finish(0.8).ended] == [("rain", 0.8)]
    assert ears.finish(0.8).ended == ()
    perceive(ears, tagger, 1, first=2)
    assert tagger.opened == 2
    assert made[-1].chunks == 1


# ---------------------------------------------------------------- speech


class FakeSpeech:
    """Somebody speaks from the first chunk on; `fails` at every chunk if it is told to."""

    def __init__(self, fails: bool = False) -> None:
        self._fails = fails
        self.controls: list[object] = []
        self.scores: list[float | None] = []

    def step(self, chunk: Chunk, level_dbfs: float, speech_score: float | None = None) -> SpeechPercept:
        self.scores.append(speech_score)
        if self._fails:
            raise ValueError("the fake recognizer was told to fail")
        return SpeechPercept(0.9, speaking=True)

    def finish(self, t: float) -> tuple[Spoken, ...]:
        return (Spoken("stop", True, 0.9, 0.0, t),)

    def apply(self, control: object) -> None:
        self.controls.append(control)


def test_speech_is_heard_beside_sounds() -> None:
    ears, speech = room(TABLE), FakeSpeech()
    ears.speech = speech
    percepts = perceive(ears, FakeTagger({"Speech": 0.7}), 2) + perceive(ears, None, 1, first=2)
    assert [p.speech for p in percepts] == [SpeechPercept(0.9, speaking=True)] * 3
    assert speech.scores == [pytest.approx(0.7), 0.0, None]
    assert ears.speaking
    ears.apply(OwnVoice("Hello."))
    assert speech.controls == [OwnVoice("Hello.")]
    assert [s.text for s in ears.finish(1.2).spoken] == ["stop"]


def test_speech_that_fails_does_not_take_the_alarms_with_it(caplog: pytest.LogCaptureFixture) -> None:
    ears = room(TABLE, patterns=FakePatterns({1: (FakeMatch("smoke_alarm"),)}))
    ears.speech = FakeSpeech(fails=True)
    percepts = perceive(ears, FakeTagger(), 3)
    assert started(percepts) == ["smoke_alarm"]
    assert [p.speech for p in percepts] == [None] * 3
    assert all("degraded" in p.flags for p in percepts)
    assert caplog.text.count("speech could not be heard") == 2  # at the first and the second, not at the third


# ---------------------------------------------------------------- sparing work


def test_a_calm_room_is_tagged_every_second_chunk_if_work_is_to_be_spared() -> None:
    tagger = FakeTagger(*[{"Music": 0.1}] * 6)
    ears = room(TABLE)
    due = []
    for index in range(6):
        heard = ears.hear(silence(index), tagger, spare=index > 1)
        ears.score(heard, tagger)
        ears.conclude(heard)
        due.append(heard.due)
    assert due == [True, True, False, True, False, True]


@pytest.mark.parametrize(
    ("loud", "expected"),
    [
        ({"Rain": 0.4}, [True] * 6),  # may begin with the next chunk
        ({"Rain": 0.8}, [True, True, False, True, False, True]),  # has begun with the second
        ({"Rain": 0.8, "Music": 0.4}, [True] * 6),  # the one has begun, the other may
    ],
)
def test_a_room_in_which_something_may_begin_is_not_spared(loud: dict[str, float], expected: list[bool]) -> None:
    tagger = FakeTagger(*[loud] * 6)
    ears = room(TABLE)
    due = []
    for index in range(6):
        heard = ears.hear(silence(index), tagger, spare=True)
        ears.score(heard, tagger)
        ears.conclude(heard)
        due.append(heard.due)
    assert due == expected
