"""The unit files, and the commands that install and explain them."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from listener import origin
from listener.cli import service, service_files, service_status
from listener.errors import ConfigError, ListenerError, StoreError

ROOT = Path(__file__).resolve().parents[1]
MASTERS = ROOT / "systemd"
UNIT = MASTERS / "listener.service"
MAX_EXPOSURE = 2.0

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    service.add_parser(parser.add_subparsers())
    args = parser.parse_args(["service", *words])
    status: int = args.run(args)
    return status


def directives(text: str) -> list[tuple[str, str]]:
    lines = (line for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return [(line.split("=", 1)[0], line.split("=", 1)[1]) for line in lines]


def test_the_package_carries_the_same_files() -> None:
    carried = ROOT / "listener" / "units"
    assert sorted(p.name for p in carried.iterdir()) == sorted(p.name for p in MASTERS.iterdir())
    assert {p.name for p in MASTERS.iterdir()} == set(service_files.TARGETS)
    for master in MASTERS.iterdir():
        assert (carried / master.name).read_text() == master.read_text(), (
            f"copy systemd/{master.name} to listener/units"
        )


@needs_analyze
def test_the_exposure_is_low() -> None:
    analyze = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)]
    said = subprocess.run(analyze, capture_output=True, text=True, check=True, timeout=60).stdout
    match = re.search(r"Overall exposure level for listener\.service: ([\d.]+)", said)
    assert match is not None
    assert float(match[1]) <= MAX_EXPOSURE


@needs_analyze
def test_systemd_understands_every_line() -> None:
    analyze = ["systemd-analyze", "verify", str(UNIT)]
    said = subprocess.run(analyze, capture_output=True, text=True, check=False, timeout=60).stderr
    # The executable comes with the installation; the two keys came with systemd 254.
    known = ("is not executable", "'RestartSteps'", "'RestartMaxDelaySec'")
    about_us = [line for line in said.splitlines() if "listener.service" in line]
    assert [line for line in about_us if not any(part in line for part in known)] == []


def test_what_the_daemon_relies_on() -> None:
    found = directives(UNIT.read_text())
    for wanted in (
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("User", "listener"),
        ("SupplementaryGroups", "audio"),
        ("DeviceAllow", "char-alsa rw"),
        ("StateDirectory", "listener"),
        ("KillMode", "mixed"),
    ):
        assert wanted in found
    names = [name for name, _ in found]
    assert "MemoryDenyWriteExecute" not in names  # sounddevice's callbacks could not run
    assert "ExecReload" in names


def test_install_writes_what_is_needed_and_then_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("install", "--prefix", str(tmp_path), "--executable", "/opt/listener/bin/listener", "-c", "/etc/l.yaml")
    assert command(*words) == 0
    written = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert written == sorted(service_files.TARGETS.values())
    unit = tmp_path / "etc/systemd/system/listener.service"
    assert ("ExecStart", "/opt/listener/bin/listener run -c /etc/l.yaml") in directives(unit.read_text())
    capsys.readouterr()
    assert command(*words) == 0
    assert capsys.readouterr().out.count("unchanged") == 3


def test_the_rest_of_the_unit_is_the_master(tmp_path: Path) -> None:
    unit, sysusers, tmpfiles = service_files.render(tmp_path, Path("/usr/bin/listener"), Path("/etc/x"), "listener")
    expected = UNIT.read_text().replace("-c /etc/listener/config.yaml", "-c /etc/x")
    assert unit.text.partition("\n")[2] == expected
    assert sysusers.text.partition("\n")[2] == (MASTERS / "listener.sysusers.conf").read_text()
    assert tmpfiles.text.partition("\n")[2] == (MASTERS / "listener.tmpfiles.conf").read_text()


def test_another_user_is_put_everywhere(tmp_path: Path) -> None:
    unit, sysusers, tmpfiles = service_files.render(tmp_path, Path("/usr/bin/listener"), Path("/etc/x"), "ears")
    assert {("User", "ears"), ("Group", "ears"), ("StateDirectory", "listener")} <= set(directives(unit.text))
    assert 'u ears - "Listener daemon" /var/lib/listener' in sysusers.text
    assert "m ears audio" in sysusers.text
    assert "d /var/lib/listener 0750 ears ears -" in tmpfiles.text
    assert "d /etc/listener 0755 root root -" in tmpfiles.text


@pytest.mark.parametrize("user", ["", "Root", "a b", "x\nExecStart=/bin/sh", "-x", "a" * 40])
def test_a_user_that_is_none_is_refused(tmp_path: Path, user: str) -> None:
    with pytest.raises(ConfigError, match="--user"):
        service_files.render(tmp_path, Path("/usr/bin/listener"), Path("/etc/x"), user)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/opt/my listener/bin/listener", '"/opt/my listener/bin/listener"'),
        ("/opt/100%/$HOME/listener", "/opt/100%%/$$HOME/listener"),
        ('/opt/a"b\\c', '"/opt/a\\"b\\\\c"'),
    ],
)
def test_paths_are_quoted_for_systemd(tmp_path: Path, path: str, word: str) -> None:
    unit, *_ = service_files.render(tmp_path, Path(path), Path("/etc/x"), "listener")
    assert ("ExecStart", f"{word} run -c /etc/x") in directives(unit.text)


def test_a_path_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="control characters"):
        service_files.render(tmp_path, Path("/opt/x\nExecStartPre=/bin/sh"), Path("/etc/x"), "listener")


def install(prefix: Path, *more: str) -> int:
    return command("install", "--prefix", str(prefix), "--executable", "/usr/bin/listener", *more)


def test_a_file_that_somebody_changed_is_left_and_so_are_the_others(tmp_path: Path) -> None:
    install(tmp_path)
    changed = tmp_path / "etc/tmpfiles.d/listener.conf"
    changed.write_text(changed.read_text() + "# mine\n")
    unit = tmp_path / "etc/systemd/system/listener.service"
    before = unit.read_text()
    with pytest.raises(StoreError, match=r"tmpfiles\.d/listener\.conf: changed .*--force"):
        install(tmp_path, "-c", "/etc/other.yaml")
    assert changed.read_text().endswith("# mine\n")
    assert unit.read_text() == before

    assert install(tmp_path, "-c", "/etc/other.yaml", "--force") == 0
    assert "# mine" not in changed.read_text()
    assert "/etc/other.yaml" in unit.read_text()


def test_what_an_earlier_release_wrote_is_renewed(tmp_path: Path) -> None:
    install(tmp_path, "-c", "/etc/old.yaml")
    assert install(tmp_path, "-c", "/etc/new.yaml") == 0
    assert "/etc/new.yaml" in (tmp_path / "etc/systemd/system/listener.service").read_text()


def test_a_dry_run_prints_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(tmp_path, "--dry-run") == 0
    assert list(tmp_path.iterdir()) == []
    out = capsys.readouterr().out
    assert "ExecStart=/usr/bin/listener run" in out
    assert str(tmp_path / "etc/sysusers.d/listener.conf") in out


def test_an_executable_that_the_service_could_not_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = "/root/.local/bin/listener"
    with pytest.raises(ConfigError, match=r"cannot see this.*/opt/listener"):
        command("install", "--executable", home)
    assert command("install", "--executable", home, "--prefix", str(tmp_path)) == 0
    told = capsys.readouterr().err
    assert "cannot see this" in told
    assert f"/opt/listener/bin/pip install {origin.requirement()}; then sudo /opt/listener/bin/listener" in told


def test_only_root_installs_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1_000)
    with pytest.raises(ConfigError, match="only root"):
        command("install", "--executable", "/usr/bin/env")
    with pytest.raises(ConfigError, match="only root"):
        command("uninstall")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("no folder")
    with pytest.raises(StoreError, match="etc/systemd/system"):
        install(tmp_path)


def test_uninstall_takes_back_what_install_wrote(tmp_path: Path) -> None:
    install(tmp_path)
    unit = tmp_path / "etc/systemd/system/listener.service"
    unit.write_text(unit.read_text() + "\n")
    with pytest.raises(StoreError, match="--force"):
        command("uninstall", "--prefix", str(tmp_path))
    assert unit.exists()
    assert command("uninstall", "--prefix", str(tmp_path), "--force") == 0
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    assert command("uninstall", "--prefix", str(tmp_path)) == 0


def test_status_without_systemd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "RUNNING_SYSTEMD", tmp_path / "absent")
    assert command("status") == 1
    assert "systemd does not run this machine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo LoadState=loaded; echo ActiveState=active", None),
        ("echo Failed to connect to bus >&2; exit 1", "Failed to connect to bus"),
    ],
)
def test_status_asks_systemctl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, expected: str | None
) -> None:
    tool = tmp_path / "systemctl"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(service, "RUNNING_SYSTEMD", tmp_path)
    if expected is None:
        assert command("status") == 0
    else:
        with pytest.raises(ListenerError, match=expected):
            command("status")


RUNNING = {"LoadState": "loaded", "ActiveState": "active", "ActiveEnterTimestamp": "Sun 16:11:19 UTC", "MainPID": "66"}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ({"LoadState": "not-found"}, "sudo listener service install"),
        ({"LoadState": "masked"}, "unmask"),
        ({"LoadState": "bad-setting"}, "bad-setting"),
        (RUNNING, "is running since Sun 16:11:19 UTC, process 66"),
        ({**RUNNING, "StatusText": "listening in 2 rooms"}, "it says: listening in 2 rooms"),
        ({**RUNNING, "NRestarts": "3"}, "restarted it 3 times"),
        ({**RUNNING, "UnitFileState": "disabled"}, "does not start at boot"),
        ({**RUNNING, "NeedDaemonReload": "yes"}, "daemon-reload"),
        ({"LoadState": "loaded", "ActiveState": "failed", "Result": "watchdog"}, "no progress for 30 s"),
        (
            {"LoadState": "loaded", "ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"},
            "its configuration cannot be used",
        ),
        (
            {"LoadState": "loaded", "ActiveState": "activating", "SubState": "auto-restart", "Result": "signal"},
            "starts it again in a moment",
        ),
        ({"LoadState": "loaded", "ActiveState": "failed", "Result": "something-new"}, "something-new"),
        ({"LoadState": "loaded", "ActiveState": "maintenance"}, "in state 'maintenance'"),
        ({}, "in state ''"),
    ],
)
def test_what_systemd_says_in_plain_words(shown: dict[str, str], expected: str) -> None:
    assert expected in "\n".join(service_status.explain(shown))


def test_commands_are_called_as_they_are_called_here() -> None:
    broken = {"LoadState": "loaded", "ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "203"}
    assert "/opt/x/listener service install" in "\n".join(service_status.explain(broken, "/opt/x/listener"))
    assert service_status.explain({"LoadState": "not-found"}, "/opt/x/listener")[0].endswith(
        "sudo /opt/x/listener service install"
    )


def test_the_output_of_systemctl_is_read() -> None:
    assert service_status.parse("A=1\nStatusText=a=b\n\nnonsense\nC=") == {"A": "1", "StatusText": "a=b", "C": ""}
