"""What we announce to Home Assistant: one device for the daemon, one for each room. Pure.

Device-based MQTT discovery (home-assistant.io/integrations/mqtt, "Device discovery payload"). An unknown key at the
root, in `dev` or in `o` rejects the whole device, so those three stay small. `default_entity_id` and not `object_id`:
the latter ends with Home Assistant 2026.4 and warns before; 2025.4 does not know the former yet, ignores it, and makes
entity ids of the names of device and entity. `qos` stands in every component, since the root's was ignored until May
2026.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from listener.config import RoomConfig, slugify
from listener.publish import lessons
from listener.publish.looks import DEVICE_CLASSES, ICONS, label_name
from listener.publish.topics import Topics
from listener.vocabulary import INTENTS, STATES, STRICTNESS_STEPS, TEST_LABEL

ORIGIN = "Listener"
LEVEL_EXPIRES_SECONDS = 60
"""Six levels missed: the room is muted or deaf, and an old number would be a lie."""

Component = dict[str, Any]
Device = dict[str, Any]
Names = Mapping[str, str]
"""What a room was taught: the name that people gave, by the label that is made of it."""
NOTHING_TAUGHT: Mapping[str, Names] = {}

STATE_OF_JSON = "{{ value_json.state }}"
DIAGNOSTIC = {"entity_category": "diagnostic"}
CONFIG = {"entity_category": "config"}

MEASUREMENT = {"state_class": "measurement"}
TOTAL = {"state_class": "total_increasing"}
BRIDGE_FIGURES: tuple[tuple[str, str, Component], ...] = (
    ("version", "info", {"icon": "mdi:tag"}),
    ("engine", "info", {"icon": "mdi:brain"}),
    ("chunk_latency_ms", "health", {"device_class": "duration", "unit_of_measurement": "ms", **MEASUREMENT}),
    ("memory_mb", "health", {"device_class": "data_size", "unit_of_measurement": "MB", **MEASUREMENT}),
    ("chunk_queue", "health", {"icon": "mdi:tray-full", **MEASUREMENT}),
    ("chunks_dropped", "health", {"icon": "mdi:tray-remove", **TOTAL}),
    ("message_queue", "health", {"icon": "mdi:tray-full", **MEASUREMENT}),
    ("messages_dropped", "health", {"icon": "mdi:tray-remove", **TOTAL}),
    ("reconnects", "health", {"icon": "mdi:connection", **TOTAL}),
)
"""Of the daemon: the field, which topic has it, and how it is shown."""


def devices(
    topics: Topics,
    rooms: Sequence[RoomConfig],
    labels: Sequence[str],
    version: str,
    modes: Sequence[str] = ("assistant", "monitor"),
    taught: Mapping[str, Names] = NOTHING_TAUGHT,
) -> dict[str, Device]:
    """The discovery payload of each device by its topic, the bridge first.

    `modes`: what the engine offers; `taught`: the sounds that rooms have learnt, by slug.
    """
    found = {topics.discovery("bridge"): bridge(topics, version)}
    for config in rooms:
        names = {**{label: label_name(label) for label in labels}, **taught.get(config.slug, {})}
        found[topics.discovery(config.slug)] = room(topics, config.slug, config.name, names, version, modes)
    return found


def bridge(topics: Topics, version: str) -> Device:
    """The daemon. Its connectivity has no availability: `off` is what it is there to say."""
    state = topics.bridge("state")
    cells: dict[str, Component] = {
        "connection": {
            "p": "binary_sensor",
            "name": "Connection",
            "state_topic": state,
            "value_template": STATE_OF_JSON,
            "payload_on": "online",
            "payload_off": "offline",
            "device_class": "connectivity",
            **DIAGNOSTIC,
        }
    }
    for field, leaf, more in BRIDGE_FIGURES:
        cells[field] = {
            "p": "sensor",
            "name": label_name(field),
            "state_topic": topics.bridge(leaf),
            "value_template": f"{{{{ value_json.{field} }}}}",
            "availability": [_available(state)],
            **more,
            **DIAGNOSTIC,
        }
    # With another base topic there is another daemon, and the two want different names and entity ids.
    name = ORIGIN if topics.base == "listener" else f"{ORIGIN} {topics.base}"
    object_base = topics.device("bridge").removesuffix("-bridge").lower()
    return {
        "dev": _device(topics, "bridge", name, version),
        "o": _origin(version),
        "cmps": _complete(topics, "bridge", object_base, cells),
    }


def room(topics: Topics, slug: str, name: str, labels: Names, version: str, modes: Sequence[str]) -> Device:
    """A room: available while both the daemon and the room are. `labels`: how each of its sounds is called."""
    cells = {
        **_sounds(topics, slug, labels),
        **_command(topics, slug),
        **_states(topics, slug),
        **_settings(topics, slug, modes),
        **lessons.cells(topics, slug),
    }
    return {
        "dev": {
            **_device(topics, slug, name, version),
            "suggested_area": name,
            "via_device": topics.device("bridge"),
        },
        "o": _origin(version),
        "availability": [_available(topics.bridge("state")), _available(topics.room(slug, "availability"))],
        "availability_mode": "all",
        "cmps": _complete(topics, slug, slug, cells),
    }


def _command(topics: Topics, slug: str) -> dict[str, Component]:
    cell = {
        "p": "event",
        "name": "Command",
        "state_topic": topics.room(slug, "command"),
        "event_types": [*INTENTS, "denied", "unconfirmed"],
        "icon": "mdi:account-voice",
    }
    return {"command": cell}


def _sounds(topics: Topics, slug: str, labels: Names) -> dict[str, Component]:
    cells: dict[str, Component] = {
        "sound": {
            "p": "event",
            "name": "Sound",
            "state_topic": topics.room(slug, "sound"),
            "event_types": [*labels, TEST_LABEL],
            "icon": "mdi:ear-hearing",
        }
    }
    for label, name in labels.items():
        cells[f"sound_{label}"] = {
            "p": "binary_sensor",
            "name": name,
            "state_topic": topics.sound(slug, label),
            "device_class": DEVICE_CLASSES.get(label, "sound"),
            **({"icon": ICONS[label]} if label in ICONS else {}),
        }
    return cells


PROBLEM = (
    "{{ 'ON' if value_json.state == 'no_audio' or "
    "value_json.flags | reject('equalto', 'no_tagger') | list else 'OFF' }}"
)
"""Without a tagger by choice (`sounds.tagger: none`) nothing is wrong; one that fails is `degraded` as well."""


def _states(topics: Topics, slug: str) -> dict[str, Component]:
    def sensor(leaf: str, name: str, icon: str, **more: Any) -> Component:
        return {"p": "sensor", "name": name, "icon": icon, "state_topic": topics.room(slug, leaf), **more}

    def with_attributes(leaf: str, field: str) -> Component:
        return {"value_template": f"{{{{ value_json.{field} }}}}", "json_attributes_topic": topics.room(slug, leaf)}

    problem = {
        "p": "binary_sensor",
        "name": "Problem",
        "state_topic": topics.room(slug, "status"),
        "value_template": PROBLEM,
        "device_class": "problem",
    }
    level: Component = {
        "unit_of_measurement": "dBFS",  # no device class: Home Assistant's sound pressure knows dB and dBA only
        "state_class": "measurement",
        "suggested_display_precision": 1,
        "expire_after": LEVEL_EXPIRES_SECONDS,
    }
    status = {"device_class": "enum", "options": list(STATES), **with_attributes("status", "state")}
    return {
        "status": sensor("status", "Status", "mdi:ear-hearing", **status, **DIAGNOSTIC),
        "problem": {**problem, **DIAGNOSTIC},
        "hearing": sensor("hearing", "Hearing", "mdi:waveform", **with_attributes("hearing", "label"), **DIAGNOSTIC),
        "level": sensor("level", "Level", "mdi:volume-high", **level, **DIAGNOSTIC),
        "response": sensor("response", "Last response", "mdi:message-text", **with_attributes("response", "state")),
    }


def _settings(topics: Topics, slug: str, modes: Sequence[str]) -> dict[str, Component]:
    def setting(platform: str, leaf: str, name: str) -> Component:
        state = {"state_topic": topics.room(slug, leaf), "command_topic": topics.set(slug, leaf)}
        return {"p": platform, "name": name, **state}

    def button(leaf: str, name: str, icon: str) -> Component:
        press = {"command_topic": topics.room(slug, leaf), "payload_press": "PRESS"}
        return {"p": "button", "name": name, "icon": icon, **press}

    return {
        "mute": {**setting("switch", "mute", "Mute"), "icon": "mdi:microphone-off"},
        "strictness": {
            **setting("select", "strictness", "Strictness"),
            "options": list(STRICTNESS_STEPS),
            "icon": "mdi:tune-variant",
            **CONFIG,
        },
        "mode": {**setting("select", "mode", "Mode"), "options": list(modes), "icon": "mdi:account-switch", **CONFIG},
        "threshold": {
            **setting("number", "threshold", "Response threshold"),
            "min": 0,
            "max": 1,
            "step": 0.01,
            "mode": "slider",
            "icon": "mdi:message-alert",
            **CONFIG,
        },
        "say": {"p": "notify", "name": "Say", "icon": "mdi:bullhorn", "command_topic": topics.room(slug, "say")},
        "stop": button("stop", "Stop speaking", "mdi:stop"),
        "snooze": button("snooze", "Snooze", "mdi:bell-sleep"),
        "test": {**button("test", "Test", "mdi:bell-ring"), **DIAGNOSTIC},
    }


def _complete(topics: Topics, slug: str, object_base: str, cells: Mapping[str, Component]) -> dict[str, Component]:
    """Add what every component has: a stable unique id, the entity id that both names make, its quality of service."""
    return {
        key: {
            **cell,
            "unique_id": f"{topics.device(slug)}-{key}",
            "default_entity_id": f"{cell['p']}.{object_base}_{slugify(cell['name'])}",
            "qos": 0 if key in ("hearing", "level") else 1,
        }
        for key, cell in cells.items()
    }


def _available(topic: str) -> dict[str, str]:
    words = {"payload_available": "online", "payload_not_available": "offline"}
    return {"topic": topic, "value_template": STATE_OF_JSON, **words}


def _device(topics: Topics, slug: str, name: str, version: str) -> dict[str, Any]:
    model = "Bridge" if slug == "bridge" else "Room"
    identity = {"identifiers": [topics.device(slug)], "name": name}
    return {**identity, "manufacturer": ORIGIN, "model": model, "sw_version": version}


def _origin(version: str) -> dict[str, str]:
    return {"name": ORIGIN, "sw_version": version}
