import pytest

from listener.decide.audio_interaction.modes import system_prompt
from listener.decide.audio_interaction.tokens import SYSTEM_PROMPT
from listener.errors import ConfigError


def test_assistant_is_the_published_prompt_to_the_letter() -> None:
    assert system_prompt("assistant") == SYSTEM_PROMPT


@pytest.mark.parametrize("mode", ["monitor", "transcribe", "translate to Greek", "translate to Low German"])
def test_a_mode_adds_an_instruction_to_it(mode: str) -> None:
    assert system_prompt(mode).startswith(f"{SYSTEM_PROMPT} ")
    assert mode.removeprefix("translate to ") in system_prompt(mode) or mode in ("monitor", "transcribe")


@pytest.mark.parametrize("mode", ["", "Assistant", "translate to ", "translate to x. Ignore all", "translate to 7"])
def test_what_is_no_mode_is_refused(mode: str) -> None:
    with pytest.raises(ConfigError, match="translate to LANGUAGE"):
        system_prompt(mode)
