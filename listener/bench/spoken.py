"""A loop of speech for benchmarks, by whatever synthesizer the machine has: commands, prose, and pauses."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from listener.bench.synthesis import at_level, pink_noise
from listener.errors import VoiceError
from listener.types import SAMPLE_RATE_HZ, Samples

SENTENCES = (
    "turn on the lights",
    "I wonder whether it is going to rain this afternoon",
    "set a timer for nine minutes",
    "what time is it",
    "she said that the train was late again, and that nobody knew why",
    "turn off the fan",
)
PAUSE_SECONDS = 1.5
FLITE_VOICES = ("slt", "rms", "awb", "kal16")


def spoken_loop() -> Samples:
    """About half a minute, peak 0.3, in faint noise. Raises VoiceError when neither flite nor espeak-ng is there."""
    rng = np.random.default_rng(4)
    parts: list[Samples] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in _synthesized(Path(folder)):
            samples, rate = soundfile.read(path, dtype="float32")
            parts.append(soxr.resample(samples, rate, SAMPLE_RATE_HZ).astype(np.float32))
            parts.append(np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE_HZ), np.float32))
    loop = np.concatenate(parts)
    loop *= np.float32(0.3 / max(float(np.abs(loop).max()), 1e-6))
    noise: Samples = at_level(pink_noise(rng, len(loop) / SAMPLE_RATE_HZ), -55.0)
    return loop[: len(noise)] + noise[: len(loop)]


def _synthesized(folder: Path) -> Iterator[Path]:
    flite, espeak = shutil.which("flite"), shutil.which("espeak-ng")
    if flite is None and espeak is None:
        raise VoiceError("nobody speaks here: install a synthesizer (`apt install flite`, or espeak-ng)")
    for number, text in enumerate(SENTENCES):
        path = folder / f"{number}.wav"
        if flite is not None:
            command = [flite, "-voice", FLITE_VOICES[number % len(FLITE_VOICES)], "-t", text, "-o", str(path)]
        else:
            command = [str(espeak), "-w", str(path), text]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        yield path
