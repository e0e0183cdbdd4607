"""Is memory flat? The daemon hears a day of sound from memory, as fast as it goes, and publishes to a real broker.

Bound: RSS at the end is less than 5 % above its value after 10 minutes of audio, and never above 150 MB.

    python benchmarks/memory.py [--hours 24] [--model yamnet.tflite] [--report docs/reports/memory.md]
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from listener.app import App
from listener.bench.rooms import external_broker, household
from listener.config import SourceConfig, parse
from listener.models.files import models_folder
from listener.types import CHUNK_SAMPLES, CHUNK_SECONDS, Chunk, Samples

GROWTH_BOUND = 0.05
MEMORY_BOUND_MB = 150.0
BASELINE_SECONDS = 600.0
POINTS = 24


class Generator:
    """Source without a pace: the loop, over and over, until it has lasted `seconds`. Notes the RSS on its way."""

    live = False
    description = "generator"

    def __init__(self, loop: Samples, seconds: float, points: list[tuple[float, float]]) -> None:
        self._chunks = loop[: len(loop) // CHUNK_SAMPLES * CHUNK_SAMPLES].reshape(-1, CHUNK_SAMPLES)
        self._count = round(seconds / CHUNK_SECONDS)
        self._every = max(1, self._count // POINTS)
        self._points = points
        self.ended = asyncio.Event()

    async def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        process = psutil.Process()
        for index in range(first_index, self._count):
            now = time.monotonic_ns()
            yield Chunk(self._chunks[index % len(self._chunks)], index, time.time_ns(), now)
            if index == round(BASELINE_SECONDS / CHUNK_SECONDS) or (index + 1) % self._every == 0:
                self._points.append(((index + 1) * CHUNK_SECONDS / 3_600, process.memory_info().rss / 1e6))
            await asyncio.sleep(0)
        self.ended.set()


async def hear(hours: float, broker: tuple[str, int], model: Path | None) -> list[tuple[float, float]]:
    """(hours of audio, RSS in MB), from 10 minutes on."""
    points: list[tuple[float, float]] = []
    source = Generator(household(), hours * 3_600, points)
    config = parse(
        {
            "rooms": [{"name": "Room", "source": {"type": "microphone"}}],
            "mqtt": {"host": broker[0], "port": broker[1]},
            "sounds": {"model": model},
            "speech": {"enabled": False},
        }
    )

    def build(_config: SourceConfig) -> Generator:
        return source

    stop = asyncio.Event()
    with tempfile.TemporaryDirectory() as state:
        running = asyncio.create_task(App(config, Path(state), read_source=build).run(stop))
        await asyncio.wait([running, asyncio.create_task(source.ended.wait())], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await running
    return points


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--model", type=Path, default=models_folder() / "yamnet.tflite")
    parser.add_argument("--report", type=Path, default=Path("docs/reports/memory.md"))
    args = parser.parse_args()
    began = time.monotonic()
    with external_broker() as broker:
        points = asyncio.run(hear(args.hours, broker, args.model))
    baseline, last = points[0][1], points[-1][1]
    growth, most = last / baseline - 1, max(rss for _, rss in points)
    text = f"""# Memory

`python benchmarks/memory.py --hours {args.hours:g}`: one room with YAMNet, cascade and MQTT to an external broker hears
{args.hours:g} h of household sound from memory, as fast as it goes ({time.monotonic() - began:.0f} s).

| hours of audio | RSS, MB |
| ---: | ---: |
"""
    text += "".join(f"| {at:.2f} | {rss:.1f} |\n" for at, rss in points)
    text += f"\nGrowth over the value at 10 min: {growth:+.1%} (bound: +{GROWTH_BOUND:.0%}). "
    text += f"Most: {most:.1f} MB (bound: {MEMORY_BOUND_MB:.0f} MB).\n"
    print(text)
    args.report.write_text(text, encoding="utf-8")
    return 0 if growth < GROWTH_BOUND and most < MEMORY_BOUND_MB else 1


if __name__ == "__main__":
    sys.exit(main())
