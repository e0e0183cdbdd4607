"""How loud a steady tone is, every 20 ms, at each frequency at which alarms sound.

A track is three columns of the spectrum. Its level is compared with the geometric mean of columns around it, which a
narrow tone hardly moves: speech, rain or a slammed door raise both, a piezo disc only its own track. So a tone is found
by how far it stands out, whatever its level and whatever the microphone.

Noise is not flat: a bark or a wave on the beach has its bulk at 500 Hz, and stands out of columns 300 Hz away as a tone
does. So a track must also stand out of what is right beside it, on both sides.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from listener.perceive.spectrum import FRAME_SECONDS, FRAMES_PER_CHUNK
from listener.types import Magnitudes

FRAMES_PER_SLOT: Final = 2
SLOT_SECONDS: Final = FRAMES_PER_SLOT * FRAME_SECONDS
"""20 ms: short enough for the 0.1 s pulses of temporal-four."""

SLOTS_PER_CHUNK: Final = FRAMES_PER_CHUNK // FRAMES_PER_SLOT
HISTORY_SLOTS: Final = 480
"""9.6 s: from the pause before the last group but one of temporal-four, 10 % slow, until now."""

HIGH_COLUMNS: Final = np.arange(92, 113, 2)
"""2.88-3.50 kHz, where piezo alarms sound (nominally 3.1 kHz)."""

LOW_COLUMNS: Final = np.arange(15, 19)
"""469-563 Hz: the low-frequency alarms for sleeping rooms (520 Hz ±10 %: NFPA 72, 18.4.6.3)."""

HIGH_TRACKS: Final = len(HIGH_COLUMNS)
TRACKS: Final = HIGH_TRACKS + len(LOW_COLUMNS)
BANDS: Final = (slice(0, HIGH_TRACKS), slice(HIGH_TRACKS, TRACKS))
AROUND_HIGH: Final = slice(72, 136)
AROUND_LOW: Final = np.r_[5:12, 23:37]
COLUMNS: Final = AROUND_HIGH.stop

BESIDE: Final = np.concatenate(
    [
        HIGH_COLUMNS[:, None] + np.array([[[-7, -6, -5]], [[5, 6, 7]]]),
        LOW_COLUMNS[:, None] + np.array([[[-6, -5, -4]], [[4, 5, 6]]]),
    ],
    axis=1,
)
"""`[side, track, column]`: the nearest columns that a tone in the track's own does not reach (the main lobe of the
spectrum's window, Hann over 25 ms, ends 80 Hz or 2.6 columns from the tone; high tracks are two columns apart)."""

BESIDE_DB: Final = 2.0
"""So much less a track must stand out of the louder side than of the columns further around: the louder of two means of
only three columns is above the mean of many in any noise."""

STRONG_DB: Final = 11.0
"""Contrast of a track that may be a tone."""

FLOOR_POWER: Final = 1e-12
"""Digital silence; keeps the logarithm finite."""

Slots = NDArray[np.float32]


def _sums() -> Slots:
    """`[column, track]`: the power of a track, out of that of its three columns."""
    out = np.zeros((COLUMNS, TRACKS), np.float32)
    for track, column in enumerate([*HIGH_COLUMNS, *LOW_COLUMNS]):
        out[column - 1 : column + 2, track] = 1.0
    return out


def _means() -> Slots:
    """`[column, mean]`: of the columns beside each track, on the one side, then on the other; then around each band."""
    out = np.zeros((COLUMNS, 2 * TRACKS + len(BANDS)), np.float32)
    for mean, columns in enumerate(BESIDE.reshape(2 * TRACKS, -1)):
        out[columns, mean] = 1 / len(columns)
    for band, columns in enumerate((np.r_[AROUND_HIGH], AROUND_LOW)):
        out[columns, 2 * TRACKS + band] = 1 / len(columns)
    return out


SUMS: Final = _sums()
MEANS: Final = _means()
"""As products of matrices, because a dozen small calls of numpy take longer than the arithmetic."""


class ToneTracks:
    """The last 9.6 s of every track, oldest first.

    `level` dB and `contrast` dB (level over the surroundings), float32 `[480, 15]`; in plain noise the contrast is
    about 5 dB, give or take 3. `loudest` int8 `[480, 2]`: which of the high tracks, and which of the low ones, was the
    loudest; -1 where none of them was clear.
    """

    def __init__(self) -> None:
        self.slots_heard = 0
        self.level: Slots = np.full((HISTORY_SLOTS, TRACKS), -120.0, np.float32)
        self.contrast: Slots = np.zeros((HISTORY_SLOTS, TRACKS), np.float32)
        self.loudest: NDArray[np.int8] = np.full((HISTORY_SLOTS, len(BANDS)), -1, np.int8)

    def step(self, magnitudes: Magnitudes) -> None:
        """Hear the next chunk: `magnitudes` float32 `[40, 257]`."""
        power = np.square(magnitudes[:, :COLUMNS])
        power = power[::2] + power[1::2]
        power += np.float32(FLOOR_POWER)
        decibels = _decibels(power)
        level = _decibels(power @ SUMS)
        self.slots_heard += SLOTS_PER_CHUNK
        _append(self.level, level)
        contrast = level - _around(decibels @ MEANS)
        _append(self.contrast, contrast)
        for column, band in enumerate(BANDS):
            clear = contrast[:, band].max(axis=1) > STRONG_DB
            _append(self.loudest[:, column], np.where(clear, level[:, band].argmax(axis=1), -1))


def _around(means: Slots) -> Slots:
    """What each track's level is compared with, dB `[slots, tracks]`."""
    out: Slots = np.maximum(means[:, :TRACKS], means[:, TRACKS : 2 * TRACKS])
    out -= np.float32(BESIDE_DB)
    for column, band in enumerate(BANDS, 2 * TRACKS):
        np.maximum(out[:, band], means[:, column, None], out=out[:, band])
    return out


def _decibels(power: Slots) -> Slots:
    out: Slots = np.log(power)
    out *= np.float32(10 / np.log(10))
    return out


def _append(history: NDArray[Any], new: NDArray[Any]) -> None:
    history[: -len(new)] = history[len(new) :]
    history[-len(new) :] = new
