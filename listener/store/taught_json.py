"""Taught sounds, corrections and episodes as JSON, and back: what is read may be broken, and is checked."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from listener.types.taught import Correction, Embedding, HeardEpisode, Take, TaughtSound

T = TypeVar("T")

MAX_VECTOR_BYTES: Final = 4_096
MAX_EMBEDDINGS: Final = 64
MAX_TAKES: Final = 30
MAX_TEXT: Final = 200
_LABEL: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ROOM: Final = re.compile(r"[a-z0-9_]{1,64}")
_FILE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def written(value: Any) -> Any:
    """A dataclass of `types.taught` as what JSON knows; a vector is base64."""
    if isinstance(value, Embedding):
        return [value.network, base64.b64encode(value.vector).decode()]
    if isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Sequence):
        return [written(one) for one in value]
    return {name: written(getattr(value, name)) for name in value.__slots__}


def read_sound(data: Any) -> TaughtSound:
    """Raises ValueError, as all of these do, with what is not possible."""
    fields = _mapping(data)
    return TaughtSound(
        label=_matching(fields, "label", _LABEL),
        name=_text(fields, "name"),
        takes=_list(fields, "takes", _take, MAX_TAKES),
        background=_list(fields, "background", read_embedding, MAX_EMBEDDINGS),
        rooms=_list(fields, "rooms", _room, 1_000),
        taught_at=_text(fields, "taught_at"),
    )


def read_correction(data: Any) -> Correction:
    fields = _mapping(data)
    added = fields.get("added_take", False)
    if not isinstance(added, bool):
        raise ValueError(f"added_take: {added!r:.40}")
    return Correction(
        id=_text(fields, "id"),
        episode=_text(fields, "episode"),
        room=_matching(fields, "room", _ROOM),
        label=_matching(fields, "label", _LABEL),
        said_at=_text(fields, "said_at"),
        embeddings=_list(fields, "embeddings", read_embedding, MAX_EMBEDDINGS),
        was="" if fields.get("was") == "" else _matching(fields, "was", _LABEL),
        added_take=added,
    )


def read_episode(data: Any) -> HeardEpisode:
    fields = _mapping(data)
    return HeardEpisode(
        id=_text(fields, "id"),
        room=_matching(fields, "room", _ROOM),
        label=_matching(fields, "label", _LABEL),
        started_at=_text(fields, "started_at"),
        embeddings=_list(fields, "embeddings", read_embedding, MAX_EMBEDDINGS),
    )


def read_embedding(data: Any) -> Embedding:
    if not isinstance(data, list) or len(data) != 2 or not all(isinstance(one, str) for one in data):
        raise ValueError(f"an embedding is no pair of texts: {data!r:.40}")
    network, text = data
    try:
        vector = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"an embedding is no base64: {text!r:.40}") from None
    if not _SHA256.fullmatch(network) or not vector or len(vector) % 2 or len(vector) > MAX_VECTOR_BYTES:
        raise ValueError(f"an embedding has {len(vector)} bytes, of network {network!r:.20}")
    return Embedding(network, vector)


def _take(data: Any) -> Take:
    fields = _mapping(data)
    audio = fields.get("audio", "")
    if audio != "" and (not isinstance(audio, str) or not _FILE.fullmatch(audio)):
        raise ValueError(f"audio: {audio!r:.40} is no file name of ours")
    return Take(
        embeddings=_list(fields, "embeddings", read_embedding, MAX_EMBEDDINGS),
        seconds=_number(fields, "seconds"),
        level_dbfs=_number(fields, "level_dbfs"),
        start=_number(fields, "start"),
        end=_number(fields, "end"),
        audio=audio,
    )


def _room(data: Any) -> str:
    if not isinstance(data, str) or not _ROOM.fullmatch(data):
        raise ValueError(f"{data!r:.40} is no room")
    return data


def _mapping(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r:.40} is no mapping")
    return data


def _text(fields: Mapping[str, Any], key: str) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise ValueError(f"{key}: {value!r:.40}")
    return value


def _matching(fields: Mapping[str, Any], key: str, pattern: re.Pattern[str]) -> str:
    value = fields.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{key}: {value!r:.40}")
    return value


def _number(fields: Mapping[str, Any], key: str) -> float:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 < value < 1e9:
        raise ValueError(f"{key}: {value!r:.40}")
    return float(value)


def _list(fields: Mapping[str, Any], key: str, read: Callable[[Any], T], most: int) -> tuple[T, ...]:
    value = fields.get(key)
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{key}: is no list of up to {most}")
    return tuple(read(one) for one in value)
