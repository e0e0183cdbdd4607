"""A real Home Assistant as a process: started, restarted, asked by REST and WebSocket, and its log read."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from programs import end

from acceptance import storage
from acceptance.socket_client import WAIT_SECONDS, Socket, open_socket

START_SECONDS = 180.0
STOP_SECONDS = 90.0
ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [A-Z]+ )", re.MULTILINE)
"""Where an entry of its log begins: date, time, level, thread, logger, message. A traceback belongs to it."""

CONFIGURATION = """\
homeassistant:
  name: Test home
  latitude: 52.0
  longitude: 4.0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  currency: EUR
  country: NL
  packages: !include_dir_named packages
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
config:
frontend:
history:
logbook:
conversation:
recorder:
  commit_interval: 1
logger:
  default: warning
automation: !include automations.yaml
script: !include scripts.yaml
"""


class HomeAssistant:
    """Its configuration is in `folder`; a package of YAML may be added before a (re)start by `package`."""

    def __init__(self, program: Path, folder: Path, port: int, broker_host: str, broker_port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port), encoding="utf-8")
        (folder / "automations.yaml").write_text("[]\n", encoding="utf-8")
        (folder / "scripts.yaml").write_text("{}\n", encoding="utf-8")
        (folder / "packages").mkdir()
        self.token = storage.seed(folder, broker_host, broker_port)
        self.token_file = folder.parent / "home-assistant-token"
        self.token_file.write_text(self.token, encoding="utf-8")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {self.token}"

    # ---------------------------------------------------------------- the process

    def start(self) -> None:
        """Start, and wait until it is RUNNING: automations act only then. Takes about three seconds."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start without waiting."""
        assert self._process is None, "it is running already"
        command: list[str | Path] = [self._program, "--config", self.folder, "--skip-pip", "--log-no-color"]
        environment = {**os.environ, "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": ""}
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self.folder)

    def wait(self) -> None:
        def running() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, f"Home Assistant has ended: {self.log()[-3_000:]}"
            try:
                return bool(self.get("config")["state"] == "RUNNING")
            except requests.RequestException:
                return False

        self.until(running, "Home Assistant runs", START_SECONDS)

    def stop(self, kill: bool = False) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, kill, STOP_SECONDS)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.stop()
        self._session.close()

    def package(self, name: str, yaml: str) -> None:
        """Configuration of a test's own, from the next start on."""
        (self.folder / "packages" / f"{name}.yaml").write_text(yaml, encoding="utf-8")

    # ---------------------------------------------------------------- REST

    def get(self, path: str) -> Any:
        """GET /api/PATH; raises requests.HTTPError for what is no 200."""
        answer = self._session.get(f"{self.url}/api/{path}", timeout=WAIT_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        """POST /api/PATH; raises requests.HTTPError, with what Home Assistant says, for what is no 200 or 201."""
        answer = self._session.post(f"{self.url}/api/{path}", json={} if body is None else body, timeout=WAIT_SECONDS)
        if not answer.ok:
            raise requests.HTTPError(f"{path}: {answer.status_code}: {answer.text[:500]}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text

    def states(self) -> dict[str, dict[str, Any]]:
        """Every state by its entity id."""
        return {state["entity_id"]: state for state in self.get("states")}

    def state(self, entity_id: str) -> str | None:
        """What the entity says; None where there is no such entity."""
        found = self.states().get(entity_id)
        return None if found is None else str(found["state"])

    def attributes(self, entity_id: str) -> dict[str, Any]:
        return dict(self.get(f"states/{entity_id}")["attributes"])

    def call(self, action: str, **data: Any) -> Any:
        """An action such as `switch.turn_on`, with its data."""
        domain, _, service = action.partition(".")
        return self.post(f"services/{domain}/{service}", data)

    def render(self, template: str) -> str:
        return str(self.post("template", {"template": template}))

    # ---------------------------------------------------------------- WebSocket

    @contextmanager
    def socket(self, *event_types: str) -> Iterator[Socket]:
        """A connection of one's own, subscribed to these events. It does not outlive a restart."""
        with open_socket(self.url, self.token) as socket:
            for event_type in event_types:
                socket.subscribe(event_type)
            yield socket

    # ---------------------------------------------------------------- waiting, and the log

    def until(self, condition: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait for a condition that is cheap to ask for; fails with `what` was waited for."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not so within {seconds:g} s: {what}"
            time.sleep(0.05)

    def until_state(self, entity_id: str, *wanted: str, seconds: float = WAIT_SECONDS) -> None:
        self.until(lambda: self.state(entity_id) in wanted, f"{entity_id} is {' or '.join(wanted)}", seconds)

    @property
    def log_file(self) -> Path:
        """What it wrote since the very first start; its own home-assistant.log begins anew with each."""
        return self.folder.parent / "home-assistant.out"

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    def complaints(self) -> list[str]:
        """Every warning and error since the very first start, with its traceback."""
        entries = [entry.strip() for entry in ENTRY.split(self.log()) if entry.strip()]
        return [entry for entry in entries if entry.split(" ", 3)[2] not in ("DEBUG", "INFO")]
