"""`listener config schema|example`: the configuration's JSON schema for editors, and every key explained."""

import argparse
import json
from importlib.resources import files

from listener.config import Config


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("config", help="print an example with every key, or the JSON schema")
    parser.add_argument("what", choices=["schema", "example"])
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.what == "schema":
        print(json.dumps(Config.model_json_schema(), indent=2))
    else:
        print(files("listener.config").joinpath("example.yaml").read_text(encoding="utf-8"), end="")
    return 0
