"""Piper's voices. Runs in the synthesis process only (see `program`)."""

import json
from pathlib import Path
from typing import Any, Final

from listener.errors import VoiceError
from listener.origin import extra_command

THREADS: Final = 2
MAX_CONFIG_BYTES: Final = 1_000_000


class Piper:
    """One voice: `model` is its `.onnx`, beside which lies its `.onnx.json`. Raises VoiceError if one is no voice."""

    def __init__(self, model: Path) -> None:
        try:
            import onnxruntime
            from piper.config import PiperConfig
            from piper.voice import PiperVoice
        except ModuleNotFoundError as error:
            raise VoiceError(f"piper needs {error.name}: {extra_command('voice')}") from None
        settings = read_settings(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS  # its default takes every core, and hearing needs them
        try:
            config = PiperConfig.from_dict(settings)
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises classes of its own, and KeyError comes from the settings
            raise VoiceError(f"{model}: is no piper voice ({_first_line(error)}); download it again") from None
        self._voice = PiperVoice(session=session, config=config)
        self.rate_hz: int = config.sample_rate
        self.language = language_of(settings)

    def say(self, text: str, rate: float) -> bytes:
        """int16 mono at `rate_hz`; empty if there was nothing to say. Raises VoiceError if the model fails on it."""
        from piper.config import SynthesisConfig

        settings = SynthesisConfig(length_scale=self._voice.config.length_scale / rate)
        try:
            return b"".join(chunk.audio_int16_bytes for chunk in self._voice.synthesize(text, settings))
        except Exception as error:  # whatever a model that we did not make may raise
            raise VoiceError(f"piper's voice cannot say this ({_first_line(error)})") from None


def read_settings(model: Path) -> dict[str, Any]:
    """The voice's `.onnx.json`. Raises VoiceError: missing, unreadable, no JSON of the right kind."""
    path = Path(f"{model}.json")
    for needed in (model, path):
        if not needed.is_file():
            raise VoiceError(f"{needed}: is not there; a piper voice is two files, NAME.onnx and NAME.onnx.json")
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise VoiceError(f"{path}: is larger than {MAX_CONFIG_BYTES} bytes; this is no piper voice's")
        settings = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict) or not {"audio", "espeak", "phoneme_id_map"} <= set(settings):
            raise VoiceError(f"{path}: is no piper voice's; download it again")
    except (OSError, ValueError, RecursionError) as error:
        raise VoiceError(f"{path}: cannot be read ({_first_line(error)}); download it again") from None
    return settings


def language_of(settings: dict[str, Any]) -> str:
    """Its language's code: `en` of `en-us`."""
    espeak = settings.get("espeak")
    voice = espeak.get("voice") if isinstance(espeak, dict) else None
    return str(voice or "en").partition("-")[0].replace("cmn", "zh")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
