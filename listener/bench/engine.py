"""What the Audio-Interaction engine costs: a chunk, a token, a room; with random weights of a given shape.

It drives the scheduler as its worker does, without the event loop: every room hands in its chunk at the same moment,
which is the worst case, and the time runs until its decision is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from listener.decide.audio_interaction.device import describe, memory_mb, now, use_threads
from listener.decide.audio_interaction.features import EarState
from listener.decide.audio_interaction.happenings import Begun, Decided, Happening
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.model import Model, as_batch
from listener.decide.audio_interaction.random_model import random_model
from listener.decide.audio_interaction.reference import WholeHistory
from listener.decide.audio_interaction.sampling import GREEDY
from listener.decide.audio_interaction.scheduler import SPARE_POSITIONS, Scheduler
from listener.decide.audio_interaction.stream import Limits, Stream
from listener.decide.audio_interaction.turns import Ear
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Samples

Say = Callable[[str], None]

DEADLINE_SECONDS = CHUNK_SECONDS
NEVER = 2.0
"""A threshold that no probability reaches: the room only listens."""
ALWAYS = -1.0
REPLY_TOKENS = 32


@dataclass(frozen=True, slots=True)
class RoomsMeasured:
    """Seconds, unless named otherwise. `first_text_seconds`: from a chunk's hand-in to the first token of its reply."""

    rooms: int
    chunk_p50_seconds: float
    chunk_p99_seconds: float
    first_text_seconds: float
    tokens_per_second: float
    memory_mb: float


def sound(seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(CHUNK_SAMPLES) * 10 ** rng.uniform(-3, -1)).astype(np.float32)


class _Bench:
    """A scheduler with its rooms, stepped by hand."""

    def __init__(self, loaded: LoadedModel, rooms: int, limits: Limits) -> None:
        self.loaded = loaded
        self.scheduler = Scheduler(Model(loaded, rooms, limits.window + SPARE_POSITIONS), limits)
        self.told: list[Happening] = []
        self.streams = [
            self.scheduler.admit(f"room {n}", NEVER, GREEDY, seed=n, sink=self.told.append) for n in range(rooms)
        ]

    def chunk_seconds(self, seed: int) -> list[float]:
        """Every room hands in a chunk now: how long each waits for its decision."""
        return self._until(seed, Decided)

    def _until(self, seed: int, kind: type[Happening]) -> list[float]:
        seconds: list[float] = []
        began = now(self.loaded.device)
        for stream in self.streams:
            self.scheduler.hear(stream, sound(seed))
        while len(seconds) < len(self.streams):
            self.told.clear()
            self.scheduler.tick()
            happened = sum(isinstance(h, kind) for h in self.told)
            seconds += [now(self.loaded.device) - began] * happened
        return seconds

    def reply_seconds(self, seed: int) -> tuple[float, float]:
        """Every room answers: (median s to the first token, tokens a second of all rooms together)."""
        for stream in self.streams:
            stream.threshold = ALWAYS
        first = float(np.median(self._until(seed, Begun)))
        began, before = now(self.loaded.device), _tokens(self.streams)
        while self.scheduler.busy:
            self.scheduler.tick()
        spoken, seconds = _tokens(self.streams) - before, now(self.loaded.device) - began
        for stream in self.streams:
            stream.threshold = NEVER
        return first, spoken / seconds


def _tokens(streams: Sequence[Stream]) -> int:
    return sum(len(stream.context.turns[-1].tokens) for stream in streams)


def measure_rooms(loaded: LoadedModel, rooms: int, chunks: int, limits: Limits) -> RoomsMeasured:
    """One row of the table. The windows are filled first: chunks cost what they cost all day, rolls included."""
    bench = _Bench(loaded, rooms, replace(limits, reply_tokens=REPLY_TOKENS))
    filled = min(limits.window // 13, 4 * chunks)
    for seed in range(filled):
        bench.chunk_seconds(seed)
    seconds = [s for seed in range(chunks) for s in bench.chunk_seconds(seed)]
    first, rate = bench.reply_seconds(seed=1)
    return RoomsMeasured(
        rooms=rooms,
        chunk_p50_seconds=float(np.percentile(seconds, 50)),
        chunk_p99_seconds=float(np.percentile(seconds, 99)),
        first_text_seconds=first,
        tokens_per_second=rate,
        memory_mb=memory_mb(loaded.device),
    )


def measure(
    shape: str = "tiny",
    device: str = "cpu",
    dtype: str = "float32",
    rooms: Sequence[int] = (1, 2, 4, 8, 16, 32),
    chunks: int = 100,
    window: int = 2048,
    threads: int | None = None,
    say: Say = lambda _line: None,
) -> dict[str, Any]:
    """The whole benchmark, as JSON. Stops at the first number of rooms whose chunks are late.

    Raises ModelError: no such shape or device, no memory.
    """
    if threads is not None:
        use_threads(threads)
    loaded = random_model(shape, device, dtype)
    table: list[RoomsMeasured] = []
    for count in rooms:
        table.append(measure_rooms(loaded, count, chunks, Limits(window=window)))
        say(f"{count} rooms: chunk p99 {1e3 * table[-1].chunk_p99_seconds:.0f} ms")
        if table[-1].chunk_p99_seconds >= DEADLINE_SECONDS:
            break
    in_time = [row.rooms for row in table if row.chunk_p99_seconds < DEADLINE_SECONDS]
    return {
        "shape": shape,
        "device": describe(loaded.device),
        "dtype": dtype,
        "window": window,
        "rooms_in_time": max(in_time, default=0),
        "rooms": [asdict(row) for row in table],
    }


def measure_age(
    shape: str = "tiny",
    device: str = "cpu",
    dtype: str = "float32",
    minutes: float = 10.0,
    window: int = 2048,
    threads: int | None = None,
    repeats: int = 6,
    say: Say = lambda _line: None,
) -> dict[str, Any]:
    """Cost of a chunk late in a stream against one 10 s into a stream; `encode`: hearing alone, `chunk`: all of it.

    The old stream and young ones (5 to 15 s old) take turns, chunk by chunk, so that what else the machine does
    burdens both alike. Medians; the old stream's mean is given too, which has its rolls in it.
    """
    if threads is not None:
        use_threads(threads)
    loaded = random_model(shape, device, dtype)
    old = _Aged(loaded, window)
    for seed in range(round(minutes * 60 / CHUNK_SECONDS)):
        old.step(seed)
        if seed % 150 == 149:
            say(f"{(seed + 1) * CHUNK_SECONDS / 60:.0f} of {minutes:.0f} min")
    pairs = [pair for _ in range(repeats) for pair in _beside_young(loaded, window, old)]
    young_encode, young_chunk, old_encode, old_chunk = (list(column) for column in zip(*pairs, strict=True))
    return {
        "shape": shape,
        "device": describe(loaded.device),
        "minutes": minutes,
        "encode_seconds_at_10_s": float(np.median(young_encode)),
        "encode_seconds_at_end": float(np.median(old_encode)),
        "encode_ratio": float(np.median(old_encode) / np.median(young_encode)),
        "chunk_seconds_at_10_s": float(np.median(young_chunk)),
        "chunk_seconds_at_end": float(np.median(old_chunk)),
        "chunk_ratio": float(np.median(old_chunk) / np.median(young_chunk)),
        "chunk_mean_seconds_at_end_with_rolls": float(np.mean(old_chunk)),
        "turns_kept": len(old.bench.streams[0].context.turns),
        "rolled": old.bench.streams[0].rolled,
    }


class _Aged:
    """One stream, and beside it an ear of its own, to time hearing alone."""

    def __init__(self, loaded: LoadedModel, window: int) -> None:
        self.bench = _Bench(loaded, 1, Limits(window=window))
        self._model, self._ear = Model(loaded, 1, 1), Ear(EarState())

    def step(self, seed: int) -> tuple[float, float]:
        """(seconds of hearing alone, seconds of the whole chunk)."""
        return _encode_seconds(self._model, self._ear, seed), self.bench.chunk_seconds(seed)[0]


def _beside_young(loaded: LoadedModel, window: int, old: _Aged) -> list[tuple[float, float, float, float]]:
    young = _Aged(loaded, window)
    for seed in range(13):
        young.step(seed)
    return [(*young.step(seed), *old.step(seed)) for seed in range(13, 38)]


def _encode_seconds(model: Model, ear: Ear, seed: int) -> float:
    """Log-mel and encoder of one chunk. The window of the running maximum is kept as short as a session's."""
    samples = sound(seed)
    began = now(model.loaded.device)
    (log_mel,) = model.hear([ear.state], as_batch(samples))
    model.encode([ear.normalised(log_mel)])
    seconds = now(model.loaded.device) - began
    if ear.remembered > 150:
        ear.forget(1)
    return seconds


def measure_reencoding(
    shape: str = "small",
    device: str = "cpu",
    history_seconds: float = 60.0,
    rounds: int = 5,
    threads: int | None = None,
) -> dict[str, Any]:
    """Streaming encoding against encoding the whole history at each chunk, at so much history; one run, one model."""
    if threads is not None:
        use_threads(threads)
    loaded = random_model(shape, device, "float32")
    model, ear, whole = Model(loaded, 1, 1), Ear(EarState()), WholeHistory(loaded)
    for seed in range(round(history_seconds / CHUNK_SECONDS) - rounds):
        _encode_seconds(model, ear, seed)
        whole.remember(sound(seed))
    streaming, again = [], []
    for seed in range(rounds):
        streaming.append(_encode_seconds(model, ear, seed))
        began = now(loaded.device)
        whole.encode(sound(seed))
        again.append(now(loaded.device) - began)
    return {
        "shape": shape,
        "device": describe(loaded.device),
        "history_seconds": history_seconds,
        "streaming_seconds": float(np.median(streaming)),
        "whole_history_seconds": float(np.median(again)),
        "times_faster": float(np.median(again) / np.median(streaming)),
    }
