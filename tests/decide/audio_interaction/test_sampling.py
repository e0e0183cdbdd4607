import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from listener.decide.audio_interaction.sampling import GREEDY, Sampling, respond_probability
from listener.decide.audio_interaction.tokens import EMOTIONS, FIRST_CONTROL_ID, KEEP_SILENCE, TEXT_BEGIN, TEXT_END

VOCABULARY = 151_936


def _logits(**best: float) -> torch.Tensor:
    logits = torch.full((VOCABULARY,), -10.0)
    for name, value in best.items():
        logits[int(name.removeprefix("t"))] = value
    return logits


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@given(st.floats(-1e6, 1e6))
def test_the_probability_is_the_softmax_over_two_and_never_overflows(margin: float) -> None:
    probability = respond_probability(margin)
    assert 0.0 <= probability <= 1.0
    assert probability + respond_probability(-margin) == pytest.approx(1.0)
    if abs(margin) < 30:
        assert math.log(probability / (1 - probability)) == pytest.approx(margin, abs=1e-3)


@pytest.mark.parametrize("token", [KEEP_SILENCE, TEXT_BEGIN, FIRST_CONTROL_ID, 151_643 + 4, 151_800])
def test_a_token_that_steers_is_never_said(token: int) -> None:
    logits = _logits(**{f"t{token}": 50.0, "t77": 1.0})
    assert GREEDY.choose(logits, first=False, generator=_generator()) == 77
    assert GREEDY.choose(logits, first=True, generator=_generator()) == 77


@pytest.mark.parametrize("token", list(EMOTIONS))
def test_an_emotion_comes_first_or_not_at_all(token: int) -> None:
    logits = _logits(**{f"t{token}": 50.0, "t77": 1.0})
    assert GREEDY.choose(logits, first=True, generator=_generator()) == token
    assert GREEDY.choose(logits, first=False, generator=_generator()) == 77


def test_the_end_may_always_come() -> None:
    logits = _logits(**{f"t{TEXT_END}": 50.0, "t77": 1.0})
    assert {GREEDY.choose(logits, first, _generator()) for first in (True, False)} == {TEXT_END}


def test_published_sampling_takes_one_of_the_three_best() -> None:
    logits, generator = _logits(t1=1.0, t2=0.9, t3=0.8, t4=0.7), _generator()
    chosen = [Sampling().choose(logits, first=False, generator=generator) for _ in range(200)]
    assert set(chosen) == {1, 2, 3}
    assert chosen.count(1) > chosen.count(3)
