"""Piper with a model of eight operators: what a voice must do, and what is no voice is said in one line."""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from listener.errors import VoiceError
from listener.respond.prosody import PROSODY, Prosody
from listener.respond.voice.piper import language_of, read_settings
from listener.respond.voice.synthesis import SynthesisProcess

pytest.importorskip("piper", reason="the extra `voice` is not installed")

SETTINGS = {
    "audio": {"sample_rate": 22_050},
    "espeak": {"voice": "en-us"},
    "phoneme_id_map": {},
    "num_symbols": 1,
    "num_speakers": 1,
}


# An ONNX graph with piper's inputs and output that makes 256 * length_scale samples of each phoneme's id: Cast,
# Reshape, Slice, Mul, Cast, Concat, Expand, Reshape. Piper's real voices have 63 MB.
MODEL = zlib.decompress(
    base64.b64decode(
        "eNpVkDFPwzAUhPPitDHXRhRTUERhicSSn9AxFSMLbF2QCW4byYoj2RUd+Sks/E6w0waEt3d3+p7vcb78Ylhg1LTd3gnaFMlKWlee"
        "IXYmp0+KMQdtwGqjBdVF+qTsTnYKtxjbWmplwUyrwNy7EWSL0bNuaoUZyBs70wnSBXvca+QgLWLd/OOngX9/JHhPjHp2MV6Ztpau"
        "nCCRh8bmUYhdgWocA4J85uHQyfYNNyCFZKOlE2Ozd77E7x8FbctrHs/S5eR7eERVqFJOOXk9TH73MMVVqFGe+4mKJIo+VlXoUOac"
        "eXtK9Iep+pXrfDjcOTKeCt+KE5igdr1A1jsvWrVbt7MC4D6RhMR6PhyvV6lX2esdTg3EJS68mvW0E9FVCaJZ9gM83GWB"
    )
)
PHONEMES = "_^$ abcdefghijklmnopqrstuvwxyzæðŋɐɑɔəɚɛɜɡɪɹʃʊʌʒθˈˌː.,!?"
WHOLE = {**SETTINGS, "phoneme_id_map": {char: [number] for number, char in enumerate(PHONEMES)}}


def voice(folder: Path, settings: object, model: bytes = b"no model") -> Path:
    path = folder / "voice.onnx"
    path.write_bytes(model)
    text = settings if isinstance(settings, str) else json.dumps(settings)
    Path(f"{path}.json").write_text(text, encoding="utf-8")
    return path


def test_its_settings_say_its_language(tmp_path: Path) -> None:
    assert language_of(read_settings(voice(tmp_path, SETTINGS))) == "en"
    assert language_of({"espeak": {"voice": "cmn"}}) == "zh"
    assert language_of({"espeak": None}) == "en"


@pytest.mark.parametrize("settings", ["", "{", "[]", "{}", "[" * 100_000, '{"audio": 1}', "x" * 1_000_001])
def test_settings_that_are_none_are_one_line(tmp_path: Path, settings: str) -> None:
    with pytest.raises(VoiceError, match=r"voice\.onnx\.json: ") as caught:
        read_settings(voice(tmp_path, settings))
    assert "\n" not in str(caught.value)


def test_both_files_are_needed(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"voice\.onnx: is not there; a piper voice is two files"):
        read_settings(tmp_path / "voice.onnx")
    (tmp_path / "voice.onnx").touch()
    with pytest.raises(VoiceError, match=r"voice\.onnx\.json: is not there"):
        read_settings(tmp_path / "voice.onnx")


@pytest.mark.parametrize("change", [{}, {"num_symbols": "x", "audio": {}}, {"audio": []}])
async def test_a_damaged_model_is_one_line(tmp_path: Path, change: dict[str, object]) -> None:
    async with SynthesisProcess("piper", voice(tmp_path, {**SETTINGS, **change})) as process:
        with pytest.raises(VoiceError, match=r"voice\.onnx: is no piper voice .*; download it again") as caught:
            await process.synthesize("Hello.", "en", PROSODY["normal"])
    assert "\n" not in str(caught.value)


async def test_it_speaks_its_language_and_espeak_the_others(tmp_path: Path) -> None:
    async with SynthesisProcess("piper", voice(tmp_path, WHOLE, MODEL)) as process:
        assert await process.start() == "piper, language en; espeak-ng for others"
        english = await process.synthesize("The oven is hot.", "en", PROSODY["normal"])
        slow = await process.synthesize("The oven is hot.", "en", Prosody(rate=0.5))
        german = await process.synthesize("Der Ofen ist warm.", "de", PROSODY["normal"])
    assert english.rate_hz == 22_050
    assert len(english.samples) % 256 == 0
    assert 20 < len(english.samples) / 256 < 100, "one step for each phoneme and the pads between them"
    assert len(slow.samples) == 2 * len(english.samples)
    assert np.abs(english.samples).max() > 30_000, "piper makes it as loud as it goes"
    assert german.seconds > 0.8, "that is espeak-ng"


@pytest.mark.parametrize("text", ["", " ", "\x00", "ъ", "[[", "[[h@", "a" * 2_000])
async def test_any_text_is_survived(tmp_path: Path, text: str) -> None:
    async with SynthesisProcess("piper", voice(tmp_path, WHOLE, MODEL)) as process:
        await process.synthesize(text, "en", PROSODY["normal"])
        assert (await process.synthesize("The oven.", "en", PROSODY["normal"])).seconds > 0.1
