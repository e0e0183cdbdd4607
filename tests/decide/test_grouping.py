from itertools import count

from listener.decide.grouping import SoundGroups


def groups() -> SoundGroups:
    ids = (str(n) for n in count())
    return SoundGroups(lambda: next(ids))


def test_one_sound_in_two_rooms_is_one_group() -> None:
    subject = groups()
    assert subject.group_of("dog_bark", 100.0) == subject.group_of("dog_bark", 102.9)


def test_another_label_and_a_later_sound_are_other_groups() -> None:
    subject = groups()
    ids = [
        subject.group_of(*x) for x in (("dog_bark", 100.0), ("scream", 100.0), ("dog_bark", 103.1), ("dog_bark", 99.0))
    ]
    assert len(set(ids)) == 4


def test_recordings_are_grouped_with_nothing() -> None:
    subject = groups()
    assert subject.group_of("scream", None) != subject.group_of("scream", None)
