"""The program that owns one microphone: `python -m listener.sources.capture --device NAME`, or `--list`.

A process of its own, because PortAudio sees a replugged device only after it has been shut down, which would silence
every other room; because a driver that hangs can then be killed; and because a microphone is certainly closed when
its process is gone. It imports the standard library and sounddevice, so that it is small and starts fast.

stdout: one line of JSON (rate, channels, device), then interleaved float32 frames, for as long as stdin is open.
stderr: JSON lines: `{"error": text, "kind": class}` before it exits with 1, `{"overflows": n, "dropped_blocks": n}`;
other lines come from ALSA.
"""

import argparse
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from types import ModuleType
from typing import Any, BinaryIO

from listener.errors import SourceError
from listener.portaudio import naming
from listener.portaudio.library import explain, follow_parent, list_devices, load_sounddevice, tell

MAX_CHANNELS = 2
"""Sound servers claim 32, and arrays of microphones carry what is being played in their last channel."""
LATENCY_SECONDS = 0.1
BLOCKS_PER_SECOND = 50
QUEUE_SECONDS = 4.0
REPORT_SECONDS = 1.0


class Handover:
    """From PortAudio's thread to ours. `ended` is set when the stream stops by itself: the device has gone."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[bytes] = queue.Queue(int(QUEUE_SECONDS * BLOCKS_PER_SECOND))
        self.ended = threading.Event()
        self.overflows = 0
        self.dropped_blocks = 0

    def on_block(self, data: Any, _frames: int, _time: Any, status: Any) -> None:
        if status.input_overflow:
            self.overflows += 1
        try:
            self.blocks.put_nowait(bytes(data))
        except queue.Full:
            self.dropped_blocks += 1


def listing(sd: ModuleType) -> dict[str, Any]:
    """What `--list` prints: the fields of `naming.Device`, for inputs and outputs."""
    cards = naming.read_cards()
    return {
        direction: [asdict(device) for device in list_devices(sd, cards, direction)]
        for direction in ("input", "output")
    }


def capture(sd: ModuleType, wanted: str | None, out: BinaryIO) -> None:
    """Write the device's sound to `out` until it ends. Raises SourceError when it cannot be opened, or goes away."""
    cards = naming.read_cards()
    device = naming.find(wanted, list_devices(sd, cards, "input"), cards)
    channels = min(device.channels, MAX_CHANNELS)
    handover = Handover()
    try:
        stream = sd.RawInputStream(
            device=device.index,
            samplerate=device.default_rate_hz,
            channels=channels,
            dtype="float32",
            blocksize=device.default_rate_hz // BLOCKS_PER_SECOND,
            latency=LATENCY_SECONDS,
            callback=handover.on_block,
            finished_callback=handover.ended.set,
        )
        stream.start()
    except sd.PortAudioError as error:
        raise SourceError(explain(naming.short_name(device.name), error)) from None
    head = {"rate": device.default_rate_hz, "channels": channels, "device": naming.short_name(device.name)}
    out.write(json.dumps(head).encode() + b"\n")
    out.flush()
    copy(handover, out, naming.short_name(device.name))


def copy(handover: Handover, out: BinaryIO, name: str) -> None:
    """Write blocks to `out`, and tell what was lost. Raises SourceError when the stream has ended by itself."""
    reported = (0, 0)
    report_due = 0.0
    while True:
        try:
            out.write(handover.blocks.get(timeout=0.2))
            out.flush()
        except queue.Empty:
            if handover.ended.is_set():
                raise SourceError(f"{name!r} has gone: unplugged, or its sound server") from None
        lost = (handover.overflows, handover.dropped_blocks)
        if lost != reported and time.monotonic() >= report_due:
            tell(overflows=lost[0], dropped_blocks=lost[1])
            reported, report_due = lost, time.monotonic() + REPORT_SECONDS


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="listener.sources.capture")
    parser.add_argument("--device", help="name or stable id; left out: the default")
    parser.add_argument("--list", action="store_true", help="print the devices as JSON")
    options = parser.parse_args(arguments)
    try:
        if options.list:
            sys.stdout.write(json.dumps(listing(load_sounddevice())) + "\n")
        else:
            follow_parent()
            capture(load_sounddevice(), options.device, sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more
    except SourceError as error:
        tell(error=str(error), kind=type(error).__name__)
        os._exit(1)  # without closing the stream, which may take seconds
    return 0


if __name__ == "__main__":
    sys.exit(main())
