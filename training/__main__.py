"""`python -m training …`: from a folder of recordings to the weights in the package. See training/README.md."""

import argparse
import os
from pathlib import Path

from training.pool import make_pool
from training.recordings import PARTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("step", choices=("all", "pool", "train", "finish"), help="`all`: one after the other")
    parser.add_argument("--audio", type=Path, default=os.environ.get("LISTENER_AUDIO"), help="default: $LISTENER_AUDIO")
    parser.add_argument("--yamnet", type=Path, help="yamnet.tflite, the teacher")
    parser.add_argument("--out", type=Path, required=True, help="folder for examples, networks and figures")
    parser.add_argument("--part", type=int, choices=range(PARTS), help="pool: this part only; train: hold it back")
    parser.add_argument("--examples", type=int, default=6_000, help="of each part")
    parser.add_argument("--epochs", type=int, default=20, help="of training, each network")
    args = parser.parse_args()
    if args.step != "train" and (args.audio is None or args.yamnet is None):
        parser.error("examples are made of --audio DIR (or LISTENER_AUDIO), taught by --yamnet FILE")
    if args.step in ("all", "pool"):
        for part in range(PARTS) if args.part is None else (args.part,):
            make_pool(Path(args.audio), args.yamnet, args.out, part, args.examples)
    if args.step in ("all", "train"):
        from training.train import train

        for held_back in (*range(PARTS), None) if args.step == "all" else (args.part,):
            train(args.out, held_back, args.epochs)
    if args.step in ("all", "finish"):
        from training.finish import finish

        finish(Path(args.audio), args.yamnet, args.out)


if __name__ == "__main__":
    main()
