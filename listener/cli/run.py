"""`listener run`: the daemon."""

import argparse
import asyncio
import signal
import sys

from listener.cli.common import add_config_option, load_config


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="listen to the rooms of the configuration, until stopped")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print every event, one JSON object a line")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.app import App
    from listener.publish.jsonl import JsonLines
    from listener.store.settings import state_folder

    config = load_config(args.config)
    publishers = [JsonLines(sys.stdout)] if args.json else []
    asyncio.run(run_until_signal(App(config, state_folder(), publishers)))
    return 0


async def run_until_signal(app: "App") -> None:  # type: ignore[name-defined]  # noqa: F821
    """Run until SIGTERM or SIGINT, which only set an event: the stop itself is the app's."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await app.run(stop)
