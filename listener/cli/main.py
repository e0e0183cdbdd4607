"""The entry point. A command's module has `add_parser(commands)` and `run(args)`; heavy imports stay inside `run`."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import get_args

from listener import __version__
from listener.cli import (
    ask,
    bench,
    check,
    config,
    demo,
    devices,
    doctor,
    listen,
    models,
    mute,
    privacy,
    run,
    say,
    service,
    teach,
)
from listener.cli.logs import LogForm, set_up_logging
from listener.errors import ConfigError, ListenerError

COMMANDS = (run, listen, ask, demo, check, doctor, devices, models, mute, privacy, say, teach, service, bench, config)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="listener",
        description="Listens to rooms, reports sounds and answers over MQTT to Home Assistant.",
        epilog="Start with `listener demo`, then `listener check` on your own configuration. "
        "Not a certified safety device: keep your smoke and carbon monoxide alarms.",
    )
    parser.add_argument("--version", action="version", version=f"listener {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log more, for finding a fault")
    parser.add_argument(
        "--log-format",
        choices=get_args(LogForm),
        default="auto",
        help="of the lines on stderr; auto: the journal's own under systemd, else text",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status; whatever we raise on purpose becomes one line on stderr."""
    args = build_parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name that is no UTF-8 must not end in a traceback
        sys.stdout.reconfigure(errors="backslashreplace")
    # Our matrices are small, and every thread that hears is busy: more threads of OpenBLAS would only wait and spin.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    level = logging.DEBUG if args.verbose else logging.INFO if args.command == "run" else logging.WARNING
    set_up_logging(level, args.log_format)
    try:
        status: int = args.run(args)
        sys.stdout.flush()
    except ListenerError as error:
        print("\n".join(f"listener: {line}" for line in str(error).splitlines()), file=sys.stderr)
        # systemd does not try again what only an edit of the configuration can mend (RestartPreventExitStatus=78).
        return os.EX_CONFIG if isinstance(error, ConfigError) and args.command == "run" else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `listener … | head`: nobody reads any more, and that is fine
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status
