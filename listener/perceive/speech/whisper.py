"""Whisper, by faster-whisper (extra `whisper`), for those who have a model: any sentence, in many languages."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from listener.config import WhisperConfig
from listener.errors import ModelError
from listener.origin import extra_command
from listener.types import Recognition, Samples

MAX_NO_SPEECH: Final = 0.6
"""Whisper's own threshold (Radford et al., 2022, section 4.5): above it the segment is noise."""


class WhisperModels:
    """One model for all rooms of a worker, whatever they speak."""

    def __init__(self, config: WhisperConfig) -> None:
        """Raises ModelError: the extra is not installed, or the model is not to be had."""
        try:
            from faster_whisper import WhisperModel
        except ModuleNotFoundError:
            raise ModelError(f"speech: whisper needs faster-whisper: {extra_command('whisper')}") from None
        try:
            self._model: Any = WhisperModel(config.model, device=config.device, compute_type=config.compute_type)
        except Exception as error:  # CTranslate2, tokenizers and the hub each raise their own
            first = str(error).strip().splitlines() or [type(error).__name__]
            raise ModelError(f"speech.whisper.model {config.model!r}: cannot be loaded: {first[0]}") from None
        self._beam_size = config.beam_size

    def recognizer(self, language: str) -> "WhisperRecognizer":
        return WhisperRecognizer(self, language)

    def recognize(self, samples: Samples, language: str) -> Recognition:
        segments, _ = self._model.transcribe(
            samples,
            language=language if self._model.model.is_multilingual else "en",
            beam_size=self._beam_size,
            temperature=0.0,  # its second chances are sampled: slow, and another text each time
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        heard = [segment for segment in segments if segment.no_speech_prob <= MAX_NO_SPEECH]
        text = " ".join(segment.text.strip() for segment in heard).strip()
        if not text:
            return Recognition("", 0.0)
        mean = sum(segment.avg_logprob for segment in heard) / len(heard)
        return Recognition(text, round(min(1.0, math.exp(mean)), 3))


@dataclass(frozen=True, slots=True)
class WhisperRecognizer:
    """The model, told which language to expect."""

    models: WhisperModels
    language: str

    def open(self) -> "WhisperHearing":
        return WhisperHearing(self)


class WhisperHearing:
    """One utterance: kept until it ends, for Whisper hears all of it or nothing."""

    def __init__(self, recognizer: WhisperRecognizer) -> None:
        self._recognizer = recognizer
        self._samples: list[Samples] = []

    def feed(self, samples: Samples) -> None:
        self._samples.append(samples)

    def pause(self) -> None:
        """Nothing to be done before the end."""

    def partial(self) -> str:
        return ""

    def finish(self) -> Recognition:
        samples = np.concatenate(self._samples) if self._samples else np.zeros(0, np.float32)
        self._samples = []
        return self._recognizer.models.recognize(samples, self._recognizer.language)

    def close(self) -> None:
        self._samples = []
