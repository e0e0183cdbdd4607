"""The dashboard is loaded into a real Home Assistant and looked at with a real browser, which takes its picture."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from program import SHARED
from programs import need

from acceptance import sounds
from acceptance.browser import Page, open_page
from acceptance.conftest import MakeDaemon
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.witness import Witness

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = yaml.safe_load((ROOT / "integrations/home_assistant/dashboard.yaml").read_text(encoding="utf-8"))
PICTURE = ROOT / "docs/pictures/dashboard.png"
YAMNET = SHARED / "models/yamnet.tflite"
PICTURE_BYTES = 300_000
KEEP = "LISTENER_PICTURES"
"""Set it to replace the picture of the documents by the one that the test takes."""


def entities(value: Any) -> Iterator[str]:
    """Every entity that a card names, in its settings or its templates."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [inner] if key in ("entity", "entity_id") and isinstance(inner, str) else entities(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from [inner] if isinstance(inner, str) and inner.startswith("binary_sensor.") else entities(inner)
    elif isinstance(value, str):
        yield from (word for word in value.replace("'", " ").split() if word.startswith("sensor."))


@pytest.fixture(scope="module")
def daemon(make_daemon: MakeDaemon, home_assistant: HomeAssistant) -> Daemon:
    """The two rooms, with ears for all sounds where there is a model; without one they hear alarms only."""
    sections = {"sounds": {"tagger": "yamnet", "model": str(YAMNET)}} if YAMNET.exists() else {}
    daemon = make_daemon(**sections)
    daemon.start()
    for room in daemon.rooms:
        home_assistant.until_state(f"sensor.{room}_status", "listening")
    return daemon


def test_every_entity_on_it_is_there(home_assistant: HomeAssistant, daemon: Daemon) -> None:
    named = set(entities(DASHBOARD))
    assert len(named) > 30
    assert named - set(home_assistant.states()) == set()


@pytest.fixture
def page(home_assistant: HomeAssistant, tmp_path: Path) -> Iterator[Page]:
    """A browser that is logged in."""
    need("chromium")
    year_seconds = 366 * 86_400
    tokens = {
        "access_token": home_assistant.token,
        "token_type": "Bearer",
        "expires_in": year_seconds,
        "expires": int((time.time() + year_seconds) * 1_000),
        "hassUrl": home_assistant.url,
        "clientId": f"{home_assistant.url}/",
        "refresh_token": "",
    }
    with open_page(tmp_path / "chromium", 1_500, 1_375) as page:
        page.remember("hassTokens", json.dumps(tokens))
        page.remember("dockedSidebar", json.dumps("always_hidden"))
        yield page


def test_it_shows_what_is_heard(
    home_assistant: HomeAssistant, daemon: Daemon, mqtt: Witness, page: Page, tmp_path: Path
) -> None:
    with home_assistant.socket() as socket:
        socket.call("lovelace/dashboards/create", url_path="listener-home", title="Listener", mode="storage")
        socket.call("lovelace/config/save", url_path="listener-home", config=DASHBOARD)
    for word in ("ON", "OFF"):  # as the daemon says it; a dog that it would hear by itself needs a model
        mqtt.send("listener/living_room/sound/dog_bark", word, retain=True)
        home_assistant.until_state("binary_sensor.living_room_dog_bark", word.lower())
    home_assistant.call("notify.send_message", entity_id="notify.living_room_say", message="Dinner is ready.")
    daemon.play("kitchen", sounds.smoke_alarm(90.0))
    home_assistant.until_state("binary_sensor.kitchen_smoke_alarm", "on")
    home_assistant.until(lambda: home_assistant.state("sensor.kitchen_level") != "unknown", "there is a level")
    page.open(f"{home_assistant.url}/listener-home/listener")
    page.until_text(
        "Rooms", "Hearing now", "History", "Tuning", "Dinner is ready.", "smoke alarm", "Test the whole chain"
    )
    page.until_text("detected smoke", "detected sound", "cleared (no sound detected)")
    tags = page.tags()
    assert "hui-error-card" not in tags
    assert "hui-warning" not in tags
    assert {"hui-tile-card", "hui-markdown-card", "hui-history-graph-card", "hui-logbook-card"} <= tags
    picture = page.picture()
    assert picture.startswith(b"\x89PNG")
    assert 30_000 < len(picture) < PICTURE_BYTES, "blank, or too large to be committed"
    (PICTURE if os.environ.get(KEEP) else tmp_path / PICTURE.name).write_bytes(picture)
