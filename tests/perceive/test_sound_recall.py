"""A short form of benchmarks/sound_recall.py: the bounds on a few recordings, and its exit code when one is missed."""

import subprocess
import sys
from pathlib import Path

from ears import AUDIO, MODEL, needs_audio, needs_model

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "sound_recall.py"
CLASSES = ("dog_bark", "rooster", "baby_cry", "sneeze", "rain", "clock_tick", "fire_crackling")
ONE_A_FOLD = slice(4, None, 8)
"""One clip of each of the three folds."""

pytestmark = [needs_audio, needs_model]


def corpus(root: Path, **instead: str) -> Path:
    """A few clips of some classes; `instead` puts the clips of another class into a folder."""
    for name in CLASSES:
        folder = root / "esc10" / name
        folder.mkdir(parents=True)
        for clip in sorted((AUDIO / "esc10" / instead.get(name, name)).glob("*.ogg"))[ONE_A_FOLD]:
            (folder / clip.name).symlink_to(clip)
    return root


def run(audio: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(BENCHMARK), "--audio", str(audio), "--model", str(MODEL)]
    command += ["--report", str(audio / "report.md")]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_the_bounds_hold_on_a_few_recordings(tmp_path: Path) -> None:
    done = run(corpus(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "All bounds hold." in done.stdout
    assert (tmp_path / "report.md").read_text(encoding="utf-8") in done.stdout


def test_a_missed_bound_is_an_error(tmp_path: Path) -> None:
    done = run(corpus(tmp_path, dog_bark="rain"))
    assert done.returncode == 1
    assert "| dog_bark | 0.95 | 0/3 = 0.00 |" in done.stdout
