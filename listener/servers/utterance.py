"""Sound that a client of the Wyoming server sends, until it is whole."""

import numpy as np
from wyoming.event import Event

from listener.chunks import Chunker
from listener.types import SAMPLE_RATE_HZ, Samples

WIDTH_BYTES = 2
MAX_CHANNELS = 8


class Utterance:
    """Collects up to `max_seconds` of 16-bit PCM of any rate. Raises ValueError, in words, for what is not that."""

    def __init__(self, max_seconds: float) -> None:
        self._max_seconds = max_seconds
        self._format: tuple[int, int] | None = None
        self._chunker: Chunker | None = None
        self._rest = b""
        self._pieces: list[Samples] = []

    def add(self, event: Event) -> None:
        """An `audio-chunk`."""
        rate, width, channels = (event.data.get(key) for key in ("rate", "width", "channels"))
        if not (type(rate) is int and type(channels) is int and width == WIDTH_BYTES and 1 <= channels <= MAX_CHANNELS):
            raise ValueError(
                f"sound of rate {rate!r:.20}, width {width!r:.20}, channels {channels!r:.20}; send 16,000, 2 and 1"
            )
        if self._format is None:
            self._format, self._chunker = (rate, channels), Chunker(rate, channels)
        if self._chunker is None or self._format != (rate, channels):
            raise ValueError("sound that changes its format in the middle")
        self._push(self._chunker, event.payload or b"", channels)

    def _push(self, chunker: Chunker, data: bytes, channels: int) -> None:
        data, size = self._rest + data, WIDTH_BYTES * channels
        whole = len(data) // size * size
        self._rest = data[whole:]
        frames = np.frombuffer(data[:whole], "<i2").astype(np.int16, copy=False).reshape(-1, channels)
        self._pieces += chunker.push(frames)
        if chunker.samples_out > self._max_seconds * SAMPLE_RATE_HZ:
            raise ValueError(f"an utterance of more than {self._max_seconds:g} s (wyoming_server.max_audio_seconds)")

    def finish(self) -> Samples:
        """All of it, mono at 16 kHz; padded with zeros to whole chunks. Empty if there was none."""
        if self._chunker is not None:
            self._pieces += self._chunker.flush()
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
