"""The checkpoint's download, against a small server that speaks the Hub's protocol on loopback."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="the engine for a GPU is not installed (pip install '.[gpu]')")

from listener.errors import ModelError
from listener.models import hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "model-00001-of-00001.safetensors": b"s" * 5_000,
    "model.safetensors.index.json": b"{}",
    "model_config.yaml": b"n_layer: 1",
    "MiniOmni3_ChunkwisedEncoder.pth": b"p" * 3_000,
    "qwen25OmniConfig/config.json": b"{}",
    "README.md": b"not wanted",
    "run.py": b"not wanted either",
}


class FakeHub:
    """`asked`: the files that were sent."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sizes = {name: len(content) for name, content in FILES.items()}
        hub_ = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def _answer(self, body: bool) -> None:
                path = self.path.partition("?")[0]
                if path.startswith("/api/models/house/model"):
                    return self._information(path)
                name = path.removeprefix(f"/house/model/resolve/{COMMIT}/")
                if name not in FILES:
                    return self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
                if body:
                    hub_.asked.append(name)
                etag = hashlib.sha1(FILES[name]).hexdigest()
                return self._send(200, FILES[name], {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, body)

            def _information(self, path: str) -> None:
                if path.startswith(f"/api/models/house/model/tree/{COMMIT}"):
                    files = [{"type": "file", "path": n, "size": s, "oid": "0"} for n, s in hub_.sizes.items()]
                    return self._send(200, json.dumps(files).encode(), {"Content-Type": "application/json"}, True)
                if path.rsplit("/", 1)[-1] not in ("main", COMMIT):
                    return self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, True)
                siblings = [{"rfilename": name, "size": size} for name, size in hub_.sizes.items()]
                content = json.dumps({"id": "house/model", "sha": COMMIT, "siblings": siblings}).encode()
                return self._send(200, content, {"Content-Type": "application/json"}, True)

            def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[FakeHub]:
    fake = FakeHub()
    yield fake
    fake.close()


def _pull(server: FakeHub, folder: Path, revision: str = COMMIT) -> list[str]:
    said: list[str] = []
    assert hub.pull_checkpoint(folder, revision, said.append, "house/model", server.url) == folder
    return said


def test_what_is_wanted_is_fetched_once_and_nothing_else(server: FakeHub, tmp_path: Path) -> None:
    folder = tmp_path / "audio-interaction"
    _pull(server, folder)
    wanted = [name for name in FILES if name not in ("README.md", "run.py")]
    assert sorted(server.asked) == sorted(wanted)
    assert all((folder / name).read_bytes() == FILES[name] for name in wanted)
    assert not (folder / "run.py").exists()
    server.asked.clear()
    _pull(server, folder)
    assert server.asked == []


def test_a_branch_is_said_with_its_commit(server: FakeHub, tmp_path: Path) -> None:
    assert any(COMMIT in line for line in _pull(server, tmp_path, "main"))


def test_a_full_disk_is_told_before_anything_is_fetched(server: FakeHub, tmp_path: Path) -> None:
    server.sizes["model-00001-of-00001.safetensors"] = 10**18
    with pytest.raises(ModelError, match=r"GB are free, and 1000000000\.0 GB are still"):
        _pull(server, tmp_path)
    assert server.asked == []


def test_a_repository_without_weights_is_refused(server: FakeHub, tmp_path: Path) -> None:
    server.sizes = {"README.md": 1}
    with pytest.raises(ModelError, match="holds no safetensors"):
        _pull(server, tmp_path)


def test_a_revision_that_there_is_not_is_named(server: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'v9'"):
        _pull(server, tmp_path, "v9")


def test_no_network_is_told(server: FakeHub, tmp_path: Path) -> None:
    server.close()
    with pytest.raises(ModelError, match=r"house/model.*run it again"):
        _pull(server, tmp_path)
