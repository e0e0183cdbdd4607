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

REQUEST: Final = struct.Struct("<BIIqqI")
"""Kind, room, sequence number, chunk index, monotonic clock at its last sample (ns; 0: none), bytes that follow."""

REPLIES: Final = struct.Struct("<I")
"""Bytes that follow."""

Reply = tuple[int, Any]
"""The sequence number of the request, and the result."""

READ_BYTES: Final = 1 << 18


LOG: Final = 0xFFFFFFFF
"""The sequence number of a reply that is no reply but a line for the daemon's log: `(level, message)`."""

LOAD: Final = 0xFFFFFFFE
"""The same of a reply that says whether the process is busy, a bool; it comes whenever that changes."""

MOST_AT_ONCE: Final = 16
"""Chunks that are heard together: 50 ms of work, so that the first does not wait long for the last."""


class Kind(IntEnum):
    OPEN = 1
    """Payload: a RoomPlan. Begin with a room, or begin anew."""
    HEAR = 2
    """Payload: the chunk's samples. The reply is a Percept."""
    FINISH = 3
    """Payload: `t`. The reply is an Ending."""
    APPLY = 4
    """Payload: a Control. Replied to with None."""
    CLOSE = 5
    """No payload. The room is gone: forget it."""


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
        self._bytes = b""
        self._read = 0

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
                self._bytes, self._read = self._bytes[self._read :] + data, 0
            else:
                break
        return taken

    def _next(self) -> Request | None:
        start = self._read + REQUEST.size
        if len(self._bytes) < start:
            return None
        kind, room, sequence, index, monotonic_ns, length = REQUEST.unpack_from(self._bytes, self._read)
        if len(self._bytes) < start + length:
            return None
        self._read = start + length
        body = self._bytes[start : self._read]
        return Request(kind, room, sequence, _payload(kind, index, monotonic_ns, body))


def request(kind: Kind, room: int, sequence: int, payload: object) -> bytes:
    if isinstance(payload, Chunk):
        body, index, monotonic_ns = payload.samples.tobytes(), payload.index, payload.monotonic_ns or 0
    else:
        body, index, monotonic_ns = pickle.dumps(payload), 0, 0
    return REQUEST.pack(kind, room, sequence, index, monotonic_ns, len(body)) + body


def _payload(kind: int, index: int, monotonic_ns: int, body: bytes) -> Any:
    """What `request` was given; a chunk without its time by the wall clock."""
    if kind == Kind.HEAR:
        return Chunk(np.frombuffer(body, np.float32), index, monotonic_ns=monotonic_ns or None)
    return pickle.loads(body)  # noqa: S301 (our own process wrote it)


def replies(bundle: Sequence[Reply]) -> bytes:
    body = pickle.dumps(bundle, pickle.HIGHEST_PROTOCOL)
    return REPLIES.pack(len(body)) + body
