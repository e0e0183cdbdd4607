"""The bytes between the daemon and the processes that hear for it.

A request is a header (`REQUEST`) and its payload: the samples of a chunk, raw, or a pickle. Replies come in bundles: a
header (`REPLIES`) and the pickle of a list of `Reply`. Waking the other side costs more than what is written, so both
sides write as much as there is at once. Pickles are safe here: both ends are ours, and nobody else has the pipes.
"""

import os
import pickle
import select
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, BinaryIO, Final

import numpy as np

from listener.types import Chunk

REQUEST: Final = struct.Struct("<BIIq I")
"""Kind, room, sequence number, chunk index, bytes that follow."""

REPLIES: Final = struct.Struct("<I")
"""Bytes that follow."""

Reply = tuple[int, Any]
"""The sequence number of the request, and the result."""

READ_BYTES: Final = 1 << 18


LOG: Final = 0xFFFFFFFF
"""The sequence number of a reply that is no reply but a line for the daemon's log: `(level, message)`."""


class Kind(IntEnum):
    OPEN = 1
    """Payload: a RoomPlan. Begin with a room, or begin anew."""
    HEAR = 2
    """Payload: the chunk's samples. The reply is a Percept."""
    FINISH = 3
    """Payload: `t`. The reply is an Ending."""
    APPLY = 4
    """Payload: a Control. Replied to with None."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A reply: this was raised."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Request:
    kind: int
    room: int
    sequence: int
    payload: Any


class Inbox:
    """Requests from a pipe."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._bytes = bytearray()

    def take(self, most: int) -> list[Request]:
        """Those that are there, at least one and `most` at most; empty when the pipe has ended."""
        taken: list[Request] = []
        while len(taken) < most:
            request = self._next()
            if request is not None:
                taken.append(request)
            elif taken and not select.select([self._pipe], [], [], 0)[0]:
                break
            elif data := os.read(self._pipe.fileno(), READ_BYTES):
                self._bytes += data
            else:
                break
        return taken

    def _next(self) -> Request | None:
        if len(self._bytes) < REQUEST.size:
            return None
        kind, room, sequence, index, length = REQUEST.unpack_from(self._bytes)
        end = REQUEST.size + length
        if len(self._bytes) < end:
            return None
        body = bytes(memoryview(self._bytes)[REQUEST.size : end])
        del self._bytes[:end]
        return Request(kind, room, sequence, _payload(kind, index, body))


def request(kind: Kind, room: int, sequence: int, payload: object) -> bytes:
    if isinstance(payload, Chunk):
        body, index = payload.samples.tobytes(), payload.index
    else:
        body, index = pickle.dumps(payload), 0
    return REQUEST.pack(kind, room, sequence, index, len(body)) + body


def _payload(kind: int, index: int, body: bytes) -> Any:
    """What `request` was given; a chunk without its times of capture."""
    if kind == Kind.HEAR:
        return Chunk(np.frombuffer(body, np.float32), index)
    return pickle.loads(body)  # noqa: S301 (our own process wrote it)


def replies(bundle: Sequence[Reply]) -> bytes:
    body = pickle.dumps(bundle, pickle.HIGHEST_PROTOCOL)
    return REPLIES.pack(len(body)) + body
