"""Why there is no connection, in words that say what to do. Pure."""

import socket
import ssl

from listener.publish.settings import LinkSettings

BAD_LOGIN = {"Bad user name or password", "Not authorized", "Bad authentication method"}
"""Names of reason codes, as MQTT 5 (section 3.2.2.2) and paho give them; those of 3.1.1 are mapped to them."""


def of_error(settings: LinkSettings, error: Exception) -> str:
    """What kept us from reaching the broker."""
    match error:
        case socket.gaierror():
            what = f"its name is not known ({error.strerror}); check mqtt.host, or this machine's name server"
        case ConnectionRefusedError():
            what = "nobody listens there; start the broker, or correct mqtt.host and mqtt.port"
        case ssl.SSLCertVerificationError():
            what = (
                f"its certificate is not to be trusted: {error.verify_message}; set mqtt.tls.ca_file to the authority "
                "that signed it, and mqtt.host to a name in it"
            )
        case ssl.SSLError():
            what = f"TLS failed: {error.reason or error}; is this the broker's TLS port, and does it ask a certificate?"
        case ConnectionResetError() if settings.tls is not None:
            what = "hung up on our TLS handshake; is this the broker's TLS port?"
        case TimeoutError():
            what = "does not answer; is mqtt.host right, and does a firewall keep us out?"
        case OSError():
            what = f"cannot be reached: {error.strerror or error}; check the network, mqtt.host and mqtt.port"
        case _:
            what = f"cannot be reached: {type(error).__name__}: {error}"
    return f"{settings.where}: {what}"


def of_connack(settings: LinkSettings, reason: str) -> str:
    """What the broker itself answered."""
    who = f"user {settings.credentials.username!r}" if settings.credentials else "a client without a user name"
    if reason in BAD_LOGIN:
        what = (
            f"refuses {who} ({reason}); correct mqtt.username and the password (mqtt.password_file or "
            "LISTENER_MQTT_PASSWORD), or allow it at the broker"
        )
    elif reason == "Unsupported protocol version":
        other = {"5": "3.1.1", "3.1.1": "5"}[settings.protocol]
        what = f"does not speak MQTT {settings.protocol}; set mqtt.protocol to {other!r}"
    elif reason == "Client identifier not valid":
        what = f"does not accept the client id {settings.client_id!r}; set mqtt.client_id to another"
    else:
        what = f"refuses the connection: {reason}"
    return f"{settings.where}: {what}"


def of_silence(settings: LinkSettings) -> str:
    """Somebody took our CONNECT and hung up, or never spoke."""
    want = "is it the TLS port?" if settings.tls else "does its port want TLS (mqtt.tls)?"
    return f"{settings.where}: gave no answer to CONNECT; is this an MQTT {settings.protocol} broker, and {want}"


def of_loss(settings: LinkSettings, reason: str) -> str:
    """How a connection ended that had been good."""
    return (
        f"{settings.where}: connection lost ({reason}); if this goes on, see the broker's log, and whether another "
        f"client has the client id {settings.client_id!r}"
    )
