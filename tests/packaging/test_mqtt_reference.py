"""docs/mqtt-reference.md is what the code says today."""

import subprocess
import sys
from pathlib import Path

from listener.publish.topics import ACTIONS, SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "mqtt-reference"


def test_the_reference_is_current() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_topic_of_the_reference_is_in_the_guide() -> None:
    """mqtt.md is written by people: what the code publishes or takes must be told there, too."""
    guide = (ROOT / "docs" / "mqtt.md").read_text(encoding="utf-8").replace("listener/R/", "listener/kitchen/")
    reference = (ROOT / "docs" / "mqtt-reference.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in reference.splitlines() if line.startswith("| `listener/")]
    assert len(rows) >= 15 + len(SETTINGS) + len(ACTIONS)
    for topic in rows:
        assert f"`{topic}`" in guide or topic.rpartition("/")[2] in guide, topic
