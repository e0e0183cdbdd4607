"""Mutated configurations: always a valid start, or a clear line for each error."""

from pathlib import Path

from fuzz import configurations, read_tree, verdict

from listener.config import load

EXAMPLE = (Path(__file__).resolve().parents[2] / "config.example.yaml").read_text(encoding="utf-8")


def test_a_mutated_configuration_is_valid_or_an_error_in_clear_lines(tmp_path: Path) -> None:
    path = tmp_path / "fuzz.yaml"
    valid = 0
    for mutation in configurations(2, 300, EXAMPLE):
        if isinstance(mutation, str):
            path.write_text(mutation, encoding="utf-8")
            found = verdict(lambda: load(path))
        else:
            found = verdict(lambda tree=mutation: read_tree(tree))  # type: ignore[misc]
        valid += found == "valid"
        for line in found.splitlines():
            assert line == "valid" or line.startswith((f"{path}: ", "fuzz.yaml: "))
            assert len(line) < 1_500
    assert 10 < valid < 290
