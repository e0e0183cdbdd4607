"""Which rooms get a voice, and what is shared."""

from pathlib import Path

import pytest

from listener.app.voice import open_voices
from listener.config import Config, parse


def config(voice: str, *outputs: str | None) -> Config:
    rooms = [
        {"name": f"Room {n}", "source": {"type": "microphone"}, "output": output} for n, output in enumerate(outputs)
    ]
    return parse({"rooms": rooms, "voice": {"engine": voice, "volume": 0.5, "chimes": False}})


async def test_rooms_that_name_one_loudspeaker_share_its_turns() -> None:
    pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")
    asked = config("espeak", "USB Audio", "usb audio", "default", None)
    async with open_voices(asked) as voices:
        kitchen, bath, study, attic = (voices.of(room) for room in asked.rooms)
    assert attic is None, "it has no output: text only"
    assert kitchen is not None
    assert bath is not None
    assert study is not None
    assert kitchen.turns is bath.turns
    assert kitchen.turns is not study.turns
    assert kitchen.synthesizer is study.synthesizer
    assert (kitchen.volume, kitchen.chimes, kitchen.language) == (0.5, False, "en")


async def test_without_an_engine_or_an_output_there_is_no_voice_and_no_process() -> None:
    for asked in (config("none", "USB Audio"), config("espeak", None)):
        async with open_voices(asked) as voices:
            assert voices.synthesizer is None
            assert voices.of(asked.rooms[0]) is None


async def test_a_voice_that_cannot_be_had_is_told_and_the_daemon_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("piper", reason="the extra `voice` is not installed")
    asked = parse(
        {
            "rooms": [{"name": "Kitchen", "source": {"type": "microphone"}, "output": "default"}],
            "voice": {"engine": "piper", "model": str(tmp_path / "gone.onnx")},
        }
    )
    async with open_voices(asked) as voices:
        assert voices.of(asked.rooms[0]) is not None, "it may be there for the next reply"
    assert "gone.onnx" in caplog.text
    assert "Answers are text only until then" in caplog.text
