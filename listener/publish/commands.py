"""What comes in on the set topics: strict, because anybody at the broker can send anything. Pure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from listener.errors import PayloadError
from listener.publish import teaching
from listener.publish.showing import PRESSED, show
from listener.publish.topics import ACTIONS, SETTINGS, Topics
from listener.types import Control, Say, SetMode, SetMute, SetStrictness, SetThreshold, Snooze, Stop, Teaching, Test
from listener.vocabulary import STRICTNESS_STEPS

MAX_PAYLOAD_BYTES = 256
MAX_SAY_BYTES = 2_000
"""Two minutes of speech."""
SHOWN_ROOMS = 20
NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,16})?")


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that these rooms understand."""

    topics: Topics
    rooms: frozenset[str]
    labels: frozenset[str]
    snooze_seconds: float = field(default=600.0, kw_only=True)
    modes: tuple[str, ...] = field(default=("assistant", "monitor"), kw_only=True)
    taught: Mapping[str, frozenset[str]] = field(default_factory=dict, kw_only=True)
    """Labels of single rooms, by slug."""

    def parse(self, topic: str, payload: bytes) -> tuple[str, Control | Teaching]:
        """The room's slug and what it is to do. Raises PayloadError, which names topic, payload and what would do."""
        slug, name = self._split(topic)
        if slug not in self.rooms:
            rooms = ", ".join(sorted(self.rooms)[:SHOWN_ROOMS])
            raise PayloadError(f"{show(topic)}: there is no room {show(slug)}; rooms are {rooms}")
        try:
            text = _text(payload, MAX_SAY_BYTES if name == "say" else MAX_PAYLOAD_BYTES)
            if name in teaching.READERS:
                return slug, teaching.READERS[name](text)
            of_room = replace(self, labels=self.labels | self.taught.get(slug, frozenset()))
            reader: Callable[[str], Control] = getattr(of_room, f"_{name}")
            return slug, reader(text)
        except PayloadError as error:
            raise PayloadError(f"{show(topic)}: {error}; nothing was changed") from None

    def _split(self, topic: str) -> tuple[str, str]:
        slug, _, rest = topic.removeprefix(f"{self.topics.base}/").partition("/")
        name, _, suffix = rest.partition("/")
        if (suffix == "set" and name in SETTINGS) or (not suffix and name in ACTIONS):
            return slug, name
        known = ", ".join((*(f"{name}/set" for name in SETTINGS), *ACTIONS))
        raise PayloadError(f"{show(topic)}: no command has this topic; after {self.topics.base}/ROOM/ comes {known}")

    def _mute(self, text: str) -> Control:
        if text not in ("ON", "OFF"):
            raise PayloadError(f"{show(text)} is neither ON nor OFF")
        return SetMute(text == "ON")

    def _strictness(self, text: str) -> Control:
        if text not in STRICTNESS_STEPS:
            raise PayloadError(f"{show(text)} is no strictness; give {', '.join(STRICTNESS_STEPS)}")
        return SetStrictness(text)

    def _threshold(self, text: str) -> Control:
        if not NUMBER.fullmatch(text) or float(text) > 1.0:
            raise PayloadError(f"{show(text)} is no number from 0 to 1, such as 0.5")
        return SetThreshold(float(text))

    def _mode(self, text: str) -> Control:
        if text not in self.modes:
            raise PayloadError(f"{show(text)} is no mode of this daemon; give {', '.join(self.modes)}")
        return SetMode(text)

    def _snooze(self, text: str) -> Control:
        labels = None if text == PRESSED else (self._label(text),)
        return Snooze(labels, self.snooze_seconds)

    def _test(self, text: str) -> Control:
        return Test(None if text == PRESSED else self._label(text))

    def _say(self, text: str) -> Control:
        """Plain text; or a JSON object of `text` and `urgent`, as the command line sends."""
        urgent = False
        if text.startswith("{"):
            text, urgent = _spoken_object(text)
        text = text.strip()
        if not text:
            raise PayloadError("there is nothing to say; send a sentence")
        return Say(text, urgent)

    def _stop(self, text: str) -> Control:
        if text != PRESSED:
            raise PayloadError(f"{show(text)} is not PRESS")
        return Stop()

    def _label(self, text: str) -> str:
        if text not in self.labels:
            raise PayloadError(f"{show(text)} is neither PRESS nor a configured sound")
        return text


def _spoken_object(text: str) -> tuple[str, bool]:
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    match words:
        case {"text": str(said), **more} if set(more) <= {"urgent"} and isinstance(more.get("urgent", False), bool):
            return said.encode("utf-8", "replace").decode(), more.get("urgent") is True  # JSON can say half a character
    raise PayloadError(f'{show(text)} begins like JSON, but is no {{"text": "…", "urgent": false}}')


def _text(payload: bytes, max_bytes: int) -> str:
    if len(payload) > max_bytes:
        raise PayloadError(f"{show(payload)} is longer than {max_bytes} bytes")
    try:
        return payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PayloadError(f"{show(payload)} is not UTF-8 (byte {error.start})") from None
