"""PortAudio in a child process of ours: what capture and playback share. Standard library and sounddevice only.

Such a program tells about itself on stderr in lines of JSON, `{"error": text, "kind": class}` before it exits with 1;
other lines come from ALSA.
"""

import json
import os
import threading
from collections.abc import Sequence
from types import ModuleType
from typing import Any, cast

from listener.errors import SourceError
from listener.portaudio import naming

# PortAudio's error codes, portaudio.h
INVALID_SAMPLE_RATE, DEVICE_UNAVAILABLE = -9997, -9985


def load_sounddevice() -> ModuleType:
    """Initialises PortAudio. Raises SourceError where it is not installed."""
    try:
        import sounddevice
    except OSError as error:
        raise SourceError(f"PortAudio cannot be loaded ({error}); install it: apt install libportaudio2") from None
    return cast(ModuleType, sounddevice)


def list_devices(sd: ModuleType, cards: Sequence[naming.Card], direction: str) -> list[naming.Device]:
    """The devices that PortAudio can open now; `direction` is `input` or `output`."""
    apis = [api["name"] for api in sd.query_hostapis()]
    default_index = sd.default.device[direction]
    return [
        naming.Device(
            index=index,
            name=device["name"],
            ids=naming.stable_ids(device["name"], cards),
            channels=device[f"max_{direction}_channels"],
            default_rate_hz=round(device["default_samplerate"]),
            host_api=apis[device["hostapi"]],
            is_default=index == default_index,
        )
        for index, device in enumerate(sd.query_devices())
        if device[f"max_{direction}_channels"] > 0
    ]


def explain(name: str, error: Exception) -> str:
    """PortAudio's error when opening a device, as words for a person."""
    words, code, host = (*error.args, None, None, None)[:3]  # as sounddevice builds PortAudioError
    if isinstance(host, tuple) and len(host) == 3:  # the host API's type, its code, its text
        words = f"{words}: {host[2]}"
    advice = "unplug it and plug it in again; `arecord -l` shows whether the system sees it"
    if code == DEVICE_UNAVAILABLE:
        advice = "it is in use by another program (fuser -v /dev/snd/* shows which), or has just been unplugged"
    elif code == INVALID_SAMPLE_RATE:
        advice = "the driver refuses its own default rate; choose it through the sound server instead"
    return f"{name!r} cannot be opened: {words}; {advice}"


def tell(**words: Any) -> None:
    """One line of JSON on stderr."""
    os.write(2, json.dumps(words).encode() + b"\n")


def follow_parent() -> None:
    """End this process when stdin does: whoever started us is gone, or wants us gone."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)  # from whatever the driver is doing at the moment

    threading.Thread(target=wait, daemon=True).start()
