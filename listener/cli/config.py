"""`listener config schema`: the JSON schema of the configuration, for editors."""

import argparse
import json

from listener.config import Config


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("config", help="print the JSON schema of the configuration")
    parser.add_argument("what", choices=["schema"])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.what == "schema":
        print(json.dumps(Config.model_json_schema(), indent=2))
    return 0
