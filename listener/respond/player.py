"""The program that owns one loudspeaker while a reply is spoken: `python -m listener.respond.player --device NAME`.

A process of its own for the reasons of the capture process: it sees devices that were plugged in meanwhile, a driver
that hangs can be killed, and killing it is the fastest way to be silent. Standard library and sounddevice only.

stdout: one line of JSON (rate, channels, device) when the device is open. stdin: interleaved int16 frames; at its end
what is left is played, and the program exits with 0. stderr: `{"error": text, "kind": class}`, and what ALSA says.
"""

import argparse
import json
import os
import queue
import sys
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any, BinaryIO

from listener.errors import SourceError
from listener.portaudio import naming
from listener.portaudio.library import explain, list_devices, load_sounddevice, tell

MAX_CHANNELS = 2
LATENCY_SECONDS = 0.1
BLOCKS_PER_SECOND = 50
QUEUE_SECONDS = 0.4
SAMPLE_BYTES = 2
DRAIN_SECONDS = 0.3
"""Of silence after the last word, which pushes it out: stopping drops what is buffered (0.15 s with PulseAudio)."""
GONE_SECONDS = 2.0
"""Without a call for the next block: the device has gone, or its driver hangs."""


class Handover:
    """From our thread to PortAudio's. `asked` is set at each block that it asks for."""

    def __init__(self) -> None:
        self.blocks: queue.Queue[bytes] = queue.Queue(int(QUEUE_SECONDS * BLOCKS_PER_SECOND))
        self.asked = threading.Event()
        self.ended = threading.Event()

    def on_block(self, out: Any, _frames: int, _time: Any, _status: Any) -> None:
        self.asked.set()
        try:
            block = self.blocks.get_nowait()
        except queue.Empty:
            block = b""  # between two sentences
        out[: len(block)] = block
        out[len(block) :] = bytes(len(out) - len(block))

    def wait(self, name: str) -> None:
        """Until the next block was asked for. Raises SourceError when the device has gone."""
        self.asked.clear()
        if not self.asked.wait(GONE_SECONDS) or self.ended.is_set():
            raise SourceError(f"{name!r} plays no more: unplugged, its sound server ended, or its driver hangs")


def play(sd: ModuleType, wanted: str | None, sound: BinaryIO, out: BinaryIO) -> None:
    """Play frames from `sound` to their end. Raises SourceError: no such device, in use, gone."""
    cards = naming.read_cards()
    device = naming.find(wanted, list_devices(sd, cards, "output"), cards, "loudspeaker")
    channels, name = min(device.channels, MAX_CHANNELS), naming.short_name(device.name)
    frames = device.default_rate_hz // BLOCKS_PER_SECOND
    handover = Handover()
    try:
        stream = sd.RawOutputStream(
            device=device.index,
            samplerate=device.default_rate_hz,
            channels=channels,
            dtype="int16",
            blocksize=frames,
            latency=LATENCY_SECONDS,
            callback=handover.on_block,
            finished_callback=handover.ended.set,
        )
        stream.start()
    except sd.PortAudioError as error:
        raise SourceError(explain(name, error)) from None
    head = {"rate": device.default_rate_hz, "channels": channels, "device": name}
    out.write(json.dumps(head).encode() + b"\n")
    out.flush()
    copy(sound, handover, frames * channels * SAMPLE_BYTES, name)
    stream.stop()


def copy(sound: BinaryIO, handover: Handover, block_bytes: int, name: str) -> None:
    """Hand over block by block, and wait until the last one was taken. Raises SourceError."""
    while block := sound.read(block_bytes):
        while True:
            try:
                handover.blocks.put(block, timeout=GONE_SECONDS)
                break
            except queue.Full:
                handover.wait(name)
    while not handover.blocks.empty():
        handover.wait(name)
    for _ in range(int(DRAIN_SECONDS * BLOCKS_PER_SECOND)):
        handover.wait(name)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="listener.respond.player")
    parser.add_argument("--device", help="name or stable id; left out: the default")
    options = parser.parse_args(arguments)
    try:
        play(load_sounddevice(), options.device, sys.stdin.buffer, sys.stdout.buffer)
    except SourceError as error:
        tell(error=str(error), kind=type(error).__name__)
        os._exit(1)  # without closing the stream, which may take seconds
    except BrokenPipeError:
        os._exit(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
