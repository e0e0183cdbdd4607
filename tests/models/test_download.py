import dataclasses
import gzip
import hashlib
import io
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_server import Site, serve

from listener.errors import ModelError
from listener.models import download
from listener.models.catalog import YAMNET, ModelFile, Origin
from listener.models.download import pull

CONTENT = random.Random(0).randbytes(300_000)
WRONG = bytes(reversed(CONTENT))


def model(*origins: str | Origin) -> ModelFile:
    return ModelFile(
        name="tiny",
        file_name="tiny.tflite",
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="Apache-2.0",
        about="a stand-in",
        origins=tuple(Origin(o) if isinstance(o, str) else o for o in origins),
    )


def packed(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


@pytest.fixture
def said() -> list[str]:
    return []


def test_the_file_lands_whole_and_readable_by_the_service(site: Site, folder: Path, said: list[str]) -> None:
    heard: list[tuple[int, int]] = []
    path = pull(model(site.file("/m", CONTENT)), folder, said.append, lambda done, total: heard.append((done, total)))
    assert path == folder / "tiny.tflite"
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(folder) == ["tiny.tflite"]
    assert said == ["tiny: 300,000 bytes from 127.0.0.1"]
    assert heard[-1] == (300_000, 300_000)
    assert heard == sorted(heard)


def test_the_next_address_is_tried_whatever_is_wrong_with_the_first(site: Site, folder: Path, said: list[str]) -> None:
    origins = (
        "http://127.0.0.1:1/refused",
        site.url + "/missing",
        site.file("/other", WRONG),
        site.cut("/cut", CONTENT, 100_000),
        site.endless("/endless", b"x" * 65_536),
        site.redirect("/elsewhere", "http://plain.invalid/m"),
        Origin(site.file("/no-tar", CONTENT), archive=True),
        Origin(site.file("/empty-tar", packed(("readme", b"nothing"))), archive=True),
        site.file("/right", CONTENT),
    )
    assert pull(model(*origins), folder, said.append).read_bytes() == CONTENT
    assert site.asked == ["/missing", "/other", "/cut", "/endless", "/elsewhere", "/no-tar", "/empty-tar", "/right"]
    reasons = [line for line in said if "bytes from" not in line]
    expected = ("reached", "404", "another file", "broke off", "more than", "not https", "unpacked", "does not hold")
    assert len(reasons) == len(expected)
    for reason, part in zip(reasons, expected, strict=True):
        assert part in reason
    assert names(folder) == ["tiny.tflite"]


def test_when_every_address_fails_nothing_is_left_and_what_was_there_stays(site: Site, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "tiny.tflite").write_bytes(b"old")
    wanted = model(site.url + "/missing", site.file("/other", WRONG))
    with pytest.raises(ModelError) as raised:
        pull(wanted, folder, lambda _: None)
    assert (folder / "tiny.tflite").read_bytes() == b"old"
    assert names(folder) == ["tiny.tflite"]
    for part in ("tiny: no address", "/missing: answered 404", "/other: gave another file", "models verify tiny"):
        assert part in str(raised.value)


@pytest.mark.parametrize("name", ["1.tflite", "../../escaped.tflite", "/tmp/escaped.tflite"])
def test_an_archive_is_searched_by_content_and_its_names_are_never_paths(site: Site, folder: Path, name: str) -> None:
    content = packed(("readme", b"hello"), ("decoy", WRONG), (name, CONTENT))
    pull(model(Origin(site.file("/a.tar.gz", content), archive=True)), folder, lambda _: None)
    assert (folder / "tiny.tflite").read_bytes() == CONTENT
    assert names(folder) == ["tiny.tflite"]
    assert not list(folder.parent.rglob("escaped*"))


def test_an_archive_that_swells_is_refused(site: Site, folder: Path) -> None:
    bomb = packed(("zeros", bytes(50_000_000)), ("1.tflite", CONTENT))
    assert len(bomb) < 2 * len(CONTENT)
    with pytest.raises(ModelError, match="far more than the model"):
        pull(model(Origin(site.file("/bomb", bomb), archive=True)), folder, lambda _: None)


def test_an_archive_cut_inside_is_refused(site: Site, folder: Path) -> None:
    cut = packed(("1.tflite", CONTENT))[:-20_000]
    with pytest.raises(ModelError, match=r"cannot be unpacked|does not hold"):
        pull(model(Origin(site.file("/cut", cut), archive=True)), folder, lambda _: None)
    assert names(folder) == []


def test_an_archive_without_gzip_is_read_too(site: Site, folder: Path) -> None:
    plain = gzip.decompress(packed(("1.tflite", CONTENT)))  # as when the server's gzip was undone on the way
    pull(model(Origin(site.file("/a", plain), archive=True)), folder, lambda _: None)
    assert (folder / "tiny.tflite").read_bytes() == CONTENT


def test_a_redirect_is_followed(site: Site, folder: Path) -> None:
    site.file("/there", CONTENT)
    pull(model(site.redirect("/here", "/there")), folder, lambda _: None)
    assert site.asked == ["/here", "/there"]


def test_plain_http_is_not_opened(folder: Path) -> None:
    with pytest.raises(ModelError, match="is not https"):
        pull(model("http://models.invalid/m"), folder, lambda _: None)


def test_a_server_that_falls_silent_is_left(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "READ_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(ModelError, match=r"did not answer|cannot be reached"):
        pull(model(site.hanging("/slow", CONTENT)), folder, lambda _: None)
    assert names(folder) == []


def test_a_server_that_takes_for_ever_is_left(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TOTAL_SECONDS", -1.0)
    with pytest.raises(ModelError, match="took longer"):
        pull(model(site.file("/m", CONTENT)), folder, lambda _: None)


def test_a_disk_without_room_is_told_before_anything_is_opened(site: Site, folder: Path) -> None:
    vast = dataclasses.replace(model(site.file("/m", CONTENT)), size_bytes=2**60)
    with pytest.raises(ModelError, match="are needed"):
        pull(vast, folder, lambda _: None)
    assert site.asked == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match=r"file/models: cannot be written: .*LISTENER_MODELS"):
        pull(model("https://127.0.0.1:1/m"), tmp_path / "file" / "models", lambda _: None)


def test_what_a_killed_download_left_is_cleared_later(site: Site, folder: Path) -> None:
    old, running = folder / ".pull-old", folder / ".pull-running"
    for left in (old, running):
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"x")
    os.utime(old, (time.time() - 2 * download.ABANDONED_SECONDS,) * 2)
    pull(model(site.file("/m", CONTENT)), folder, lambda _: None)
    assert names(folder) == [".pull-running", "tiny.tflite"]


SCRIPT = """
import signal
import sys
from pathlib import Path
from listener.cli.models import _termination_cleans_up
from listener.models.catalog import ModelFile, Origin
from listener.models.download import pull
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job's children inherit that it is ignored
url, folder = sys.argv[1:]
model = ModelFile("tiny", "tiny.tflite", 300_000, "0" * 64, "", "", (Origin(url),))
with _termination_cleans_up():
    pull(model, Path(folder), print, lambda *_: print("arriving", flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_download_leaves_nothing(site: Site, folder: Path, number: signal.Signals) -> None:
    url = site.hanging("/slow", CONTENT, kept=150_000)
    command = [sys.executable, "-c", SCRIPT, url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any("arriving" in line for line in process.stdout)
        assert names(folder) != []
        process.send_signal(number)
        process.communicate(timeout=30)
    assert process.returncode != 0
    assert names(folder) == []


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the server's certificate, and is not here")
    pem = tmp_path / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "cert.pem").read_text())
    return pem


def test_https_is_believed_only_with_a_valid_certificate(
    certificate: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serve(context) as site:
        wanted = model(site.file("/m", CONTENT))
        with pytest.raises(ModelError, match="certificate is not valid"):
            pull(wanted, folder, lambda _: None)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.parent / "cert.pem"))
        assert pull(wanted, folder, lambda _: None).read_bytes() == CONTENT


def test_every_known_address_is_https() -> None:
    assert all(origin.url.startswith("https://") for origin in YAMNET.origins)
    assert [origin.archive for origin in YAMNET.origins] == [False, False, True]
