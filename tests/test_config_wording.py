"""What is said of a wrong value: which key, what must stand there, and what does; in words, not in a library's."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.config import parse
from listener.errors import ConfigError

NEEDED: dict[str, Any] = {
    "source": {"type": "file", "path": "a.wav"},
    "home_assistant": {"url": "http://ha:8123", "token_file": "token"},
}
STRICTNESS = "one of paranoid, sensitive, balanced, strict or urgent_only"
A_LIST = "a list: `[one, two]`, or lines that begin with `- `"
A_WORD = "small letters, digits and `_`, a letter first, as in `dog_bark`"
HOURS = "is no span of hours; write 22:00-07:00, or sat sun 22:00-09:00 with the days it begins on"


def lines(data: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(data, "c.yaml")
    return str(caught.value).splitlines()


def configuration(key: str, value: object) -> dict[str, Any]:
    """The smallest one with `value` at the dotted `key`, whose `room` is the first of `rooms`."""
    room: dict[str, Any] = {"name": "Kitchen", "source": {"type": "microphone"}}
    data: dict[str, Any] = {"rooms": [room]}
    *above, last = key.split(".")
    place = data
    for part in above:
        place = room if part == "room" else place.setdefault(part, dict(NEEDED.get(part, {})))
    if "source" in above:
        room["source"] = {**NEEDED["source"], **room["source"], "type": room["source"].get("type", "file")}
    place[last] = value
    return data


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        # nothing, or a value where keys belong
        ("rooms", None, f"rooms: is empty; it must be {A_LIST}"),
        ("rooms", {}, f"rooms: must be {A_LIST}, not keys with values"),
        ("rooms", "Kitchen", f"rooms: must be {A_LIST}, not text"),
        ("rooms", [], "rooms: is empty; it must have at least 1 entry"),
        ("rooms", [None], "rooms[0]: is empty; it must be keys with values (name, slug, source, output, "),
        ("rooms", ["Kitchen"], "rooms[0]: must be keys with values (name, slug, source, output, "),
        (
            "mqtt",
            "mqtt://ada:secret@broker",
            "mqtt: must be keys with values (broker, host, port, protocol, client_id, ",
        ),
        (
            "mqtt",
            [],
            "mqtt: must be keys with values (broker, host, port, protocol, client_id, username, …), not a list",
        ),
        ("mqtt.tls", True, "mqtt.tls: must be keys with values (ca_file, cert_file, key_file), not true"),
        (
            "engine",
            None,
            "engine: is empty; it must be keys with values (name, model, device, dtype, weights, window, …)",
        ),
        ("sounds.tuning", [], "sounds.tuning: must be keys with values, not a list"),
        (
            "sounds.tuning.siren",
            0.5,
            "sounds.tuning.siren: must be keys with values (on, off, windows, of, hold_seconds), ",
        ),
        ("privacy.clips.labels", ["siren"], "privacy.clips.labels: must be keys with values, not a list"),
        ("metrics", True, "metrics: must be keys with values (host, port), not true"),
        # sources
        ("room.source", "microphone", "rooms[0].source: must be keys with values (type), not text"),
        (
            "room.source",
            {},
            "rooms[0].source.type: is empty; it must be one of microphone, file, pipe, stream or wyoming",
        ),
        (
            "room.source",
            {"type": "mic"},
            "rooms[0].source.type: must be one of microphone, file, pipe, stream or wyoming, not that",
        ),
        ("room.source", {"type": "file"}, "rooms[0].source.path: is missing. A recording: wav, flac, ogg or mp3."),
        (
            "room.source",
            {"type": "file", "path": ""},
            "rooms[0].source.path: is empty; give a path, or leave the key out",
        ),
        (
            "room.source",
            {"type": "file", "path": 5},
            "rooms[0].source.path: must be a path, not a number; put it in quotes",
        ),
        (
            "room.source",
            {"type": "pipe", "rate": 1},
            "rooms[0].source.rate: must be a whole number from 4000 to 384000, not 1",
        ),
        (
            "room.source",
            {"type": "pipe", "format": "mp3"},
            "rooms[0].source.format: must be one of s16le, s24le, s32le, f32le or u8, not that",
        ),
        (
            "room.source",
            {"type": "stream", "url": "rtsp://ada:secret@cam/a b"},
            "rooms[0].source.url: must be of ASCII letters, digits and signs without spaces; write %20 for a space",
        ),
        (
            "room.source",
            {"type": "wyoming", "host": "a b"},
            "rooms[0].source.host: must be a name or an address without spaces, as in `192.168.1.20`",
        ),
        # numbers
        ("mqtt.port", "abc", "mqtt.port: must be a whole number from 0 to 65535, not text"),
        ("mqtt.port", 70_000, "mqtt.port: must be a whole number from 0 to 65535, not 70000"),
        ("mqtt.port", 1883.5, "mqtt.port: must be a whole number from 0 to 65535, not 1883.5"),
        ("mqtt.port", None, "mqtt.port: is empty; it must be a whole number from 0 to 65535"),
        ("mqtt.port", [1883], "mqtt.port: must be a whole number from 0 to 65535, not a list"),
        ("mqtt.port", "9" * 5_000, "mqtt.port: must be a whole number from 0 to 65535, not text"),
        ("mqtt.port", True, "mqtt.port: must be a whole number from 0 to 65535, not true"),
        ("room.threshold", True, "rooms[0].threshold: must be a number from 0 to 1, not true"),
        ("speech.wake_word.threshold", False, "speech.wake_word.threshold: must be a number from 0 to 1, not false"),
        ("room.threshold", "high", "rooms[0].threshold: must be a number from 0 to 1, not text"),
        ("room.threshold", float("nan"), "rooms[0].threshold: must be a number from 0 to 1, not nan"),
        ("sounds.tuning.siren.on", 2, "sounds.tuning.siren.on: must be a number above 0 and below 1, not 2"),
        ("outbox.max_age_hours", 0, "outbox.max_age_hours: must be a number above 0 and at most 8760, not 0"),
        ("engine.threads", "numbers", "engine.threads: must be a whole number from 1 to 64, not text"),
        ("engine.threads", "all", "engine.threads: must be a whole number from 1 to 64, not text"),
        ("voice.rate", 9, "voice.rate: must be a number from 0.5 to 2, not 9"),
        ("speech.temperatures", [5, None], "speech.temperatures[1]: is empty; it must be a whole number"),
        ("speech.temperatures", [5, 6, 7], "speech.temperatures: must have at most 2 entries, not 3"),
        ("speech.temperatures", "5-30", "speech.temperatures: must be a list: `[one, two]`, not text"),
        # durations and times
        (
            "commands.confirm_seconds",
            "10s",
            "commands.confirm_seconds: must be a number from 2 to 60, not text; write the number alone",
        ),
        (
            "privacy.clips.keep_days",
            "7 d",
            "privacy.clips.keep_days: must be a number above 0 and at most 3650, not text; write the number alone",
        ),
        ("summary.at", "9", 'summary.at: is no time of day; write "21:30"'),
        ("summary.at", "25:00", 'summary.at: is no time of day; write "21:30"'),
        ("room.muted_hours", "22:00-07:00", f"rooms[0].muted_hours: must be {A_LIST}, not text"),
        ("quiet.hours", ["22-7"], f"quiet.hours[0]: {HOURS}"),
        # yes and no
        ("mqtt.discovery", "ture", "mqtt.discovery: must be true or false; did you mean `true`?"),
        ("mqtt.discovery", "ja", "mqtt.discovery: must be true or false, not text"),
        ("outbox.durable", 7, "outbox.durable: must be true or false, not a number"),
        ("quiet.answers", None, "quiet.answers: is empty; it must be true or false"),
        # text
        ("room.name", 5, "rooms[0].name: must be text, not a number; put it in quotes"),
        ("room.name", None, "rooms[0].name: is empty; it must be text"),
        ("room.name", "", "rooms[0].name: is empty; it must have at least 1 character"),
        ("room.name", ["a"], "rooms[0].name: must be text, not a list"),
        ("wyoming_server.name", "x" * 99, "wyoming_server.name: must have at most 60 characters, not 99"),
        ("respond.texts.siren", {"a": 1}, "respond.texts.siren: must be text, not keys with values"),
        # one of several
        ("room.strictness", "lax", f"rooms[0].strictness: must be {STRICTNESS}, not that"),
        ("room.strictness", "ballanced", f"rooms[0].strictness: must be {STRICTNESS}; did you mean `balanced`?"),
        ("room.strictness", 5, f"rooms[0].strictness: must be {STRICTNESS}, not that"),
        ("room.addressing", "wake", "rooms[0].addressing: must be wake_word or open; did you mean `wake_word`?"),
        ("mqtt.protocol", 5, "mqtt.protocol: must be 3.1.1 or 5, not a number; put it in quotes"),
        ("mqtt.protocol", 3.1, "mqtt.protocol: must be 3.1.1 or 5, not that"),
        ("engine.device", "gpu", "engine.device: must be `cuda`, `cuda:1` and so on, or `cpu`"),
        # forms
        ("room.slug", "My Room", "rooms[0].slug: must be small letters, digits and `_` only, as in `living_room`"),
        (
            "room.language",
            "english",
            "rooms[0].language: must be the code of a language, of two or three small letters, ",
        ),
        ("mqtt.base_topic", "a b", "mqtt.base_topic: must be words without spaces, `+` and `#`, with `/` between them"),
        ("speech.intents", ["turn on"], "speech.intents[0]: must be the name of an intent, as in `HassTurnOn`"),
        (
            "home_assistant.url",
            "ha:8123",
            "home_assistant.url: must be http:// or https://, a host and its port, no login, as in ",
        ),
        ("home.areas", [{"name": "a(b"}], "home.areas[0].name: must be words as people say them, without []{}()<>|;:"),
        # lists and keys
        ("engine.translate_to", ["English"] * 30, "engine.translate_to: must have at most 20 entries, not 30"),
        ("sounds.labels", [5], "sounds.labels[0]: must be text, not a number; put it in quotes"),
        ("sounds.tuning", {"Dog Bark": {}}, f"sounds.tuning: the key 'Dog Bark' must be {A_WORD}"),
        ("sounds.tuning", {5: {}}, "sounds.tuning: the key 5 is no text; put it in quotes"),
        (
            "sounds.tuning",
            {"a" * 41: {}},
            f"sounds.tuning: the key '{'a' * 41}' must have at most 40 characters, not 41",
        ),
        ("home_assistant", {"url": "http://ha"}, "home_assistant.token_file: is missing. File whose first line is a "),
        ("mqtt.port", "secret", "mqtt.port: must be a whole number from 0 to 65535, not text"),
        ("mqtt.broker", "secret", "mqtt.broker: must be external or embedded, not that"),
        ("mqtt.username", ["secret"], "mqtt.username: must be text, not a list"),
        ("mqtt.password", "secret", "mqtt.password: unknown key; did you mean `password_file`?"),
        ("nonsense", 1, "nonsense: unknown key; see config.example.yaml"),
    ],
)
def test_what_is_wrong_is_said_in_words(key: str, value: object, said: str) -> None:
    (line,) = lines(configuration(key, value))
    assert line.startswith(f"c.yaml: {said}")
    assert "secret" not in line


def test_a_key_that_is_no_text() -> None:
    room = {"name": "Kitchen", "source": {"type": "microphone"}}
    assert lines({"rooms": [room], 1: 2}) == ["c.yaml: the key 1 is no text; put it in quotes"]
    assert lines("rooms") == ["c.yaml: must be a mapping with the key `rooms`, not text"]


KEYS = (
    *(
        "rooms",
        "mqtt",
        "engine",
        "sounds",
        "respond",
        "home",
        "speech",
        "commands",
        "quiet",
        "summary",
        "voice",
        "outbox",
    ),
    *("room.name", "room.source", "room.source.type", "room.threshold", "room.muted_hours", "mqtt.port", "mqtt.tls"),
    *(
        "mqtt.discovery",
        "sounds.tuning",
        "sounds.tuning.siren",
        "sounds.custom.gate",
        "speech.temperatures",
        "summary.at",
    ),
    *("home.areas", "home.entities", "commands.rooms", "commands.dangerous", "privacy.clips.labels", "respond.texts"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=3),
    max_leaves=5,
)
LIBRARY = ("Input", "valid ", "dictionary", "Unable to", "should", "validation", "instance of", "NoneType")


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(KEYS), VALUES)
def test_no_word_of_a_library_is_passed_on(key: str, value: object) -> None:
    try:
        parse(configuration(key, value), "c.yaml")
    except ConfigError as error:
        said = str(error)
    else:
        return
    assert not [word for word in LIBRARY if word in said]
