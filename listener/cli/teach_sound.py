"""What `listener teach` hears: chunks and what is in them, of a microphone, of stdin or of recordings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from listener.app.ears import Ears, open_ears
from listener.config import Config, RoomConfig, SpeechConfig
from listener.perceive.ears import RoomPlan, random_id
from listener.types import Attend, Chunk, HearingReport, Know, Percept, Source
from listener.types.taught import LEVEL_SECONDS, Knowledge, Sense, Take

BLOCKS = " ▁▂▃▄▅▆▇█"
SHOWN_DB = 40.0
"""From the loudest part of a picture down to its floor."""
MARGIN_SECONDS = 0.3


@dataclass(frozen=True)
class Ear:
    """Hears one sound after the other, each as a fresh room would. `knowledge`: what the room was taught."""

    ears: Ears
    room: RoomConfig
    knowledge: Knowledge

    async def hear(self, source: Source, first_t: float = 0.0) -> AsyncIterator[tuple[Chunk, Percept]]:
        """Raises SourceError, PerceiveError. `first_t`: seconds of audio before it, which its times count on from."""
        room = self.room
        plan = RoomPlan(room.slug, room.strictness, room.addressing, room.language, room.mode)
        perceiver = self.ears.perceiver(plan, random_id)
        perceiver.apply(Attend(True))
        if self.knowledge:
            perceiver.apply(Know(self.knowledge))
        first = round(first_t / 0.4)
        async with aclosing(cast(Any, source.chunks(first))) as chunks:
            async for chunk in chunks:
                yield chunk, await perceiver.perceive(chunk)


@asynccontextmanager
async def open_ear(config: Config, room: RoomConfig, knowledge: Knowledge) -> AsyncIterator[Ear]:
    """Sounds only: whatever is said is nobody's business here. Raises ModelError, ConfigError."""
    silent = config.model_copy(update={"speech": SpeechConfig(enabled=False), "mqtt": None})
    async with open_ears(silent, processes=0, threads=1) as ears:
        yield Ear(ears, room, knowledge)


@dataclass
class Memory:
    """What a lesson has heard, for its pictures."""

    senses: list[Sense]
    hearings: list[HearingReport]
    chunks: list[Chunk]

    def take_in(self, room: str, chunk: Chunk, percept: Percept) -> None:
        self.chunks.append(chunk)
        self.hearings.append(HearingReport(room, percept.t, percept.hearing))
        if percept.sense is not None:
            self.senses.append(percept.sense)

    def heard_as(self, take: Take) -> dict[str, float]:
        """The best score of each label while the take sounded, and in the second that a score looks back."""
        best: dict[str, float] = {}
        for report in self.hearings:
            if take.start < report.t <= take.end + 1.0:
                for heard in report.labels:
                    best[heard.label] = max(best.get(heard.label, 0.0), heard.score)
        return best

    def picture(self, take: Take) -> str:
        """The take's level, a block each 50 ms, a little before and after it included."""
        begin, end = take.start - MARGIN_SECONDS, take.end + MARGIN_SECONDS
        levels = [
            level
            for sense in self.senses
            for i, level in enumerate(sense.levels_dbfs)
            if begin <= sense.t - LEVEL_SECONDS * (len(sense.levels_dbfs) - i) < end
        ]
        return blocks(levels)

    def draw(self, path: Path, title: str, takes: Sequence[Take]) -> None:
        """Raises PublishError when it cannot be written."""
        from listener.cli.plot import Picture
        from listener.types import SoundEnded, SoundStarted

        picture = Picture(title)
        for chunk in self.chunks:
            picture.see(chunk.samples)
        for report in self.hearings:
            picture.report(report)
        for number, take in enumerate(takes, 1):
            sound = {"room": "", "id": str(number), "label": title, "score": 1.0, "onset": take.start}
            picture.publish(SoundStarted(**sound, t=take.end, group=""))  # type: ignore[arg-type]
            picture.publish(SoundEnded(**sound, t=take.end, duration=take.end - take.start))  # type: ignore[arg-type]
        picture.save(path)


def blocks(levels_dbfs: Sequence[float]) -> str:
    """A bar for each level, from the loudest down to 40 dB below it."""
    if not levels_dbfs:
        return ""
    height = (np.asarray(levels_dbfs) - max(levels_dbfs) + SHOWN_DB) / SHOWN_DB
    return "".join(BLOCKS[round(float(h) * (len(BLOCKS) - 1))] for h in np.clip(height, 0.0, 1.0))


def meter(level_dbfs: float, width: int = 24) -> str:
    """One level as a bar: -72 dBFS is empty, 0 full."""
    full = round(max(0.0, min(1.0, 1 + level_dbfs / 72)) * width)
    return "█" * full + "░" * (width - full)
