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
ROOMS = ("Kitchen", "Hall", "Nursery", "Workshop")


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
    """72 room-hours in four rooms at high speed; the broker is killed and the sources break at every tenth."""
    return Soak(18 * 3_600 * scale, speech=False).run()


def soak_with_speech(scale: float) -> dict[str, Any]:
    """4 room-hours with speech on; broker and a process that hears are killed, the sources break, at every tenth."""
    return Soak(3_600 * scale, speech=True).run()


class Soak:
    """Four rooms hear so many seconds each; ten times all the faults, and a look at what the daemon has taken."""

    def __init__(self, seconds: float, *, speech: bool) -> None:
        self._seconds = seconds
        self._speech = speech
        self._heard: dict[str, float] = {}
        self._states: dict[str, dict[str, Any]] = {}
        self._ear = 0

    def run(self) -> dict[str, Any]:
        looks: list[dict[str, float]] = []
        with broker() as (folder, mosquitto):
            mosquitto.start()
            more = "engine: {processes: 2}" if self._speech else ""
            config = configuration(folder, mosquitto.port, ROOMS, more, speech=self._speech)
            daemon = Daemon(folder, config)
            with running(daemon):
                assert daemon.process is not None
                process = psutil.Process(daemon.process.pid)
                for n in range(1, 11):
                    while len(self._heard) < len(ROOMS) or min(self._heard.values()) < n * self._seconds / 10:
                        self._listen(daemon)
                    self._trouble(daemon, mosquitto, folder / "kitchen.wav")
                    looks.append(_look(process, folder))
            assert "Traceback" not in daemon.log
        first, last = looks[1], looks[-1]
        return {
            "room-hours": round(sum(self._heard.values()) / 3_600, 1),
            "chunks": round(sum(self._heard.values()) / CHUNK_SECONDS),
            "faults": f"10 times: {'broker, process that hears, sources' if self._speech else 'broker, sources'}",
            **{f"{name}, after a fifth → at the end": f"{first[name]} → {last[name]}" for name in first},
        }

    def _listen(self, daemon: Daemon) -> None:
        time.sleep(0.2)
        told, daemon.told[:] = daemon.told[:], []
        for _, event in told:
            if event["event"] == "decision":
                self._heard[event["room"]] = event["t"]
            elif event["event"] == "status":
                self._states[event["room"]] = event

    def _until(self, daemon: Daemon, cured: Callable[[], bool]) -> None:
        def look() -> bool:
            self._listen(daemon)
            return cured()

        until(look, f"{self._states}")

    def _trouble(self, daemon: Daemon, mosquitto: Mosquitto, scene: Path) -> None:
        """One fault after the other; each is seen, and cured, before the next."""
        mosquitto.stop(kill=True)
        time.sleep(1)
        mosquitto.start()
        if self._speech:
            self._ear = 1 - self._ear
            daemon.ears()[self._ear].kill()
            self._until(daemon, lambda: any("degraded" in state["flags"] for state in self._states.values()))
            self._until(daemon, lambda: not any("degraded" in state["flags"] for state in self._states.values()))
        sound = scene.read_bytes()
        scene.write_bytes(b"")
        self._until(daemon, lambda: all(state["state"] == "no_audio" for state in self._states.values()))
        scene.write_bytes(sound)
        self._until(daemon, lambda: all(state["state"] != "no_audio" for state in self._states.values()))


def _look(process: psutil.Process, folder: Path) -> dict[str, float]:
    family = [process, *process.children(recursive=True)]
    return {
        "RSS, MB": round(sum(p.memory_info().rss for p in family) / 1e6, 1),
        "file handles": sum(p.num_fds() for p in family),
        "threads": sum(p.num_threads() for p in family),
        "processes": len(family),
        "outbox, kB": round((folder / "state" / "outbox.sqlite").stat().st_size / 1e3),
    }


PARTS: dict[str, Callable[[float], dict[str, Any]]] = {
    "broker": broker_kills,
    "amnesia": amnesia,
    "daemon": daemon_kills,
    "payloads": payload_fuzz,
    "config": config_fuzz,
    "soak": soak,
    "soak-with-speech": soak_with_speech,
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
