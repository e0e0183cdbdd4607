"""Speech that is really made, by espeak-ng in its process."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from listener.errors import VoiceError
from listener.respond.output import Clip
from listener.respond.prosody import PROSODY, Prosody
from listener.respond.voice import synthesis
from listener.respond.voice.synthesis import SynthesisProcess

pytest.importorskip("espeakng_loader", reason="the extra `voice` is not installed")

NORMAL = PROSODY["normal"]
SENTENCE = "The smoke alarm in the kitchen is sounding."


@pytest.fixture
async def espeak() -> AsyncIterator[SynthesisProcess]:
    async with SynthesisProcess("espeak") as process:
        yield process


def rms(clip: Clip) -> float:
    return float(np.sqrt(np.mean(clip.samples.astype(np.float64) ** 2)))


def processes() -> list[psutil.Process]:
    return psutil.Process().children()


async def test_a_sentence_is_loud_enough_long_enough_and_at_its_rate(espeak: SynthesisProcess) -> None:
    assert await espeak.start() == "espeak-ng"
    clip = await espeak.synthesize(SENTENCE, "en", NORMAL)
    assert clip.rate_hz == 22_050
    assert 2.0 < clip.seconds < 3.5
    assert 1_500 < rms(clip) < 6_000
    assert np.abs(clip.samples).max() < 32_767, "not clipped"
    assert len(processes()) == 1


async def test_emotions_change_the_rate_and_the_pitch(espeak: SynthesisProcess) -> None:
    lengths = {e: (await espeak.synthesize(SENTENCE, "en", p)).seconds for e, p in PROSODY.items()}
    assert lengths["sad"] > lengths["urgent"] > lengths["normal"] > lengths["happy"] > lengths["surprise"]
    low = await espeak.synthesize("Aaaaaaah", "en", Prosody(pitch=0.2))
    high = await espeak.synthesize("Aaaaaaah", "en", Prosody(pitch=0.9))
    assert fundamental_hz(high) > 1.3 * fundamental_hz(low)


def fundamental_hz(clip: Clip) -> float:
    """By the highest peak of the autocorrelation between 60 and 400 Hz, in the middle of the sound."""
    middle = clip.samples[len(clip.samples) // 3 :][:4_096].astype(np.float64)
    correlation = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    shortest, longest = clip.rate_hz // 400, clip.rate_hz // 60
    return float(clip.rate_hz / (shortest + np.argmax(correlation[shortest:longest])))


async def test_languages_differ_and_an_unknown_one_is_said(espeak: SynthesisProcess) -> None:
    english = await espeak.synthesize("Der Herd ist an.", "en", NORMAL)
    german = await espeak.synthesize("Der Herd ist an.", "de", NORMAL)
    assert len(english.samples) != len(german.samples)
    with pytest.raises(VoiceError, match="no voice for the language 'xx'"):
        await espeak.synthesize("x", "xx", NORMAL)
    assert (await espeak.synthesize("Still there.", "en", NORMAL)).seconds > 0.3


@pytest.mark.parametrize("text", ["", " ", "\x00", "a" * 5_000, "\ud800", "[[h@]]", "<speak>", "𝔸🔥", "%n%s" * 50])
async def test_any_text_is_survived(espeak: SynthesisProcess, text: str) -> None:
    await espeak.synthesize(text, "en", NORMAL)
    pid = processes()[0].pid
    await espeak.synthesize(SENTENCE, "en", NORMAL)
    assert processes()[0].pid == pid


async def test_whoever_is_interrupted_does_not_mix_up_the_answers(espeak: SynthesisProcess) -> None:
    await espeak.start()
    processes()[0].suspend()  # so that it has the request, and no answer
    long = asyncio.create_task(espeak.synthesize(SENTENCE * 10, "en", NORMAL))
    for _ in range(20):
        await asyncio.sleep(0)
    long.cancel()
    await asyncio.gather(long, return_exceptions=True)
    processes()[0].resume()
    clip = await espeak.synthesize("Yes.", "en", NORMAL)
    assert clip.seconds < 1.5
    assert long.cancelled()


async def test_a_process_that_dies_is_told_and_started_again(espeak: SynthesisProcess) -> None:
    await espeak.start()
    dead = processes()[0]
    dead.kill()
    with pytest.raises(VoiceError, match="died"):
        await espeak.synthesize(SENTENCE, "en", NORMAL)
    assert (await espeak.synthesize(SENTENCE, "en", NORMAL)).seconds > 1
    assert processes()[0].pid != dead.pid


async def test_a_process_that_hangs_is_ended(espeak: SynthesisProcess) -> None:
    async with SynthesisProcess("espeak", sentence_seconds=0.3) as mine:
        await mine.start()
        processes()[0].suspend()
        with pytest.raises(VoiceError, match=r"no speech within 0\.3 s"):
            await mine.synthesize(SENTENCE, "en", NORMAL)
        assert processes() == []


async def test_nothing_is_left_behind() -> None:
    async with SynthesisProcess("espeak") as mine:
        await mine.start()
    assert processes() == []


async def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "espeakng_loader.py").write_text("raise ModuleNotFoundError(name='espeakng_loader')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with SynthesisProcess("espeak") as mine:
        with pytest.raises(VoiceError, match=r"-m pip install .*\[voice\]"):
            await mine.start()
    assert processes() == []


async def test_a_program_that_is_none_of_ours_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "MODULE", "this")  # prints the Zen of Python
    async with SynthesisProcess("espeak") as mine:
        with pytest.raises(VoiceError, match="died when it was started"):
            await mine.start()


def test_the_daemon_itself_never_loads_what_is_copyleft() -> None:
    import subprocess

    program = (
        "import sys\nimport listener.app.voice, listener.respond.speaker\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('piper', 'espeakng_loader', 'onnxruntime')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
