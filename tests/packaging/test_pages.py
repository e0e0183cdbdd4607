"""The pages for users: each says since when it holds, is in the index, and shows configuration that loads."""

import re
import tomllib
from pathlib import Path

import pytest

from listener import __version__
from listener.config import load

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
INDEX = (DOCS / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path for path in DOCS.glob("*.md") if path.name != "README.md")
VERSION = r"\d+\.\d+\.\d+"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_the_index_has_every_page_and_since_when(page: Path) -> None:
    row = re.search(rf"^\| \[[\w-]+\]\({re.escape(page.name)}\) \| .+ \| ({VERSION}) \|$", INDEX, re.M)
    assert row is not None, f"docs/README.md does not list {page.name}"
    said = re.search(rf"^\*Since ({VERSION})\.", page.read_text(encoding="utf-8"), re.M)
    assert said is None or said[1] == row[1]


def test_the_index_is_of_this_release() -> None:
    assert f"# Documentation of Listener {__version__}\n" in INDEX


def test_the_table_of_machines_has_every_part() -> None:
    """scripts/wheels asks a package index, so that it runs by hand; a new extra must not be forgotten."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = (DOCS / "install.md").read_text(encoding="utf-8").partition("<!-- scripts/wheels -->")[2]
    parts = re.findall(r"^\| `([\w-]+)` \|", table.partition("<!-- end -->")[0], re.M)
    assert set(parts) == set(extras) - {"dev"}


def configurations() -> list[tuple[str, str]]:
    """Every YAML of a page that begins a configuration."""
    blocks = [(page.name, text) for page in PAGES for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S)]
    return [(name, text) for name, text in blocks if text.startswith("rooms:")]


@pytest.mark.parametrize(("page", "text"), configurations())
def test_a_configuration_that_is_shown_loads(page: str, text: str, tmp_path: Path) -> None:
    """Pieces that show single keys of a room are filled up with what every room needs."""
    whole = re.sub(r"^( +)(- name: .+)$(?!\n.*source:)", r"\1\2\n\1  source: {type: microphone}", text, flags=re.M)
    (tmp_path / page).write_text(whole, encoding="utf-8")
    assert load(tmp_path / page).rooms


def test_there_are_configurations_to_load() -> None:
    assert len(configurations()) >= 8
