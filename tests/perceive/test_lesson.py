"""Lessons: what is a take, what is none, and where the embeddings of one are found."""

from collections.abc import Sequence

import pytest

from listener.perceive.sounds.lesson import Lesson, clearest, takes_in
from listener.types import Hearing
from listener.types.taught import Embedding, Sense

NETWORK = "a" * 64
QUIET = (-50.0,) * 8


def sense(index: int, levels: Sequence[float] = QUIET, clipping: bool = False) -> Sense:
    vector = index.to_bytes(2, "little")
    return Sense(round(0.4 * (index + 1), 3), tuple(levels), clipping, Embedding(NETWORK, vector))


def chunk_of(embedding: Embedding) -> int:
    return int.from_bytes(embedding.vector, "little")


class Room:
    """A microphone that hears one chunk after the other."""

    def __init__(self, wanted: int = 2) -> None:
        self.lesson = Lesson(wanted)
        self.heard = 0

    def hear(self, *chunks: Sequence[float], clipping: bool = False, hearing: Sequence[Hearing] = ()) -> list[str]:
        said = []
        for levels in chunks:
            progress = self.lesson.hear(sense(self.heard, levels, clipping), hearing)
            self.heard += 1
            said += [] if progress is None else [progress.message]
        return said

    def be_quiet(self) -> None:
        self.hear(*[QUIET] * 8)


def test_quiet_comes_first_and_is_measured() -> None:
    room = Room()
    assert room.lesson.begin().state == "quiet"
    assert room.hear(*[QUIET] * 7) == []
    (said,) = room.hear(QUIET)
    assert "the room is at -50 dBFS; now make the sound 2 times" in said
    assert room.lesson.background_dbfs == -50.0
    assert [chunk_of(one) for one in room.lesson.background] == [2, 3, 4, 5, 6, 7]


def test_what_is_not_quiet_is_listened_to_again() -> None:
    room = Room()
    (said,) = room.hear(*[QUIET] * 7, (-20.0, *QUIET[1:]))
    assert "that was not quiet (-20 dBFS)" in said
    assert room.lesson.background_dbfs is None


def test_takes_are_counted_and_timed_and_the_lesson_ends_with_the_last() -> None:
    room = Room()
    room.be_quiet()
    loud = (*QUIET[:4], *(-20.0,) * 4)
    assert room.hear(loud, (-20.0,) * 8, QUIET, QUIET, QUIET) == ["heard 1 of 2: 0.6 s, -20 dBFS"]
    take = room.lesson.takes[0]
    assert (take.seconds, take.start, take.end) == (0.6, 3.4, 4.0)
    assert not room.lesson.complete
    assert room.hear(loud, QUIET, QUIET, QUIET) == ["heard 2 of 2: 0.2 s, -20 dBFS"]
    assert room.lesson.complete
    assert room.lesson.hear(sense(99, (-20.0,) * 8)) is None


@pytest.mark.parametrize(
    ("levels", "clipping", "words"),
    [
        ((-45.0, -45.0, *QUIET[2:]), False, "too soft (0.1 s, -45 dBFS; the room is at -50 dBFS)"),
        ((-20.0, *QUIET[1:]), False, "too short (0.1 s, -20 dBFS)"),
        ((-1.0, -1.0, *QUIET[2:]), True, "the microphone overloads"),
    ],
)
def test_what_is_no_take_says_why(levels: Sequence[float], clipping: bool, words: str) -> None:
    room = Room()
    room.be_quiet()
    (said,) = [*room.hear(levels, clipping=clipping), *room.hear(QUIET, QUIET, QUIET)]
    assert words in said
    assert room.lesson.takes == []


def test_a_sound_that_goes_on_is_cut_after_six_seconds() -> None:
    room = Room()
    room.be_quiet()
    (said,) = room.hear(*[(-20.0,) * 8] * 17)
    assert said.startswith("heard 1 of 2: 6.8 s")


def test_what_hearing_took_it_for_goes_with_the_take() -> None:
    room = Room()
    room.be_quiet()
    bark = (Hearing("dog_bark", 0.9, None), Hearing("door", 0.1, "no"))
    room.hear((-20.0,) * 8, hearing=bark)
    room.hear(QUIET, QUIET, hearing=(Hearing("dog_bark", 0.4, "no"),))
    assert room.lesson.heard_as == [{"dog_bark": 0.9, "door": 0.1}]


def test_the_clearest_chunks_are_those_that_hold_most_of_the_sound() -> None:
    senses = [sense(n) for n in range(6)]
    loud = [False] * 8 + [False] * 4 + [True] * 4 + [True] * 8 + [False] * 24
    assert [chunk_of(one) for one in clearest(senses, loud)] == [2, 3]  # chunks 1 and 4 hold less than 0.7 of it


def test_takes_are_found_in_a_recording() -> None:
    loud = (-15.0,) * 8
    senses = [sense(n, loud if n in (5, 6, 12) else QUIET) for n in range(20)]
    takes, background, messages = takes_in(senses)
    assert [(take.start, take.seconds) for take in takes] == [(2.0, 0.8), (4.8, 0.4)]
    assert len(background) == 17
    assert messages == []


def test_a_recording_of_nothing_but_the_sound_is_one_take() -> None:
    takes, background, messages = takes_in([sense(n, (-15.0,) * 8) for n in range(5)])
    assert [take.seconds for take in takes] == [2.0]
    assert (background, messages) == ([], [])


def test_a_recording_of_nothing_says_so() -> None:
    assert takes_in([sense(n, (-80.0,) * 8) for n in range(5)])[2] == ["nothing in it is louder than -65 dBFS"]
    assert takes_in([]) == ([], [], ["it is empty"])
