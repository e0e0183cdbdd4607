"""Which device a person means: by name or stable id, never by number, because numbers move. Standard library only.

ALSA devices are called `USB PnP Sound Device: Audio (hw:1,0)`; the card's number in it depends on the order of
plugging. Links of udev in /dev/snd/by-id and by-path, and the card's id in /proc/asound/cards, do not.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from listener.errors import DeviceNotFoundError, SourceError

_HARDWARE = re.compile(r"\s*\(hw:(\d+),(\d+)\)$")
_CARD_LINE = re.compile(r"^\s*(\d+)\s+\[(.+?)\s*\]:\s*(.*)$", re.MULTILINE)
MAX_LISTED = 20


@dataclass(frozen=True, slots=True)
class Card:
    """A sound card as the kernel knows it; `ids` are its stable ids, the best one first."""

    number: int
    name: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A device as PortAudio lists it: `index` counts for this process only, `ids` has the best stable id first."""

    index: int
    name: str
    ids: tuple[str, ...]
    channels: int
    default_rate_hz: int
    host_api: str
    is_default: bool


def read_cards(root: Path = Path("/")) -> tuple[Card, ...]:
    """The sound cards of this machine; none where there is no ALSA. `root` stands for / in tests."""
    try:
        text = (root / "proc/asound/cards").read_text(errors="replace")
    except OSError:
        return ()
    found = [(int(number), card_id, name.strip()) for number, card_id, name in _CARD_LINE.findall(text)]
    names = [name for _, _, name in found]
    by_id, by_path = (_links(root / "dev/snd" / folder) for folder in ("by-id", "by-path"))
    cards = []
    for number, card_id, name in found:
        # Two microphones of one make have the same link in by-id, or swap it: only the socket tells them apart.
        links = (by_path, by_id) if names.count(name) > 1 else (by_id, by_path)
        ids = [links[0].get(number), links[1].get(number), card_id]
        cards.append(Card(number, name, tuple(x for x in ids if x)))
    return tuple(cards)


def _links(folder: Path) -> dict[int, str]:
    """Card number to the name of the link that leads to its control device."""
    found: dict[int, str] = {}
    try:
        links = sorted(folder.iterdir())
    except OSError:
        return found
    for link in links:
        try:
            target = link.readlink()
        except OSError:
            continue  # unplugged this moment
        if match := re.fullmatch(r"controlC(\d+)", target.name):
            found.setdefault(int(match[1]), link.name)
    return found


def short_name(name: str) -> str:
    """A device's name without the card's number."""
    return _HARDWARE.sub("", name).strip() or name


def stable_ids(name: str, cards: Iterable[Card]) -> tuple[str, ...]:
    """Stable ids of the device that PortAudio calls `name`, best first. A virtual device is known by its name only."""
    match = _HARDWARE.search(name)
    if match is None:
        return (name,)
    card, device = int(match[1]), int(match[2])
    suffix = f",{device}" if device else ""
    return tuple(i + suffix for c in cards if c.number == card for i in c.ids) or (short_name(name),)


def find(wanted: str | None, devices: Sequence[Device], cards: Sequence[Card], what: str = "microphone") -> Device:
    """The device that `wanted` names; None: the system's default.

    Looks for the stable id, then for the exact name, then for a part of the name; case does not matter.
    Raises DeviceNotFoundError if there is none, SourceError if there are several.
    """
    if wanted is None:
        return _default(devices, what)
    key = short_name(wanted).casefold()
    tests: tuple[Callable[[Device], bool], ...] = (
        lambda d: key in (i.casefold() for i in d.ids),
        lambda d: key == short_name(d.name).casefold(),
        lambda d: key in short_name(d.name).casefold(),
    )
    for test in tests:
        matches = [device for device in devices if test(device)]
        if len(matches) > 1:
            raise SourceError(
                f"{len(matches)} devices are called {wanted!r}; give the id of one of them: {_listed(matches)}"
            )
        if matches:
            return matches[0]
    raise DeviceNotFoundError(_not_found(wanted, key, devices, cards, what))


def _default(devices: Sequence[Device], what: str) -> Device:
    for device in devices:
        if device.is_default:
            return device
    raise DeviceNotFoundError(
        f"the system has no default {what}; "
        + (f"name one of: {_listed(devices)}" if devices else f"no {what} exists at all{_access()}")
    )


def _not_found(wanted: str, key: str, devices: Sequence[Device], cards: Sequence[Card], what: str) -> str:
    # PortAudio leaves out what it cannot open at the moment, so a card that the kernel knows is there, but taken.
    for card in cards:
        if key in card.name.casefold() or key in (i.casefold() for i in card.ids):
            return (
                f"device {wanted!r} is there (card {card.number}), but cannot be opened as a {what}: another program "
                f"uses it (fuser -v /dev/snd/* shows which), or it is none{_access()}"
            )
    if not devices:
        return f"no {what} is called {wanted!r}, and none exists at all{_access()}"

    def likeness(device: Device) -> float:
        names = (short_name(device.name), *device.ids)
        return max(difflib.SequenceMatcher(None, key, name.casefold()).ratio() for name in names)

    nearest = sorted(devices, key=likeness, reverse=True)
    return f"no {what} is called {wanted!r}; there are: {_listed(nearest)}"


def _listed(devices: Sequence[Device]) -> str:
    names = []
    for device in devices[:MAX_LISTED]:
        name = short_name(device.name)
        names.append(f"{name!r}" if device.ids[0] == name else f"{name!r} (id {device.ids[0]})")
    more = len(devices) - MAX_LISTED
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _access() -> str:
    """What to do if sound devices are there for others, but not for us."""
    snd = Path("/dev/snd")
    if not snd.is_dir():
        return "; plug one in (`listener devices` lists what is there)"
    if all(os.access(node, os.R_OK | os.W_OK) for node in snd.glob("pcm*")):
        return ""
    return "; this user may not open /dev/snd: add it to the group audio (usermod -aG audio USER)"
