"""`rooms[].source`: where a room's sound comes from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from listener.config.sections import Section


class MicrophoneSource(Section):
    type: Literal["microphone"]
    device: str | None = Field(
        None,
        min_length=1,
        description="Part of the device's name, or its stable id, as `listener devices` prints them; never a number, "
        "because numbers move. Left out: the system's default input.",
    )

    @field_validator("device")
    @classmethod
    def _no_number(cls, device: str | None) -> str | None:
        if device is not None and device.strip().lstrip("-").isdigit():
            raise ValueError("is a number, and numbers move; give the name or id that `listener devices` prints")
        return device


class FileSource(Section):
    type: Literal["file"]
    path: Path = Field(description="A recording: wav, flac, ogg or mp3.")
    realtime: bool = Field(True, description="Play at the speed of life. `false`: as fast as it goes.")
    loop: bool = Field(False, description="Begin again at the end.")


PcmFormat = Literal["s16le", "s24le", "s32le", "f32le", "u8"]


class PipeSource(Section):
    type: Literal["pipe"]
    rate: int = Field(16_000, ge=4_000, le=384_000, description="Samples per second of the raw PCM on stdin.")
    channels: int = Field(1, ge=1, le=32, description="Interleaved channels; they are mixed.")
    format: PcmFormat = Field("s16le", description="Sample format, as ffmpeg names it.")


SourceConfig = Annotated[MicrophoneSource | FileSource | PipeSource, Field(discriminator="type")]
