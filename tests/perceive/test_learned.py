"""What a room was taught: heard like any sound, beside the tagger; and what was told wrong does not start again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import count

import numpy as np
import pytest
from ears import FakePatterns, table
from taught_scene import again, lesson, quiet

from listener.bench.synthesis import at_level, white_noise
from listener.errors import PerceiveError
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.common_sounds import common_sounds, load_common
from listener.perceive.sounds.embeddings import Embedder, SenseStream, pack, vectors
from listener.perceive.sounds.episodes import Changes, Refusal
from listener.perceive.sounds.following import MOST_CHUNKS, Following
from listener.perceive.sounds.learned import Learned
from listener.perceive.sounds.own_tagger import OwnTagger
from listener.perceive.sounds.own_tagger_model import load_own
from listener.perceive.sounds.prototypes import LEAST_GAP
from listener.perceive.sounds.taught import (
    NARROW_GAP,
    TaughtScorer,
    _warnings,
    assess,
    label_of,
    prototype_of,
    takes_in,
    taught_sound,
)
from listener.perceive.sounds.wrong import Wrong
from listener.perceive.sounds.yamnet import YamnetStream
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, Attend, Chunk, Episode, Know, OwnVoice, Percept, Samples, SetStrictness
from listener.types.taught import Correction, Embedding, Knowledge, TaughtSound
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS


@cache
def embedder() -> Embedder:
    return Embedder()


def chunks(sound: Samples) -> list[Chunk]:
    return [Chunk(sound[i * CHUNK_SAMPLES : (i + 1) * CHUNK_SAMPLES], i) for i in range(len(sound) // CHUNK_SAMPLES)]


@cache
def washing_machine() -> TaughtSound:
    stream = SenseStream(embedder())
    takes, background, messages = takes_in([stream.sense(chunk) for chunk in chunks(lesson())])
    assert messages == []
    return taught_sound("Washer is done", SOUND_LABELS, takes, background)


class Room:
    """A room whose tagger is our own one, with ids that count."""

    def __init__(self, protected: Sequence[str] = URGENT_LABELS, tagger: bool = True) -> None:
        names = count()
        self.learned = Learned("kitchen", embedder(), lambda: f"id{next(names)}", protected)
        self.tagger = own_tagger() if tagger else None
        self.room = RoomPerceiver(
            *("kitchen", table(), "balanced"),
            patterns=lambda: FakePatterns({}),
            pattern_hold_seconds={},
            new_id=lambda: f"id{next(names)}",
            learned=self.learned,
        )

    def know(self, *sounds: TaughtSound, wrong: Sequence[Correction] = ()) -> None:
        self.room.apply(Know(Knowledge(tuple(sounds), tuple(wrong))))

    def hear(self, sound: Samples, first: int = 0) -> list[Percept]:
        return [self.room.perceive(replace(chunk, index=first + chunk.index), None) for chunk in chunks(sound)]


@cache
def own_tagger() -> OwnTagger:
    return OwnTagger(load_own())


def of(percepts: Sequence[Percept], label: str) -> list[Episode]:
    return [episode for percept in percepts for episode in percept.started if episode.label == label]


def test_a_sound_is_taught_by_five_takes_and_known_again() -> None:
    sound = washing_machine()
    assert (sound.label, len(sound.takes)) == ("washer_is_done", 5)
    assert assess(sound).refusal is None
    room = Room()
    room.know(sound)
    percepts = room.hear(again())
    (started,) = of(percepts, "washer_is_done")
    (ended,) = [episode for percept in percepts for episode in percept.ended]
    assert ended.id == started.id
    assert 1.0 < started.onset < 3.5
    assert len(started.embeddings) == 1
    assert 1 < len(ended.embeddings) <= 4
    assert max(line.score for p in percepts for line in p.hearing if line.label == "washer_is_done") > 0.5


def test_quiet_and_other_sounds_are_not_taken_for_it() -> None:
    room = Room()
    room.know(washing_machine())
    noise = at_level(white_noise(np.random.default_rng(3), 6.0), -12.0)
    assert of([*room.hear(quiet(4.0)), *room.hear(noise, 10)], "washer_is_done") == []


def test_it_is_not_heard_before_it_is_taught_nor_when_it_is_forgotten_nor_while_we_speak() -> None:
    room = Room()
    assert of(room.hear(again()), "washer_is_done") == []
    room.know(washing_machine())
    room.room.apply(OwnVoice("hello"))
    assert of(room.hear(again(), 20), "washer_is_done") == []
    room.room.apply(OwnVoice(None))
    assert of(room.hear(again(), 60), "washer_is_done") != []
    room.know()
    assert of(room.hear(again(), 100), "washer_is_done") == []


def test_of_many_lessons_that_wait_only_the_last_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody presses "that was wrong" five hundred times; each takes up to 30 ms."""
    room, sound = Room(), washing_machine()
    taken_up: list[Knowledge] = []
    know = room.learned.know
    monkeypatch.setattr(room.learned, "know", lambda knowledge: (taken_up.append(knowledge), know(knowledge))[1])
    for _ in range(500):
        room.know(sound)
    room.know(sound, sound)
    room.hear(quiet(0.8))
    assert [len(knowledge.sounds) for knowledge in taken_up] == [2]


def test_what_sounds_ends_when_it_is_forgotten() -> None:
    room = Room()
    room.know(washing_machine())
    percepts = room.hear(again()[: 12 * CHUNK_SAMPLES])
    (started,) = of(percepts, "washer_is_done")
    room.know()
    (percept,) = room.hear(quiet(0.4), 12)
    assert [episode.id for episode in percept.ended] == [started.id]
    assert percept.ended[0].duration is not None


def test_what_sounds_ends_with_the_recording() -> None:
    room = Room()
    room.know(washing_machine())
    room.hear(again()[: 12 * CHUNK_SAMPLES])
    (ended,) = room.room.finish(4.8).ended
    assert (ended.label, ended.duration is not None) == ("washer_is_done", True)
    assert room.room.finish(4.8).ended == ()


def test_urgent_only_leaves_it_out() -> None:
    room = Room()
    room.know(washing_machine())
    room.room.apply(SetStrictness("urgent_only"))
    percepts = room.hear(again())
    assert of(percepts, "washer_is_done") == []
    assert any("urgent sounds only" in (line.reason or "") for p in percepts for line in p.hearing)


def test_a_lesson_has_the_senses_of_every_chunk_and_only_then() -> None:
    room = Room()
    room.room.apply(Attend(True))
    stream = SenseStream(embedder())
    heard = chunks(again())[:4]
    assert [p.sense for p in room.hear(again()[: 4 * CHUNK_SAMPLES])] == [stream.sense(chunk) for chunk in heard]
    room.room.apply(Attend(False))
    assert [p.sense for p in room.hear(quiet(0.8), 4)] == [None, None]


def test_ordinary_life_is_offered_once_a_minute_where_sounds_were_taught() -> None:
    room = Room()
    room.know(washing_machine())
    percepts = room.hear(quiet(125.0))
    assert [p.t for p in percepts if p.ordinary] == [60.0, 120.0]


def correction(episode: Episode, label: str = "") -> Correction:
    return Correction(
        "c1", episode.id, "kitchen", label or episode.label, "2026-11-23T10:00:00+00:00", episode.embeddings
    )


def heard_wrong() -> Episode:
    room = Room()
    room.know(washing_machine())
    return next(e for p in room.hear(again()) for e in p.ended if e.label == "washer_is_done")


def test_an_alike_episode_does_not_start_and_hearing_says_why(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    told = correction(heard_wrong())
    wrong = Wrong((told,), (), load_common())
    point = vectors(told.embeddings)[0]
    refusal = Refusal(f"suppressed: like {told.episode}, told wrong on 2026-11-23")
    assert wrong.refusal("washer_is_done", point, 4.0) == refusal
    assert wrong.refusal("washer_is_done", point, 4.4) == refusal
    assert wrong.suppressed == 1
    assert wrong.refusal("washer_is_done", point, 20.0) == refusal
    assert wrong.suppressed == 2
    assert wrong.refusal("door", point, 4.0) is None


def test_what_is_not_alike_starts_when_its_third_chunk_is_not_either() -> None:
    told = correction(heard_wrong())
    wrong = Wrong((told,), (), load_common())
    point = vectors(told.embeddings)[0]
    for begin in (40.0, 60.0):
        first, second = (wrong.refusal("washer_is_done", -point, begin + n) for n in (0.0, 0.4))
        assert first is not None
        assert (first.undecided, first) == (True, second)
        assert wrong.refusal("washer_is_done", -point, begin + 0.8) is None
    assert wrong.refusal("washer_is_done", -point, 80.0) is not None
    suppressed = wrong.refusal("washer_is_done", point, 80.4)
    assert suppressed is not None
    assert not suppressed.undecided
    assert wrong.suppressed == 1


def test_a_protected_label_is_never_suppressed() -> None:
    told = correction(heard_wrong(), "smoke_alarm")
    wrong = Wrong((told,), URGENT_LABELS, load_common())
    assert wrong.refusal("smoke_alarm", vectors(told.embeddings)[0], 1.0) is None


def test_what_another_network_made_is_of_no_use_and_said_so(caplog: pytest.LogCaptureFixture) -> None:
    def foreign(one: Embedding) -> Embedding:
        return Embedding("f" * 64, one.vector)

    sound = washing_machine()
    takes = tuple(replace(take, embeddings=tuple(map(foreign, take.embeddings))) for take in sound.takes)
    old = replace(sound, takes=takes)
    told = replace(correction(heard_wrong()), embeddings=(foreign(sound.takes[0].embeddings[0]),))
    quality = assess(old)
    assert quality.refusal is not None
    assert "teach it again" in quality.refusal
    room = Room()
    room.know(old, wrong=[told])
    assert of(room.hear(again()), "washer_is_done") == []
    assert "washer_is_done was taught with another network than this version's: teach it again" in caplog.text
    assert "1 corrections were made with another network" in caplog.text


def test_a_sound_that_is_taught_already_is_refused() -> None:
    twin = replace(washing_machine(), label="dryer", name="Dryer")
    quality = assess(twin, (washing_machine(),))
    assert (quality.nearest, quality.refusal is not None) == ("washer_is_done", True)
    assert assess(twin, (replace(washing_machine(), rooms=("cellar",)),)).refusal is not None
    apart = replace(twin, rooms=("attic",))
    assert assess(apart, (replace(washing_machine(), rooms=("cellar",)),)).refusal is None


@pytest.mark.parametrize(("label", "refused"), [("dog_bark", True), ("appliance_beep", False)])
def test_a_sound_that_has_a_label_of_its_own_already_is_refused(label: str, refused: bool) -> None:
    quality = assess(washing_machine(), (), [{label: 0.9}] * 4 + [{}])
    assert (quality.refusal is not None) == refused
    assert label in " ".join((quality.refusal or "", *quality.warnings))
    assert assess(washing_machine(), (), [{label: 0.9}] * 2 + [{}] * 3).refusal is None


def test_a_sound_that_cannot_be_told_from_recordings_of_a_label_is_refused_with_that_label() -> None:
    sound, common = washing_machine(), load_common()
    theirs = vectors([one for take in sound.takes for one in take.embeddings])
    near = common_sounds(common.others, common.network, common.alike, theirs, [("music", 3)] * (len(theirs) // 3))
    quality = assess(sound, common=near)
    assert quality.nearest == "music"
    assert (quality.refusal or "").startswith("it sounds too much like music: recordings of that are as near")
    said = assess(sound, heard_as=[{"dog_bark": 0.9}] * 5, common=near).refusal or ""
    assert "music" in said
    assert assess(sound, common=replace(near, recordings=replace(near.recordings, points=-near.recordings.points))) == (
        replace(quality, nearest="", refusal=None, found=5, false_seconds=0.0)
    )


def test_who_teaches_a_sound_that_stands_out_little_is_warned() -> None:
    made = prototype_of(washing_machine(), (), load_common())
    assert made is not None
    assert _warnings(made, "") == ()
    (warning,) = _warnings(replace(made, gap=(LEAST_GAP + NARROW_GAP) / 2), "")
    assert warning.startswith("it stands out little from other sounds")
    assert len(_warnings(replace(made, gap=LEAST_GAP), "music")) == 2


def test_takes_that_have_nothing_in_common_are_refused() -> None:
    rng = np.random.default_rng(4)
    width = vectors(washing_machine().takes[0].embeddings).shape[1]
    takes = tuple(
        replace(take, embeddings=(pack(rng.standard_normal(width).astype(np.float32)),))
        for take in washing_machine().takes
    )
    quality = assess(replace(washing_machine(), takes=takes))
    assert (quality.refusal or "").startswith("the takes differ too much: only")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("🔔", "no letters"),
        ("2nd gate", "begins with a digit"),
        ("x" * 41, "too long"),
        ("Dog Bark", "dog_bark already"),
        ("test", "test already"),
    ],
)
def test_names_that_cannot_be_labels_are_refused(name: str, words: str) -> None:
    with pytest.raises(PerceiveError, match=words):
        label_of(name, SOUND_LABELS)


def test_too_few_takes_are_refused() -> None:
    with pytest.raises(PerceiveError, match="2 takes; 3 to 20 are needed"):
        taught_sound("Gate", (), washing_machine().takes[:2], ())


def test_what_an_episode_sounded_like_is_spread_over_its_length_and_ends_with_it() -> None:
    following = Following()
    rows = [np.full(4, float(n), np.float32) for n in range(12)]
    (begun,) = following.begin(0.4, [Episode("a", "door", 0.9, 0.0)], rows[0])
    assert begun.embeddings == (pack(rows[0]),)
    for n in range(1, 12):
        following.hear(round(0.4 * (n + 1), 3), rows[n])
    (ended,) = following.end([replace(begun, duration=2.8)])
    assert ended.embeddings == tuple(pack(rows[n]) for n in (0, 2, 4, 6))
    assert not following


def test_of_what_sounds_for_long_only_the_beginning_is_listened_to() -> None:
    following = Following()
    following.begin(0.4, [Episode("a", "rain", 0.9, 0.0)], np.zeros(4, np.float32))
    for n in range(1, MOST_CHUNKS):
        assert following
        following.hear(0.4 * (n + 1), np.zeros(4, np.float32))
    assert not following
    following.begin(60.0, [Episode("b", "door", 0.9, 60.0)], np.zeros(4, np.float32))
    assert following


@pytest.mark.parametrize("spared", [False, True])
def test_where_work_is_spared_no_network_runs_to_remember_an_episode(spared: bool) -> None:
    learned = Learned("kitchen", embedder(), lambda: "a")
    beside = YamnetStream(np.zeros((96, 64), np.float32))
    spectrum = Spectrum()
    episode = Episode("a", "door", 0.9, 0.4)
    for n in range(4):
        learned.hear(0.4 * (n + 1), spectrum.step(quiet(0.4)), beside, spare=spared)
        if n == 1:
            (begun,) = learned.noted(Changes((episode,), ())).started
            assert bool(begun.embeddings) != spared
        else:
            learned.noted(Changes())
    (ended,) = learned.noted(Changes((), (replace(episode, duration=0.8),))).ended
    assert len(ended.embeddings) == (0 if spared else 2)


def test_embeddings_that_no_network_makes_do_no_harm() -> None:
    """The state folder's file may hold anything: wrong lengths, infinities."""
    sound = washing_machine()
    network = sound.takes[0].embeddings[0].network
    bad = (Embedding(network, b"ab" * 7), Embedding(network, b"\x00\x7c" * load_common().width))
    broken = replace(sound, takes=(*sound.takes, replace(sound.takes[0], embeddings=bad)), background=bad)
    assert assess(broken).takes == 5
    room = Room()
    room.know(broken, wrong=[replace(correction(heard_wrong()), embeddings=bad)])
    assert of(room.hear(again()), "washer_is_done") != []
    assert TaughtScorer((sound,)).scores(bad[0]) == {}
