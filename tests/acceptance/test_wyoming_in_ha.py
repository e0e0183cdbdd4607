"""Home Assistant's own Wyoming integration hears by our server, speaks by it, and is told what commands mean."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from conftest import free_port
from perceive.speech.voices import pause, said
from programs import need

from acceptance.conftest import MakeDaemon
from acceptance.daemon import Daemon
from acceptance.home_assistant import HomeAssistant

WAIT_SECONDS = 30.0
AGENT = "conversation.listener"
LAMP = """\
input_boolean:
  wyoming_lamp:
    name: Relay of the lamp
template:
  - switch:
      - name: Big lamp
        unique_id: wyoming_big_lamp
        state: "{{ is_state('input_boolean.wyoming_lamp', 'on') }}"
        turn_on: {action: input_boolean.turn_on, target: {entity_id: input_boolean.wyoming_lamp}}
        turn_off: {action: input_boolean.turn_off, target: {entity_id: input_boolean.wyoming_lamp}}
"""


@pytest.fixture(scope="module")
def assist(make_daemon: MakeDaemon, home_assistant: HomeAssistant) -> Iterator[Daemon]:
    """A daemon that serves, and Home Assistant that has been told where; what was told is forgotten at the end."""
    pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")
    need("flite")
    port = free_port()
    daemon = make_daemon(
        {"study": "Study"},
        home={"entities": [{"name": "Big lamp", "domain": "switch"}, {"name": "Front door", "domain": "lock"}]},
        speech={"enabled": True},
        voice={"engine": "espeak"},
        wyoming_server={"port": port},
    )
    home_assistant.package("wyoming", LAMP)
    home_assistant.restart()
    daemon.start()
    daemon.wait_for_log("wyoming_server: tcp://")
    entry = configure(home_assistant, port)
    for entity in ("stt.listener", "tts.listener", AGENT):
        home_assistant.until(lambda entity=entity: home_assistant.state(entity) is not None, entity)
    yield daemon
    call(home_assistant, "DELETE", f"config/config_entries/entry/{entry}")
    (home_assistant.folder / "packages" / "wyoming.yaml").unlink()


def configure(home: HomeAssistant, port: int) -> str:
    """As a person does by "Add integration"; the id of what it made."""
    flow = home.post("config/config_entries/flow", {"handler": "wyoming"})
    assert flow["type"] == "form"
    done = home.post(f"config/config_entries/flow/{flow['flow_id']}", {"host": "127.0.0.1", "port": port})
    assert (done["type"], done["title"]) == ("create_entry", "Listener")
    return str(done["result"]["entry_id"])


def call(home: HomeAssistant, method: str, path: str, **more: Any) -> requests.Response:
    headers = {"Authorization": f"Bearer {home.token}", **more.pop("headers", {})}
    answer = requests.request(method, f"{home.url}/api/{path}", headers=headers, timeout=WAIT_SECONDS, **more)
    answer.raise_for_status()
    return answer


def process(home: HomeAssistant, text: str) -> tuple[str, str]:
    """What our agent makes of a text: the type of its response, and its words."""
    answer = home.post("conversation/process", {"text": text, "agent_id": AGENT, "language": "en"})["response"]
    return answer["response_type"], answer["speech"].get("plain", {}).get("speech", "")


def test_a_command_is_carried_out_by_home_assistant(assist: Daemon, home_assistant: HomeAssistant) -> None:
    assert process(home_assistant, "turn on the big lamp") == ("action_done", "Done.")
    home_assistant.until_state("switch.big_lamp", "on")
    assert process(home_assistant, "turn off the big lamp") == ("action_done", "Done.")
    home_assistant.until_state("switch.big_lamp", "off")


def test_what_concerns_ourselves_is_answered_by_us(assist: Daemon, home_assistant: HomeAssistant) -> None:
    kind, words = process(home_assistant, "set a timer for five minutes")
    assert (kind, "five minutes" in words) == ("action_done", True)
    assert process(home_assistant, "cancel the timer")[0] == "action_done"


def test_what_is_refused_is_told(assist: Daemon, home_assistant: HomeAssistant) -> None:
    assert process(home_assistant, "unlock the front door") == ("error", "I may not do that by voice.")
    assert process(home_assistant, "the weather on mars") == ("error", "I did not understand that.")


def test_speech_is_understood(assist: Daemon, home_assistant: HomeAssistant) -> None:
    samples = np.concatenate((pause(0.3), said("turn on the big lamp"), pause(0.6)))
    samples += np.random.default_rng(3).normal(0, 3e-4, len(samples)).astype(np.float32)
    heard = call(
        home_assistant,
        "POST",
        "stt/stt.listener",
        headers={
            "X-Speech-Content": "format=wav; codec=pcm; sample_rate=16000; bit_rate=16; channel=1; language=en",
            "Content-Type": "audio/wav",
        },
        data=(samples * 32_767).astype("<i2").tobytes(),
    ).json()
    assert heard == {"text": "turn on the big lamp", "result": "success"}


def test_text_is_spoken(assist: Daemon, home_assistant: HomeAssistant) -> None:
    request = {"engine_id": "tts.listener", "message": "The door is open.", "options": {"preferred_format": "wav"}}
    made = home_assistant.post("tts_get_url", request)
    sound = call(home_assistant, "GET", made["path"].removeprefix("/api/")).content
    with wave.open(io.BytesIO(sound)) as file:
        assert 0.5 < file.getnframes() / file.getframerate() < 5


def test_home_assistant_complains_of_nothing(assist: Daemon, home_assistant: HomeAssistant) -> None:
    assert [line for line in home_assistant.complaints() if "wyoming" in line] == []
    assert Path(assist.log_file).exists()
    assert "Traceback" not in assist.log()
