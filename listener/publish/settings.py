"""Everything a connection needs, read once: whatever is wrong with it shows before anything is started."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from listener.config import MqttConfig, TlsConfig
from listener.errors import ConfigError

ENV_USERNAME = "LISTENER_MQTT_USERNAME"
ENV_PASSWORD = "LISTENER_MQTT_PASSWORD"  # noqa: S105 (the name of a variable)
MAX_PASSWORD_BYTES = 4096
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (where a broker of ours listens: we reach it there)


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach the broker. `where` is for messages."""

    host: str
    port: int
    client_id: str
    protocol: str
    keepalive_seconds: int
    credentials: Credentials | None
    tls: ssl.SSLContext | None

    @property
    def where(self) -> str:
        return f"MQTT broker {self.host}:{self.port}"


def link_settings(config: MqttConfig, environ: Mapping[str, str] = os.environ) -> LinkSettings:
    """Raises ConfigError: a password or certificate that cannot be read, a password without a user name."""
    return LinkSettings(
        host=ANY_ADDRESS.get(config.host, config.host) if config.broker == "embedded" else config.host,
        port=config.effective_port,
        client_id=config.client_id,
        protocol=config.protocol,
        keepalive_seconds=config.keepalive_seconds,
        credentials=credentials(config, environ),
        tls=None if config.tls is None else tls_context(config.tls),
    )


def credentials(config: MqttConfig, environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """The configuration goes before the environment. Raises ConfigError."""
    username = config.username or environ.get(ENV_USERNAME) or None
    if config.password_file is not None:
        password: str | None = _first_line(config.password_file)
    else:
        password = environ.get(ENV_PASSWORD) or None
    if username is None and password is not None:
        raise ConfigError(f"mqtt: there is a password but no user name; give mqtt.username or {ENV_USERNAME}")
    return None if username is None else Credentials(username, password)


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            line = file.read(MAX_PASSWORD_BYTES).partition(b"\n")[0].rstrip(b"\r").decode("utf-8")
    except OSError as error:
        raise ConfigError(f"mqtt.password_file: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"mqtt.password_file: {path} is not UTF-8; save the password as plain text") from None
    if not line:
        raise ConfigError(f"mqtt.password_file: the first line of {path} is empty; write the password there")
    return line


class _Handshaking(ssl.SSLSocket):
    """Closes itself when the handshake fails: paho (2.2) leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(config: TlsConfig) -> ssl.SSLContext:
    """Verifies the broker's certificate and its name, always. Raises ConfigError."""
    for key in ("ca_file", "cert_file", "key_file"):
        path: Path | None = getattr(config, key)
        if path is not None and not os.access(path, os.R_OK):
            raise ConfigError(f"mqtt.tls.{key}: {path} cannot be read; correct the path or its permissions")
    try:
        context = ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ValueError) as error:
        raise ConfigError(f"mqtt.tls.ca_file: {config.ca_file} holds no PEM certificate ({error})") from None
    context.sslsocket_class = _Handshaking
    if config.cert_file is not None:
        _load_client_certificate(context, config)
    return context


def _load_client_certificate(context: ssl.SSLContext, config: TlsConfig) -> None:
    assert config.cert_file is not None
    try:
        # An encrypted key would make OpenSSL ask on the terminal; an empty password makes it an error instead.
        context.load_cert_chain(config.cert_file, config.key_file, password="")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"mqtt.tls: {config.cert_file} and {config.key_file} are no certificate and its unencrypted key, in PEM "
            f"({error})"
        ) from None
