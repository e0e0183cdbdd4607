"""Recordings of taught sounds, where the configuration asks for them: one WAV a take, 16 kHz, 16 bit, mode 0600."""

import io
import logging
import re
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from listener.errors import StoreError
from listener.store.files import put_private
from listener.types import SAMPLE_RATE_HZ, Samples

logger = logging.getLogger(__name__)

MAX_SECONDS: Final = 10.0
_NAME: Final = re.compile(r"take-[0-9a-f]{32}\.wav")


class TaughtAudio:
    """A folder in the state folder. Every call waits for the disk: not on the event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, samples: Samples) -> str:
        """The name under which it is kept: `Take.audio`. Raises StoreError."""
        name = f"take-{uuid.uuid4().hex}.wav"
        wave = io.BytesIO()
        kept = samples[: round(MAX_SECONDS * SAMPLE_RATE_HZ)]
        soundfile.write(wave, kept, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
        try:
            put_private(self._folder / name, lambda file: file.write(wave.getvalue()))
        except OSError as error:
            raise StoreError(
                f"{self._folder}: the recording of a taught sound cannot be kept: {error.strerror or error}. "
                "Make room, check the folder's owner and mode, or set sounds.keep_taught_audio to false"
            ) from None
        return name

    def read(self, name: str) -> Samples:
        """Float32 `[n]` at 16 kHz. Raises StoreError for what is not there, or no such recording."""
        path = self._path(name)
        try:
            with path.open("rb") as file:
                data = file.read(round(2 * MAX_SECONDS * SAMPLE_RATE_HZ) + 1_000)
            samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
        except (OSError, soundfile.LibsndfileError) as error:
            raise StoreError(f"{path}: the recording of a taught sound cannot be read: {error}") from None
        if rate != SAMPLE_RATE_HZ or samples.ndim != 1:
            raise StoreError(f"{path}: is no recording of a taught sound: {rate} Hz, shape {samples.shape}")
        return np.asarray(samples, np.float32)

    def keep_only(self, names: Collection[str]) -> int:
        """Delete the recordings that no take names any more; returns how many those were. Never raises OSError."""
        gone = 0
        for path in self._recordings():
            if path.name not in names:
                try:
                    path.unlink()
                    gone += 1
                except OSError as error:
                    logger.warning("%s: cannot be deleted: %s", path, error.strerror or error)
        return gone

    def _recordings(self) -> Iterable[Path]:
        try:
            return [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        except OSError:  # nothing was ever kept
            return []

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r:.60} is no name of a recording")
        return self._folder / name
