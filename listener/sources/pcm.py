"""Raw PCM: interleaved samples in bytes, cut anywhere."""

import numpy as np

from listener.chunks import Frames
from listener.config import PcmFormat

SAMPLE_BYTES: dict[PcmFormat, int] = {"u8": 1, "s16le": 2, "s24le": 3, "s32le": 4, "f32le": 4}


class PcmDecoder:
    """Turns bytes into frames; what a cut left of a frame waits for the next bytes."""

    def __init__(self, channels: int, pcm_format: PcmFormat) -> None:
        self._channels = channels
        self._format = pcm_format
        self._frame_bytes = channels * SAMPLE_BYTES[pcm_format]
        self._rest = b""

    @property
    def rest_bytes(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._rest)

    def decode(self, data: bytes) -> Frames:
        """The frames that `data` completes, shape `[n, channels]`."""
        data = self._rest + data
        whole = len(data) // self._frame_bytes * self._frame_bytes
        self._rest = data[whole:]
        return _samples(data[:whole], self._format).reshape(-1, self._channels)

    def skip(self, data: bytes) -> None:
        """Throw `data` away, and go on at the right byte afterwards."""
        end = (len(self._rest) + len(data)) % self._frame_bytes
        self._rest = (self._rest + data)[-end:] if end else b""


def _samples(data: bytes, pcm_format: PcmFormat) -> Frames:
    match pcm_format:
        case "u8":
            return np.frombuffer(data, np.uint8)
        case "s16le":
            return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
        case "s24le":
            # The three bytes become the upper ones of four: the same value on the full scale of 32 bits.
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            return wide.view("<i4").reshape(-1).astype(np.int32, copy=False)
        case "s32le":
            return np.frombuffer(data, "<i4").astype(np.int32, copy=False)
        case "f32le":
            return np.frombuffer(data, "<f4").astype(np.float32, copy=False)
