"""`listener check`: one line for each thing, an error only for what keeps the daemon or a room from working."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import soundfile
from conftest import Mosquitto, free_port
from program import listener

from listener.bench.synthesis import tone

FINE = "sounds: {tagger: none}\nspeech: {enabled: false}\n"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "kitchen.wav", tone(1.0, 440.0), 16_000)
    return tmp_path / "kitchen.wav"


def check(folder: Path, config: str, *options: str, **env: str) -> tuple[int, list[str]]:
    path = folder / "c.yaml"
    path.write_text(config)
    done = listener(folder, "check", "-c", path, *options, env={"LISTENER_STATE": str(folder / "state"), **env})
    assert "Traceback" not in done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok ", "warning ", "error ")) for line in lines), lines
    return done.returncode, lines


def room(source: str, name: str = "Kitchen") -> str:
    return f"rooms: [{{name: {name}, source: {source}}}]\n"


def the(lines: list[str], words: str) -> str:
    (line,) = (line for line in lines if words in line)
    return line


def test_what_works_is_said_to_work(tmp_path: Path, recording: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    config = room(f"{{type: file, path: {recording}}}") + f"mqtt: {{port: {mosquitto.port}}}\n" + FINE
    status, lines = check(tmp_path, config)
    assert status == 0
    assert all(line.startswith("ok ") for line in lines), lines
    assert "Kitchen: " in the(lines, "kitchen.wav")
    assert the(lines, "connected").endswith(f"127.0.0.1:{mosquitto.port}: connected")
    assert the(lines, "labels are reported").endswith("32 of 32 labels are reported")


def test_without_a_model_or_a_broker_it_warns_and_goes_on(tmp_path: Path, recording: Path) -> None:
    status, lines = check(tmp_path, room(f"{{type: file, path: {recording}}}"))
    assert status == 0
    assert the(lines, "tagger that comes with listener").startswith("warning ")
    assert "listener models pull yamnet" in the(lines, "tagger that comes with listener")
    assert the(lines, "mqtt: not configured").startswith("warning ")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (room("{type: file, path: /none.wav}") + FINE, "/none.wav"),
        (room("{type: pipe}") + "sounds: {model: /none.tflite}\n", "sounds.model: "),
        (
            room("{type: pipe}") + "sounds: {tagger: none, tuning: {knock: {on: 0.3, off: 0.4}}}\n",
            "sounds.tuning.knock",
        ),
        ("rooms: [{name: A, source: {type: pipe}, language: xx}]\n" + FINE, "language xx"),
        (room("{type: pipe}") + "mqtt: {port: 1}\n" + FINE, "nobody listens there"),
        (room("{type: pipe}") + "mqtt: {username: u, password_file: /none}\n" + FINE, "mqtt.password_file: /none"),
        (room("{type: pipe}") + "mqtt: {broker: embedded, host: 0.0.0.0, port: 1}\n" + FINE, "mqtt.host"),
    ],
)
def test_what_does_not_work_is_an_error_and_all_else_is_still_checked(tmp_path: Path, config: str, words: str) -> None:
    status, lines = check(tmp_path, config)
    assert status == 1
    assert [line for line in lines if line.startswith("error ")] == [the(lines, words)]
    assert "state folder" in " ".join(lines)


def test_every_room_has_its_line(tmp_path: Path, recording: Path) -> None:
    config = f"""
rooms:
  - {{name: Kitchen, source: {{type: file, path: {recording}}}, output: speaker}}
  - {{name: Attic, source: {{type: microphone, device: no such thing}}}}
  - {{name: "[red]Hall[/]", slug: hall, source: {{type: pipe}}}}
"""
    status, lines = check(tmp_path, config + FINE)
    assert status == 1
    assert the(lines, "kitchen.wav").startswith("ok ")
    assert the(lines, "output 'speaker' is not used").startswith("warning ")
    assert the(lines, "Attic: ").startswith("error ")
    assert "[red]Hall[/]: sound comes from stdin" in the(lines, "stdin")


def test_a_damaged_file_in_the_models_folder_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "models" / "yamnet.tflite"
    damaged.parent.mkdir()
    damaged.write_bytes(b"TFL3" * 99)
    status, lines = check(tmp_path, room("{type: pipe}"))
    assert status == 1
    line = the(lines, "yamnet.tflite")
    assert line.split(maxsplit=1)[1].startswith(f"tagger: {damaged}: ")
    assert not [line for line in lines if "sounds.model" in line]


def test_a_configuration_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("rooms: [{name: A, sauce: {}}]")
    done = listener(tmp_path, "check", "-c", path)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"listener: {path}: rooms[0].source: is missing",
        f"listener: {path}: rooms[0].sauce: unknown key; did you mean `source`?",
    ]


def test_a_state_folder_that_cannot_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, lines = check(tmp_path, room("{type: pipe}") + FINE, LISTENER_STATE=str(tmp_path / "file" / "state"))
    assert status == 0
    assert the(lines, "cannot be written").startswith("warning ")


def embedded(port: int) -> str:
    return room("{type: pipe}") + f"mqtt: {{broker: embedded, port: {port}}}\n" + FINE


def test_an_embedded_broker_is_tried(tmp_path: Path) -> None:
    status, lines = check(tmp_path, embedded(free_port()))
    assert status == 0
    assert the(lines, "can be started").startswith("ok ")


def test_our_own_daemon_on_the_port_is_no_error(tmp_path: Path, mosquitto: Mosquitto) -> None:
    mosquitto.start()
    status, lines = check(tmp_path, embedded(mosquitto.port))
    assert status == 0
    assert the(lines, "something answers MQTT there already: this daemon, if it runs").startswith("warning ")


def test_a_port_that_something_else_has_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def hang_up() -> None:
            taken.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        status, lines = check(tmp_path, embedded(taken.getsockname()[1]))
    assert status == 1
    assert the(lines, "the port is in use").startswith("error ")


VOICE = """
rooms:
  - {{name: Kitchen, source: {{type: pipe}}, output: no such thing, language: {language}}}
voice: {{engine: {engine}, model: /gone.onnx}}
"""


def test_the_voice_is_tried(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")
    status, lines = check(tmp_path, VOICE.format(engine="espeak", language="en") + FINE)
    assert status == 1
    assert the(lines, "voice: ") == "ok      voice: espeak-ng"
    assert the(lines, "Kitchen: no loudspeaker").startswith("error ")
    _, lines = check(tmp_path, VOICE.format(engine="espeak", language="xx") + FINE)
    assert any(line.startswith("error ") and "no voice for the language 'xx'" in line for line in lines)
    _, lines = check(tmp_path, VOICE.format(engine="piper", language="en") + FINE)
    assert the(lines, "/gone.onnx: is not there").startswith("error ")


# ---------------------------------------------------------------- speech


def test_what_is_understood_is_said_and_what_is_not(tmp_path: Path) -> None:
    config = """
rooms:
  - {name: Kitchen, source: {type: pipe}}
  - {name: Bad, language: de, source: {type: file, path: /none.wav}}
sounds: {tagger: none}
home: {entities: [{name: Xylqrt, domain: light}]}
"""
    _, lines = check(tmp_path, config)
    assert the(lines, "knows English only") == (
        "warning speech: the closed recognizer knows English only; rooms in 'de' are not understood"
    )
    assert the(lines, "xylqrt").startswith("warning ")
    assert "wake word okay_nabu, commands in en, de, 1 names" in the(lines, "ok      speech: ")


def test_a_home_without_names_and_a_wake_word_that_is_none(tmp_path: Path) -> None:
    _, lines = check(tmp_path, room("{type: pipe}") + "sounds: {tagger: none}\n")
    assert the(lines, "home.entities").startswith("warning ")
    status, lines = check(tmp_path, room("{type: pipe}") + "speech: {wake_word: {model: /none.tflite}}\n")
    assert status == 1
    assert the(lines, "/none.tflite").startswith("error   speech: ")


@pytest.mark.parametrize(("status", "words"), [(200, "lets us in"), (401, "refuses the token"), (404, "404")])
def test_home_assistant_is_asked_whether_it_lets_us_in(tmp_path: Path, status: int, words: str) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b'{"message": "API running."}' if self.path == "/api/" else b""
            self.send_response(status if self.headers["Authorization"] == "Bearer token" else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "token").write_text("token\n")
    url = f"http://127.0.0.1:{server.server_port}"
    house = f"home_assistant: {{url: '{url}', token_file: {tmp_path / 'token'}}}\n"
    code, lines = check(tmp_path, room("{type: pipe}") + FINE + house)
    server.shutdown()
    server.server_close()
    assert code == (0 if status == 200 else 1)
    assert words in the(lines, "home_assistant: ")
