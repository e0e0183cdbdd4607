"""Several rooms hear one utterance: the loudest answers, whoever is first."""

from itertools import permutations

from listener.respond.one_answers import Bid, OneAnswers


def test_the_loudest_wins_in_whatever_order_they_come() -> None:
    heard = {"kitchen": -30.0, "hall": -42.0, "bath": -55.0}
    for order in permutations(heard):
        rooms = OneAnswers()
        hearings = [rooms.bid(Bid(room, "turn on the light", heard[room], 0.1 * at)) for at, room in enumerate(order)]
        assert {rooms.settle(hearing).room for hearing in hearings} == {"kitchen"}


def test_a_misheard_word_is_the_same_utterance() -> None:
    rooms = OneAnswers()
    near = rooms.bid(Bid("kitchen", "turn on the light", -30.0, 0.0))
    far = rooms.bid(Bid("hall", "turn off the light", -50.0, 0.3))
    assert near is far


def test_two_people_are_two_utterances() -> None:
    rooms = OneAnswers()
    one = rooms.bid(Bid("kitchen", "set a timer for five minutes", -30.0, 0.0))
    two = rooms.bid(Bid("hall", "what time is it", -50.0, 0.0))
    assert [rooms.settle(one).room, rooms.settle(two).room] == ["kitchen", "hall"]


def test_who_comes_too_late_finds_it_answered_even_if_louder() -> None:
    rooms = OneAnswers()
    first = rooms.bid(Bid("hall", "stop", -50.0, 0.0))
    assert rooms.settle(first).room == "hall"
    assert rooms.settle(rooms.bid(Bid("kitchen", "stop", -30.0, 1.9))).room == "hall"
    assert rooms.settle(rooms.bid(Bid("kitchen", "stop", -30.0, 2.1))).room == "kitchen"


def test_the_same_room_again_is_a_new_utterance() -> None:
    rooms = OneAnswers()
    assert rooms.bid(Bid("hall", "louder", -50.0, 0.0)) is not rooms.bid(Bid("hall", "louder", -50.0, 1.0))


def test_it_forgets() -> None:
    rooms = OneAnswers()
    for at in range(1_000):
        rooms.bid(Bid("hall", "louder", -50.0, 3.0 * at))
    assert len(rooms._hearings) == 1
