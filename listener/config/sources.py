"""`rooms[].source`: where a room's sound comes from."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Form, HostName, Section


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
    path: UserPath = Field(description="A recording: wav, flac, ogg or mp3.")
    realtime: bool = Field(True, description="Play at the speed of life. `false`: as fast as it goes.")
    loop: bool = Field(False, description="Begin again at the end.")


PcmFormat = Literal["s16le", "s24le", "s32le", "f32le", "u8"]


class PipeSource(Section):
    type: Literal["pipe"]
    rate: int = Field(16_000, ge=4_000, le=384_000, description="Samples per second of the raw PCM on stdin.")
    channels: int = Field(1, ge=1, le=32, description="Interleaved channels; they are mixed.")
    format: PcmFormat = Field("s16le", description="Sample format, as ffmpeg names it.")


STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")


PlainUrl = Annotated[
    str,
    Field(min_length=1, max_length=2_000),
    Form(r"^[!-~]+$", "of ASCII letters, digits and signs without spaces; write %20 for a space"),
]


class StreamSource(Section):
    type: Literal["stream"]
    url: PlainUrl = Field(
        repr=False,
        description=f"What FFmpeg opens: {', '.join(STREAM_SCHEMES)}. A login in it is never shown or logged.",
    )
    username: str | None = Field(None, min_length=1, max_length=200, description="Instead of a login in the URL.")
    password_file: UserPath | None = Field(None, description="A file whose first line is that user's password.")
    verify_tls: bool = Field(
        True, description="With https, rtsps, rtmps: only a certificate that this system trusts. `false`: any."
    )

    @field_validator("url")
    @classmethod
    def _can_be_opened(cls, url: str) -> str:
        """What is wrong is said without the URL, which may hold a password."""
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.scheme not in STREAM_SCHEMES:
            raise ValueError(f"must be scheme://host:port/path, with one of the schemes {', '.join(STREAM_SCHEMES)}")
        return url

    @model_validator(mode="after")
    def _password_is_somebody_s(self) -> Self:
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username beside it")
        return self


class WyomingSource(Section):
    type: Literal["wyoming"]
    host: HostName = Field(description="Name or address of the satellite.")
    port: int = Field(10_700, ge=1, le=65_535, description="Where the satellite listens.")


SourceConfig = Annotated[
    MicrophoneSource | FileSource | PipeSource | StreamSource | WyomingSource, Field(discriminator="type")
]
