"""`listener devices`: the microphones and outputs of this machine, as the configuration names them."""

import argparse
import json
from dataclasses import asdict


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("devices", help="list microphones and outputs, with the names to configure")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from listener.sources.devices import list_devices

    found = list_devices()
    inputs, outputs = found.inputs, found.outputs
    if args.json:
        print(json.dumps({"inputs": [asdict(d) for d in inputs], "outputs": [asdict(d) for d in outputs]}))
        return 0
    for title, devices in (("Microphones", inputs), ("Outputs", outputs)):
        print(f"{title}:" if devices else f"{title}: none found")
        for device in devices:
            mark = " (default)" if device.is_default else ""
            stable = f"\n      stable id: {device.stable_id}" if device.stable_id else ""
            print(f"  {device.name!r}{mark}, {device.channels} channels, {device.default_rate_hz:g} Hz{stable}")
    if inputs:
        print(f"\nIn the configuration:\n  source: {{type: microphone, device: {json.dumps(inputs[0].name)}}}")
    return 0
