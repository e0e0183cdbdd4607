"""What a person is promised to see in Home Assistant, written down by hand and not taken from the program."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """An entity: the end of its id, its name within the device, its category and class."""

    suffix: str
    name: str
    category: str | None = None
    device_class: str | None = None
    unit: str | None = None


DIAGNOSTIC, CONFIG = "diagnostic", "config"

ALARMS = (
    Expected("smoke_alarm", "Smoke alarm", device_class="smoke"),
    Expected("co_alarm", "CO alarm", device_class="carbon_monoxide"),
    Expected("glass_break", "Glass break", device_class="safety"),
    Expected("scream", "Scream", device_class="safety"),
)
OTHER_SOUNDS = (
    "Siren",
    "Doorbell",
    "Knock",
    "Door",
    "Baby cry",
    "Cough",
    "Sneeze",
    "Snore",
    "Dog bark",
    "Cat meow",
    "Rooster",
    "Water",
    "Phone ring",
    "Alarm clock",
    "Appliance beep",
    "Vacuum cleaner",
    "Power tool",
    "Engine",
    "Thunder",
    "Bang",
    "Laughter",
    "Applause",
    "Clock",
    "Fire crackling",
    "Rain",
    "Speech",
    "Singing",
    "Music",
)

ROOM = {
    "binary_sensor": (
        *ALARMS,
        *(Expected(name.lower().replace(" ", "_"), name, device_class="sound") for name in OTHER_SOUNDS),
        Expected("problem", "Problem", DIAGNOSTIC, "problem"),
    ),
    "event": (Expected("sound", "Sound"), Expected("command", "Command")),
    "sensor": (
        Expected("status", "Status", DIAGNOSTIC, "enum"),
        Expected("hearing", "Hearing", DIAGNOSTIC),
        Expected("level", "Level", DIAGNOSTIC, unit="dBFS"),
        Expected("last_response", "Last response"),
        Expected("learning", "Learning"),
        Expected("taught_sounds", "Taught sounds", DIAGNOSTIC),
        Expected("corrections", "Corrections", DIAGNOSTIC),
    ),
    "switch": (Expected("mute", "Mute"),),
    "select": (Expected("strictness", "Strictness", CONFIG), Expected("mode", "Mode", CONFIG)),
    "number": (Expected("response_threshold", "Response threshold", CONFIG),),
    "notify": (Expected("say", "Say"),),
    "button": (
        Expected("stop_speaking", "Stop speaking"),
        Expected("snooze", "Snooze"),
        Expected("test", "Test", DIAGNOSTIC),
        Expected("learn_the_next_sound", "Learn the next sound", CONFIG),
        Expected("stop_learning", "Stop learning", CONFIG),
        Expected("that_was_wrong", "That was wrong"),
    ),
    "text": (Expected("sound_to_learn", "Sound to learn", CONFIG), Expected("that_was", "That was")),
}
"""By platform; the id of each begins with the room's slug."""

BRIDGE = {
    "binary_sensor": (Expected("connection", "Connection", DIAGNOSTIC, "connectivity"),),
    "sensor": (
        Expected("version", "Version", DIAGNOSTIC),
        Expected("engine", "Engine", DIAGNOSTIC),
        Expected("chunk_latency", "Chunk latency", DIAGNOSTIC, "duration", "ms"),
        Expected("memory", "Memory", DIAGNOSTIC, "data_size", "MB"),
        Expected("chunk_queue", "Chunk queue", DIAGNOSTIC),
        Expected("chunks_dropped", "Chunks dropped", DIAGNOSTIC),
        Expected("message_queue", "Message queue", DIAGNOSTIC),
        Expected("messages_dropped", "Messages dropped", DIAGNOSTIC),
        Expected("reconnects", "Reconnects", DIAGNOSTIC),
    ),
}


def entities_of(slug: str, kinds: dict[str, tuple[Expected, ...]]) -> dict[str, Expected]:
    """By entity id."""
    return {f"{platform}.{slug}_{e.suffix}": e for platform, found in kinds.items() for e in found}


def everything(rooms: list[str]) -> dict[str, Expected]:
    """The entities of the bridge and of these rooms."""
    found = entities_of("listener", BRIDGE)
    for slug in rooms:
        found |= entities_of(slug, ROOM)
    return found
