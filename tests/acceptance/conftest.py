"""Fixtures of the acceptance suite: one broker and one Home Assistant for all of it, and daemons as tests need them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conftest import Mosquitto, free_port
from programs import missing

from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant
from acceptance.installation import NotInstallableError, hass
from acceptance.witness import Witness, witness

TEST_SECONDS = 180
"""For one test. What fixtures take comes on top: a first installation takes minutes."""

ROOMS = {"kitchen": "Kitchen", "living_room": "Living room"}
MakeDaemon = Callable[..., Daemon]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))
    items.sort(key=lambda item: item.path.name == "test_log.py")  # what it reads is written by the others


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A mosquitto that runs, for the whole suite. Whoever stops it starts it again."""
    if shutil.which("mosquitto") is None:
        missing("mosquitto is not installed: apt-get install mosquitto")
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"), free_port())
    broker.start()
    yield broker
    broker.resume()
    broker.stop()


@pytest.fixture(scope="session")
def home_assistant(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    """A Home Assistant that runs and is connected to `broker`. Whoever stops it starts it again."""
    try:
        program = hass()
    except NotInstallableError as error:
        missing(str(error))
    folder = tmp_path_factory.mktemp("home-assistant")
    home = HomeAssistant(program, folder / "config", free_port(), broker.host, broker.port)
    try:
        home.start()
        yield home
    finally:
        home.close()


@pytest.fixture(scope="module")
def make_daemon(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeDaemon]:
    """`make_daemon({slug: name, …}, section={…})`: a daemon, not started yet; ended with the module."""
    with ExitStack() as stack:

        def make(rooms: dict[str, str] | None = None, **sections: Any) -> Daemon:
            daemon = Daemon(tmp_path_factory.mktemp("daemon"), broker, rooms or ROOMS, **sections)
            stack.callback(daemon.close)
            return daemon

        yield make


@pytest.fixture(scope="module")
def daemon(make_daemon: MakeDaemon, home_assistant: HomeAssistant) -> Daemon:
    """`listener run` with a kitchen and a living room, running, and known to Home Assistant."""
    daemon = make_daemon()
    daemon.start()
    for slug in daemon.rooms:
        home_assistant.until_state(f"sensor.{slug}_status", "listening")
    return daemon


@pytest.fixture
def mqtt(broker: Mosquitto) -> Iterator[Witness]:
    """A client that sees every message, and what was retained when the test began."""
    with witness(broker.host, broker.port) as client:
        yield client
