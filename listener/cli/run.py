"""`listener run`: the daemon."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading

from listener.cli.common import add_config_option, load_config

SHUTDOWN_SECONDS = 5.0
"""Less than what systemd, Docker (10 s) and people grant. What waits for the broker is on disk by then."""

logger = logging.getLogger(__name__)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="listen to the rooms of the configuration, until stopped")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print every event, one JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.app import App
    from listener.publish.jsonl import JsonLines
    from listener.publish.log import EventLog
    from listener.store.settings import state_folder
    from listener.types import Publisher

    config = load_config(args.config)
    publishers: list[Publisher] = [EventLog(), *([JsonLines(sys.stdout)] if args.json else [])]
    app = App(config, state_folder(), publishers, reread=lambda: load_config(args.config))
    asyncio.run(run_until_signal(app))
    return 0


async def run_until_signal(app: "App") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Run until SIGTERM or SIGINT; SIGHUP reads the configuration again. Signals only set events."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_in_time() -> None:
        if not stop.is_set():
            _end_by_force_after(SHUTDOWN_SECONDS)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop_in_time)
    loop.add_signal_handler(signal.SIGHUP, app.reload_wanted.set)
    await app.run(stop)


def _end_by_force_after(seconds: float) -> None:
    """A thread and not a timer of the loop: what hangs may be the loop. It does not outlive an orderly end."""

    def end() -> None:
        logger.critical("the daemon did not end within %g s and is ended by force; please report this", seconds)
        logging.shutdown()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
