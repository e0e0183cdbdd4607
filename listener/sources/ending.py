"""Whether a recording has the end that it promises: libsndfile plays what is there of a cut file and says nothing.

Ogg pages: RFC 3533. ID3v2 tags: id3.org, "ID3 tag version 2.4.0". The Xing header, which tells an MP3's length, is a
convention: see "MPEG Audio Frame Header" by G. Bouvigne.
"""

import os

from listener.errors import SourceError
from listener.sources import wav

_OGG_PAGE_BYTES = 27 + 255 + 255 * 255
_XING_SEARCH_BYTES = 4_096
_MP3_TAIL_BYTES = 1 << 13
"""Tags (ID3v1, APE) may lie behind the last frame."""
MP3_FRAME_SAMPLES = 1_152


def what_is_missing(fd: int, audio_format: str, promised_frames: int, read_frames: int) -> str:
    """What a recording that was read to its end lacks, as words for a message; empty if nothing.

    `audio_format` is libsndfile's major format; frames are samples of each channel.
    """
    if audio_format == "MP3" and not _has_xing(fd):
        # Without that header the promise is an estimate, and libsndfile reads no further than it.
        unread = os.fstat(fd).st_size - os.lseek(fd, 0, os.SEEK_CUR)
        return "it does not say how long it is, so that its end cannot be found" if unread > _MP3_TAIL_BYTES else ""
    tolerance = MP3_FRAME_SAMPLES if audio_format == "MP3" else 0
    if read_frames < promised_frames - tolerance:
        return f"{promised_frames} samples were promised, {read_frames} could be read"
    if audio_format in ("WAV", "WAVEX", "RF64"):
        return _missing_of_wav(fd)
    return _missing_of_ogg(fd) if audio_format == "OGG" else ""


def _missing_of_wav(fd: int) -> str:
    try:
        head = wav.parse_head(os.pread(fd, wav.MAX_HEAD_BYTES, 0))
    except SourceError:
        return ""  # libsndfile made sense of it
    there = os.fstat(fd).st_size - head.head_bytes if head else 0
    if head is None or head.data_bytes is None or there >= head.data_bytes:
        return ""
    return f"{head.data_bytes} bytes of sound were promised, {there} are there"


def _missing_of_ogg(fd: int) -> str:
    """The last page must be marked as the last and be complete."""
    size = os.fstat(fd).st_size
    tail = os.pread(fd, _OGG_PAGE_BYTES, max(0, size - _OGG_PAGE_BYTES))
    page = tail[max(0, tail.rfind(b"OggS")) :]
    segments = page[26] if len(page) > 26 else 255
    if len(page) < 27 + segments + sum(page[27 : 27 + segments]) or not page[5] & 0x04:
        return "the last page of the Ogg stream is not there"
    return ""


def _has_xing(fd: int) -> bool:
    start = os.pread(fd, 10, 0)
    tag_bytes = 0
    if start[:3] == b"ID3" and len(start) == 10:
        tag_bytes = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))
    first_frame = os.pread(fd, _XING_SEARCH_BYTES, tag_bytes)
    return b"Xing" in first_frame or b"Info" in first_frame
