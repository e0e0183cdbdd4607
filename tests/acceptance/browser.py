"""A headless Chromium, driven by its DevTools protocol (chromedevtools.github.io/devtools-protocol)."""

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

WAIT_SECONDS = 60.0
OPTIONS = (
    "--headless",
    "--no-sandbox",  # it runs as root in continuous integration, and opens our own page only
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)

TEXT_OF_PAGE = """(() => {
  const words = [], walk = node => {
    if (node.nodeType === 3 && node.textContent.trim()) words.push(node.textContent.trim());
    if (['STYLE', 'SCRIPT'].includes(node.nodeName)) return;
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
  };
  walk(document.body);
  return words.join('\\n');
})()"""
"""Home Assistant's page is all shadow roots, which `innerText` does not see."""

TAGS_OF_PAGE = """(() => {
  const tags = new Set(), walk = node => {
    if (node.nodeType === 1) tags.add(node.nodeName.toLowerCase());
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
  };
  walk(document.body);
  return [...tags].join(' ');
})()"""


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._do("Page.enable")
        self._do("Runtime.enable")

    def remember(self, key: str, value: str) -> None:
        """In the local storage of every page that is opened from now on."""
        source = f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)})"
        self._do("Page.addScriptToEvaluateOnNewDocument", source=source)

    def open(self, url: str) -> None:
        self._do("Page.navigate", url=url)

    def text(self) -> str:
        return str(self._evaluate(TEXT_OF_PAGE))

    def tags(self) -> set[str]:
        """The names of all elements."""
        return set(str(self._evaluate(TAGS_OF_PAGE)).split())

    def until_text(self, *words: str) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while missing := [word for word in words if word not in self.text()]:
            assert time.monotonic() < deadline, f"not on the page: {missing}; there is: {self.text()[:2_000]}"
            time.sleep(0.2)

    def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self._do("Page.captureScreenshot", format="png", optimizeForSpeed=False)["data"])

    def _evaluate(self, expression: str) -> Any:
        return self._do("Runtime.evaluate", expression=expression)["result"].get("value", "")

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer: dict[str, Any] = json.loads(self._connection.recv(WAIT_SECONDS))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])


@contextmanager
def open_page(folder: Path, width: int, height: int) -> Iterator[Page]:
    """A browser with one empty tab of so many pixels; its profile is kept in `folder`."""
    command = ["chromium", *OPTIONS, f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, start_new_session=True, **quiet)
    try:
        address = _address(process, folder / "DevToolsActivePort")
        with connect(address, max_size=None, ping_interval=None, compression=None) as connection:
            yield Page(connection)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(WAIT_SECONDS)


def _address(process: "subprocess.Popen[bytes]", port_file: Path) -> str:
    """Of the WebSocket of its tab; the browser writes its port into a file when it is ready."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "chromium has ended"
        lines = port_file.read_text().splitlines() if port_file.exists() else []
        if len(lines) >= 2:
            with requests.Session() as session:
                session.trust_env = False
                tabs = session.get(f"http://127.0.0.1:{lines[0]}/json", timeout=WAIT_SECONDS).json()
            return str(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
        time.sleep(0.05)
    raise AssertionError("chromium did not start")
