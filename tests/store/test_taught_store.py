"""Taught sounds, corrections and episodes on disk."""

import base64
import json
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from listener.errors import StoreError
from listener.perceive.sounds.taught import MOST_BACKGROUND
from listener.store import taught
from listener.store.taught import MAX_CORRECTIONS, MAX_EPISODES, MAX_ORDINARY, MAX_SOUNDS, TaughtStore
from listener.types.taught import Embedding, HeardEpisode, Take, TaughtSound

NETWORK = "a" * 64
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def embedding(number: int = 1) -> Embedding:
    return Embedding(NETWORK, number.to_bytes(2, "little") * 4)


def sound(label: str = "washer", **fields: Any) -> TaughtSound:
    takes = tuple(Take((embedding(n),), 0.8, -20.0, n, n + 0.8) for n in range(5))
    return replace(TaughtSound(label, label.title(), takes, (embedding(9),), (), "2026-11-23T12:00:00Z"), **fields)


def episode(number: int = 1, room: str = "kitchen", label: str = "door", at: datetime = NOW) -> HeardEpisode:
    return HeardEpisode(f"e{number}", room, label, at.isoformat(), (embedding(number),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "taught.json"


@pytest.fixture
def store(path: Path) -> TaughtStore:
    return TaughtStore(path, lambda: NOW)


def test_everything_survives_a_restart(store: TaughtStore, path: Path) -> None:
    store.put(sound(rooms=("kitchen",)))
    store.note(episode())
    store.add_ordinary("kitchen", [embedding(7)])
    correction, words = store.correct("e1", was="washer")
    assert words == (
        "sounds like this one are not reported as door in kitchen any more; it is an example of washer from now on"
    )
    assert store.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = TaughtStore(path, lambda: NOW)
    assert again.sounds == store.sounds
    assert len(again.sounds[0].takes) == 6
    assert again.corrections == (correction,)
    assert again.last("kitchen") == episode()
    assert again.knowledge("kitchen") == store.knowledge("kitchen")
    assert again.knowledge("kitchen").sounds[0].background == (embedding(9), embedding(7))


def test_a_sound_with_as_much_background_as_a_lesson_keeps_survives_a_restart(store: TaughtStore, path: Path) -> None:
    learnt = sound(background=tuple(embedding(n) for n in range(MOST_BACKGROUND)))
    store.put(learnt)
    assert store.save()
    assert TaughtStore(path, lambda: NOW).sounds == (learnt,)


def test_a_room_knows_its_own_sounds_and_corrections_only(store: TaughtStore) -> None:
    store.put(sound())
    store.put(sound("gate", rooms=("garden",)))
    store.note(episode())
    store.correct("e1")
    assert [one.label for one in store.knowledge("garden").sounds] == ["washer", "gate"]
    assert store.knowledge("garden").corrections == ()
    assert [one.label for one in store.knowledge("kitchen").sounds] == ["washer"]
    assert len(store.knowledge("kitchen").corrections) == 1


def test_a_correction_is_undone_with_the_example_that_it_gave(store: TaughtStore) -> None:
    store.put(sound())
    store.note(episode(42))
    correction, _ = store.correct("e42", was="washer")
    assert store.undo(correction.id) == correction
    assert store.corrections == ()
    assert store.sounds == (sound(),)
    with pytest.raises(StoreError, match="no correction is called"):
        store.undo(correction.id)


def test_said_again_it_replaces_what_was_said_before(store: TaughtStore) -> None:
    store.put(sound())
    store.note(episode(42))
    store.correct("e42", was="washer")
    store.correct("e42")
    assert [(one.episode, one.was) for one in store.corrections] == [("e42", "")]
    assert store.sounds == (sound(),)


def test_a_known_label_gets_no_example(store: TaughtStore) -> None:
    store.note(episode())
    correction, words = store.correct("e1", was="knock")
    assert (correction.was, correction.added_take) == ("knock", False)
    assert "example" not in words


def test_what_cannot_be_corrected_says_why(store: TaughtStore) -> None:
    store.note(replace(episode(), embeddings=()))
    for number, was, words in ((2, "", "no episode e2 of the last 7 days"), (1, "", "by its pattern")):
        with pytest.raises(StoreError, match=words):
            store.correct(f"e{number}", was)
    store.note(episode(3))
    with pytest.raises(StoreError, match="it was reported as door"):
        store.correct("e3", "door")


def test_corrections_are_bounded_and_the_oldest_goes(store: TaughtStore) -> None:
    for number in range(MAX_CORRECTIONS + 1):
        store.note(episode(number))
        _, words = store.correct(f"e{number}")
    assert len(store.corrections) == MAX_CORRECTIONS
    assert "the oldest of 200 corrections was forgotten" in words
    assert store.corrections[0].episode == f"e{MAX_CORRECTIONS}"
    assert store.corrections[-1].episode == "e1"


def test_episodes_are_bounded_in_number_and_in_days(store: TaughtStore) -> None:
    store.note(episode(0, at=NOW - timedelta(days=8)))
    assert store.last("kitchen") is None
    for number in range(MAX_EPISODES + 5):
        store.note(episode(number))
    assert store.episode("e4") is None
    assert store.episode("e5") is not None


def test_an_episode_that_ends_is_still_the_one_that_started(store: TaughtStore) -> None:
    store.note(episode(1))
    store.note(episode(2))
    store.note(replace(episode(1, at=NOW + timedelta(seconds=3)), embeddings=(embedding(1), embedding(5))))
    heard = store.episode("e1")
    assert heard is not None
    assert (heard.started_at, len(heard.embeddings)) == (NOW.isoformat(), 2)


def test_ordinary_life_that_is_not_kept_is_no_change(store: TaughtStore) -> None:
    offered = [store.add_ordinary("kitchen", [embedding(n)]) for n in range(20 * MAX_ORDINARY)]
    assert all(offered[:MAX_ORDINARY])
    assert 0 < sum(offered[MAX_ORDINARY:]) < 6 * MAX_ORDINARY  # 60 (1/61 + … + 1/1200): 179


def test_ordinary_life_is_a_bounded_sample(store: TaughtStore) -> None:
    store.put(sound(background=()))
    for number in range(1_000):
        store.add_ordinary("kitchen", [embedding(number)])
    kept = store.knowledge("kitchen").sounds[0].background
    assert len(kept) == MAX_ORDINARY
    assert len({*kept} & {embedding(n) for n in range(MAX_ORDINARY)}) < MAX_ORDINARY / 2


def test_sounds_are_renamed_and_forgotten_with_their_corrections(store: TaughtStore) -> None:
    store.put(sound())
    store.note(episode(1, label="washer"))
    store.correct("e1")
    assert store.rename("washer", "Dryer", "dryer").name == "Dryer"
    assert [one.label for one in store.sounds] == ["dryer"]
    assert [one.label for one in store.corrections] == ["dryer"]
    assert store.forget("dryer").label == "dryer"
    assert (store.sounds, store.corrections) == ((), ())
    with pytest.raises(StoreError, match="no taught sound is called dryer; there are: none"):
        store.forget("dryer")


def test_a_sound_that_is_taught_again_is_not_suppressed_by_what_was_said_of_the_old_one(store: TaughtStore) -> None:
    store.put(sound(rooms=("kitchen",)))
    store.note(episode(1, label="washer"))
    store.note(episode(2, label="door"))
    store.correct("e1")
    store.correct("e2")
    store.put(sound(rooms=("hall",)))
    assert [one.label for one in store.corrections] == ["door"]
    assert store.sounds[0].rooms == ("kitchen", "hall"), "taught in two rooms, it is listened for in both"
    store.put(sound())
    assert store.sounds[0].rooms == ()
    store.put(sound(rooms=("hall",)))
    assert store.sounds[0].rooms == (), "all rooms are all rooms"


def test_what_was_heard_before_a_rename_can_be_wrong_after_it(store: TaughtStore) -> None:
    store.put(sound())
    store.note(episode(1, label="washer"))
    store.rename("washer", "Dryer", "dryer")
    assert store.correct("e1")[0].label == "dryer"
    store.forget("dryer")
    with pytest.raises(StoreError, match="no episode e1"):
        store.correct("e1")


def test_everyday_life_goes_with_the_last_sound_of_a_room(store: TaughtStore) -> None:
    for label, rooms in (("washer", ("kitchen",)), ("gate", ("kitchen", "hall"))):
        store.put(sound(label, rooms=rooms))
    for room in ("kitchen", "hall"):
        store.add_ordinary(room, [embedding(7)])
    store.forget("gate")
    assert store.knowledge("kitchen").sounds[0].background == (embedding(9), embedding(7))
    store.put(sound("gate", rooms=("hall",)))
    assert store.knowledge("hall").sounds[0].background == (embedding(9),)


def test_a_sound_that_was_changed_meanwhile_is_not_put_back(store: TaughtStore) -> None:
    store.put(sound())
    (before,) = store.sounds
    assert store.put_heard_again(before, before.takes[:3])
    assert len(store.sounds[0].takes) == 3
    assert not store.put_heard_again(before, before.takes)
    store.forget("washer")
    assert not store.put_heard_again(before, before.takes)
    assert store.sounds == ()


def test_who_only_looks_sets_nothing_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\0\1")
    with pytest.raises(StoreError, match="the daemon sets it aside"):
        TaughtStore(path, owner=False)
    assert path.read_bytes() == b"\0\1"
    assert TaughtStore(path).set_aside


def test_a_taken_name_and_too_many_sounds_are_refused(store: TaughtStore) -> None:
    for number in range(MAX_SOUNDS):
        store.put(sound(f"sound_{number}"))
    store.put(sound("sound_0", name="Anew"))
    with pytest.raises(StoreError, match="50 sounds are taught"):
        store.put(sound("one_more"))
    with pytest.raises(StoreError, match="sound_1 already"):
        store.rename("sound_0", "Sound 1", "sound_1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no valid JSON"),
        ("[]", "is no mapping"),
        ('{"version": 9}', "has version 9"),
    ],
)
def test_a_file_that_is_none_is_set_aside(path: Path, text: str, words: str, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_text(text)
    assert TaughtStore(path).sounds == ()
    assert words in caplog.text
    assert "it was set aside as taught.json." in caplog.text
    assert not path.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"label": "../../etc"},
        {"label": "A b"},
        {"name": "x" * 300},
        {"name": "a\nb"},
        {"takes": [{}]},
        {"takes": {"a": 1}},
        {"rooms": ["../up"]},
        {"background": [[NETWORK, "no base64"]]},
        {"background": [[NETWORK, base64.b64encode(b"odd").decode()]]},
        {"background": [["f" * 63, "AAAA"]]},
        {"background": [[NETWORK, base64.b64encode(bytes(5_000)).decode()]]},
        {"taught_at": None},
    ],
)
def test_a_sound_that_makes_no_sense_is_left_out_and_the_others_stay(
    store: TaughtStore, path: Path, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    store.put(sound())
    store.put(sound("gate"))
    store.save()
    data = json.loads(path.read_text())
    data["sounds"][0] |= change
    path.write_text(json.dumps(data))
    again = TaughtStore(path)
    assert [one.label for one in again.sounds] == ["gate"]
    assert "sounds 0: " in caplog.text


def test_a_recording_s_name_leads_nowhere_else(store: TaughtStore, path: Path) -> None:
    store.put(sound())
    store.save()
    data = json.loads(path.read_text())
    data["sounds"][0]["takes"][0]["audio"] = "../../secret.wav"
    path.write_text(json.dumps(data))
    assert TaughtStore(path).sounds == ()


@pytest.mark.parametrize("rubbish", [None, 3, [[]], ["x"], [{"id": 1}]])
def test_lists_that_are_none_are_ignored(path: Path, rubbish: Any) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1, "corrections": rubbish, "episodes": rubbish, "ordinary": rubbish}))
    store = TaughtStore(path)
    assert (store.sounds, store.corrections, store.last("kitchen")) == ((), (), None)


def test_a_disk_that_does_not_take_it_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    store = TaughtStore(tmp_path / "state" / "taught.json")
    store.put(sound())
    assert not store.save()
    assert not store.save()
    assert store.warning is not None
    assert caplog.text.count("cannot be saved") == 1
    (tmp_path / "state").unlink()
    assert store.save()
    assert store.warning is None


def test_the_bounds_are_those_of_the_documents() -> None:
    assert (taught.MAX_CORRECTIONS, taught.MAX_EPISODES, taught.EPISODE_DAYS) == (200, 200, 7.0)
