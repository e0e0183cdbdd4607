"""TLS against a real mosquitto, with certificates made on the spot."""

import asyncio
import logging
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Mosquitto, free_port
from mqtt_witness import daemon, until_logged

from listener.config import MqttConfig, TlsConfig
from listener.errors import ConfigError
from listener.publish.settings import link_settings, tls_context


def openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with an authority, and by it a server's certificate for `localhost` and a client's."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    d = tmp_path
    new_key = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    openssl(*new_key, d / "ca.key", "-x509", "-days", "2", "-subj", "/CN=house", "-out", d / "ca.pem")
    for name, common_name in (("server", "localhost"), ("client", "ears")):
        (d / f"{name}.ext").write_text(f"subjectAltName=DNS:{common_name}\n")
        openssl(*new_key, d / f"{name}.key", "-subj", f"/CN={common_name}", "-out", d / f"{name}.csr")
        sign = ("x509", "-req", "-days", "2", "-CAcreateserial", "-CA", d / "ca.pem", "-CAkey", d / "ca.key")
        openssl(*sign, "-in", d / f"{name}.csr", "-extfile", d / f"{name}.ext", "-out", d / f"{name}.pem")
    return d


def serve_tls(mosquitto: Mosquitto, d: Path, *more: str) -> None:
    files = (f"cafile {d / 'ca.pem'}", f"certfile {d / 'server.pem'}", f"keyfile {d / 'server.key'}")
    mosquitto.configure("allow_anonymous true", *files, *more)
    mosquitto.start()


async def test_a_certificate_of_our_authority_is_trusted(
    mosquitto: Mosquitto, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    serve_tls(mosquitto, certificates)
    tls = {"ca_file": certificates / "ca.pem"}
    async with daemon(mosquitto.port, host="localhost", tls=tls) as d:
        await until_logged(caplog, "connected as")
        async with asyncio.timeout(10):
            while len(d.outbox):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("host", "tls", "word"),
    [
        ("localhost", {}, "not to be trusted"),
        ("127.0.0.1", {"ca_file": "ca.pem"}, "not to be trusted"),  # trusted, but not for that name
    ],
)
async def test_what_does_not_verify_is_refused(
    mosquitto: Mosquitto,
    certificates: Path,
    caplog: pytest.LogCaptureFixture,
    host: str,
    tls: dict[str, str],
    word: str,
) -> None:
    serve_tls(mosquitto, certificates)
    async with daemon(mosquitto.port, host=host, tls={k: certificates / v for k, v in tls.items()}):
        await until_logged(caplog, word)
    assert f"{host}:{mosquitto.port}" in caplog.text
    assert "mqtt.tls.ca_file" in caplog.text


async def test_a_client_certificate_opens_the_door(
    mosquitto: Mosquitto, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    serve_tls(mosquitto, certificates, "require_certificate true")
    tls = {"ca_file": certificates / "ca.pem"}
    async with daemon(mosquitto.port, host="localhost", tls=tls):
        await until_logged(caplog, "trying again")
    own = {**tls, "cert_file": certificates / "client.pem", "key_file": certificates / "client.key"}
    async with daemon(mosquitto.port, host="localhost", tls=own, protocol="5"):
        await until_logged(caplog, "connected as")


async def test_a_port_without_tls_is_named(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    mosquitto.start()
    async with daemon(mosquitto.port, tls={}):
        await until_logged(caplog, "trying again")
    assert "is this the broker's TLS port?" in caplog.text


async def test_a_port_with_tls_is_named(
    mosquitto: Mosquitto, certificates: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serve_tls(mosquitto, certificates)
    async with daemon(mosquitto.port):
        await until_logged(caplog, "trying again")
    assert "does its port want TLS (mqtt.tls)?" in caplog.text


def test_files_that_cannot_be_used_are_named_before_anything_starts(tmp_path: Path) -> None:
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("hello")
    with pytest.raises(ConfigError, match=r"mqtt\.tls\.ca_file: .*absent\.pem cannot be read"):
        tls_context(TlsConfig(ca_file=tmp_path / "absent.pem"))
    with pytest.raises(ConfigError, match=r"nonsense\.pem holds no PEM certificate"):
        tls_context(TlsConfig(ca_file=nonsense))
    with pytest.raises(ConfigError, match="no certificate and its unencrypted key"):
        tls_context(TlsConfig(cert_file=nonsense, key_file=nonsense))


def test_credentials(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"p\xc3\xa4ss\r\nsecond line")
    environ = {"LISTENER_MQTT_USERNAME": "env", "LISTENER_MQTT_PASSWORD": "envpass"}
    config = MqttConfig(port=free_port(), username="ears", password_file=secret)
    found = link_settings(config, environ).credentials
    assert found is not None
    assert (found.username, found.password) == ("ears", "päss")
    assert "päss" not in repr(found)
    assert link_settings(MqttConfig(), {}).credentials is None
    for body, match in ((b"", "empty"), (b"\xff\xff", "UTF-8")):
        secret.write_bytes(body)
        with pytest.raises(ConfigError, match=match):
            link_settings(config, {})
    with pytest.raises(ConfigError, match="cannot be read"):
        link_settings(MqttConfig(username="a", password_file=tmp_path), {})
    with pytest.raises(ConfigError, match="no user name"):
        link_settings(MqttConfig(), {"LISTENER_MQTT_PASSWORD": "alone"})
