"""Lessons in rooms: their limits, our own voice in them, rooms that go, and what people say was wrong."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import taught_scene as scene

from listener.app.commands import Attention, room_answers
from listener.app.learning import build_school
from listener.app.lesson import PAUSE_CHUNKS, RoomLesson, sound_of
from listener.app.lessons import Lessons, Links
from listener.app.relearning import relearn
from listener.app.school import School
from listener.app.taught import Taught, made_of
from listener.bench.synthesis import silence
from listener.config import parse
from listener.perceive.sounds.embeddings import Embedder, SenseStream
from listener.perceive.sounds.own_tagger_model import SHA256
from listener.store.taught import TaughtStore
from listener.store.taught_audio import TaughtAudio
from listener.types import (
    CHUNK_SAMPLES,
    Attend,
    Chunk,
    Control,
    CorrectionsReport,
    Episode,
    Know,
    Learn,
    LearningReport,
    Percept,
    Report,
    Say,
    SetLearnName,
    Status,
    StopLearning,
    TaughtReport,
    UndoCorrection,
    Wrong,
)
from listener.types.taught import Embedding, Sense, Take, TaughtSound

SOMETHING = Embedding("0" * 64, np.ones(8, "<f2").tobytes())
SILENCE = np.zeros(CHUNK_SAMPLES, np.float32)


@dataclass
class Rooms:
    """Rooms that only write down what they are told."""

    slugs: Sequence[str] = ("kitchen", "hall")
    told: list[tuple[str, Control]] = field(default_factory=list)

    def apply(self, slug: str, control: Control) -> None:
        self.told.append((slug, control))


@dataclass
class Town:
    """A school, and everything that it says."""

    folder: Path
    rooms: Rooms = field(default_factory=Rooms)
    reports: list[Report] = field(default_factory=list)
    announced: list[Mapping[str, Mapping[str, str]]] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        store, audio = TaughtStore(self.folder / "taught.json"), TaughtAudio(self.folder / "taught")
        self.taught = Taught(store, audio, ("dog_bark", "smoke_alarm"), ("smoke_alarm",))
        self.school = School(
            self.taught, self.reports.append, self.announced.append, lambda slug, key, _: self.said.append((slug, key))
        )
        self.school.open(self.rooms)

    def last(self, kind: type[Report], room: str = "kitchen") -> Report:
        return [r for r in self.reports if isinstance(r, kind) and getattr(r, "room", None) == room][-1]


@pytest.fixture
async def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def chunk(index: int, level_dbfs: float = -60.0) -> tuple[Chunk, Percept]:
    found = Chunk(SILENCE, index)
    sense = Sense(found.t, (level_dbfs,) * 8, clipping=False, embedding=SOMETHING)
    return found, Percept(found.t, level_dbfs, sense=sense)


def episode(identifier: str = "e", label: str = "dog_bark") -> Percept:
    return Percept(1.2, -20.0, started=(Episode(identifier, label, 0.9, 0.8, embeddings=(SOMETHING,)),))


async def test_a_lesson_begins_with_quiet_and_can_be_ended(town: Town) -> None:
    town.school.teach("kitchen", Learn("Gate"))
    assert ("kitchen", Attend(True)) in town.rooms.told
    assert town.said == [("kitchen", "learn_quiet")]
    report = town.last(LearningReport)
    assert (report.state, report.name, report.wanted) == ("be_quiet", "Gate", 5)
    town.school.teach("kitchen", StopLearning())
    assert town.rooms.told[-1] == ("kitchen", Attend(False))
    assert town.last(LearningReport).state == "idle"


async def test_quiet_then_listening(town: Town) -> None:
    town.school.teach("kitchen", Learn("Gate"))
    for index in range(40):
        town.school.heard("kitchen", *chunk(index))
    assert town.last(LearningReport).state == "listening"
    assert town.said == [("kitchen", "learn_quiet"), ("kitchen", "learn_now")]
    town.school.teach("kitchen", StopLearning())


async def test_a_room_says_what_was_no_example(town: Town) -> None:
    town.school.teach("kitchen", Learn("Gate"))
    levels = (
        [-60.0] * 3 + [-20.0] + [-60.0] * 12 + [-55.0] + [-60.0] * 6
    )  # no quiet first; then a sound that is too soft
    for index, level in enumerate(levels):
        town.school.heard("kitchen", *chunk(index, level))
    said = [key for _, key in town.said]
    assert said == ["learn_quiet", "learn_quiet", "learn_now", "learn_louder"]
    town.school.teach("kitchen", StopLearning())


def test_lessons_are_spoken_where_there_is_a_voice(tmp_path: Path) -> None:
    rooms = [{"name": name, "source": {"type": "microphone"}} for name in ("Kitchen", "Hall")]
    rooms[0] |= {"output": "default", "language": "de"}
    config = parse({"rooms": rooms, "voice": {"engine": "espeak"}})
    nobody: Any = None
    attention = Attention(nobody, nobody, room_answers(config), {}, {}, nobody)
    told: list[tuple[str, Control]] = []
    school = build_school(config, tmp_path, attention, lambda _: None, None, lambda *control: told.append(control))
    for slug in ("kitchen", "hall"):
        school.teach(slug, Learn())
        school.teach(slug, Learn("Siren"))
    assert told == [("kitchen", Say("Ich konnte das Geräusch Siren nicht lernen."))]


async def test_a_name_is_set_first_or_given_at_once(town: Town) -> None:
    town.school.teach("kitchen", Learn())
    assert "no name yet" in town.last(LearningReport).detail
    town.school.teach("kitchen", SetLearnName("Gate"))
    town.school.teach("kitchen", Learn())
    assert town.last(LearningReport).name == "Gate"
    town.school.teach("kitchen", StopLearning())


async def test_a_second_lesson_is_declined_and_the_first_goes_on(town: Town) -> None:
    town.school.teach("kitchen", Learn("Gate"))
    for index in range(40):
        town.school.heard("kitchen", *chunk(index))
    before = town.last(LearningReport)
    assert isinstance(before, LearningReport)
    town.school.teach("kitchen", Learn("Other"))
    declined = town.last(LearningReport)
    assert declined == replace(
        before, detail="Other was not begun: Gate is being learnt; end that first (`Stop learning`)"
    )
    town.school.teach("kitchen", Learn())
    assert town.last(LearningReport).detail.startswith("another sound was not begun")
    town.school.teach("kitchen", StopLearning())
    assert town.last(LearningReport).begun_at == before.begun_at
    town.school.teach("kitchen", Learn("Other"))
    assert (town.last(LearningReport).name, town.last(LearningReport).begun_at > before.begun_at) == ("Other", True)
    town.school.teach("kitchen", StopLearning())


async def test_a_known_label_cannot_be_taught(town: Town) -> None:
    town.school.teach("kitchen", Learn("Dog bark"))
    report = town.last(LearningReport)
    assert report.state == "refused"
    assert "dog_bark" in report.detail
    assert not [control for _, control in town.rooms.told if isinstance(control, Attend)]


@pytest.mark.parametrize(("hears", "words"), [(False, "is it muted"), (True, "only 0 examples")])
async def test_a_lesson_does_not_last_for_ever(town: Town, hears: bool, words: str) -> None:
    told = asyncio.Event()
    reports: list[LearningReport] = []

    def tell(report: Report) -> None:
        assert isinstance(report, LearningReport)
        reports.append(report)
        if report.state == "refused":
            told.set()

    lessons = Lessons(town.taught, Links(tell, town.rooms.apply), lambda _slug, _done: None, limit_seconds=0.05)
    lessons.begin("kitchen", "Gate")
    if hears:
        lessons.heard("kitchen", *chunk(0))
    async with asyncio.timeout(10):
        await told.wait()
    assert words in reports[-1].detail
    assert "kitchen" not in lessons


async def test_our_own_voice_is_no_example(town: Town) -> None:
    held = RoomLesson("Gate")
    for index in range(30):
        held.hear(*chunk(index))
    held.speaking = True
    for index in range(30, 34):
        assert held.hear(*chunk(index, -15.0)) is None
    held.speaking = False
    for index in range(34, 34 + PAUSE_CHUNKS - 1):
        assert held.hear(*chunk(index, -15.0)) is None
    for index in range(40, 50):
        held.hear(*chunk(index))
    assert held.lesson.takes == []
    town.school.teach("kitchen", Learn("Gate"))
    town.school.publish(Status(room="kitchen", t=0.4, state="speaking"))
    for index in range(30):
        town.school.heard("kitchen", *chunk(index))
    assert town.last(LearningReport).state == "be_quiet"
    town.school.teach("kitchen", StopLearning())


async def test_a_room_that_begins_anew_goes_on_with_its_lesson(town: Town) -> None:
    assert town.school.controls("kitchen") == ()
    town.school.teach("kitchen", Learn("Gate"))
    assert town.school.controls("kitchen") == (Attend(True),)
    assert town.school.controls("hall") == ()
    town.school.open(Rooms(("hall",)))
    assert town.school.controls("kitchen") == ()


async def test_that_was_wrong(town: Town) -> None:
    town.school.heard("kitchen", *(chunk(0)[0], episode("first")))
    town.school.heard("kitchen", *(chunk(1)[0], episode("second")))
    town.school.teach("kitchen", Wrong("first"))
    report = town.last(CorrectionsReport)
    assert isinstance(report, CorrectionsReport)
    assert (report.count, report.corrections[0].episode, report.corrections[0].label) == (1, "first", "dog_bark")
    assert report.detail
    knowing = [control for slug, control in town.rooms.told if slug == "kitchen" and isinstance(control, Know)]
    assert len(knowing[-1].knowledge.corrections) == 1
    town.school.teach("kitchen", Wrong())
    assert [c.episode for c in town.last(CorrectionsReport).corrections] == ["second", "first"]
    town.school.teach("kitchen", UndoCorrection())
    town.school.teach("kitchen", UndoCorrection(report.corrections[0].id[:8]))
    assert town.last(CorrectionsReport).count == 0
    town.school.teach("kitchen", Wrong("third"))
    assert "nothing was changed" in town.last(CorrectionsReport).detail


async def test_an_urgent_sound_is_noted_with_a_warning(town: Town) -> None:
    town.school.heard("kitchen", *(chunk(0)[0], episode(label="smoke_alarm")))
    town.school.teach("kitchen", Wrong())
    assert "reported all the same unless sounds.learn_urgent" in town.last(CorrectionsReport).detail


async def test_a_test_cannot_have_been_wrong(town: Town) -> None:
    test = Percept(1.2, -20.0, started=(Episode("t", "dog_bark", 1.0, 0.8, test=True),))
    town.school.heard("kitchen", *(chunk(0)[0], test))
    town.school.teach("kitchen", Wrong())
    assert "no sound of this room" in town.last(CorrectionsReport).detail


async def test_what_was_said_is_saved_when_the_daemon_ends(town: Town, tmp_path: Path) -> None:
    running = asyncio.create_task(town.school.run())
    await asyncio.sleep(0)
    town.school.heard("kitchen", *(chunk(0)[0], episode()))
    town.school.teach("kitchen", Wrong())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [c.label for c in TaughtStore(tmp_path / "taught.json").corrections] == ["dog_bark"]


async def test_all_rooms_are_told_how_it_stands(town: Town) -> None:
    for room in ("kitchen", "hall"):
        assert town.last(LearningReport, room).state == "idle"
        assert town.last(TaughtReport, room).sounds == ()
        assert town.last(CorrectionsReport, room).count == 0
    assert town.announced == [{}]


def test_a_take_is_cut_out_of_what_was_heard() -> None:
    samples = np.arange(4 * CHUNK_SAMPLES, dtype=np.float32)
    chunks = [Chunk(part, 10 + n) for n, part in enumerate(samples.reshape(4, -1))]  # from 4.0 s to 5.6 s
    cut = sound_of(Take((SOMETHING,), 0.2, -20.0, start=4.6, end=4.8), chunks)
    assert cut[0] == pytest.approx(0.2 * 16_000)
    assert len(cut) == pytest.approx(1.0 * 16_000)
    assert len(sound_of(Take((SOMETHING,), 9.0, -20.0, start=0.0, end=99.0), chunks)) == len(samples)
    assert len(sound_of(Take((SOMETHING,), 0.2, -20.0), ())) == 0


def test_the_takes_of_a_lesson_are_heard_as_they_fall_into_chunks_otherwise(town: Town) -> None:
    held, stream = RoomLesson("Washer"), SenseStream(Embedder())
    for n, samples in enumerate(scene.lesson().reshape(-1, CHUNK_SAMPLES)):
        heard = Chunk(samples, 500 + n)
        held.hear(heard, Percept(heard.t, -40.0, sense=stream.sense(heard)))
    sound, quality = made_of(town.taught, "kitchen", held)
    assert quality.refusal is None
    assert [len(take.embeddings) for take in held.lesson.takes] == [3] * 5
    assert min(len(take.embeddings) for take in sound.takes) > 3
    assert max(len(around) for around in held.around) * 0.4 < 6.0, "no more of the room is kept than that"


@pytest.fixture
def washer(tmp_path: Path) -> Taught:
    """A sound whose takes are kept as sound, and whose embeddings are of a network that is no more."""
    store, audio = TaughtStore(tmp_path / "taught.json"), TaughtAudio(tmp_path / "taught")
    taught = Taught(store, audio, (), keep_audio=True)
    takes = tuple(Take((SOMETHING,), 1.6, -20.0, start=0.4, end=2.0) for _ in range(3))
    recordings = [scene.in_the_room(np.concatenate([silence(0.4), scene.washer(n)]), n) for n in range(3)]
    taught.keep(TaughtSound("washer", "Washer", takes), recordings)
    taught.save()
    return taught


def test_a_new_network_hears_kept_recordings_again(washer: Taught) -> None:
    (done,) = relearn(washer)
    assert done.startswith("Washer was learnt again")
    (sound,) = washer.store.sounds
    assert {e.network for take in sound.takes for e in take.embeddings} == {SHA256}
    assert min(len(take.embeddings) for take in sound.takes) > 3
    assert relearn(washer) == []


def test_a_recording_that_is_gone_changes_nothing(
    washer: Taught, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = washer.store.sounds
    next((tmp_path / "taught").iterdir()).unlink()
    assert relearn(washer) == []
    assert washer.store.sounds == before
    assert "Washer: cannot be learnt again" in caplog.text


def test_what_is_forgotten_leaves_no_recording(washer: Taught, tmp_path: Path) -> None:
    assert len(list((tmp_path / "taught").iterdir())) == 3
    assert washer.forget("washer") == "Washer was forgotten"
    washer.save()
    assert list((tmp_path / "taught").iterdir()) == []


def test_a_recording_that_no_sound_names_is_swept_but_not_beside_a_file_set_aside(
    washer: Taught, tmp_path: Path
) -> None:
    orphan = tmp_path / "taught" / f"take-{'0' * 32}.wav"
    orphan.write_bytes(b"RIFF")
    (tmp_path / "taught.json.broken-20261123T000000.000000Z").touch()
    washer.sweep()
    assert orphan.exists()
    (tmp_path / "taught.json.broken-20261123T000000.000000Z").unlink()
    washer.sweep()
    assert not orphan.exists()
    assert len(list((tmp_path / "taught").iterdir())) == 3
