"""The sound devices of this machine, listed by a process of its own: PortAudio never lives in the daemon."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any, cast

from listener.children import PACKAGE_PARENT
from listener.errors import SourceError
from listener.portaudio import naming
from listener.sources.child import MODULE, how_it_ended, parse_line

LIST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """A microphone or a loudspeaker. In the configuration `name`, a part of it, or `stable_id` stands for it."""

    name: str
    stable_id: str
    channels: int
    default_rate_hz: int
    host_api: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class SoundDevices:
    inputs: tuple[SoundDevice, ...]
    outputs: tuple[SoundDevice, ...]


def list_devices() -> SoundDevices:
    """What can be opened now. Blocks for some 0.2 s. Raises SourceError: no PortAudio, or a driver that hangs."""
    found = _listing()
    return SoundDevices(*(tuple(map(_device, found[direction])) for direction in ("input", "output")))


def find_input(wanted: str | None) -> SoundDevice:
    """The microphone that a configuration means; None: the default. Blocks as `list_devices` does.

    Raises DeviceNotFoundError, SourceError if there are several, and what `list_devices` raises.
    """
    return _find(wanted, "input", "microphone")


def find_output(wanted: str | None) -> SoundDevice:
    """The loudspeaker that a configuration means; as `find_input`."""
    return _find(wanted, "output", "loudspeaker")


def _find(wanted: str | None, direction: str, what: str) -> SoundDevice:
    devices = [naming.Device(**{**fields, "ids": tuple(fields["ids"])}) for fields in _listing()[direction]]
    return _device(asdict(naming.find(wanted, devices, naming.read_cards(), what)))


def _listing() -> dict[str, list[dict[str, Any]]]:
    """The fields of `naming.Device`, for `input` and `output`."""
    command = [sys.executable, "-m", MODULE, "--list"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=PACKAGE_PARENT,
            timeout=LIST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"the sound devices could not be listed within {LIST_SECONDS:g} s: a driver or sound server hangs; "
            "see dmesg, or restart the sound server"
        ) from None
    if done.returncode:
        raise SourceError(f"the sound devices cannot be listed: {_reason(done)}")
    return cast(dict[str, list[dict[str, Any]]], json.loads(done.stdout))


def _device(fields: dict[str, Any]) -> SoundDevice:
    return SoundDevice(
        name=naming.short_name(fields["name"]),
        stable_id=fields["ids"][0],
        channels=fields["channels"],
        default_rate_hz=fields["default_rate_hz"],
        host_api=fields["host_api"],
        is_default=fields["is_default"],
    )


def _reason(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The child's own error among what ALSA said; else the last line, else how it ended."""
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    told = [words["error"] for line in lines if (words := parse_line(line)) and "error" in words]
    return str((told or lines or [f"the process that lists them {how_it_ended(done.returncode)}"])[-1])
