"""How a sound looks in Home Assistant: names, device classes and icons. Tables only."""

from typing import Final

DEVICE_CLASSES: Final = {
    "smoke_alarm": "smoke",
    "co_alarm": "carbon_monoxide",
    "glass_break": "safety",
    "scream": "safety",
}
"""Device classes of Home Assistant's binary sensors; every other label is a `sound`."""

NAMES: Final = {"co_alarm": "CO alarm", "chunk_latency_ms": "Chunk latency", "memory_mb": "Memory"}
"""Where the word with a capital letter will not do."""

ICONS: Final = {
    "siren": "mdi:alarm-light",
    "doorbell": "mdi:doorbell",
    "knock": "mdi:hand-back-right",
    "door": "mdi:door",
    "baby_cry": "mdi:baby-face-outline",
    "cough": "mdi:lungs",
    "sneeze": "mdi:weather-windy",
    "snore": "mdi:sleep",
    "dog_bark": "mdi:dog",
    "cat_meow": "mdi:cat",
    "rooster": "mdi:bird",
    "water": "mdi:water",
    "phone_ring": "mdi:phone-ring",
    "alarm_clock": "mdi:alarm",
    "appliance_beep": "mdi:microwave",
    "vacuum_cleaner": "mdi:vacuum",
    "power_tool": "mdi:saw-blade",
    "engine": "mdi:engine",
    "thunder": "mdi:weather-lightning",
    "bang": "mdi:flash",
    "laughter": "mdi:emoticon-lol",
    "applause": "mdi:hand-clap",
    "clock": "mdi:clock-outline",
    "fire_crackling": "mdi:campfire",
    "rain": "mdi:weather-rainy",
    "speech": "mdi:account-voice",
    "singing": "mdi:microphone-variant",
    "music": "mdi:music",
}
"""For labels whose device class has no icon of its own."""


def label_name(label: str) -> str:
    """A label or a figure as people read it."""
    return NAMES.get(label, label.replace("_", " ").capitalize())
