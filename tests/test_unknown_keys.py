"""What is said of a key that does not exist."""

import pytest

from listener.config import Config, parse
from listener.config.unknown_keys import RENAMED, hint
from listener.errors import ConfigError

SCHEMA = Config.model_json_schema()


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (("rooms", 0, "strictnes"), "unknown key; did you mean `strictness`?"),
        (("rooms", 0, "source", "microphone", "devise"), "unknown key; did you mean `device`?"),
        (("sounds", "tuning", "dog_bark", "windws"), "unknown key; did you mean `windows`?"),
        (("mqtt", "tls", "cafile"), "unknown key; did you mean `ca_file`?"),
        (("transcripts",), "unknown key here; there is `mqtt.transcripts`"),
        (("rooms", 0, "port"), "unknown key here; there is `metrics.port` and `mqtt.port` and `rooms.source.port`"),
        (("zzz",), "unknown key; see config.example.yaml, or `listener config example`, for those that exist"),
    ],
)
def test_it_names_what_was_meant(location: tuple[int | str, ...], words: str) -> None:
    assert hint(location, SCHEMA) == words


def test_a_key_that_was_renamed_is_told_its_new_name() -> None:
    renamed = {"rooms.mic": "rooms.source.device"}
    assert hint(("rooms", 3, "mic"), SCHEMA, renamed) == (
        "is called rooms.source.device since a later release; rename it"
    )


def test_new_names_exist() -> None:
    for new in RENAMED.values():
        assert "did you mean" in hint((*new.split(".")[:-1], new.split(".")[-1] + "x"), SCHEMA)


def test_it_is_part_of_the_one_line_of_the_error() -> None:
    room = {"name": "Kitchen", "source": {"type": "microphone"}, "adressing": "open"}
    with pytest.raises(ConfigError) as caught:
        parse({"rooms": [room]}, "c.yaml")
    assert str(caught.value) == "c.yaml: rooms[0].adressing: unknown key; did you mean `addressing`?"
