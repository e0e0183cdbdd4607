"""Wake words by microWakeWord models (Apache-2.0): those that come with pymicro-wakeword, or one of the user's."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures

from listener.config import WakeWordConfig
from listener.errors import ModelError
from listener.perceive.sounds.native_stderr import XNNPACK, without_lines
from listener.perceive.speech.pcm import pcm
from listener.sentences.spoken import spoken_words
from listener.types import SAMPLE_RATE_HZ, Samples

BUNDLED: Final = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")
PHONES: Final = {"nabu": "N AA B UW", "jarvis": "JH AA R V IH S", "mycroft": "M AY K R AO F T"}
"""Of the words in them that English dictionaries may lack."""
FEATURES: Final = 40
DEFAULT_CUTOFF: Final = 0.9
DEFAULT_WINDOW: Final = 5
"""For a bare .tflite: what microWakeWord's own training notebook suggests."""
REFRACTORY_SECONDS: Final = 1.0
MAX_BYTES: Final = 20_000_000


@dataclass(frozen=True, slots=True)
class WakeModel:
    """A checked model: `phrase` is what people say."""

    name: str
    phrase: str
    path: Path
    cutoff: float
    window: int

    @property
    def words(self) -> tuple[str, ...]:
        return spoken_words(self.phrase.replace("_", " "))


def find_wake_model(config: WakeWordConfig) -> WakeModel:
    """Raises ModelError: no such model, or a file that is none."""
    if config.model in BUNDLED:
        path = Path(str(resources.files("pymicro_wakeword"))) / "models" / f"{config.model}.json"
    else:
        path = Path(config.model)
    if path.suffix not in (".json", ".tflite"):
        known = ", ".join(BUNDLED)
        raise ModelError(f"wake word {config.model!r}: there are {known}; or give the path of a .tflite or .json file")
    model = (
        _described(path)
        if path.suffix == ".json"
        else WakeModel(path.stem, path.stem, path, DEFAULT_CUTOFF, DEFAULT_WINDOW)
    )
    _check(model.path)
    if config.threshold is None:
        return model
    return WakeModel(model.name, model.phrase, model.path, config.threshold, model.window)


def _described(path: Path) -> WakeModel:
    """As microWakeWord and ESPHome describe models: a JSON file beside the .tflite."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: is too large to describe a wake word")
        data = json.loads(path.read_text(encoding="utf-8"))
        micro = data["micro"]
        model = str(data["model"])
        return WakeModel(
            Path(model).stem,
            str(data["wake_word"]),
            path.parent / Path(model).name,
            float(micro["probability_cutoff"]),
            max(1, int(micro["sliding_window_size"])),
        )
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: does not describe a microWakeWord model: {type(error).__name__}: {error}") from None


def _check(path: Path) -> None:
    """pymicro-wakeword hands files to C unread; a broken one would take the process with it. So read it first."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path}: is larger than {MAX_BYTES} bytes; this is no wake word")
        content = path.read_bytes()
        with without_lines(XNNPACK):
            interpreter = Interpreter(model_content=content)
            interpreter.allocate_tensors()
        given, told = interpreter.get_input_details(), interpreter.get_output_details()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}; is the .tflite there?") from None
    except (ValueError, RuntimeError):
        raise ModelError(f"{path}: no TensorFlow Lite model, or damaged; download it again") from None
    right = len(given) == 1 and len(told) == 1 and list(given[0]["shape"])[::2] == [1, FEATURES]
    if not right or {given[0]["dtype"], told[0]["dtype"]} - {np.int8, np.uint8}:
        raise ModelError(
            f"{path}: no microWakeWord model: its input is {list(given[0]['shape'])}, not [1, n, {FEATURES}]"
        )


class WakeWord:
    """Listens for one wake word in one room."""

    def __init__(self, model: WakeModel) -> None:
        self.name = model.name
        with without_lines(XNNPACK):
            self._model = MicroWakeWord(
                id=model.name,
                wake_word=model.phrase,
                tflite_model=model.path,
                probability_cutoff=model.cutoff,
                sliding_window_size=model.window,
                trained_languages=[],
                libtensorflowlite_c_path=_library(),
            )
        self._features = MicroWakeWordFeatures()
        self._resting = 0

    def step(self, samples: Samples) -> bool:
        """Hear what comes next; True when the wake word was said in it. One word is told once."""
        said = False
        for probability in self._probabilities(pcm(samples)):
            self._resting -= 1
            if probability > self._model.probability_cutoff and self._resting <= 0:
                said, self._resting = True, round(REFRACTORY_SECONDS * SAMPLE_RATE_HZ / 160)
        return said

    def _probabilities(self, sound: bytes) -> Iterator[float]:
        for features in self._features.process_streaming(sound):
            yield self._model.process_streaming_prob(features) or 0.0


def _library() -> Any:
    folder = Path(str(resources.files("pymicro_wakeword"))) / "lib"
    found = next(iter(folder.glob("*tensorflowlite_c.*")), None)
    if found is None:
        raise ModelError("pymicro-wakeword came without its library for this machine; there is no wake word here")
    return found
