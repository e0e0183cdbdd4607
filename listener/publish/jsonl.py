"""Events as JSON lines, for pipes and scripts."""

import contextlib
import io
import os
from collections.abc import Mapping
from typing import Any, TextIO

from listener.errors import PublishError
from listener.publish.payloads import encode
from listener.types import Event, Report, event_dict


class JsonLines:
    """Implements `Publisher`: one event a line, each flushed, followed by what `extra` adds; reports are no events.

    When the reader goes away (`| head`) the rest is dropped and `broken` becomes true: nobody is left to tell.
    `publish` raises PublishError when the stream cannot be written otherwise.
    """

    def __init__(self, stream: TextIO, extra: Mapping[str, Any] | None = None) -> None:
        self._stream = stream
        self._extra = dict(extra or {})
        self.broken = False

    def publish(self, event: Event) -> None:
        if self.broken:
            return
        line = encode({**event_dict(event), **self._extra}).decode()
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except BrokenPipeError:
            self.broken = True
            self._point_nowhere()
        except OSError as error:
            raise PublishError(f"events cannot be written: {error.strerror}; is the disk full?") from error

    def report(self, report: Report) -> None:
        """Nothing: a report is no event."""

    def _point_nowhere(self) -> None:
        """Python flushes stdout once more at exit and would complain there (docs.python.org, "Note on SIGPIPE")."""
        with contextlib.suppress(io.UnsupportedOperation):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
