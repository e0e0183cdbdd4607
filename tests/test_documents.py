"""What the documents say is held against the program: every command, every link, every word about ourselves."""

import re
import shlex
from pathlib import Path

import pytest

from listener.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
WORDS = "run|listen|demo|check|devices|models|say|service|bench|config|doctor|mute|privacy|teach"
COMMAND = re.compile(rf"(?<![\w-])listener ((?:{WORDS})\b[^`\n|#]*)")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
PLACEHOLDERS = {"…", "...", "-"}


def commands(path: Path) -> list[str]:
    """Every `listener …` in code of a document."""
    text = path.read_text(encoding="utf-8")
    code = re.findall(r"```console\n(.*?)```", text, re.S) + re.findall(r"`(listener [^`\n]+)`", text)
    return [match.group(1).strip() for piece in code for match in COMMAND.finditer(piece)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_that_is_named_exists(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands(path):
        words = [w for w in shlex.split(command) if not w.startswith("[")]
        if any("|" in w or w.isupper() or "…" in w for w in words):
            continue  # a synopsis, not a command
        try:
            build_parser().parse_args(words)
        except SystemExit as error:
            if error.code:
                pytest.fail(f"{path.name}: `listener {command}`: {capsys.readouterr().err.splitlines()[-1]}")


def test_the_readme_names_commands() -> None:
    assert len(commands(ROOT / "README.md")) >= 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\$ make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M)


def test_every_dependency_has_its_line() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=\[ ]", requirement)[0]
        assert f"| {name} |" in text
