"""The token ids of the published model, and the sequences it was trained on. Pure: lists of ids, no tensors.

Ids and orders: the published inference code of `zhifeixie/AudioInteraction`. PAD and AUDIO_PAD positions are
placeholders; the model replaces their embeddings by the frames of the audio encoder, in order.
"""

from collections.abc import Callable, Sequence
from typing import Final

from listener.vocabulary import Emotion

USER: Final = 151601
ASSISTANT: Final = 151602
KEEP_SILENCE: Final = 151605
PAD: Final = 151608
ONLINE: Final = 151609
OFFLINE: Final = 151610
ENGLISH: Final = 151611
TEXT_END: Final = 151643
TEXT_BEGIN: Final = 151644
SYSTEM: Final = TEXT_BEGIN
"""The same id twice, as published."""
AUDIO_PAD: Final = 151646
AUDIO_BEGIN: Final = 151647
AUDIO_END: Final = 151648

FIRST_CONTROL_ID: Final = USER
"""From here on ids steer the model and are no text; of them only TEXT_END and an emotion may appear in a reply."""

EMOTIONS: Final[dict[int, Emotion]] = {
    151614: "happy",
    151615: "sad",
    151616: "angry",
    151617: "surprise",
    151618: "normal",
    151619: "urgent",
}

FRAMES_PER_CHUNK: Final = 10
BLOCK_TOKENS: Final = FRAMES_PER_CHUNK + 2
"""AUDIO_BEGIN, ten frames, ASSISTANT."""

BLOCK: Final = (AUDIO_BEGIN, *(PAD,) * FRAMES_PER_CHUNK, ASSISTANT)

SYSTEM_PROMPT: Final = (
    "You are a helpful assistant. When there is no user text, if the audio contains a question, please answer it. "
    "If it is a sound effect, determine based on the sound whether help is needed."
)
"""What the model was trained with; other words change what it does."""

Encode = Callable[[str], list[int]]
"""Text to token ids, without special tokens."""


def online_prefix(encode: Encode, system_prompt: str = SYSTEM_PROMPT) -> tuple[int, ...]:
    """What comes before the first chunk of a stream."""
    return (ONLINE, ENGLISH, SYSTEM, TEXT_BEGIN, *encode(system_prompt), TEXT_END)


def offline_sequence(
    encode: Encode, audio_frames: int, user_text: str | None, system_prompt: str = SYSTEM_PROMPT
) -> tuple[int, ...]:
    """One question about one clip of `audio_frames` encoder frames; 0 frames or no text leave their block out."""
    audio: Sequence[int] = (AUDIO_BEGIN, *(AUDIO_PAD,) * audio_frames, AUDIO_END) if audio_frames else ()
    user: Sequence[int] = (USER, TEXT_BEGIN, *encode(user_text), TEXT_END) if user_text else ()
    return (OFFLINE, ENGLISH, SYSTEM, TEXT_BEGIN, *encode(system_prompt), TEXT_END, *audio, *user, ASSISTANT)
