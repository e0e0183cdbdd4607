"""`listener listen` as people run it: on real files, whole and broken, without a model."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import SHARED, events, listener

from listener.bench.synthesis import TEMPORAL_THREE, at_level, cadenced, pink_noise

RATE = 16_000


@pytest.fixture(scope="module")
def alarm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10.1 s of a smoke alarm in noise: 26 chunks, the last of them padded."""
    rng = np.random.default_rng(1)
    sound = at_level(cadenced(TEMPORAL_THREE, 10.1, 3_100.0), -12.0) + at_level(pink_noise(rng, 10.1), -36.0)
    path = tmp_path_factory.mktemp("sounds") / "alarm.flac"
    soundfile.write(path, np.column_stack([sound, sound]), RATE)
    return path


def test_json_is_one_event_a_line_and_one_decision_a_chunk(alarm: Path, tmp_path: Path) -> None:
    done = listener(tmp_path, "listen", "--json", alarm)
    assert done.returncode == 0
    told = events(done.stdout)
    assert all(e["file"] == str(alarm) and e["room"] == "room" for e in told)
    decisions = [e for e in told if e["event"] == "decision"]
    assert [d["t"] for d in decisions] == [round(0.4 * n, 3) for n in range(1, 31)], "26 of the recording, 4 of silence"
    assert [(s["state"], s["flags"]) for s in told if s["event"] == "status"] == [("listening", [])]
    assert "the small tagger that comes with listener" in done.stderr


def test_the_alarm_is_an_episode_that_is_answered(alarm: Path, tmp_path: Path) -> None:
    told = events(listener(tmp_path, "listen", "--json", alarm).stdout)
    (started,) = (e for e in told if e["event"] == "sound_started" and e["label"] == "smoke_alarm")
    (ended,) = (e for e in told if e["event"] == "sound_ended" and e["label"] == "smoke_alarm")
    (response,) = (e for e in told if e["event"] == "response_ended")
    (respond,) = (e for e in told if e["event"] == "decision" and e["decision"] == "respond")
    assert started["label"] == "smoke_alarm"
    assert started["onset"] == pytest.approx(0.0, abs=0.4)
    assert (ended["id"], ended["t"]) == (started["id"], 12.0)
    assert (respond["t"], respond["trigger"]) == (started["t"], "sound")
    assert response["text"] == "Smoke alarm in room! Check for fire now."


def test_the_same_recording_gives_the_same_lines(alarm: Path, tmp_path: Path) -> None:
    first, second = (listener(tmp_path, "listen", "--json", alarm).stdout for _ in range(2))
    assert first == second


def test_a_bad_file_is_one_line_and_does_not_stop_the_others(alarm: Path, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.wav"
    garbage.write_bytes(os.urandom(5_000))
    done = listener(tmp_path, "listen", "--json", garbage, tmp_path / "none.wav", alarm)
    assert done.returncode == 1
    complaints = [line for line in done.stderr.splitlines() if line.startswith("listener:")]
    assert len(complaints) == 2
    assert "garbage.wav" in complaints[0]
    assert "none.wav" in complaints[1]
    assert "Traceback" not in done.stderr
    assert {e["file"] for e in events(done.stdout)} == {str(alarm)}


@pytest.mark.parametrize(
    "options", [("--rate", "16000", "--channels", "2", "--format", "s16le"), ()], ids=["raw", "wav header"]
)
def test_stdin_is_heard_like_a_file(alarm: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    samples, _ = soundfile.read(alarm, dtype="int16")
    sound = samples.tobytes()
    if not options:
        path = tmp_path / "alarm.wav"
        soundfile.write(path, samples, RATE)
        sound = path.read_bytes()
    done = listener(tmp_path, "listen", "--json", *options, "-", stdin=sound)
    assert done.returncode == 0
    told = events(done.stdout)
    assert "smoke_alarm" in [e["label"] for e in told if e["event"] == "sound_started"]
    assert sum(e["event"] == "decision" for e in told) == 30


def test_a_person_reads_lines_without_decisions(alarm: Path, tmp_path: Path) -> None:
    done = listener(tmp_path, "listen", alarm)
    assert "smoke_alarm (" in done.stdout
    assert "says: Smoke alarm in room!" in done.stdout
    assert "decision" not in done.stdout


def test_a_picture_is_drawn(alarm: Path, tmp_path: Path) -> None:
    done = listener(tmp_path, "listen", "--plot", tmp_path / "out.png", alarm)
    assert done.returncode == 0
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    refused = listener(tmp_path, "listen", "--plot", tmp_path / "nowhere" / "out.png", alarm)
    assert refused.returncode == 1
    assert "the picture cannot be written: No such file or directory" in refused.stderr


def test_a_configuration_is_used_and_its_broker_is_left_alone(alarm: Path, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(
        """
rooms: [{name: Küche, language: de, source: {type: microphone}}]
mqtt: {host: 127.0.0.1, port: 1}
sounds: {tagger: none, labels: [smoke_alarm]}
"""
    )
    told = events(listener(tmp_path, "listen", "--json", "-c", config, alarm).stdout)
    assert {e["room"] for e in told} == {"kuche"}
    assert [e["text"] for e in told if e["event"] == "response_text"] == [
        "Rauchmelder in Küche! Sofort nachsehen, ob es brennt."
    ]


def test_a_model_that_is_not_the_right_one_is_refused(alarm: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "yamnet.tflite").write_bytes(b"not a model")
    config = tmp_path / "config.yaml"
    config.write_text("rooms: [{name: Kitchen, source: {type: microphone}}]\nsounds: {tagger: yamnet}\n")
    asked, not_asked = (listener(tmp_path, "listen", "--json", *more, alarm) for more in (("-c", config), ()))
    assert (asked.returncode, not_asked.returncode) == (1, 0)
    assert "smoke_alarm" in {e["label"] for e in events(not_asked.stdout) if e["event"] == "sound_started"}
    for done in (asked, not_asked):
        assert "is not yamnet: SHA-256" in done.stderr
        assert "listener models pull yamnet" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_closed_reader_ends_it_quietly(alarm: Path, tmp_path: Path) -> None:
    import subprocess

    from program import command, environment

    process = subprocess.Popen(
        command("listen", "--json", *[alarm] * 20),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    _, stderr = process.communicate(timeout=60)
    assert b"Traceback" not in stderr
    assert b"BrokenPipe" not in stderr


@pytest.mark.parametrize(
    ("clip", "label"),
    [
        ("dog_bark/1-100032-A", "dog_bark"),
        ("baby_cry/1-187207-A", "baby_cry"),
        ("rooster/1-26806-A", "rooster"),
        ("sneeze/1-29680-A", None),
    ],
)
def test_real_recordings_with_yamnet(tmp_path: Path, clip: str, label: str | None) -> None:
    recording, models = SHARED / "audio" / "esc10" / f"{clip}.ogg", SHARED / "models"
    if not (recording.exists() and (models / "yamnet.tflite").exists()):
        pytest.skip(f"needs the recordings and YAMNet under {SHARED}")
    done = listener(tmp_path, "listen", "--json", recording, env={"LISTENER_MODELS": str(models)})
    labels = {e["label"] for e in events(done.stdout) if e["event"] == "sound_started"}
    assert done.stderr == ""
    assert (label is None) or label in labels
    assert not labels & {"smoke_alarm", "co_alarm", "glass_break", "scream"}


def test_a_recording_without_any_sound_is_heard_and_says_so(tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(5 * RATE, np.float32), RATE)
    assert "silent.wav  5 s heard: no sound" in listener(tmp_path, "listen", silent).stdout
    told = listener(tmp_path, "listen", "--json", silent).stdout
    assert {event["event"] for event in events(told)} <= {"decision", "status"}
