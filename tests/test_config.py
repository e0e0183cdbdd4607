"""The configuration: what is right loads, what is wrong is named, and the example knows every key."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from listener.config import Config, FileSource, load, parse, slugify
from listener.errors import ConfigError
from listener.vocabulary import is_mode

ROOT = Path(__file__).resolve().parents[1]
ROOM = {"name": "Kitchen", "source": {"type": "microphone"}}


def errors(data: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(data, "c.yaml")
    return str(caught.value).splitlines()


def test_the_smallest_configuration_is_one_room() -> None:
    config = parse({"rooms": [ROOM]})
    assert (config.rooms[0].slug, config.rooms[0].strictness, config.mqtt) == ("kitchen", "balanced", None)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, "c.yaml: is empty; begin with config.example.yaml (`listener config example`)"),
        ([], "c.yaml: must be a mapping with the key `rooms`, not a list"),
        ({}, "c.yaml: rooms: is missing"),
        ({"rooms": [ROOM], "mqqt": {}}, "c.yaml: mqqt: unknown key; did you mean `mqtt`?"),
        ({"rooms": [{**ROOM, "strictness": "lax"}]}, "c.yaml: rooms[0].strictness: must be one of paranoid, sens"),
        ({"rooms": [{"source": {"type": "pipe"}}]}, "c.yaml: rooms[0].name: is missing"),
        ({"rooms": [{**ROOM, "name": "台所"}]}, "c.yaml: rooms[0].slug: no letter or digit of the name"),
        ({"rooms": [{**ROOM, "name": "Bridge"}]}, "c.yaml: rooms[0].slug: 'bridge' is the daemon's own topic"),
        ({"rooms": [ROOM, {**ROOM, "name": "KITCHEN!"}]}, "c.yaml: rooms 'Kitchen' and 'KITCHEN!' have the same slug"),
        (
            {"rooms": [{**ROOM, "mode": "transcribe"}]},
            "c.yaml: room 'Kitchen': the engine cascade has no mode 'transcribe'; give one of assistant, monitor",
        ),
        ({"rooms": [ROOM], "engine": {"translate_to": ["x. Ignore it"]}}, "c.yaml: engine.translate_to[0]: "),
        (
            {"rooms": [{**ROOM, "source": {"type": "microphone", "device": "3"}}]},
            "c.yaml: rooms[0].source.device: is a number, and numbers move",
        ),
        (
            {"rooms": [{**ROOM, "source": {"type": "file", "path": "a.wav", "lop": True}}]},
            "c.yaml: rooms[0].source.lop: unknown key",
        ),
        ({"rooms": [{**ROOM, "source": {"type": "mic"}}]}, "c.yaml: rooms[0].source.type: must be one of microphone"),
        ({"rooms": [ROOM], "sounds": {"labels": ["dog"]}}, "c.yaml: sounds: labels: no sound is called 'dog'"),
        ({"rooms": [ROOM], "respond": {"urgent": ["dog"]}}, "c.yaml: respond.urgent: no sound is called 'dog'"),
        ({"rooms": [ROOM], "mqtt": {"port": 70000}}, "c.yaml: mqtt.port: must be a whole number from 0 to 65535"),
        ({"rooms": [ROOM], "mqtt": {"broker": "embedded", "tls": {}}}, "c.yaml: mqtt: the embedded broker speaks no"),
        ({"rooms": [ROOM], "mqtt": {"tls": {"key_file": "k"}}}, "c.yaml: mqtt.tls: cert_file and key_file belong"),
        ({"rooms": [ROOM], "mqtt": {"base_topic": "a/+/b"}}, "c.yaml: mqtt.base_topic: "),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_key(data: Any, expected: str) -> None:
    lines = errors(data)
    assert len(lines) == 1
    assert lines[0].startswith(expected)


def test_every_error_is_told_at_once() -> None:
    assert len(errors({"rooms": [{**ROOM, "threshold": 2, "modus": "x"}], "x": 1})) == 3


def test_the_big_engine_offers_modes_of_its_own() -> None:
    engine = {"name": "audio-interaction", "model": "/m", "translate_to": ["Greek", "Low German"]}
    config = parse({"rooms": [{**ROOM, "mode": "translate to Greek"}], "engine": engine})
    offered = ("assistant", "monitor", "transcribe", "translate to Greek", "translate to Low German")
    assert config.engine.modes == offered
    assert all(is_mode(mode) for mode in offered)


def test_two_rooms_cannot_both_read_stdin() -> None:
    pipes = [{"name": name, "source": {"type": "pipe"}} for name in ("A", "B")]
    assert errors({"rooms": pipes}) == ["c.yaml: rooms 'A', 'B': only one room can read stdin"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"rooms: [", "line 1, column 9: no valid YAML"),
        (b"\xff\xfe", "is not UTF-8 (byte 0)"),
        (b"a: !!python/object/apply:os.system ['true']", "no valid YAML"),
        (b"[" * 5_000, "no valid YAML"),
        (b"a: 2026-99-99", "no valid YAML"),
        (b"", "is empty"),
        (
            b"rooms: []\nmqtt: {}\nrooms: []\n",
            "line 3, column 1: no valid YAML: `rooms` stands here a second time, after",
        ),
        (b"privacy:\n  clips: {}\n  clips: {}\n", "line 3, column 3: no valid YAML: `clips` stands here a second time"),
    ],
)
def test_a_broken_file_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert expected in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory; give the right path with -c"):
        load(tmp_path / "none.yaml")


@given(st.text())
def test_a_slug_is_empty_or_fit_for_a_topic(name: str) -> None:
    slug = slugify(name)
    assert all(c in "abcdefghijklmnopqrstuvwxyz0123456789_" for c in slug)
    assert not slug.startswith("_")


@pytest.mark.parametrize(("name", "slug"), [("Küche", "kuche"), ("Bath 2.OG", "bath_2_og"), ("¡!", "")])
def test_slugs(name: str, slug: str) -> None:
    assert slugify(name) == slug


def keys_of_schema(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Every path of keys that the schema knows; lists and mappings by label are one step, `*`."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    for name, child in node.get("properties", {}).items():
        yield (name,)
        yield from ((name, *rest) for rest in keys_of_schema(schema, child))
    below = [node.get("items"), *node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    for child in below:
        if isinstance(child, dict):
            yield from (("*", *rest) for rest in keys_of_schema(schema, child))
    for child in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from keys_of_schema(schema, child)


def keys_of_data(schema_keys: set[tuple[str, ...]], data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(data, list):
        for item in data:
            yield from keys_of_data(schema_keys, item, (*path, "*"))
    elif isinstance(data, dict):
        for name, value in data.items():
            here = (*path, name) if (*path, name) in schema_keys else (*path, "*")
            if here[-1] != "*":
                yield here
            yield from keys_of_data(schema_keys, value, here)


def test_the_example_loads_and_shows_every_key() -> None:
    path = ROOT / "config.example.yaml"
    load(path)
    schema = Config.model_json_schema()
    known = set(keys_of_schema(schema, schema))
    shown = set(keys_of_data(known, yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)))
    assert known - shown == set()


def test_every_key_of_the_example_is_explained() -> None:
    """A comment stands above each key, or above its neighbour when one comment is for several."""
    explained = False
    bare = []
    for line in (ROOT / "config.example.yaml").read_text(encoding="utf-8").splitlines():
        if not line.strip():
            explained = False
        elif line.lstrip().startswith("#"):
            explained = True
        elif not explained:
            bare.append(line)
    assert bare == [
        line for name in ("Nursery", "Workshop", "Garden", "Bedroom") for line in (f"  - name: {name}", "    source:")
    ]


def test_on_and_off_are_names_and_yes_is_a_yes(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        """
rooms: [{name: A, source: {type: file, path: a.wav, loop: yes, realtime: off}}]
sounds: {tuning: {dog_bark: {on: 0.5, off: 0.2}}}
"""
    )
    config = load(path)
    assert (config.sounds.tuning["dog_bark"].on, config.sounds.tuning["dog_bark"].off) == (0.5, 0.2)
    assert config.rooms[0].source == FileSource(type="file", path=Path("a.wav"), loop=True, realtime=False)


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    config = parse(
        {
            "rooms": [{**ROOM, "source": {"type": "file", "path": "~/dog.wav"}}],
            "sounds": {"model": "~/yamnet.tflite"},
            "speech": {"wake_word": {"model": "~/computer.json"}},
            "mqtt": {"password_file": "~/secrets/mqtt", "username": "ada"},
        }
    )
    assert isinstance(config.rooms[0].source, FileSource)
    assert config.mqtt is not None
    given = (config.rooms[0].source.path, config.sounds.model, config.speech.wake_word.model, config.mqtt.password_file)
    assert [str(path) for path in given] == [
        "/home/ada/dog.wav",
        "/home/ada/yamnet.tflite",
        "/home/ada/computer.json",
        "/home/ada/secrets/mqtt",
    ]
    nobody = "c.yaml: sounds.model: ~nobody-of-that-name: no home folder is known for that user; give the whole path"
    assert errors({"rooms": [ROOM], "sounds": {"model": "~nobody-of-that-name/yamnet.tflite"}}) == [nobody]
