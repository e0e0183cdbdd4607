"""Sentences out of a stream of pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.respond.sentences import MAX_SENTENCE_CHARACTERS, Sentences


def split(*pieces: str) -> list[str]:
    sentences = Sentences()
    found = [sentence for piece in pieces for sentence in sentences.add(piece)]
    return found + sentences.finish()


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("It is 3.5 degrees. Cold.", ["It is 3.5 degrees.", "Cold."]),
        ("Dr. Smith rang, e.g. twice. Bye", ["Dr. Smith rang, e.g. twice.", "Bye"]),
        ("Am 3. Mai um 8 Uhr. Gut.", ["Am 3. Mai um 8 Uhr.", "Gut."]),
        ('She said "stop." Then she left.', ['She said "stop."', "Then she left."]),
        ("Really?! Yes… no", ["Really?!", "Yes…", "no"]),
        ("一点了。吃饭吧！", ["一点了。", "吃饭吧！"]),
        ("First\nsecond\n\n", ["First", "second"]),
        ("", []),
        (" . ", ["."]),
    ],
)
def test_where_sentences_end(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_a_sentence_is_there_as_soon_as_it_is_certain() -> None:
    sentences = Sentences()
    assert sentences.add("Smoke in the kit") == []
    assert sentences.add("chen.") == [], "it might be `kitchen.5`"
    assert sentences.add(" Leave") == ["Smoke in the kitchen."]
    assert sentences.finish() == ["Leave"]


@given(st.text(alphabet="ab .,!?3\n。", max_size=800), st.data())
def test_in_pieces_it_is_as_in_one(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join("".join(split(*pieces)).split()) == "".join(text.split()), "nothing is lost"
    assert all(len(sentence) <= MAX_SENTENCE_CHARACTERS for sentence in split(*pieces))


def test_what_has_no_end_is_cut() -> None:
    assert [len(s) for s in split("a" * 700)] == [300, 300, 100]
    first, second = split("word, " * 60)
    assert first.endswith("word,")
    assert len(first) + len(second) >= 358
