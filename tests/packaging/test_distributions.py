"""What is built is what people install: the wheel and the source distribution, and the program out of the wheel."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import wave
import zipfile
from pathlib import Path

import pytest

from listener import __version__

pytest.importorskip("build", reason="the package `build` is not installed: pip install '.[dev]'")

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "shared", "node_modules")
TOP = {"LICENSE", "README.md", "CHANGELOG.md", "MANIFEST.in", "Makefile", "pyproject.toml", "config.example.yaml"}
FOLDERS = {"listener", "tests", "docs", "scripts", "systemd", "integrations", "benchmarks"}
MADE = {"PKG-INFO", "setup.cfg"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of a copy of this tree."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, folder / "tree", ignore=NOT_OURS)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(folder / "tree")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return built / f"listener-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed into it, without what it depends on."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(wheel)]
    subprocess.run(command, check=True, timeout=110)
    return folder


def run(installed: Path, home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """The installed program, by its console script; this checkout is out of its sight."""
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("LISTENER_", "XDG_", "PYTHON"))}
    environ = {**keep, "PYTHONPATH": str(installed), "HOME": str(home), "LISTENER_MODELS": str(home / "models")}
    program = [sys.executable, str(installed / "bin" / "listener"), *words]
    return subprocess.run(program, env=environ, cwd=home, capture_output=True, text=True, timeout=110, check=False)


def files_of_the_package(built: Path) -> set[str]:
    """Everything below listener/ in the tree that was built."""
    tree = built.parent / "tree"
    return {str(path.relative_to(tree)) for path in (tree / "listener").rglob("*") if path.is_file()}


def test_the_wheel_has_the_whole_package_and_nothing_else(built: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if name.startswith(f"listener-{__version__}.dist-info/")}
    assert names - about == files_of_the_package(built)
    assert f"listener-{__version__}.dist-info/licenses/LICENSE" in about


def test_the_source_distribution_has_what_testing_and_packaging_takes(built: Path) -> None:
    with tarfile.open(built / f"listener-{__version__}.tar.gz") as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers() if not member.isdir()}
    tops = {name.partition("/")[0] for name in members}
    assert tops - MADE - {"listener.egg-info"} == TOP | FOLDERS
    assert files_of_the_package(built) <= set(members)
    assert {"tests/conftest.py", "scripts/check", "docs/install.md", "systemd/listener.service"} <= set(members)
    for name, member in members.items():
        assert member.isfile(), f"{name} is a link"
        assert not re.search(r"\.(py[cod]|so|onnx|wav|flac)$", name), name
        assert member.size < 3_000_000, name


def test_the_metadata_names_no_engine_that_a_plain_install_must_not_bring(wheel: Path) -> None:
    metadata = zipfile.ZipFile(wheel).read(f"listener-{__version__}.dist-info/METADATA").decode()
    plain = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    names = {re.split(r"[<>=\[ ;]", line.removeprefix("Requires-Dist: "))[0].lower() for line in plain}
    assert len(names) > 20
    assert not names & {"torch", "transformers", "piper-tts", "espeakng-loader", "av", "faster-whisper"}


def test_the_installed_program_says_its_version(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"listener {__version__}\n"), done.stderr


def test_it_brings_the_example_and_checks_it(installed: Path, tmp_path: Path) -> None:
    example = run(installed, tmp_path, "config", "example").stdout
    assert example == (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    (tmp_path / "c.yaml").write_text(example)
    done = run(installed, tmp_path, "check", "-c", "c.yaml")
    assert "c.yaml: 5 room(s)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 1  # the devices and files of an example are nobody's


def test_it_hears_with_the_data_that_it_brings(installed: Path, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "quiet.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 16_000))
    done = run(installed, tmp_path, "listen", "--json", "quiet.wav")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"event":"decision"') == 7  # two chunks and a half, and four of silence after them


def test_it_installs_its_service(installed: Path, tmp_path: Path) -> None:
    executable = "/opt/listener/bin/listener"
    done = run(
        installed, tmp_path, "service", "install", "--prefix", str(tmp_path / "root"), "--executable", executable
    )
    assert done.returncode == 0, done.stderr
    unit = tmp_path / "root" / "etc" / "systemd" / "system" / "listener.service"
    assert f"ExecStart={executable} run -c /etc/listener/config.yaml" in unit.read_text()
