"""The head of a WAV file: what sound follows it, and how much. libsndfile reads the sound of files; it needs a file.

RIFF and WAVE: "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991);
WAVE_FORMAT_EXTENSIBLE: "Multiple channel audio data and WAVE files" (Microsoft, 2001); RF64: EBU Tech 3306.
"""

import struct
from dataclasses import dataclass

from listener.config import PcmFormat
from listener.errors import SourceError

MAX_HEAD_BYTES = 1 << 20
"""A head larger than this (album art, notes) is taken for damage."""
MIN_ENDLESS_BYTES = 0x7FFF_0000
"""A writer that cannot know the length says 0, or the largest number it knows: 2 GiB (arecord, sox), 4 GiB (ffmpeg)."""

_PCM, _FLOAT, _EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
_FORMATS: dict[tuple[int, int], PcmFormat] = {
    (_PCM, 8): "u8",
    (_PCM, 16): "s16le",
    (_PCM, 24): "s24le",
    (_PCM, 32): "s32le",
    (_FLOAT, 32): "f32le",
}


@dataclass(frozen=True, slots=True)
class WavHead:
    """`head_bytes` lie before the first sample. `data_bytes` of sound follow, None where the writer did not know."""

    rate: int
    channels: int
    format_tag: int
    sample_bits: int
    head_bytes: int
    data_bytes: int | None

    @property
    def pcm_format(self) -> PcmFormat | None:
        """The sample format, None if it is none of ours (A-law, ADPCM, 64-bit floats…)."""
        return _FORMATS.get((self.format_tag, self.sample_bits))


def is_wav(start: bytes) -> bool:
    """Whether a stream that starts so (12 bytes are enough) is a WAV file."""
    return start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE"


def parse_head(data: bytes) -> WavHead | None:
    """The head of a WAV file that starts with `data`; None if more bytes are needed.

    Raises SourceError, without a name in it, when this can be no head of a WAV file.
    """
    position, head = 12, None
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"data":
            if head is None:
                raise SourceError("the WAV header does not say what format the sound has")
            endless = size == 0 or size >= MIN_ENDLESS_BYTES
            return WavHead(*head, head_bytes=position, data_bytes=None if endless else size)
        if position + size > MAX_HEAD_BYTES:
            raise SourceError("the WAV header is damaged")
        if position + size > len(data):
            return None
        if name == b"fmt ":
            head = _parse_format(data[position : position + size])
        position += size + size % 2  # chunks begin at even bytes
    return None


def _parse_format(body: bytes) -> tuple[int, int, int, int]:
    if len(body) < 16:
        raise SourceError("the WAV header is damaged")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)  # the sub-format's identifier begins with the tag
    return rate, channels, tag, bits
