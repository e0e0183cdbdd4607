"""The Home Assistant app on a phone, as far as Home Assistant sees it: it registers, tells where it is, is notified.

What is sent to it passes by the app's push server; that server is ours, and here.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from acceptance.home_assistant import HomeAssistant

ANSWER = {"rateLimits": {"successful": 1, "errors": 0, "maximum": 500, "resetsAt": "2099-01-01T00:00:00.000Z"}}


@dataclass
class Phone:
    """`notified` is every notification, as the push server got it."""

    name: str
    home: HomeAssistant
    webhook: str = ""
    notified: list[dict[str, Any]] = field(default_factory=list)
    _reached: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._reached.set()

    @property
    def tracker(self) -> str:
        return f"device_tracker.{self._slug}"

    @property
    def device_name(self) -> str:
        return f"{self.name}'s phone"

    @property
    def _slug(self) -> str:
        return f"{self.name.lower()}_s_phone"

    def move_to(self, place: str) -> None:
        """`home` or `not_home`."""
        self._tell("update_location", {"location_name": place})

    def tap(self, action: str, **answered: str) -> None:
        """A button of a notification; `reply_text`: what was typed, where the button asks for words."""
        data = {"action": action, **answered}
        self._tell("fire_event", {"event_type": "mobile_app_notification_action", "event_data": data})

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """Its push server takes a notification, and leaves Home Assistant waiting for the answer."""
        self._reached.clear()
        try:
            yield
        finally:
            self._reached.set()

    def deliver(self, notification: dict[str, Any]) -> None:
        """What the push server does with a notification; it has answered when this returns."""
        self.notified.append(notification)
        self._reached.wait(30)

    def next(self, wanted: Callable[[dict[str, Any]], object], after: int = 0) -> dict[str, Any]:
        """The first notification beyond the first `after` that is wanted; waits for it."""
        found: list[dict[str, Any]] = []

        def came() -> bool:
            found[:] = [note for note in self.notified[after:] if wanted(note)]
            return bool(found)

        self.home.until(came, f"a notification on {self.name}'s phone; it has {self.notified[after:]}", 30)
        return found[0]

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self.home.post(f"webhook/{self.webhook}", {"type": kind, "data": data})


@contextmanager
def open_phone(home: HomeAssistant, name: str) -> Iterator[Phone]:
    phone = Phone(name, home)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(phone))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        phone.webhook = _register(home, phone, server.server_port)
        yield phone
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _register(home: HomeAssistant, phone: Phone, push_port: int) -> str:
    """Its webhook: developers.home-assistant.io/docs/api/native-app-integration/setup."""
    app = {"app_id": "test", "app_name": "Test", "app_version": "1", "manufacturer": "Test", "model": "Test"}
    own = {"device_id": phone.name, "device_name": phone.device_name, "os_name": "Test", "os_version": "1"}
    push = {"push_token": phone.name, "push_url": f"http://127.0.0.1:{push_port}/"}
    body = {**app, **own, "supports_encryption": False, "app_data": push}
    webhook = str(home.post("mobile_app/registrations", body)["webhook_id"])
    notify = f"mobile_app_{phone.device_name.lower().replace(chr(39), '_').replace(' ', '_')}"
    home.until(
        lambda: any(notify in domain["services"] for domain in home.get("services") if domain["domain"] == "notify"),
        f"notify.{notify} is there",
    )
    return webhook


def _handler(phone: Phone) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            phone.deliver(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps(ANSWER).encode()
            with suppress(ConnectionError):  # an automation that was switched off meanwhile waits no longer
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests print enough."""

    return Handler
