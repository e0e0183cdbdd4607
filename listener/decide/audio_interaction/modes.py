"""The modes of a room, each an instruction in the prompt. They are requests to a model, not guarantees.

The model was trained with the published prompt alone, so `assistant` is that prompt to the letter, and the others add
a sentence to it. What a sentence changes is the model's affair: it may answer a question in `monitor`, or fall silent
in `transcribe`. Whoever needs a guarantee uses the threshold, the perceive layer, or the mute switch.
"""

from collections.abc import Mapping
from typing import Final

from listener.decide.audio_interaction.tokens import SYSTEM_PROMPT
from listener.errors import ConfigError
from listener.vocabulary import TRANSLATE

INSTRUCTIONS: Final[Mapping[str, str]] = {
    "assistant": "",
    "monitor": "Do not answer speech. Speak only about sound effects that need attention.",
    "transcribe": "Write down what is said, word for word, and answer nothing.",
}


def system_prompt(mode: str) -> str:
    """The prompt of `assistant`, `monitor`, `transcribe` or `translate to LANGUAGE`. Raises ConfigError."""
    if mode in INSTRUCTIONS:
        return f"{SYSTEM_PROMPT} {INSTRUCTIONS[mode]}".rstrip()
    if found := TRANSLATE.fullmatch(mode):
        return f"{SYSTEM_PROMPT} Translate everything that is said to {found[1]}, and answer nothing."
    raise ConfigError(f"mode {mode!r} is none of {', '.join(INSTRUCTIONS)} or `translate to LANGUAGE`")
