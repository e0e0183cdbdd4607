"""The report of what was measured: docs/reports/acceptance.md, written when LISTENER_ACCEPTANCE_REPORT names it."""

import json
import os
import platform
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acceptance.expected import ROOM, entities_of

HEAD = """\
# Acceptance: figures

Written by `LISTENER_ACCEPTANCE_REPORT=docs/reports/acceptance.md make acceptance`: Home Assistant 2025.4.4, mosquitto
and the daemon on one machine ({machine}), over loopback. Times are taken by one clock, at an MQTT client and at a
WebSocket beside them. "Discovery to entity" runs from a new room's discovery payload at the broker to the first state
of the last of its {entities} entities; "sound event to automation action" from the sound event at the broker to what an
automation publishes about it. "Load" is the machine's load average of the last minute: programs that ran or waited for
a core.

| figure | n | median | largest | promised | held | load | when |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def report(name: str, seconds: list[float], bound_seconds: float) -> bool:
    """Put one row into the file; False if there is to be none. The median is held to the bound."""
    path = os.environ.get("LISTENER_ACCEPTANCE_REPORT")
    if path is None:
        return False
    kept = Path(path).with_suffix(".json")
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    rows[name] = {
        "n": len(seconds),
        "median_seconds": round(statistics.median(seconds), 3),
        "largest_seconds": round(max(seconds), 3),
        "promise": f"median < {bound_seconds:g} s",
        "held": statistics.median(seconds) < bound_seconds,
        "load": round(os.getloadavg()[0], 1),
        "when": datetime.now(UTC).date().isoformat(),
    }
    kept.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    Path(path).write_text(page(rows), encoding="utf-8")
    return True


def page(rows: Mapping[str, Mapping[str, Any]]) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}"
    head = HEAD.format(machine=machine, entities=len(entities_of("x", ROOM)))
    return head + "".join(
        f"| {name} | {row['n']} | {row['median_seconds']} s | {row['largest_seconds']} s | {row['promise']} "
        f"| {'yes' if row['held'] else '**no**'} | {row['load']} | {row['when']} |\n"
        for name, row in rows.items()
    )
