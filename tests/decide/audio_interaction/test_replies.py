from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.replies import Pieces, Speech


def _tokens(tokenizer: Tokenizer, text: str) -> list[int]:
    """One id a byte: every character beyond ASCII is cut into several tokens."""
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


@given(st.text(st.characters(exclude_characters="\ufffd", exclude_categories=["Cs"])))
def test_pieces_are_whole_characters_and_together_the_text(loaded: LoadedModel, text: str) -> None:
    pieces = Pieces(loaded.tokenizer)
    said = [pieces.add(token) for token in _tokens(loaded.tokenizer, text)]
    assert "".join(said) == text
    assert all("\ufffd" not in piece for piece in said)


@given(st.lists(st.integers(0, 255)))
def test_bytes_that_are_no_text_are_never_shown(loaded: LoadedModel, tokens: list[int]) -> None:
    pieces = Pieces(loaded.tokenizer)
    assert "\ufffd" not in "".join(pieces.add(token) for token in tokens)


def test_an_emotion_is_the_first_token_only_and_counts_for_nothing(loaded: LoadedModel) -> None:
    speech = Speech(Pieces(loaded.tokenizer), limit=2)
    assert speech.take(151619) == ""
    assert (speech.emotion, speech.tokens) == ("urgent", 0)
    assert "".join(speech.take(t) for t in _tokens(loaded.tokenizer, "hi")) == "hi"
    assert speech.full


def test_a_reply_without_an_emotion_is_normal(loaded: LoadedModel) -> None:
    speech = Speech(Pieces(loaded.tokenizer), limit=2)
    speech.take(65)
    assert speech.emotion == "normal"
