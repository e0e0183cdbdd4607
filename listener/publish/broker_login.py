"""The embedded broker's door: a plugin that amqtt loads by its name."""

import hmac
from dataclasses import dataclass, field

from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session


class LoginPlugin(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is not type-checked here
    """Lets in the one user of the configuration, and nobody else."""

    @dataclass
    class Config:
        """Empty strings let nobody in."""

        username: str = ""
        password: str = field(default="", repr=False)

    async def authenticate(self, *, session: Session) -> bool:
        """Compare in constant time, so that the answer's delay tells nothing."""
        right_user = hmac.compare_digest((session.username or "").encode(), self.config.username.encode())
        right_password = hmac.compare_digest((session.password or "").encode(), self.config.password.encode())
        return right_user and right_password and bool(self.config.username)
