"""The model files that we know by name, each pinned by size and SHA-256. Only our own tagger comes with the package."""

from dataclasses import dataclass

from listener.errors import ModelError


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file can be had. `archive`: the address gives a tar that holds it, under whatever name."""

    url: str
    archive: bool = False


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file to download. `origins` are tried in order; `sha256` decides, wherever the bytes came from."""

    name: str
    file_name: str
    size_bytes: int
    sha256: str
    licence: str
    about: str
    origins: tuple[Origin, ...]


YAMNET = ModelFile(
    name="yamnet",
    file_name="yamnet.tflite",
    size_bytes=4_126_810,
    sha256="10c95ea3eb9a7bb4cb8bddf6feb023250381008177ac162ce169694d05c317de",
    licence="Apache-2.0",
    about="Google's YAMNet: 521 AudioSet classes, for the sounds that have no alarm pattern",
    origins=(
        Origin("https://storage.googleapis.com/ai-edge/interpreter-samples/audio_classification/ios/yamnet.tflite"),
        Origin("https://tfhub.dev/google/lite-model/yamnet/classification/tflite/1?lite-format=tflite"),
        Origin(
            "https://www.kaggle.com/api/v1/models/google/yamnet/tfLite/classification-tflite/1/download", archive=True
        ),
    ),
)

MODELS: tuple[ModelFile, ...] = (YAMNET,)


def by_name(name: str) -> ModelFile:
    """The model of that name. Raises ModelError with the names that exist."""
    for model in MODELS:
        if model.name == name:
            return model
    raise ModelError(f"model {name!r} is not known; there is: {', '.join(m.name for m in MODELS)}")
