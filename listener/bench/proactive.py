"""Runs any engine over the public Proactive-Sound-Effect-Benchmark, and writes predictions for its evaluator.

The benchmark (Xie et al., arXiv 2606.05121) has 644 recordings; each is to be answered or left alone.
"""

import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from listener.errors import ConfigError, SourceError
from listener.types import Decision, Event, Report, ResponseEnded

Verdict = Literal["RESPOND", "IGNORE"]
Say = Callable[[int, int], None]

MAX_MANIFEST_BYTES = 50_000_000


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    path: Path
    """Relative to the folder of recordings."""
    decision: Verdict


@dataclass(slots=True)
class Heard:
    """A publisher that keeps what the benchmark asks about."""

    responded: bool = False
    replies: list[str] = field(default_factory=list)

    def publish(self, event: Event) -> None:
        if isinstance(event, Decision):
            self.responded |= event.decision == "respond"
        if isinstance(event, ResponseEnded):
            self.replies.append(event.text)

    def report(self, report: Report) -> None:
        """Levels and settings are nothing to the benchmark."""

    @property
    def verdict(self) -> Verdict:
        return "RESPOND" if self.responded else "IGNORE"

    @property
    def raw_reply(self) -> str:
        """The two tags that the evaluator looks for; a reply that holds tags itself must not confuse it."""
        text = re.sub(r"</?(Decision|Reply)>", "", " ".join(self.replies))
        return f"<Decision>{self.verdict}</Decision><Reply>{text}</Reply>"


Hear = Callable[[Path, Heard], Awaitable[None]]
"""Plays one recording to a fresh room whose events go to `Heard`. Raises SourceError."""


def read_manifest(path: Path, audio: Path) -> list[Item]:
    """JSON lines, or one JSON list, of `id`, `path`, `decision`. Raises ConfigError naming the line."""
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise ConfigError(f"{path}: is larger than {MAX_MANIFEST_BYTES} bytes; this is no such manifest")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    items = [_item(path, number, entry, audio) for number, entry in _entries(path, text)]
    if not items:
        raise ConfigError(f"{path}: holds no items")
    if len({item.id for item in items}) < len(items):
        raise ConfigError(f"{path}: some ids occur twice; the evaluator could not tell them apart")
    return items


def _entries(path: Path, text: str) -> Iterable[tuple[int, Any]]:
    try:
        if text.lstrip().startswith("["):
            return list(enumerate(json.loads(text), 1))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: no valid JSON: {error}") from None
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                entries.append((number, json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}: item {number}: no valid JSON: {error}") from None
    return entries


def _item(path: Path, number: int, entry: Any, audio: Path) -> Item:
    where = f"{path}: item {number}"
    if not isinstance(entry, dict) or not {"id", "path", "decision"} <= set(entry):
        raise ConfigError(f"{where}: must have id, path and decision")
    if entry["decision"] not in ("RESPOND", "IGNORE"):
        raise ConfigError(f"{where}: decision is {entry['decision']!r}, neither RESPOND nor IGNORE")
    name = Path(str(entry["path"]))
    if name.is_absolute() or ".." in name.parts:
        raise ConfigError(f"{where}: path {str(name)!r} leads out of {audio}")
    return Item(str(entry["id"]), name, entry["decision"])


async def run(
    manifest: Path, audio: Path, out: Path, hear: Hear, say: Say = lambda _done, _all: None
) -> dict[str, Any]:
    """Hear every item; write a line each to `out`; returns the accuracy, by folder too.

    A recording that cannot be heard counts as wrong, is listed under `failed`, and its line says why.
    """
    items = read_manifest(manifest, audio)
    right: dict[str, list[bool]] = defaultdict(list)
    failed: dict[str, str] = {}
    try:
        with out.open("w", encoding="utf-8") as lines:
            for number, item in enumerate(items, 1):
                heard = Heard()
                try:
                    await hear(audio / item.path, heard)
                except SourceError as error:
                    failed[item.id] = str(error)
                correct = item.id not in failed and heard.verdict == item.decision
                right[str(item.path.parent)].append(correct)
                lines.write(json.dumps(_line(item, heard, failed.get(item.id)), ensure_ascii=False) + "\n")
                say(number, len(items))
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written: {error.strerror}; give another --out") from None
    return _summary(right, failed)


def _line(item: Item, heard: Heard, fault: str | None) -> dict[str, str]:
    reply = heard.raw_reply if fault is None else ""
    line = {"id": item.id, "path": str(item.path), "decision": item.decision, "_raw_reply": reply}
    return line if fault is None else {**line, "error": fault}


def _summary(right: dict[str, list[bool]], failed: dict[str, str]) -> dict[str, Any]:
    everything = [correct for folder in right.values() for correct in folder]
    folders = {name: {"items": len(c), "accuracy": sum(c) / len(c)} for name, c in sorted(right.items())}
    accuracy = sum(everything) / len(everything)
    return {"items": len(everything), "accuracy": accuracy, "folders": folders, "failed": failed}
