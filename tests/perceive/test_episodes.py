"""When sounds start and end: examples, then properties over arbitrary scores."""

from dataclasses import dataclass, field
from itertools import count, pairwise

import numpy as np
import pytest
from ears import PATTERN_HOLD, FakeMatch, scores, table
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.perceive.sounds.episodes import TEST_SECONDS, Episodes, Refusal
from listener.types import CHUNK_SECONDS, Episode
from listener.vocabulary import STRICTNESS_STEPS, TEST_LABEL

# short holds and simple thresholds, so that examples stay short
TUNING = {
    "rain": {"on": 0.5, "off": 0.3, "windows": 2, "of": 3, "hold_seconds": 0.8},
    "knock": {"on": 0.5, "off": 0.3, "windows": 1, "of": 1, "hold_seconds": 0.4},
    "door": {"on": 0.5, "off": 0.3, "windows": 1, "of": 3, "hold_seconds": 0.4},
    "cough": {"on": 0.5, "off": 0.3, "windows": 2, "of": 2, "hold_seconds": 0.4},
    "smoke_alarm": {"on": 0.5, "off": 0.3, "windows": 2, "of": 3, "hold_seconds": 0.8},
}
TABLE = table(tuning=TUNING)


@dataclass
class Heard:
    """Drives one room's episodes chunk by chunk and keeps what came of it."""

    strictness: str = "balanced"
    chunks: int = 0
    started: list[tuple[float, Episode]] = field(default_factory=list)
    ended: list[tuple[float, Episode]] = field(default_factory=list)
    sounding: list[set[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        numbers = count(1)
        self.episodes = Episodes(TABLE, PATTERN_HOLD, lambda: f"id-{next(numbers)}")

    @property
    def t(self) -> float:
        return round(self.chunks * CHUNK_SECONDS, 3)

    def step(self, *matches: FakeMatch, **labels: float) -> None:
        self.chunks += 1
        limits = TABLE.steps[self.strictness]
        changes = self.episodes.step(self.t, scores(TABLE, **labels), matches, limits)
        self.started += [(self.t, episode) for episode in changes.started]
        self.ended += [(self.t, episode) for episode in changes.ended]
        self.sounding.append({TABLE.labels[i] for i in np.flatnonzero(self.episodes.sounding)})

    def finish(self) -> None:
        self.ended += [(self.t, episode) for episode in self.episodes.finish(self.t)]


def hear(label: str, *values: float, strictness: str = "balanced") -> Heard:
    heard = Heard(strictness)
    for value in values:
        heard.step(**{label: value})
    return heard


def test_n_of_m_windows_start_a_sound_at_the_first_that_counted() -> None:
    heard = hear("rain", 0.0, 0.6, 0.0, 0.7)
    assert heard.started == [(1.6, Episode("id-1", "rain", pytest.approx(0.7, abs=1e-4), onset=0.4))]


def test_windows_that_are_too_far_apart_do_not_count() -> None:
    assert hear("rain", 0.6, 0.0, 0.0, 0.6, 0.0, 0.0, 0.6).started == []


def test_a_score_at_the_threshold_does_not_count() -> None:
    assert hear("knock", 0.5, 0.5).started == []


def test_a_sound_ends_after_its_hold_and_lasts_until_it_was_last_heard() -> None:
    heard = hear("rain", 0.6, 0.8, 0.4, 0.35, 0.0, 0.0, 0.0)
    ((t, episode),) = heard.ended
    assert (t, episode.onset, episode.duration) == (2.4, 0.0, 1.6)
    assert episode.score == pytest.approx(0.8, abs=1e-4)


def test_a_pause_shorter_than_the_hold_is_part_of_the_sound() -> None:
    heard = hear("rain", 0.6, 0.6, 0.0, 0.4, 0.0, 0.6)
    assert (len(heard.started), heard.ended) == (1, [])


def test_an_ended_sound_starts_anew_only_with_new_sound() -> None:
    heard = hear("knock", 0.6, 0.0, 0.0, 0.6)
    assert [t for t, _ in heard.started] == [0.4, 1.6]


def test_each_label_counts_its_own_number_of_windows() -> None:
    assert hear("cough", 0.6, 0.0, 0.6).started == []


def test_windows_that_an_ended_sound_left_behind_start_nothing() -> None:
    heard = hear("door", 0.6, 0.0, 0.0, 0.0)
    assert [t for t, _ in heard.started] == [0.4]
    assert [t for t, _ in heard.ended] == [0.8]


def test_the_next_sound_of_a_label_begins_with_a_window_of_its_own() -> None:
    heard = hear("door", 0.9, 0.0, 0.6)
    assert [(e.onset, round(e.score, 1)) for _, e in heard.started] == [(0.0, 0.9), (0.8, 0.6)]


def test_a_pattern_does_not_reach_back_into_the_last_episode() -> None:
    heard = hear("smoke_alarm", 0.6, 0.6, 0.6, 0.0, 0.0)
    heard.step(FakeMatch("smoke_alarm", onset_seconds_ago=9.0))
    assert [(e.onset, e.by_pattern) for _, e in heard.started] == [(0.0, False), (1.2, True)]


def test_the_end_of_a_stream_ends_what_is_open() -> None:
    heard = hear("rain", 0.6, 0.6, 0.2)
    heard.finish()
    assert [(e.label, e.duration) for _, e in heard.ended] == [("rain", 0.8)]
    heard.step(rain=0.6)
    assert len(heard.started) == 1, "windows from before the end must not count"


def test_a_pattern_alone_is_an_episode_until_its_matches_stop() -> None:
    heard = Heard()
    for chunk in range(40):
        heard.step(*([FakeMatch("smoke_alarm")] if chunk in (9, 19) else []))
    ((started, first),) = heard.started
    ((ended, last),) = heard.ended
    assert (started, first.onset, first.by_pattern) == (4.0, 1.0, True)
    assert (ended, last.duration, last.score) == (13.2, 7.0, 0.9)


def test_an_alarm_heard_by_tagger_and_pattern_is_one_episode() -> None:
    heard = hear("smoke_alarm", 0.6, 0.6, 0.6)
    heard.step(FakeMatch("smoke_alarm", score=0.95), smoke_alarm=0.6)
    for _ in range(3):
        heard.step()
    assert [(e.by_pattern, e.onset) for _, e in heard.started] == [(False, 0.0)]
    assert heard.ended == [], "the pattern keeps it on beyond its hold"
    heard.finish()
    assert [(e.by_pattern, e.score) for _, e in heard.ended] == [(True, 0.95)]


@pytest.mark.parametrize("strictness", STRICTNESS_STEPS)
def test_no_strictness_weakens_an_alarm_pattern(strictness: str) -> None:
    heard = Heard(strictness)
    heard.step(FakeMatch("co_alarm", score=0.01))
    assert [e.label for _, e in heard.started] == ["co_alarm"]


def test_urgent_only_lets_what_sounds_fade() -> None:
    heard = hear("rain", 0.6, 0.6)
    heard.strictness = "urgent_only"
    for _ in range(3):
        heard.step(rain=0.9)
    assert [e.label for _, e in heard.ended] == ["rain"]


def test_a_test_starts_beside_the_real_sound_and_never_merges() -> None:
    heard = hear("smoke_alarm", 0.6, 0.6)
    assert heard.episodes.test("smoke_alarm")
    assert heard.episodes.test(None)
    for _ in range(6):
        heard.step(smoke_alarm=0.6)
    assert [(e.label, e.test) for _, e in heard.started] == [
        ("smoke_alarm", False), ("smoke_alarm", True), (TEST_LABEL, True),
    ]  # fmt: skip
    assert [(e.label, e.test, e.duration) for _, e in heard.ended] == [
        ("smoke_alarm", True, TEST_SECONDS), (TEST_LABEL, True, TEST_SECONDS),
    ]  # fmt: skip


def test_a_real_sound_starts_beside_a_test() -> None:
    heard = Heard()
    heard.episodes.test("smoke_alarm")
    heard.step(smoke_alarm=0.6)
    heard.step(smoke_alarm=0.6)
    assert [e.test for _, e in heard.started] == [True, False]
    heard.finish()
    assert sorted(e.test for _, e in heard.ended) == [False, True]


def test_a_second_test_of_a_label_waits_for_the_first() -> None:
    heard = Heard()
    assert heard.episodes.test(None)
    assert not heard.episodes.test(None)
    heard.step()
    assert not heard.episodes.test(TEST_LABEL)
    for _ in range(5):
        heard.step()
    assert heard.episodes.test(None)


# ---------------------------------------------------------------- properties

STEPS = st.fixed_dictionaries(
    {
        "rain": st.sampled_from([0.0, 0.2, 0.4, 0.6, 0.9]),
        "knock": st.sampled_from([0.0, 0.4, 0.6]),
        "smoke_alarm": st.sampled_from([0.0, 0.4, 0.6]),
        "match": st.sampled_from([None, None, None, None, 0.0, 3.0, 9.0]),
        "test": st.sampled_from([False, False, False, True]),
    }
)
STREAMS = st.lists(STEPS, max_size=60)


def drive(stream: list[dict[str, float]], strictness: str = "balanced") -> Heard:
    heard = Heard(strictness)
    for step in stream:
        if step["test"]:
            heard.episodes.test("rain")
        ago = step["match"]
        matches = [] if ago is None else [FakeMatch("smoke_alarm", onset_seconds_ago=ago)]
        heard.step(*matches, rain=step["rain"], knock=step["knock"], smoke_alarm=step["smoke_alarm"])
    return heard


@settings(deadline=None)
@given(STREAMS)
def test_every_episode_starts_once_and_ends_once(stream: list[dict[str, float]]) -> None:
    heard = drive(stream)
    heard.finish()
    starts = {e.id: (t, e) for t, e in heard.started}
    ends = {e.id: (t, e) for t, e in heard.ended}
    assert len(starts) == len(heard.started)
    assert len(ends) == len(heard.ended)
    assert starts.keys() == ends.keys()
    for id_, (t, start) in starts.items():
        t_end, end = ends[id_]
        assert end.duration is not None
        assert (start.label, start.onset, start.test, start.duration) == (end.label, end.onset, end.test, None)
        assert 0.0 <= start.onset < t <= t_end
        assert 0.0 < end.duration <= t_end - start.onset + 1e-6
        assert end.score >= start.score


@settings(deadline=None)
@given(STREAMS)
def test_real_episodes_of_a_label_follow_one_another(stream: list[dict[str, float]]) -> None:
    heard = drive(stream)
    heard.finish()
    for label in ("rain", "knock", "smoke_alarm"):
        real = [e for _, e in heard.ended if e.label == label and not e.test]
        spans = [(e.onset, e.onset + (e.duration or 0.0)) for e in sorted(real, key=lambda e: int(e.id[3:]))]
        assert all(end <= onset + 1e-6 for (_, end), (onset, _) in pairwise(spans))


@settings(deadline=None)
@given(STREAMS)
def test_a_stricter_step_never_hears_more(stream: list[dict[str, float]]) -> None:
    order = ["paranoid", "sensitive", "balanced", "strict"]
    sounding = [drive(stream, step).sounding for step in order]
    for lax, strict in pairwise(sounding):
        assert all(fewer <= more for fewer, more in zip(strict, lax, strict=True))


@settings(deadline=None)
@given(STREAMS)
def test_tests_change_nothing_for_real_sounds(stream: list[dict[str, float]]) -> None:
    with_tests, without = drive(stream), drive([{**step, "test": False} for step in stream])
    assert with_tests.sounding == without.sounding
    real = [(t, e.label, e.onset) for t, e in with_tests.started if not e.test]
    assert real == [(t, e.label, e.onset) for t, e in without.started]


def undecided(chunks: int, answer: Refusal | None = None) -> Heard:
    """Nobody knows for so many chunks whether a label may start; then that is the answer."""
    heard, asked = Heard(), count()
    waits = Refusal("not sure", undecided=True)
    heard.episodes.may_start = lambda label: waits if next(asked) < chunks else answer
    return heard


def test_what_is_undecided_starts_later_even_if_it_is_over_and_begins_where_it_began() -> None:
    heard = undecided(2)
    for value in (0.0, 0.9, 0.0, 0.0, 0.0):
        heard.step(knock=value)
    ((t, started),) = heard.started
    assert (t, started.onset, started.score) == (1.6, 0.4, 0.9)
    ((t, ended),) = heard.ended
    assert (t, ended.id, ended.onset, ended.duration) == (1.6, started.id, 0.4, 0.4)


def test_what_is_undecided_and_goes_on_is_one_episode() -> None:
    heard = undecided(2)
    for value in (0.6, 0.7, 0.9, 0.8, 0.0):
        heard.step(knock=value)
    ((_, ended),) = heard.ended
    assert (len(heard.started), ended.onset, ended.duration, ended.score) == (1, 0.0, 1.6, 0.9)


@pytest.mark.parametrize("what", ["refused", "strictness", "end"])
def test_what_is_undecided_may_never_start(what: str) -> None:
    heard = undecided(2 if what == "refused" else 3, Refusal("told wrong") if what == "refused" else None)
    heard.step(knock=0.9)
    heard.strictness = "urgent_only" if what == "strictness" else "balanced"
    if what == "end":
        heard.finish()
    for _ in range(3):
        heard.step()
    heard.strictness = "balanced"
    for _ in range(5):
        heard.step()
    assert heard.started == []
