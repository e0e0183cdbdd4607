"""The recordings that a tagger may be trained on: which they are, whose, and in which of three parts each belongs.

A folder of recordings holds `esc10/CLASS/FOLD-*.ogg` (ESC-10: K. J. Piczak, ACM Multimedia 2015) and `home/LABEL/*`,
each with an ATTRIBUTION.csv. A clip whose licence does not plainly let us ship weights learnt from it is left out.
"""

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soundfile as sf
import soxr

from listener.types import SAMPLE_RATE_HZ, Samples

PARTS: Final = 3
ALLOWED: Final = re.compile(r"CC0|CC-BY|Apache-2\.0|Public domain", re.IGNORECASE)
REFUSED: Final = re.compile(r"SA\b|-NC|-ND|Sampling", re.IGNORECASE)

FOLDER_LABELS: Final[Mapping[str, str | None]] = {
    "clock_tick": "clock",
    "chainsaw": "power_tool",
    "helicopter": "engine",
    "toilet_flush": "water",
    "sea_waves": None,
    "footsteps": None,
    "other": None,
    "background": None,
}
"""Folders whose name is not the label; None: a sound that none of our labels means."""

MAY_ALSO_HOLD: Final[Mapping[str, frozenset[str]]] = {
    "smoke_alarm": frozenset({"siren", "alarm_clock", "appliance_beep", "phone_ring"}),
    "alarm_clock": frozenset({"phone_ring", "appliance_beep", "clock"}),
    "appliance_beep": frozenset({"smoke_alarm", "alarm_clock", "phone_ring"}),
    "sneeze": frozenset({"cough"}),
    "cough": frozenset({"sneeze", "speech"}),
    "rain": frozenset({"water", "thunder"}),
    "sea_waves": frozenset({"water"}),
    "thunder": frozenset({"rain", "bang", "water"}),
    "chainsaw": frozenset({"engine"}),
    "helicopter": frozenset({"engine"}),
    "power_tool": frozenset({"engine"}),
    "door": frozenset({"knock"}),
    "knock": frozenset({"door"}),
    "footsteps": frozenset({"knock"}),
    "laughter": frozenset({"speech"}),
    "scream": frozenset({"speech"}),
    "applause": frozenset({"speech", "music"}),
    "music": frozenset({"singing", "speech"}),
    "speech": frozenset({"music", "singing"}),
    "siren": frozenset({"music"}),
}
"""Labels that are neither right nor wrong in a folder's clips, as in benchmarks/sound_recall.py."""
MIXED: Final = frozenset({"other", "background"})
"""Folders in which nobody said what may sound: only the teacher speaks about them."""


@dataclass(frozen=True)
class Recording:
    """One clip at 16 kHz, mono. `part` is 0, 1 or 2: a fold of ESC-10, or a third of the groups of `home`."""

    corpus: str
    folder: str
    name: str
    author: str
    licence: str
    source: str
    part: int
    samples: Samples

    @property
    def label(self) -> str | None:
        return FOLDER_LABELS.get(self.folder, self.folder)


def may_be_used(licence: str) -> bool:
    return bool(ALLOWED.search(licence)) and not REFUSED.search(licence)


def read_recordings(audio: Path) -> list[Recording]:
    """Every clip that may be used, in a fixed order. Raises OSError, KeyError, LibsndfileError on a folder that lacks
    clips or columns: a training run that silently learns from less is worse than none."""
    return _esc10(audio / "esc10") + _home(audio / "home")


def _esc10(folder: Path) -> list[Recording]:
    rows = {row["clip"]: row for row in _rows(folder / "ATTRIBUTION.csv")}
    found = []
    for path in sorted(folder.glob("*/*.ogg")):
        row = rows[path.stem]
        if may_be_used(row["license"]):
            what = (path.parent.name, path.name, row["author"], row["license"], row["source_url"])
            found.append(Recording("esc10", *what, int(path.name[0]) - 1, read_samples(path)))
    return found


def _home(folder: Path) -> list[Recording]:
    rows = [row for row in _rows(folder / "ATTRIBUTION.csv") if may_be_used(row["license"])]
    parts = parts_of_groups([(group_of(row), row["file"].split("/")[0]) for row in rows])
    found = []
    for row in sorted(rows, key=lambda row: row["file"]):
        path = folder / row["file"]
        what = (path.parent.name, path.name, row["author"], row["license"], f"{row['source']}: {row['original_path']}")
        found.append(Recording("home", *what, parts[group_of(row)], read_samples(path)))
    return found


def group_of(row: Mapping[str, str]) -> str:
    """What ties clips together. Where the column is empty nothing is known to; then files of one source whose names
    differ in nothing but a number at the end are taken for takes of one sound."""
    stem = Path(row["original_path"]).stem
    return row["group"] or f"{row['source']}/{re.sub(r'[-_ ]*[0-9]{1,3}$', '', stem)}"


def parts_of_groups(clips: list[tuple[str, str]]) -> dict[str, int]:
    """A part for each group, of (group, folder) a clip: largest group first, each to the part that has least of its
    folders. A group is one recording or one speaker and is never split."""
    folders: dict[str, Counter[str]] = defaultdict(Counter)
    for group, folder in clips:
        folders[group][folder] += 1
    filled = [Counter[str]() for _ in range(PARTS)]
    parts = {}
    for group in sorted(folders, key=lambda group: (-folders[group].total(), group)):
        loads = [sum(filled[part][folder] for folder in folders[group]) for part in range(PARTS)]
        parts[group] = loads.index(min(loads))
        filled[parts[group]].update(folders[group])
    return parts


def read_samples(path: Path) -> Samples:
    frames, rate = sf.read(path, dtype="float32", always_2d=True)
    mono = frames.mean(axis=1)
    samples: Samples = mono if rate == SAMPLE_RATE_HZ else soxr.resample(mono, rate, SAMPLE_RATE_HZ)
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
