"""The offline mode, and `listener ask`, on a tiny checkpoint."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from listener.cli import ask as command
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Model
from listener.decide.audio_interaction.offline import answer, ask
from listener.decide.audio_interaction.tokens import (
    AUDIO_BEGIN,
    AUDIO_END,
    AUDIO_PAD,
    OFFLINE,
    USER,
    offline_sequence,
    online_prefix,
)
from listener.errors import EngineError, SourceError


def _sound(seconds: float) -> np.ndarray:
    return (np.random.default_rng(1).standard_normal(round(16_000 * seconds)) * 0.1).astype(np.float32)


def test_the_sequence_leaves_out_what_is_not_given() -> None:
    def encode(text: str) -> list[int]:
        return [1] * len(text)

    whole = offline_sequence(encode, 3, "hi", "be kind")
    assert whole[0] == OFFLINE
    assert whole.count(AUDIO_PAD) == 3
    assert AUDIO_BEGIN not in offline_sequence(encode, 0, "hi")
    assert AUDIO_END in offline_sequence(encode, 1, None)
    assert USER not in offline_sequence(encode, 1, "")
    assert online_prefix(encode, "ab")[2:4] == (151644, 151644)


def test_an_answer_is_the_same_again_and_depends_on_the_sound(checkpoint: Path) -> None:
    first, again = ("".join(ask(checkpoint, _sound(1.0), "What?", limit=10)) for _ in range(2))
    assert first == again
    assert first != "".join(ask(checkpoint, _sound(3.0) * 0.01, "What?", limit=10))


@pytest.mark.parametrize("seconds", [0.0, 0.06, 0.1234, 4.999, 20.0])
def test_any_length_is_heard(loaded: LoadedModel, seconds: float) -> None:
    model = Model(loaded, 1, 1200)
    assert isinstance("".join(answer(model, 0, _sound(seconds), "What?", limit=3)), str)


@pytest.mark.parametrize(
    ("samples", "named"),
    [
        (_sound(20.1), "20.1 s long"),
        (_sound(0.03), "30 ms long"),
        (np.full(16_000, np.nan, np.float32), "NaN or infinite"),
    ],
)
def test_what_cannot_be_heard_is_said(loaded: LoadedModel, samples: np.ndarray, named: str) -> None:
    with pytest.raises(EngineError, match=named):
        list(answer(Model(loaded, 1, 1200), 0, samples, "What?", limit=3))


def test_a_question_without_end_is_refused(loaded: LoadedModel) -> None:
    with pytest.raises(EngineError, match="ask more briefly"):
        list(answer(Model(loaded, 1, 600), 0, _sound(1.0), "why " * 500))


def _arguments(checkpoint: Path, file: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(
        ["ask", str(file), "What is heard?", "--model", str(checkpoint), "--max-tokens", "8", *more]
    )


def test_the_command_prints_an_answer(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bark.wav"
    soundfile.write(file, _sound(1.0), 16_000)
    assert command.run(_arguments(checkpoint, file, "--json")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"file", "question", "answer"}
    assert command.run(_arguments(checkpoint, file)) == 0
    assert capsys.readouterr().out == printed["answer"] + "\n"


def test_the_command_refuses_what_is_too_long_or_missing(checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    soundfile.write(file, _sound(21.0), 16_000)
    with pytest.raises(EngineError, match="longer than 20 s"):
        command.run(_arguments(checkpoint, file))
    with pytest.raises(SourceError):
        command.run(_arguments(checkpoint, tmp_path / "nowhere.wav"))
