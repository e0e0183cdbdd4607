"""The long forms of the chaos tests: kills, fuzzing and a soak. Writes docs/reports/chaos.md. Needs mosquitto.

`python benchmarks/chaos.py` runs all of it, for some two hours; `--only broker daemon …` runs a part, and
`--scale 0.1` a tenth of each. The report keeps the last figures of each part.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "chaos"), str(ROOT / "tests" / "publish")]

from chaos_parts import Daemon, Subscriber, configuration, kill_broker, kill_daemon, running, until  # noqa: E402
from conftest import Mosquitto, free_port  # noqa: E402
from fuzz import configurations, payloads, read_tree, verdict  # noqa: E402
from mqtt_witness import Witness, daemon  # noqa: E402

from listener.config import load  # noqa: E402
from listener.types import CHUNK_SECONDS  # noqa: E402

REPORT = ROOT / "docs" / "reports" / "chaos.md"
FIGURES = ROOT / "docs" / "reports" / "chaos.json"
SEED = 20_260


@contextmanager
def broker() -> Iterator[tuple[Path, Mosquitto]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "mosquitto").mkdir()
        one = Mosquitto(folder / "mosquitto", free_port())
        try:
            yield folder, one
        finally:
            one.resume()
            one.stop()


def broker_kills(scale: float) -> dict[str, Any]:
    """20 kills in 10 minutes; every sound must arrive, in the order of its room."""
    dice, times = random.Random(SEED), max(1, round(20 * scale))
    began = time.monotonic()
    with broker() as (folder, mosquitto):
        told, subscriber = kill_broker(folder, mosquitto, times, lambda: dice.uniform(4.0, 44.0))
        sounds = told.sounds()
        in_order = all(list(subscriber.ids[room]) == ids for room, ids in sounds.items())
        count = sum(map(len, sounds.values()))
    return {
        "kills": times,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "sounds": count,
        "lost": 0,  # `kill_broker` fails where one is missing
        "doubles": subscriber.doubles,
        "in order": in_order,
    }


def amnesia(scale: float) -> dict[str, Any]:
    """What mosquitto's default, `persistence false`, loses: sounds acknowledged for a subscriber that was away."""
    lost = rounds = 0
    for _ in range(max(1, round(5 * scale))):
        with broker() as (folder, mosquitto):
            mosquitto.start()
            subscriber = Subscriber(mosquitto.port)
            one = Daemon(folder, configuration(folder, mosquitto.port))
            with running(one):
                until(lambda: len(subscriber.ids) == 2)  # noqa: B023
                subscriber.close()
                before = len(one.told)
                until(lambda: len(one.told) > before + 300)  # noqa: B023
                mosquitto.stop(kill=True)
                mosquitto.start()
                again = Subscriber(mosquitto.port)
                time.sleep(2)
            told = {i for ids in one.sounds().values() for i in ids}
            heard = {i for s in (subscriber, again) for ids in s.ids.values() for i in ids}
            lost += len(told - heard)
            rounds += 1
            again.close()
    return {"kills": rounds, "sounds lost, all told": lost}


def daemon_kills(scale: float) -> dict[str, Any]:
    """50 kills; what was decided more than 100 ms before one must arrive."""
    dice, times = random.Random(SEED + 1), max(1, round(50 * scale))
    with broker() as (folder, mosquitto):
        last, subscriber, expected = kill_daemon(folder, mosquitto, times, lambda: dice.uniform(0.05, 3.0))
        traceback = "Traceback" in last.log
    return {
        "kills": times,
        "sounds that had to arrive": expected,
        "lost": 0,
        "doubles": subscriber.doubles,
        "tracebacks": traceback,
    }


def payload_fuzz(scale: float) -> dict[str, Any]:
    """100,000 payloads over a real broker; memory is compared after the first tenth and at the end."""
    return asyncio.run(_payload_fuzz(max(1_000, round(100_000 * scale))))


async def _payload_fuzz(count: int) -> dict[str, Any]:
    process = psutil.Process()
    with broker() as (_, mosquitto):
        mosquitto.start()
        async with Witness(mosquitto.port) as witness, daemon(mosquitto.port) as d:
            await witness.until_seen("listener/kitchen/sound/dog_bark")
            sizes = []
            for n, (topic, payload) in enumerate(payloads(SEED, count)):
                if not set("+#") & set(topic):
                    witness.client.publish(topic, payload, 0)
                if (n + 1) % (count // 10) == 0:
                    d.controls.clear()
                    await witness.send("listener/kitchen/mute/set", "ON")
                    while not d.controls:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)
                    witness.seen.clear()
                    sizes.append(round(process.memory_info().rss / 1e6, 1))
    return {"payloads": count, "RSS after a tenth, MB": sizes[0], "RSS at the end, MB": sizes[-1]}


def config_fuzz(scale: float) -> dict[str, Any]:
    """5,000 mutations of config.example.yaml."""
    count = max(300, round(5_000 * scale))
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    valid = lines = 0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "fuzz.yaml"
        for mutation in configurations(SEED, count, example):
            if isinstance(mutation, str):
                path.write_text(mutation, encoding="utf-8")
                found = verdict(lambda: load(path))
            else:
                found = verdict(lambda tree=mutation: read_tree(tree))
            if found == "valid":
                valid += 1
            else:
                assert all(line.startswith((f"{path}: ", "fuzz.yaml: ")) for line in found.splitlines()), found
                lines += len(found.splitlines())
    return {"mutations": count, "valid": valid, "lines of errors": lines, "anything else": 0}


def soak(scale: float) -> dict[str, Any]:
    """72 room-hours in four rooms at high speed, with the broker killed every few minutes."""
    wanted_seconds = 18 * 3_600 * scale
    rooms = ("Kitchen", "Hall", "Nursery", "Workshop")
    looks: list[dict[str, float]] = []
    with broker() as (folder, mosquitto):
        mosquitto.start()
        one = Daemon(folder, configuration(folder, mosquitto.port, rooms))
        with running(one):
            assert one.process is not None
            process = psutil.Process(one.process.pid)
            heard: dict[str, float] = {}
            next_look = wanted_seconds / 10
            while min(heard.values(), default=0.0) < wanted_seconds or len(heard) < len(rooms):
                told, one.told[:] = one.told[:], []
                heard |= {e["room"]: e["t"] for _, e in told if e["event"] == "decision"}
                if min(heard.values(), default=0.0) >= next_look:
                    mosquitto.stop(kill=True)
                    time.sleep(1)
                    mosquitto.start()
                    time.sleep(3)
                    next_look += wanted_seconds / 10
                    looks.append(_look(process, folder))
                time.sleep(0.5)
            until(lambda: "Traceback" not in one.log)
    first, last = looks[1], looks[-1]
    return {
        "room-hours": round(sum(heard.values()) / 3_600, 1),
        "chunks": round(sum(heard.values()) / CHUNK_SECONDS),
        **{f"{name}, after a fifth → at the end": f"{first[name]} → {last[name]}" for name in first},
    }


def _look(process: psutil.Process, folder: Path) -> dict[str, float]:
    family = [process, *process.children(recursive=True)]
    return {
        "RSS, MB": round(sum(p.memory_info().rss for p in family) / 1e6, 1),
        "file handles": process.num_fds(),
        "threads": process.num_threads(),
        "outbox, kB": round((folder / "state" / "outbox.sqlite").stat().st_size / 1e3),
    }


PARTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "broker": broker_kills,
    "amnesia": amnesia,
    "daemon": daemon_kills,
    "payloads": payload_fuzz,
    "config": config_fuzz,
    "soak": soak,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="how much of the whole, e.g. 0.1")
    args = parser.parse_args()
    figures = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    for name in args.only:
        print(f"{name} …", flush=True)
        figures[name] = {"scale": args.scale, "when": f"{datetime.now(UTC):%Y-%m-%d}", **PARTS[name](args.scale)}
        print(json.dumps(figures[name], ensure_ascii=False), flush=True)
        FIGURES.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        REPORT.write_text(report(figures), encoding="utf-8")


def report(figures: dict[str, Any]) -> str:
    lines = [
        "# Chaos",
        "",
        "Written by `make chaos` (`benchmarks/chaos.py`). `scale` is the part of the whole that was run;",
        "1 is all of it. What each part does, and what must hold, is in [durability](../durability.md).",
    ]
    for name, found in figures.items():
        what = (PARTS[name].__doc__ or "").strip()
        lines += ["", f"## {name}", "", what, "", "| | |", "| --- | --- |"]
        lines += [f"| {key} | {value} |" for key, value in found.items()]
    missing = [name for name in PARTS if name not in figures]
    if missing:
        lines += ["", f"Not run yet: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
