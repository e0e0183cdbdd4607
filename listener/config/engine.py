"""`engine`: what decides."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Form, Section
from listener.vocabulary import MODES

Language = Annotated[
    str, Form(r"^[^\W\d_][\w -]{1,39}$", "the name of a language, of 2 to 40 letters, as in `Low German`")
]
TorchDevice = Annotated[str, Form(r"^(cpu|cuda(:\d+)?)$", "`cuda`, `cuda:1` and so on, or `cpu`")]


class EngineConfig(Section):
    name: Literal["cascade", "audio-interaction"] = Field("cascade", description="What decides.")
    model: UserPath | None = Field(None, description="Folder of the Audio-Interaction checkpoint.")
    device: TorchDevice = Field("cuda", description="`cuda`, `cuda:1` … or `cpu`.")
    dtype: Literal["bfloat16", "float16", "float32"] = Field("bfloat16", description="Of the weights on the device.")
    weights: Literal["full", "int8", "4bit"] = Field("full", description="Smaller weights, for small GPUs.")
    window: int = Field(2_048, ge=256, le=4_096, description="Positions of context that each room keeps.")
    max_rooms: int = Field(4, ge=1, le=256, description="Rooms that share the model; memory is taken for all.")
    greedy: bool = Field(False, description="The same answers every time, instead of sampled ones.")
    translate_to: list[Language] = Field(
        ["English", "Chinese"],
        max_length=20,
        description="Languages that audio-interaction offers as modes: `translate to English`.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Threads that listen, each with a model of its own. Left out: one a core.",
    )
    processes: int | None = Field(
        None,
        ge=0,
        le=64,
        description="Processes that listen in place of threads. Left out: with speech one a room, one a core "
        "at most; without, none for up to 16 rooms, then one a core.",
    )

    @property
    def modes(self) -> tuple[str, ...]:
        """What a room can be switched to: the cascade answers sounds only, and transcribes and translates nothing."""
        if self.name == "cascade":
            return ("assistant", "monitor")
        return (*MODES, *(f"translate to {language}" for language in self.translate_to))

    @model_validator(mode="after")
    def _model_is_given(self) -> Self:
        if self.name == "audio-interaction" and self.model is None:
            raise ValueError("audio-interaction needs `model`, the folder of its checkpoint")
        return self
