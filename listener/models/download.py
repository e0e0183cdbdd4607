"""Fetching a model file: from the next address when one fails, checked before it is in place, whole or not at all."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pooch
import requests

from listener.errors import ModelError
from listener.models import archive
from listener.models.catalog import ModelFile, Origin

CONNECT_TIMEOUT_SECONDS = 10.0
READ_TIMEOUT_SECONDS = 30.0
TOTAL_SECONDS = 900.0
"""A server that sends a byte now and then passes the read timeout for ever."""
ABANDONED_SECONDS = 3_600.0
MARGIN_BYTES = 1_000_000
PIECE_BYTES = 65_536
MAX_DOWNLOAD_FACTOR = 4
"""Of the wanted file's size: an archive may hold some more than the model."""
PULL_PREFIX = ".pull-"
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Meter = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes to come in all (0: the server did not say)."""


def pull(model: ModelFile, folder: Path, say: Callable[[str], None], meter: Meter = lambda _done, _total: None) -> Path:
    """Download `model` into `folder` and return its path. `say` gets one line for each address.

    Raises ModelError when no address gave the file, the folder cannot be written, or the disk is too full; then the
    folder holds what it held before.
    """
    target = folder / model.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(folder)
        _check_space(folder, model)
        with tempfile.TemporaryDirectory(prefix=PULL_PREFIX, dir=folder) as scratch:
            _put(_fetch_any(model, Path(scratch), say, meter), target)
    except OSError as error:
        what = error.strerror or error
        raise ModelError(f"{folder}: cannot be written: {what}; choose another with LISTENER_MODELS") from None
    return target


def _fetch_any(model: ModelFile, scratch: Path, say: Callable[[str], None], meter: Meter) -> Path:
    failures = []
    for number, origin in enumerate(model.origins):
        say(f"{model.name}: {model.size_bytes:,} bytes from {urlsplit(origin.url).hostname}")
        try:
            return _fetch(origin, model, scratch / str(number), meter)  # pooch takes a file that is there as fetched
        except (requests.RequestException, ModelError) as error:
            failures.append(f"  {origin.url}: {_reason(error)}")
            say(f"{model.name}: {_reason(error)}")
    raise ModelError(
        f"{model.name}: no address gave the file:\n"
        + "\n".join(failures)
        + f"\n  check the network, or put {model.file_name} into the models folder by hand and run "
        f"`listener models verify {model.name}`"
    )


def _fetch(origin: Origin, model: ModelFile, scratch: Path, meter: Meter) -> Path:
    """Download from one address into `scratch` and check it. Raises RequestException, ModelError, OSError."""
    _refuse_plain(origin.url)
    pooch.get_logger().setLevel("ERROR")  # its lines about caches and hashes would only confuse
    download = _Downloader(meter, limit_bytes=MAX_DOWNLOAD_FACTOR * model.size_bytes)
    known_hash = None if origin.archive else model.sha256  # an archive is made anew now and then; its file is not
    try:
        got = Path(pooch.retrieve(origin.url, known_hash, model.file_name + ".part", scratch, downloader=download))
    except ValueError as error:
        what = str(error).partition(" Deleted")[0]
        raise ModelError(f"gave another file than the pinned one: {what}") from None
    if not origin.archive:
        return got
    unpacked = scratch / model.file_name
    archive.extract(got, model, unpacked)
    return unpacked


def _put(got: Path, target: Path) -> None:
    """Move the checked file into place in one step, on disk before its name is."""
    got.chmod(0o644)  # no secret, and the service runs as another user than the one who pulls
    with got.open("rb") as file:
        os.fsync(file.fileno())
    got.replace(target)


def _refuse_plain(url: str) -> None:
    """HTTPS only, although the hash would show a forgery: the address tells others who listens here.

    Loopback may be plain: nobody is in between, and a mirror on this machine has no certificate.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ModelError(f"{url} is not https; it was not opened")


def _refuse_plain_redirect(response: requests.Response, **_: Any) -> None:
    if response.is_redirect:
        _refuse_plain(urljoin(response.url, response.headers["location"]))


def _check_space(folder: Path, model: ModelFile) -> None:
    needed_bytes = 2 * model.size_bytes + MARGIN_BYTES
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise ModelError(
            f"{folder}: {free_bytes:,} bytes are free and {needed_bytes:,} are needed; "
            "make room, or choose another folder with LISTENER_MODELS"
        )


def _clear_abandoned(folder: Path) -> None:
    """Remove what a download left that was killed outright; a running one is younger."""
    for left in folder.glob(PULL_PREFIX + "*"):
        if time.time() - left.lstat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not valid for us; is the clock right?"
    if isinstance(error, requests.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return str(error)


class _Downloader:
    """What pooch calls to get a file. Its own has no limit of size or time, and follows a redirect to plain HTTP."""

    def __init__(self, meter: Meter, limit_bytes: int) -> None:
        self._meter = meter
        self._limit_bytes = limit_bytes
        self._deadline = time.monotonic() + TOTAL_SECONDS

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        timeouts = (CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS)
        hooks = {"response": _refuse_plain_redirect}
        with requests.get(url, stream=True, timeout=timeouts, hooks=hooks) as response:
            response.raise_for_status()
            length = response.headers.get("content-length", "")
            total_bytes = int(length) if length.isdecimal() else 0
            with Path(output_file).open("wb") as file:
                for piece in response.iter_content(PIECE_BYTES):
                    file.write(piece)
                    self._check(file.tell())
                    self._meter(file.tell(), total_bytes)

    def _check(self, done_bytes: int) -> None:
        if done_bytes > self._limit_bytes:
            raise ModelError(f"sent more than {self._limit_bytes:,} bytes; that is not the model")
        if time.monotonic() > self._deadline:
            raise ModelError(f"took longer than {TOTAL_SECONDS:.0f} s")
