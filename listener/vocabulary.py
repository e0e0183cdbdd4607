"""The words that every sink, every engine and every user interface share. A leaf: it imports nothing of ours."""

import re
from typing import Final, Literal, get_args

SoundLabel = Literal[
    "smoke_alarm",
    "co_alarm",
    "glass_break",
    "siren",
    "scream",
    "doorbell",
    "knock",
    "door",
    "baby_cry",
    "cough",
    "sneeze",
    "snore",
    "dog_bark",
    "cat_meow",
    "rooster",
    "water",
    "phone_ring",
    "alarm_clock",
    "appliance_beep",
    "vacuum_cleaner",
    "power_tool",
    "engine",
    "thunder",
    "bang",
    "laughter",
    "applause",
    "clock",
    "fire_crackling",
    "rain",
    "speech",
    "singing",
    "music",
]
SOUND_LABELS: Final[tuple[str, ...]] = get_args(SoundLabel)

URGENT_LABELS: Final[tuple[str, ...]] = ("smoke_alarm", "co_alarm", "glass_break", "scream")
"""What the cascade speaks up for unless `respond.urgent` says otherwise."""

PATTERN_LABELS: Final[tuple[str, ...]] = ("smoke_alarm", "co_alarm", "appliance_beep")
"""What the alarm patterns can hear without any model."""

TEST_LABEL: Final = "test"
"""`event_type` of a marked test event; no sound has this label."""

Strictness = Literal["paranoid", "sensitive", "balanced", "strict", "urgent_only"]
STRICTNESS_STEPS: Final[tuple[str, ...]] = get_args(Strictness)

Mode = Literal["assistant", "monitor", "transcribe"]
MODES: Final[tuple[str, ...]] = get_args(Mode)
"""A room's mode is one of these, or `translate to LANGUAGE`."""
TRANSLATE: Final = re.compile(r"translate to ([^\W\d_][\w -]{1,39})")


def is_mode(mode: str) -> bool:
    return mode in MODES or TRANSLATE.fullmatch(mode) is not None


DecisionName = Literal["silent", "respond"]
Trigger = Literal["sound", "speech", "model", "timer", "request"]
Emotion = Literal["happy", "sad", "angry", "surprise", "normal", "urgent"]
EndReason = Literal["complete", "interrupted", "limit"]
State = Literal["listening", "speaking", "muted", "no_audio"]
STATES: Final[tuple[str, ...]] = get_args(State)
Flag = Literal["degraded", "no_tagger", "no_voice", "clipping"]
Verdict = Literal["accepted", "denied", "unconfirmed"]

INTENTS: Final[tuple[str, ...]] = (
    "HassBroadcast",
    "HassCancelAllTimers",
    "HassCancelTimer",
    "HassClimateGetTemperature",
    "HassClimateSetFanMode",
    "HassClimateSetTemperature",
    "HassDecreaseTimer",
    "HassFanSetSpeed",
    "HassGetCurrentDate",
    "HassGetCurrentTime",
    "HassGetState",
    "HassGetWeather",
    "HassIncreaseTimer",
    "HassLawnMowerDock",
    "HassLawnMowerStartMowing",
    "HassLightSet",
    "HassListAddItem",
    "HassListCompleteItem",
    "HassListRemoveItem",
    "HassMediaNext",
    "HassMediaPause",
    "HassMediaPlayerMute",
    "HassMediaPlayerUnmute",
    "HassMediaPrevious",
    "HassMediaSearchAndPlay",
    "HassMediaUnpause",
    "HassNevermind",
    "HassPauseTimer",
    "HassRespond",
    "HassSetPosition",
    "HassSetVolume",
    "HassSetVolumeRelative",
    "HassShoppingListAddItem",
    "HassShoppingListCompleteItem",
    "HassStartTimer",
    "HassTimerStatus",
    "HassTurnOff",
    "HassTurnOn",
    "HassUnpauseTimer",
    "HassVacuumCleanArea",
    "HassVacuumReturnToBase",
    "HassVacuumStart",
    "ListenerNo",
    "ListenerQuiet",
    "ListenerReminder",
    "ListenerRepeat",
    "ListenerStop",
    "ListenerVolume",
    "ListenerWhatHeard",
    "ListenerYes",
)
"""What can be asked: Home Assistant's intents (package home-assistant-intents), and ours."""
