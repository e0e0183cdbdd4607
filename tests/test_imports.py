"""The direction of imports, as docs/architecture.md draws it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "listener"

LEAVES = {
    *("types", "vocabulary", "errors", "config", "chunks", "notify"),
    *("children", "origin", "portaudio", "sentences", "times", "wyoming_wire"),
}
LAYERS = {"sources", "perceive", "decide", "respond", "publish", "store", "models", "servers"}
COMMON = {"chunks", "config", "types", "vocabulary", "errors", "origin", "times"}
ALLOWED = {
    "errors": set(),
    "vocabulary": set(),
    "types": {"vocabulary"},
    "config": {"errors", "vocabulary"},
    "chunks": {"errors", "types", "vocabulary"},
    "notify": {"errors"},
    "portaudio": {"errors"},
    "wyoming_wire": set(),
    "children": set(),
    "origin": set(),
    "times": set(),
    "sentences": {"config", "errors", "types", "vocabulary"},
    **dict.fromkeys(LAYERS, COMMON),
    "sources": {*COMMON, "children", "portaudio", "wyoming_wire"},
    "servers": {*COMMON, "wyoming_wire"},
    "perceive": {*COMMON, "children", "sentences"},
    "respond": {*COMMON, "children", "portaudio", "sentences"},
    "room": {"types", "vocabulary", "errors"},
    "app": {*LEAVES, *LAYERS, "room"},
    "bench": {*LEAVES, *LAYERS, "room", "app"},
    "cli": {*LEAVES, *LAYERS, "room", "app", "bench"},
    "__main__": {"cli"},
}
HEAVY = {"torch", "transformers"}


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def name_of(path: Path) -> str:
    return ".".join(("listener", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Every module that a file names in an import, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_a_module_imports_only_what_is_below_it(path: Path) -> None:
    part = part_of(path)
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("listener.")} - {"__version__"}
    assert ours - {part} <= ALLOWED[part]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_the_gpu_engine_alone_imports_torch(path: Path) -> None:
    inside = name_of(path).startswith("listener.decide.audio_interaction")
    assert inside or not HEAVY & {name.split(".")[0] for name in imported(path)}


def test_there_are_no_cycles() -> None:
    known = {name_of(path): path for path in modules()}
    graph = {name: {known_as(i, known) for i in imported(path)} - {None, name} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for below in sorted(filter(None, graph[name])):
                visit(below, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
    assert done == set(known)


def known_as(name: str, known: dict[str, Path]) -> str | None:
    return name if name in known else name.rpartition(".")[0] if name.rpartition(".")[0] in known else None


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_files_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_functions_fit_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, f"{path}:{node.lineno} {node.name}"
