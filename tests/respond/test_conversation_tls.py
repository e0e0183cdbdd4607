"""Home Assistant over https: a real TLS server on loopback, with certificates that openssl makes on the spot."""

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from listener.config import HomeAssistantConfig, parse
from listener.errors import ConfigError, HomeAssistantError
from listener.respond.conversation import Conversation

NEW_KEY = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities, `house` and `other`; by the first, servers for 127.0.0.1 (good, expired) and for elsewhere."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    d = tmp_path_factory.mktemp("certificates")
    for name in ("house", "other"):
        openssl(*NEW_KEY, d / f"{name}.key", "-x509", "-days", "2", "-subj", f"/CN={name}", "-out", d / f"{name}.pem")
    ours = "subjectAltName=IP:127.0.0.1\n"
    for name, days in (("good", "2"), ("elsewhere", "2"), ("expired", "-1")):
        (d / f"{name}.ext").write_text("subjectAltName=DNS:elsewhere.lan\n" if name == "elsewhere" else ours)
        openssl(*NEW_KEY, d / f"{name}.key", "-subj", f"/CN={name}", "-out", d / f"{name}.csr")
        sign = ("x509", "-req", "-days", days, "-CAcreateserial", "-CA", d / "house.pem", "-CAkey", d / "house.key")
        openssl(*sign, "-in", d / f"{name}.csr", "-extfile", d / f"{name}.ext", "-out", d / f"{name}.pem")
    return d


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"response": {"speech": {"plain": {"speech": "Done"}}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them, and no socket is left open

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us goes away in the middle of the handshake."""


@contextmanager
def serving(certificates: Path, name: str | None) -> Iterator[str]:
    """https with the certificate `name`; None: http. Yields the address without its scheme."""
    with Server(("127.0.0.1", 0), Handler) as server:
        if name is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


async def ask(folder: Path, address: str, ca_file: Path | None) -> str:
    token = folder / "token"
    token.write_text("abc.def\n")
    config = HomeAssistantConfig(url=f"https://{address}", token_file=token, ca_file=ca_file, timeout_seconds=5)
    return (await Conversation(config).process("kitchen", "hello", "en")).text


async def failure(folder: Path, address: str, ca_file: Path | None) -> str:
    with pytest.raises(HomeAssistantError) as caught:
        await ask(folder, address, ca_file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_an_authority_of_ones_own(tmp_path: Path, certificates: Path) -> None:
    with serving(certificates, "good") as address:
        assert await ask(tmp_path, address, certificates / "house.pem") == "Done"


@pytest.mark.parametrize(
    ("certificate", "ca_file", "expected"),
    [
        ("good", None, "; if its authority is your own, give that authority's certificate as home_assistant.ca_file"),
        ("good", "other", "; it was not signed by the authority in home_assistant.ca_file ("),
        ("elsewhere", "house", "; write the name that the certificate was made for as home_assistant.url"),
        ("expired", "house", "certificate has expired); renew it, and see that both clocks are right"),
        (None, "house", "no secure connection ("),
    ],
)
async def test_a_certificate_that_is_not_trusted_says_why_and_what_to_do(
    tmp_path: Path, certificates: Path, certificate: str | None, ca_file: str | None, expected: str
) -> None:
    with serving(certificates, certificate) as address:
        text = await failure(tmp_path, address, None if ca_file is None else certificates / f"{ca_file}.pem")
    assert text.startswith(f"home_assistant: https://{address}: ")
    assert expected in text


async def test_the_environment_names_no_authority(
    tmp_path: Path, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "house.pem"))
    with serving(certificates, "good") as address:
        assert "its certificate is not trusted" in await failure(tmp_path, address, None)


async def test_a_file_without_a_certificate(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    assert f"ca_file: {path}: cannot be read: No such file" in await failure(tmp_path, "127.0.0.1:9", path)
    path.write_text("hello\n")
    assert f"ca_file: {path}: there is no certificate in it" in await failure(tmp_path, "127.0.0.1:9", path)


def test_without_https_there_is_nothing_to_trust() -> None:
    rooms = [{"name": "Kitchen", "source": {"type": "pipe"}}]
    with pytest.raises(ConfigError, match="ca_file is of use with https only"):
        parse({"rooms": rooms, "home_assistant": {"url": "http://ha", "token_file": "t", "ca_file": "ca.pem"}})
