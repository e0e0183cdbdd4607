"""Whom we believe to be Home Assistant over https: the certificates that we trust, and why one was refused."""

import ssl
from pathlib import Path
from typing import Final

from listener.errors import HomeAssistantError

HOSTNAME_MISMATCH: Final = 62
IP_ADDRESS_MISMATCH: Final = 64
EXPIRED: Final = 10
NOT_YET_VALID: Final = 9
"""OpenSSL's X509_V_ERR_* (its manual, X509_STORE_CTX_get_error)."""


def trusted(ca_file: Path | None) -> str | bool:
    """What requests calls `verify`: the file, or True for the authorities that come with requests.

    Raises HomeAssistantError for a file that is not there or has no certificate in it.
    """
    if ca_file is None:
        return True
    try:
        ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise HomeAssistantError(
            f"home_assistant.ca_file: {ca_file}: there is no certificate in it; give the authority's own, in PEM "
            "(it begins with -----BEGIN CERTIFICATE-----)"
        ) from None
    except OSError as error:
        raise HomeAssistantError(f"home_assistant.ca_file: {ca_file}: cannot be read: {error.strerror}") from None
    return str(ca_file)


def refusal(url: str, error: BaseException, ca_file: Path | None) -> str:
    """Why the connection to `url` was not trusted, and what to do; one line."""
    cause = _certificate_error(error)
    if cause is None:
        return (
            f"home_assistant: {url}: no secure connection ({_innermost(error)}); is https right, or does it speak http?"
        )
    if cause.verify_code in (HOSTNAME_MISMATCH, IP_ADDRESS_MISMATCH):
        advice = "write the name that the certificate was made for as home_assistant.url"
    elif cause.verify_code in (EXPIRED, NOT_YET_VALID):
        advice = "renew it, and see that both clocks are right"
    elif ca_file is None:
        advice = "if its authority is your own, give that authority's certificate as home_assistant.ca_file"
    else:
        advice = f"it was not signed by the authority in home_assistant.ca_file ({ca_file})"
    return f"home_assistant: {url}: its certificate is not trusted ({cause.verify_message}); {advice}"


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """requests wraps urllib3's error, which wraps that of ssl: as its cause, its context or its argument."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, ssl.SSLCertVerificationError):
        below = below.__cause__ or below.__context__
    return below


def _innermost(error: BaseException) -> str:
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return (getattr(error, "reason", None) or str(error) or type(error).__name__)[:200]
