"""What Home Assistant finds on its disk when it starts first: a user who let us in, and the broker's address.

The files are those below `.storage`, in the versions that Home Assistant 2025.4 writes itself. That way nobody has to
click through its first-run pages, which would also ask the internet for weather and radio stations.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TOKEN_SECONDS = 10 * 365 * 86_400


def seed(folder: Path, broker_host: str, broker_port: int) -> str:
    """Write the files below `folder`/.storage; the long-lived access token of their user."""
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    now = datetime.now(UTC).isoformat()
    user, refresh_token, key = uuid.uuid4().hex, uuid.uuid4().hex, secrets.token_hex(64)
    files = {
        "onboarding": (4, 1, {"done": ["user", "core_config", "analytics", "integration"]}),
        "auth": (1, 1, _auth(user, refresh_token, key, now)),
        "core.config_entries": (1, 5, {"entries": [_mqtt(broker_host, broker_port, now)]}),
    }
    for name, (version, minor_version, data) in files.items():
        content = {"version": version, "minor_version": minor_version, "key": name, "data": data}
        (storage / name).write_text(json.dumps(content), encoding="utf-8")
    return _signed(key, refresh_token)


def _auth(user: str, refresh_token: str, key: str, now: str) -> dict[str, Any]:
    groups = {"system-admin": "Administrators", "system-users": "Users", "system-read-only": "Read Only"}
    flags = {"is_owner": True, "is_active": True, "system_generated": False, "local_only": False}
    unused = dict.fromkeys(("client_id", "client_icon", "last_used_at", "last_used_ip", "expire_at", "credential_id"))
    token = {
        **unused,
        "id": refresh_token,
        "user_id": user,
        "client_name": "acceptance",
        "token_type": "long_lived_access_token",
        "created_at": now,
        "access_token_expiration": float(TOKEN_SECONDS),
        "token": secrets.token_hex(64),
        "jwt_key": key,
        "version": None,
    }
    return {
        "users": [{"id": user, "name": "Tester", "group_ids": ["system-admin"], **flags}],
        "groups": [{"id": group, "name": name} for group, name in groups.items()],
        "credentials": [],
        "refresh_tokens": [token],
    }


def _mqtt(host: str, port: int, now: str) -> dict[str, Any]:
    return {
        "entry_id": uuid.uuid4().hex,
        "domain": "mqtt",
        "title": host,
        "data": {"broker": host, "port": port},
        "options": {},
        "version": 1,
        "minor_version": 2,
        "source": "user",
        "unique_id": None,
        "disabled_by": None,
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "discovery_keys": {},
        "subentries": [],
        "created_at": now,
        "modified_at": now,
    }


def _signed(key: str, issuer: str) -> str:
    """A JSON Web Token (RFC 7519) by HMAC-SHA256, as Home Assistant's auth makes them."""
    issued_at = int(time.time())
    claims = {"iss": issuer, "iat": issued_at, "exp": issued_at + TOKEN_SECONDS}
    parts = [_url_base64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signature = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join((*parts, _url_base64(signature)))


def _url_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
