"""Where log lines go: the terminal, the journal with its fields, or JSON for whatever collects them.

A line may carry `room` and `event_id` (`logger.info(…, extra={"room": …})`); they are fields of their own where the
form has fields.
"""

import io
import json
import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from listener.times import rfc3339

LogForm = Literal["auto", "text", "json", "journal"]

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
FIELDS = ("room", "event_id")
NOISY = ("amqtt", "transitions", "passlib", "matplotlib", "PIL", "asyncio", "apscheduler")


def set_up_logging(level: int, form: LogForm = "auto", environ: Mapping[str, str] | None = None) -> None:
    """Log to one place. `auto`: to the journal if stderr is the journal, else to stderr as text."""
    environ = os.environ if environ is None else environ
    under_systemd = stderr_is_the_journal(environ)
    handler: logging.Handler
    if form == "journal" or (form == "auto" and under_systemd):
        handler = JournalHandler()
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter() if form == "json" else text_formatter())
    logging.basicConfig(level=level, handlers=[handler])
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def stderr_is_the_journal(environ: Mapping[str, str]) -> bool:
    """JOURNAL_STREAM holds device and inode of the journal's stream, systemd.exec(5): a child's may be another."""
    try:
        info = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, io.UnsupportedOperation):
        return False
    return environ.get("JOURNAL_STREAM") == f"{info.st_dev}:{info.st_ino}"


def text_formatter() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `logger`, `message`, and what else there is to say."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: str(getattr(record, name)) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class PrefixFormatter(logging.Formatter):
    """Each line with its syslog priority in front, as sd-daemon(3) describes: levels, but no fields."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(f"<{priority(record)}>{line}" for line in super().format(record).splitlines())


class JournalHandler(logging.Handler):
    """Speaks the journal's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): one datagram an entry.

    What it does not take (no such socket, an entry too long for a datagram) goes to stderr, the same journal.
    """

    def __init__(self, address: Path = JOURNAL_SOCKET) -> None:
        super().__init__()
        self._address = address
        self._socket: socket.socket | None = None
        self._stderr = logging.StreamHandler(sys.stderr)
        self._stderr.setFormatter(PrefixFormatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = b"".join(self._entry(record))
        except Exception:  # logging's own rule: a bad record is told, and does not end the program
            self.handleError(record)
            return
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)  # a journal that stands still must not stop the hearing
            self._socket.sendto(entry, str(self._address))
        except OSError:
            self._stderr.emit(record)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        super().close()

    def _entry(self, record: logging.LogRecord) -> Iterator[bytes]:
        text = logging.Formatter("%(message)s").format(record)
        yield from (journal_field("MESSAGE", text), journal_field("PRIORITY", str(priority(record))))
        yield from (journal_field("SYSLOG_IDENTIFIER", "listener"), journal_field("LOGGER", record.name))
        yield from (journal_field("CODE_FILE", record.pathname), journal_field("CODE_LINE", str(record.lineno)))
        for name in FIELDS:
            if hasattr(record, name):
                yield journal_field(f"LISTENER_{name.upper()}", str(getattr(record, name)))


def journal_field(name: str, value: str) -> bytes:
    """`NAME=value`, or with its length (64 bits, little endian) where the value has line breaks."""
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"


def priority(record: logging.LogRecord) -> int:
    """Of syslog(3): 3 is an error, 7 debugging."""
    for level, number in ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6)):
        if record.levelno >= level:
            return number
    return 7
