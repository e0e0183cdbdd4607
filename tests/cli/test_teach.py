"""`listener teach` as people run it: from recordings, on stdin, by a daemon; and what is refused."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import taught_scene as scene
from conftest import Mosquitto, free_port
from program import command, environment, events, listener

from listener.bench.synthesis import silence
from listener.cli.main import build_parser
from listener.cli.teach_remote import daemon_answers
from listener.config import load
from listener.errors import ListenerError

Teach = Callable[..., str]


@pytest.fixture
def teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Teach:
    """Runs the command in this process, for a state folder of its own; returns what it prints."""
    for key, value in environment(tmp_path, LISTENER_STATE=str(tmp_path / "state")).items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("LISTENER_CONFIG", raising=False)

    def run(*words: str | Path, status: int = 0) -> str:
        args = build_parser().parse_args(["teach", *map(str, words)])
        assert args.run(args) == status
        return capsys.readouterr().out

    return run


def program(folder: Path, *words: str | Path, stdin: bytes | None = None) -> "subprocess.CompletedProcess[str]":
    done = listener(folder, "teach", *words, stdin=stdin, env={"LISTENER_STATE": str(folder / "state")})
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five recordings of one example each."""
    folder = tmp_path_factory.mktemp("takes")
    pieces = [np.concatenate([silence(1.6), scene.washer(seed), silence(1.6)]) for seed in range(5)]
    return [scene.write(folder / f"{n}.wav", scene.in_the_room(piece, n)) for n, piece in enumerate(pieces, 1)]


def fewest_embeddings(folder: Path) -> int:
    """Of a take of the only sound that was taught: one offset alone gives three at most."""
    (sound,) = json.loads((folder / "state" / "taught.json").read_text())["sounds"]
    return min(len(take["embeddings"]) for take in sound["takes"])


def test_from_recordings_it_is_learnt_listed_tried_renamed_and_forgotten(
    teach: Teach, takes: list[Path], tmp_path: Path
) -> None:
    told = teach("Washer", "--from", *takes, "--yes", "--plot", tmp_path / "washer.png")
    assert told.count("dBFS") == 5
    assert "█" in told
    assert "known again 5 of 5 times" in told
    assert "Kept." in told
    assert (tmp_path / "washer.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "state" / "taught.json").stat().st_mode & 0o777 == 0o600
    assert fewest_embeddings(tmp_path) > 3
    (line,) = (line for line in teach("--list").splitlines() if "Washer" in line)
    assert {"washer", "5", "all"} <= set(line.split())
    again = scene.write(tmp_path / "again.wav", scene.again())
    quiet = scene.write(tmp_path / "quiet.wav", scene.quiet(8.0))
    tried = teach("--test", "washer", "--from", again, quiet)
    (started,) = (line for line in tried.splitlines() if "washer (" in line)
    assert started.startswith("again.wav")
    assert "quiet.wav  washer: at most 0." in tried
    assert "Washer is called Wash tune now" in teach("--rename", "washer", "Wash tune")
    assert "wash_tune" in teach("--list")
    assert "Wash tune was forgotten" in teach("--forget", "Wash tune")
    with pytest.raises(ListenerError, match="no taught sound is called"):
        teach("--forget", "Wash tune")


def test_recordings_are_heard_with_what_the_room_was_taught(teach: Teach, takes: list[Path], tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("rooms: [{name: Kitchen, source: {type: microphone}}]\nsounds: {tagger: own}\n")
    teach("-c", config, "Washer", "--room", "kitchen", "--from", *takes, "--yes")
    again = scene.write(tmp_path / "again.wav", scene.again())

    def started(*words: str | Path) -> list[str]:
        heard = listener(tmp_path, "listen", *words, "--json", again, env={"LISTENER_STATE": str(tmp_path / "state")})
        assert heard.returncode == 0, heard.stderr
        return [event["label"] for event in events(heard.stdout) if event["event"] == "sound_started"]

    assert "washer" in started("-c", config)
    assert "washer" not in started(), "without -c it is a room of its own"


def test_one_recording_may_hold_all_examples_and_a_background_helps(teach: Teach, tmp_path: Path) -> None:
    whole = scene.write(tmp_path / "whole.wav", scene.lesson())
    hum = scene.write(tmp_path / "hum.wav", scene.quiet(10.0))
    assert "5 of 5" in teach("Washer", "--from", whole, "--background", hum, "--yes")


def test_on_stdin_it_is_a_lesson(tmp_path: Path) -> None:
    sound = np.clip(scene.lesson() * 32767, -32768, 32767).astype("<i2").tobytes()
    done = program(tmp_path, "Washer", "--from", "-", "--yes", stdin=sound)
    assert done.returncode == 0, done.stderr
    assert "be quiet" in done.stdout
    assert "heard 1 of 5" in done.stdout
    assert "Kept." in done.stdout
    cut = program(tmp_path, "Washer", "--from", "-", "--yes", stdin=sound[: len(sound) // 2])
    assert cut.returncode == 1
    assert "the sound ended after" in cut.stderr
    assert len([line for line in cut.stderr.splitlines() if line.startswith("listener:")]) == 1


def test_without_anybody_to_ask_nothing_is_kept(teach: Teach, takes: list[Path]) -> None:
    with pytest.raises(ListenerError, match="give --yes"):
        teach("Washer", "--from", *takes)
    assert "Nothing was taught" in teach("--list")


def test_examples_that_are_not_alike_are_refused(teach: Teach, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    bursts = [
        rng.normal(0, 0.1, 8_000 * n).astype(np.float32) * np.sin(np.arange(8_000 * n) * 0.02 * n**2) for n in (1, 2, 4)
    ]
    pieces = [np.concatenate([silence(1.6), burst, silence(1.6)]) for burst in bursts]
    files = [scene.write(tmp_path / f"{n}.wav", scene.in_the_room(piece, n)) for n, piece in enumerate(pieces)]
    with pytest.raises(ListenerError, match="was not learnt: "):
        teach("Anything", "--from", *files, "--yes")
    assert "Nothing was taught" in teach("--list")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "give the sound a name"),
        (("Dog bark", "--from", "1.wav"), "dog_bark"),
        (("???", "--from", "1.wav"), "has no letters"),
        (("Washer", "--from", "none.wav"), "none.wav"),
        (("Washer", "--from", "quiet.wav", "--yes"), "takes; 3 to 20 are needed"),
        (("Washer", "--background", "quiet.wav"), "--background"),
        (("Washer", "--room", "attic"), "no room 'attic'"),
        (("--test",), "nothing was taught yet"),
        (("--undo", "0000"), "0000"),
    ],
)
def test_what_cannot_be_done_says_why(
    teach: Teach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    scene.write(tmp_path / "quiet.wav", scene.quiet(6.0))
    with pytest.raises(ListenerError) as caught:
        teach(*words)
    assert complaint in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_without_a_tagger_nothing_can_be_taught(teach: Teach, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("rooms: [{name: Kitchen, source: {type: microphone}}]\nsounds: {tagger: none}\n")
    with pytest.raises(ListenerError, match=r"sounds\.tagger: none"):
        teach("-c", config, "Gate")


def test_a_broken_file_of_taught_sounds_is_set_aside(
    teach: Teach, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "taught.json").write_bytes(os.urandom(500))
    with pytest.raises(ListenerError, match=r"taught\.json: is no valid JSON"):
        teach("--list")
    assert (tmp_path / "state" / "taught.json").exists(), "who only looks changes nothing"
    with pytest.raises(ListenerError, match="there are none yet"):
        teach("--forget", "Gate")
    assert "taught.json" in caplog.text
    assert list((tmp_path / "state").glob("taught.json.broken-*"))


ASKING = (
    ("--list",),
    ("--corrections",),
    ("--forget", "Gate"),
    ("--rename", "Gate", "Door 2"),
    ("--undo", "0"),
    ("Gate",),
)


@pytest.mark.parametrize("words", ASKING, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (
            "username: ears, password_file: {folder}/secret",
            "refuses user 'ears'.*correct mqtt.username and the password",
        ),
        ("username: ears, password_file: {folder}/none", "password_file.*none cannot be read"),
        ("tls: {{}}", "TLS"),
    ],
)
def test_a_broker_that_does_not_let_us_in_is_an_error_and_not_an_absent_daemon(
    teach: Teach, tmp_path: Path, mosquitto: Mosquitto, words: tuple[str, ...], settings: str, complaint: str
) -> None:
    mosquitto.demand_password(tmp_path / "passwords", "ears", "right")
    mosquitto.start()
    (tmp_path / "secret").write_text("wrong\n")
    config = tmp_path / "c.yaml"
    mqtt = f"{{port: {mosquitto.port}, {settings.format(folder=tmp_path)}}}"
    config.write_text(f"rooms: [{{name: Kitchen, source: {{type: microphone}}}}]\nmqtt: {mqtt}\n")
    with pytest.raises(ListenerError, match=complaint) as caught:
        teach("-c", config, *words)
    assert "Without `mqtt` in the configuration" in str(caught.value)
    assert not (tmp_path / "state").exists(), "nothing was done here instead"


def test_what_is_here_is_not_listed_for_all_where_a_broker_refuses_us(
    teach: Teach, tmp_path: Path, mosquitto: Mosquitto, takes: list[Path]
) -> None:
    teach("Washer", "--from", *takes, "--yes")
    mosquitto.demand_password(tmp_path / "passwords", "ears", "right")
    mosquitto.start()
    config = tmp_path / "c.yaml"
    config.write_text(f"rooms: [{{name: Kitchen, source: {{type: microphone}}}}]\nmqtt: {{port: {mosquitto.port}}}\n")
    with pytest.raises(ListenerError, match="refuses a client without a user name"):
        teach("-c", config, "--list")
    mosquitto.stop()
    assert "washer" in teach("-c", config, "--list")


def test_where_no_broker_listens_the_state_folder_is_changed_and_named(
    teach: Teach, tmp_path: Path, takes: list[Path]
) -> None:
    config = tmp_path / "c.yaml"
    room = "rooms: [{name: Kitchen, source: {type: microphone}}]"
    config.write_text(f"{room}\nmqtt: {{port: {free_port()}}}\nsounds: {{tagger: own}}\n")
    teach("-c", config, "Washer", "--from", *takes, "--yes")
    told = teach("-c", config, "--forget", "Washer")
    assert "Washer was forgotten (no daemon answers; in" in told
    assert str(tmp_path / "state") in told


def test_the_daemon_that_runs_is_asked(
    teach: Teach, tmp_path: Path, mosquitto: Mosquitto, takes: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    mosquitto.start()
    scene.write(tmp_path / "kitchen.wav", scene.lesson())
    config = tmp_path / "c.yaml"
    source = f"{{type: file, path: {tmp_path}/kitchen.wav, loop: true, realtime: false}}"
    config.write_text(
        f"rooms: [{{name: Kitchen, source: {source}}}]\nmqtt: {{port: {mosquitto.port}}}\nsounds: {{tagger: own}}\n"
    )
    with (tmp_path / "log").open("ab") as log:
        daemon = subprocess.Popen(command("run", "-c", config), env=dict(os.environ), stderr=log)
    try:
        while not daemon_answers(load(config).mqtt):
            assert daemon.poll() is None, (tmp_path / "log").read_text()
        assert "Learnt." in teach("-c", config, "Washer")
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("LISTENER_STATE", str(tmp_path / "elsewhere"))
            told = teach("-c", config, "--list")
        assert "As the daemon that runs tells it" in told
        assert {"kitchen", "Washer", "washer", "5"} <= set(told.split())
        with pytest.raises(ListenerError, match="runs with this state folder"):
            teach("-c", config, "Gate", "--from", takes[0])
        assert "is called Tune now" in teach("-c", config, "--rename", "Washer", "Tune")
        assert "Tune was forgotten" in teach("-c", config, "--forget", "tune")
        with pytest.raises(ListenerError, match="nothing was changed"):
            teach("-c", config, "--forget", "tune")
        with pytest.raises(ListenerError, match="dog_bark"):
            teach("-c", config, "Dog bark")
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
