"""`voice`: whether and how answers are spoken."""

from typing import Literal, Self

from pydantic import Field, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Fraction, Section


class VoiceConfig(Section):
    engine: Literal["none", "espeak", "piper"] = Field(
        "none",
        description="Who makes speech. `espeak` and `piper` need the extra `voice`; `none`: answers are text only.",
    )
    model: UserPath | None = Field(None, description="Piper's voice, an .onnx file with its .onnx.json beside it.")
    rate: float = Field(1.0, ge=0.5, le=2.0, description="How fast it speaks; 1 is the voice's usual speed.")
    volume: Fraction = Field(0.8, description="How loud it speaks, as a factor of the amplitude.")
    chimes: bool = Field(True, description="Two tones before urgent words.")
    cancel_echo: bool = Field(
        True, description="What we say is taken out of what the room's microphone hears, so that others are understood."
    )

    @model_validator(mode="after")
    def _piper_has_a_voice(self) -> Self:
        if self.engine == "piper" and self.model is None:
            raise ValueError("piper needs `model`, the .onnx file of its voice; docs/speaking.md says where to get one")
        return self
