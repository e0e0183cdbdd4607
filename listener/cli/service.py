"""`listener service`: install, explain and remove the systemd service."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from listener.cli import service_files, service_status
from listener.errors import ConfigError, StoreError
from listener.origin import called, requirement

SYSTEMCTL_SECONDS = 20
RUNNING_SYSTEMD = Path("/run/systemd/system")
"""sd_booted(3): the folder exists if and only if systemd is the machine's init."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("service", help="install and explain the systemd service")
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    install = actions.add_parser("install", help="write the unit, its user and its folders; starts nothing")
    install.add_argument("-c", "--config", type=Path, default=Path("/etc/listener/config.yaml"), metavar="FILE")
    install.add_argument("--user", default="listener", metavar="NAME", help="who the service runs as")
    install.add_argument("--executable", type=Path, metavar="FILE", help="left out: the one that runs now")
    install.add_argument("--prefix", type=Path, default=Path("/"), metavar="DIR", help="write below DIR, for packages")
    install.add_argument("--dry-run", action="store_true", help="print what would be written")
    install.add_argument("--force", action="store_true", help="overwrite files that somebody has changed")
    actions.add_parser("status", help="say what systemd knows about it; exit 0 if it runs")
    uninstall = actions.add_parser("uninstall", help="remove what install wrote; settings and configuration stay")
    uninstall.add_argument("--prefix", type=Path, default=Path("/"), metavar="DIR")
    uninstall.add_argument("--force", action="store_true", help="remove files that somebody has changed")


def run(args: argparse.Namespace) -> int:
    actions = {"install": _install, "status": _status, "uninstall": _uninstall}
    return actions[args.action](args)


def _install(args: argparse.Namespace) -> int:
    executable = args.executable or _running_executable()
    wanted = service_files.render(args.prefix, executable.absolute(), args.config.absolute(), args.user)
    _check_visible(executable, final=not args.dry_run and args.prefix == Path("/"))
    if args.dry_run:
        for file in wanted:
            print(f"# ----- {file.path}\n{file.text}")
        return 0
    _require_root(args.prefix)
    if not args.force:
        _refuse_changed(wanted)
    for file in wanted:
        print(_write(file))
    if args.prefix == Path("/"):
        _say_what_remains(args.config, called(executable.absolute()))
    return 0


def _check_visible(executable: Path, final: bool) -> None:
    """The hardened service cannot see home folders: pipx puts everything there unless told otherwise."""
    needed = (executable, Path(sys.prefix), Path(sys.base_prefix)) if executable == _running_executable() else ()
    for path in service_files.hidden_from_service(needed or (executable,)):
        text = (
            f"{path}: the service cannot see this, because it lies in a home or temporary folder or one that only its "
            "owner may enter; install the package elsewhere, for example: "
            f"sudo python3 -m venv /opt/listener && sudo /opt/listener/bin/pip install {requirement()}; then "
            "sudo /opt/listener/bin/listener service install"
        )
        if final:
            raise ConfigError(text)
        print(f"warning: {text}", file=sys.stderr)


def _running_executable() -> Path:
    """The console script beside this interpreter: absolute, so that no PATH decides what runs."""
    script = Path(sys.executable).parent / "listener"
    found = str(script) if script.is_file() else shutil.which("listener")
    if found is None:
        raise ConfigError("no executable `listener` was found; name it with --executable")
    return Path(found)


def _require_root(prefix: Path) -> None:
    if prefix == Path("/") and os.geteuid() != 0:
        raise ConfigError("only root can do this; use sudo, or --prefix DIR to write elsewhere, or --dry-run to look")


def _refuse_changed(wanted: tuple[service_files.Wanted, ...]) -> None:
    """Raise before anything is written, so that a refusal leaves no half of an installation."""
    changed = [f.path for f in wanted if (text := _read(f.path)) not in (None, f.text) and not _is_ours(text)]
    if changed:
        raise StoreError(
            f"{', '.join(map(str, changed))}: changed since it was installed, or not ours; left as it is. Keep changes "
            "in a drop-in (sudo systemctl edit listener), then use --force to overwrite"
        )


def _is_ours(text: str | None) -> bool:
    return text is not None and service_files.is_ours(text)


def _read(path: Path) -> str | None:
    """The text of a file, None when there is none. Raises StoreError."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from None


def _write(file: service_files.Wanted) -> str:
    if _read(file.path) == file.text:
        return f"unchanged  {file.path}"
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.path.with_name(f".{file.path.name}.new")
        temporary.write_text(file.text, encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(file.path)
    except OSError as error:
        raise StoreError(f"{file.path}: cannot be written: {error.strerror}") from None
    return f"written    {file.path}"


def _say_what_remains(config: Path, listener: str) -> None:
    """`listener`: how it is called in a shell."""
    steps = [
        ("systemd-sysusers", "makes the service's user, in the group audio"),
        ("systemd-tmpfiles --create listener.conf", "makes /etc/listener and /var/lib/listener"),
        ("systemctl daemon-reload", "lets systemd read the unit"),
        (f"{listener} models pull yamnet", "puts the sound model where the service looks"),
        ("systemctl enable --now listener", "starts it, now and at boot"),
        (f"{listener} service status", "says how it is"),
    ]
    if not config.is_file():
        steps.insert(2, (f"{listener} config example > {config}", "every key, explained; keep what you need"))
        steps.insert(3, (f"{listener} check -c {config}", "when you have"))
    print("\nWhat remains to do, as root:")
    for command, purpose in steps:
        print(f"  {command:<42} {purpose}")


def _status(_args: argparse.Namespace) -> int:
    if not RUNNING_SYSTEMD.is_dir() or shutil.which("systemctl") is None:
        print("systemd does not run this machine (a container, or another init), so there is no service to ask about;")
        print(f"start the daemon directly: {called()} run")
        return 1
    shown = _show()
    print("\n".join(service_status.explain(shown, called())))
    return 0 if shown.get("ActiveState") == "active" else 1


def _show() -> dict[str, str]:
    command = ["systemctl", "show", "listener.service", f"--property={','.join(service_status.PROPERTIES)}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_SECONDS, check=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        raise StoreError(f"systemctl failed: {error.stderr.strip() or error.returncode}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StoreError(f"systemctl does not answer: {error}") from None
    return service_status.parse(done.stdout)


def _uninstall(args: argparse.Namespace) -> int:
    _require_root(args.prefix)
    if args.prefix == Path("/") and RUNNING_SYSTEMD.is_dir() and _show().get("ActiveState") in ("active", "activating"):
        raise StoreError("listener.service is running; first: systemctl disable --now listener")
    for target in service_files.TARGETS.values():
        path = args.prefix / target
        text = _read(path)
        if text is None:
            continue
        if not args.force and not service_files.is_ours(text):
            raise StoreError(f"{path}: changed since it was installed, or not ours; --force removes it all the same")
        path.unlink()
        print(f"removed    {path}")
    print("The user, /etc/listener and /var/lib/listener stay. Then: systemctl daemon-reload")
    return 0
