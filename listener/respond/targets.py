"""What a command would act on: kinds of things, of which some are dangerous."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from listener.types import Intent

DOORS: Final = frozenset({"door", "garage", "gate"})
"""Device classes of covers that let people in (Home Assistant, integration `cover`)."""

DANGEROUS: Final = DOORS | {"lock", "alarm_control_panel"}

UNKNOWN: Final = "unknown"
"""The kind of what is not configured: nobody can say that it is harmless."""

READING: Final = frozenset({"HassGetState", "HassClimateGetTemperature", "HassGetWeather"})
"""Intents that ask and change nothing."""

_DOMAIN_OF: Final = {
    "HassLightSet": "light",
    "HassFanSetSpeed": "fan",
    "HassClimateSetTemperature": "climate",
    "HassClimateSetFanMode": "climate",
    "HassVacuumStart": "vacuum",
    "HassVacuumReturnToBase": "vacuum",
    "HassVacuumCleanArea": "vacuum",
    "HassLawnMowerDock": "lawn_mower",
    "HassLawnMowerStartMowing": "lawn_mower",
    "HassMediaNext": "media_player",
    "HassMediaPrevious": "media_player",
    "HassMediaPause": "media_player",
    "HassMediaUnpause": "media_player",
    "HassMediaPlayerMute": "media_player",
    "HassMediaPlayerUnmute": "media_player",
    "HassMediaSearchAndPlay": "media_player",
    "HassSetVolume": "media_player",
    "HassSetVolumeRelative": "media_player",
    "HassListAddItem": "todo",
    "HassListCompleteItem": "todo",
    "HassListRemoveItem": "todo",
    "HassShoppingListAddItem": "todo",
    "HassShoppingListCompleteItem": "todo",
    "HassOpenCover": "cover",
    "HassCloseCover": "cover",
}
"""What intents act on that do not say it in a slot (Home Assistant's list of intents)."""

_TARGETLESS: Final = frozenset({"HassBroadcast", "HassNevermind", "HassRespond"})

_DOOR_WORDS: Final = ("door", "gate", "garage", "tür", "tor", "дверь", "ворота", "гараж", "калитка")
"""In names of covers whose device class is not configured."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something in the house that has a name. `device_class` as in Home Assistant, None where nobody said."""

    names: tuple[str, ...]
    domain: str
    area: str | None = None
    device_class: str | None = None

    @property
    def kind(self) -> str:
        """Its domain, or for a cover that lets people in: door, garage or gate."""
        if self.domain != "cover":
            return self.domain
        if self.device_class is not None:
            return self.device_class if self.device_class in DOORS else "cover"
        words = " ".join(self.names).casefold()
        return "door" if any(word in words for word in _DOOR_WORDS) else "cover"


class Targets:
    """The things of the house, by name. Two things may share a name."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._all = tuple(targets)
        self._by_name: dict[str, list[Target]] = {}
        for target in self._all:
            for name in target.names:
                self._by_name.setdefault(name.casefold(), []).append(target)

    def kinds(self, intent: Intent) -> frozenset[str]:
        """The kinds of everything that the command might touch; empty for one that touches nothing."""
        if intent.name in _TARGETLESS or intent.name in READING:
            return frozenset()
        domain = str(intent.slots.get("domain", "")) or _DOMAIN_OF.get(intent.name, "")
        if "name" in intent.slots and domain != "todo":
            return self._named(str(intent.slots["name"]), domain)
        return self._placed(intent, domain)

    def _named(self, name: str, domain: str) -> frozenset[str]:
        """All that have the name; of these, if the domain is known and there are such, those of the domain."""
        named = self._by_name.get(name.casefold(), ())
        fitting = [target for target in named if target.domain == domain] or named
        return frozenset(target.kind for target in fitting) or frozenset({UNKNOWN})

    def _placed(self, intent: Intent, domain: str) -> frozenset[str]:
        """By area or domain alone: whatever lies there."""
        classes = frozenset(re.findall(r"[a-z_]+", str(intent.slots.get("device_class", ""))))
        area = str(intent.slots.get("area", "")).casefold()
        touched = {
            target.kind
            for target in self._all
            if domain in ("", target.domain)
            and (not classes or target.device_class in classes)
            and (not area or target.area is None or target.area.casefold() == area)
        }
        touched |= classes & DOORS
        return frozenset(touched | ({domain} if domain else set())) or frozenset({UNKNOWN})
