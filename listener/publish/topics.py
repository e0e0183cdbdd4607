"""Names of MQTT topics, as docs/mqtt.md lists them."""

import re
from dataclasses import dataclass

SETTINGS = ("mute", "strictness", "threshold", "mode", "learn_name")
"""Settings with a state and a set topic."""

ACTIONS = ("snooze", "test", "say", "stop", "learn", "rename", "forget", "wrong", "was", "undo_correction")
"""Topics that only take commands."""

LESSONS = ("learning", "taught", "corrections")
"""States of what a room is taught and was told."""


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics below one base topic; `prefix` is Home Assistant's discovery prefix."""

    base: str = "listener"
    prefix: str = "homeassistant"

    def bridge(self, leaf: str) -> str:
        return f"{self.base}/bridge/{leaf}"

    def room(self, slug: str, leaf: str) -> str:
        return f"{self.base}/{slug}/{leaf}"

    def sound(self, slug: str, label: str) -> str:
        return self.room(slug, f"sound/{label}")

    def set(self, slug: str, setting: str) -> str:
        return self.room(slug, f"{setting}/set")

    @property
    def commands(self) -> tuple[str, ...]:
        """Filters of everything that comes in. Wildcards, so that a command for a room we do not have is answered."""
        return (f"{self.base}/+/+/set", *(f"{self.base}/+/{action}" for action in ACTIONS))

    def is_command(self, topic: str) -> bool:
        """Whether one of `commands` matches the topic."""
        levels = topic.removeprefix(f"{self.base}/").split("/")
        is_set = len(levels) == 3 and levels[2] == "set"
        return topic.startswith(f"{self.base}/") and (is_set or (len(levels) == 2 and levels[1] in ACTIONS))

    @property
    def retained(self) -> tuple[str, ...]:
        """Filters of what we leave at the broker for a room. No command topic matches them."""
        return tuple(f"{self.base}/+/{leaf}" for leaf in ("availability", "status", "sound/+", *SETTINGS, *LESSONS))

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it is there."""
        return f"{self.prefix}/status"

    @property
    def discoveries(self) -> str:
        """Filter of every device that anybody has announced."""
        return f"{self.prefix}/device/+/config"

    def device(self, slug: str) -> str:
        """Id of a device: unique among daemons with other base topics, and stable. The bridge is `bridge`.

        The hyphen cannot be part of a slug, so that no base and slug of one daemon read like those of another.
        """
        return f"{re.sub('[^A-Za-z0-9_]', '_', self.base)}-{slug}"

    def discovery(self, slug: str) -> str:
        return f"{self.prefix}/device/{self.device(slug)}/config"
