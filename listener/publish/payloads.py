"""What the payloads look like. Pure."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from listener.types import (
    Command,
    CorrectionsReport,
    HealthReport,
    Hearing,
    HearingReport,
    LearningReport,
    ResponseEnded,
    ResponseStarted,
    SoundStarted,
    TaughtReport,
    event_dict,
)

STATE_CHARACTERS = 255
"""The longest state that Home Assistant stores (`MAX_LENGTH_STATE_STATE` in homeassistant/const.py)."""

SILENCE_DBFS = -120.0
"""The level of digital silence, whose logarithm is no number."""

ONLINE = b'{"state":"online"}'
OFFLINE = b'{"state":"offline"}'


def encode(body: Any) -> bytes:
    """Compact JSON in UTF-8. What JSON or UTF-8 cannot say (NaN, half a surrogate pair) becomes null or `?`."""
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(body), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _finite(body: Any) -> Any:
    if isinstance(body, Mapping):
        return {key: _finite(value) for key, value in body.items()}
    if isinstance(body, list | tuple):
        return [_finite(value) for value in body]
    return None if isinstance(body, float) and not math.isfinite(body) else body


def on_off(on: bool) -> bytes:
    return b"ON" if on else b"OFF"


def sound(event: SoundStarted) -> bytes:
    return encode({"event_type": event.label, **event_dict(event)})


def command(event: Command) -> bytes:
    """Its type is the intent when it was accepted, so that no automation acts on one that was not."""
    event_type = event.intent if event.verdict == "accepted" else event.verdict
    return encode({"event_type": event_type, **event_dict(event)})


def shorten(text: str) -> str:
    """At most as many characters as a state may have; an ellipsis says that there was more."""
    return text if len(text) <= STATE_CHARACTERS else text[: STATE_CHARACTERS - 1] + "…"


def response(started: ResponseStarted | None, ended: ResponseEnded) -> bytes:
    """The whole answer. What was said to us stays out: household speech does not belong on a broker by default."""
    context = {} if started is None else {k: getattr(started, k) for k in ("emotion", "trigger", "sounds")}
    return encode({"state": shorten(ended.text), **event_dict(ended), **context})


def hearing_lines(labels: Sequence[Hearing]) -> list[dict[str, Any]]:
    return [{"label": h.label, "score": round(h.score, 2), "reason": h.reason} for h in labels]


def hearing(report: HearingReport) -> bytes:
    lines = hearing_lines(report.labels)
    best = lines[0]["label"] if lines else "nothing"
    return encode({"label": best, "room": report.room, "t": report.t, "labels": lines})


def learning(report: LearningReport) -> bytes:
    """`text` is the state in Home Assistant, where the reason of a refusal must be read without a click."""
    match report.state:
        case "be_quiet":
            text = "be quiet"
        case "listening":
            text = f"heard {report.heard} of {report.wanted}"
        case "refused":
            text = f"refused: {report.detail}"
        case state:
            text = state
    return encode({"text": shorten(text), **asdict(report)})


def taught(report: TaughtReport) -> bytes:
    return encode({"count": len(report.sounds), **asdict(report)})


def corrections(report: CorrectionsReport) -> bytes:
    return encode(asdict(report))


def level(level_dbfs: float) -> bytes:
    """dBFS with one decimal, never below the floor: Home Assistant takes numbers only."""
    return f"{level_dbfs if level_dbfs > SILENCE_DBFS else SILENCE_DBFS:.1f}".encode()


def number(value: float) -> bytes:
    return f"{value:g}".encode()


def health(report: HealthReport, queue: int, drops: Mapping[str, int], reconnects: int) -> bytes:
    lost = {"messages_dropped": sum(drops.values()), "messages_dropped_by_kind": dict(drops)}
    return encode({**asdict(report), "message_queue": queue, **lost, "reconnects": reconnects})
