"""`listen --plot`: one picture of a recording: waveform, log-mel, label tracks, decisions."""

import math
import warnings
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import numpy as np

from listener.errors import PublishError
from listener.perceive.spectrum import BIN_HZ, BINS, FRAMES_PER_CHUNK, Spectrum
from listener.types import (
    CHUNK_SECONDS,
    Chunk,
    Decision,
    Event,
    HearingReport,
    Report,
    ResponseStarted,
    Samples,
    SoundEnded,
    SoundStarted,
    Source,
)

MEL_BANDS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 125.0, 7_500.0
COLUMNS_PER_CHUNK = 8
ENVELOPE_POINTS_PER_CHUNK = 16
TRACKS = 8


def mel_matrix() -> Samples:
    """Triangular mel filters `[64, 257]`, HTK's mel scale (Young et al., "The HTK Book", 5.4)."""
    low_mel, high_mel = (2595 * math.log10(1 + hz / 700) for hz in (MEL_LOW_HZ, MEL_HIGH_HZ))
    edges_mel = np.linspace(low_mel, high_mel, MEL_BANDS + 2)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    bins_hz = np.arange(BINS) * BIN_HZ
    low, centre, high = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    rising, falling = (bins_hz - low) / (centre - low), (high - bins_hz) / (high - centre)
    filters: Samples = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return filters


def _printable(title: str) -> str:
    """Without what no font can draw: control characters, and bytes of a file name that are no UTF-8."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in title)


class Picture:
    """Publisher and witness of one recording; `save` draws it. Holds about 2.5 kB a second."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._spectrum = Spectrum()
        self._mel = mel_matrix()
        self._envelope: list[Samples] = []
        self._log_mel: list[Samples] = []
        self._decisions: list[Decision] = []
        self._scores: dict[str, list[tuple[float, float]]] = {}
        self._episodes: list[SoundEnded] = []
        self._starts: list[SoundStarted] = []
        self._responses: list[ResponseStarted] = []

    def watch(self, source: Source) -> "WatchedSource":
        """The same source; its samples come by here."""
        return WatchedSource(source, self)

    def see(self, samples: Samples) -> None:
        self._envelope.append(np.abs(samples).reshape(ENVELOPE_POINTS_PER_CHUNK, -1).max(axis=1))
        mel = np.log(self._spectrum.step(samples) @ self._mel.T + 1e-3)
        self._log_mel.append(mel.reshape(COLUMNS_PER_CHUNK, FRAMES_PER_CHUNK // COLUMNS_PER_CHUNK, -1).max(axis=1))

    def publish(self, event: Event) -> None:
        match event:
            case Decision():
                self._decisions.append(event)
            case SoundStarted():
                self._starts.append(event)
            case SoundEnded():
                self._episodes.append(event)
            case ResponseStarted():
                self._responses.append(event)

    def report(self, report: Report) -> None:
        if isinstance(report, HearingReport):
            for heard in report.labels:
                self._scores.setdefault(heard.label, []).append((report.t, heard.score))

    def save(self, path: Path) -> None:
        """Draw as PNG. Raises PublishError when the file cannot be written."""
        from matplotlib.figure import Figure  # half a second and 40 MB that only a picture needs

        figure = Figure(figsize=(12, 8), layout="constrained")
        axes = figure.subplots(4, 1, sharex=True, height_ratios=(1, 2, 2, 1))
        figure.suptitle(_printable(self._title), parse_math=False)  # a file may be called `$x$`
        self._draw_sound(axes)
        self._draw_labels(axes[2])
        self._draw_decisions(axes[3])
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # a box in the title is enough
                figure.savefig(path, dpi=100, format="png")
        except OSError as error:
            raise PublishError(
                f"{path}: the picture cannot be written: {error.strerror}; choose another place"
            ) from None

    def _draw_sound(self, axes: Any) -> None:
        seconds = len(self._envelope) * CHUNK_SECONDS
        envelope = np.concatenate(self._envelope) if self._envelope else np.zeros(1)
        at = np.linspace(0, seconds, len(envelope))
        axes[0].fill_between(at, -envelope, envelope, linewidth=0)
        axes[0].set(ylabel="waveform", ylim=(-1, 1), xlim=(0, max(seconds, CHUNK_SECONDS)))
        if self._log_mel:
            extent = (0, seconds, 0, MEL_BANDS)
            axes[1].imshow(np.concatenate(self._log_mel).T, origin="lower", aspect="auto", extent=extent)
        axes[1].set(ylabel=f"log-mel, {MEL_BANDS} bands")

    def _draw_labels(self, axis: Any) -> None:
        sounding = dict.fromkeys(e.label for e in self._starts)
        loudest = sorted(self._scores, key=lambda x: -max(s for _, s in self._scores[x]))
        for row, label in enumerate(dict.fromkeys((*sounding, *loudest))):
            if row == TRACKS:
                break
            at, scores = zip(*self._scores.get(label, [(0.0, 0.0)]), strict=True)
            axis.fill_between(at, row, row + 0.9 * np.array(scores), step="pre", alpha=0.5)
            for e in (e for e in self._episodes if e.label == label):
                axis.plot((e.onset, e.onset + e.duration), (row, row), linewidth=4, solid_capstyle="butt", color="red")
            axis.text(0.005, row + 0.3, label, transform=axis.get_yaxis_transform())
        axis.set(ylabel="scores; red: sounding", yticks=[], ylim=(-0.1, TRACKS))

    def _draw_decisions(self, axis: Any) -> None:
        axis.step([d.t for d in self._decisions], [d.probability for d in self._decisions], where="post")
        for response in self._responses:
            axis.axvline(response.t, color="red")
        axis.set(ylabel="p(respond)", ylim=(0, 1.05), xlabel="seconds of audio; red: responds")


class WatchedSource:
    """Source that shows each chunk to a picture on its way."""

    def __init__(self, source: Source, picture: Picture) -> None:
        self._source = source
        self._picture = picture

    @property
    def description(self) -> str:
        return self._source.description

    @property
    def live(self) -> bool:
        return self._source.live

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        async with aclosing(cast(Any, self._source.chunks(first_index))) as chunks:
            async for chunk in chunks:
                self._picture.see(chunk.samples)
                yield chunk
