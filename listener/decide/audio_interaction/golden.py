"""Holds the port against a golden set: what the published inference code computed on the same checkpoint."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile
import torch

from listener.decide.audio_interaction.features import EarState
from listener.decide.audio_interaction.load import LoadedModel, load
from listener.decide.audio_interaction.model import Feed, Model
from listener.decide.audio_interaction.tokens import (
    BLOCK,
    EMOTIONS,
    KEEP_SILENCE,
    TEXT_BEGIN,
    TEXT_END,
    offline_sequence,
    online_prefix,
)
from listener.decide.audio_interaction.turns import Ear
from listener.errors import ModelError
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Samples

FEATURES_TOLERANCE: Final = 1e-4
LOGITS_TOLERANCE: Final = 1e-3
GOLDEN_TEXT_IDS: Final = (*range(60, 100), TEXT_END)
"""What the golden sets allow in a reply."""


@dataclass(frozen=True, slots=True)
class GoldenReport:
    features_max_abs_error: float
    offline_features_max_abs_error: float
    logits_max_abs_error: float
    offline_logits_max_abs_error: float
    tokens_equal: bool
    steps: int

    @property
    def within_tolerance(self) -> bool:
        features = max(self.features_max_abs_error, self.offline_features_max_abs_error)
        logits = max(self.logits_max_abs_error, self.offline_logits_max_abs_error)
        return features <= FEATURES_TOLERANCE and logits <= LOGITS_TOLERANCE and self.tokens_equal

    def as_dict(self) -> dict[str, float | int | bool]:
        return asdict(self)


@dataclass(slots=True)
class _Errors:
    """The largest error so far; NaN counts as infinite."""

    features: float = 0.0
    logits: float = 0.0
    equal: bool = True

    def see_features(self, ours: torch.Tensor, theirs: Any) -> None:
        self.features = max(self.features, _largest(ours, theirs))

    def see(self, logits: torch.Tensor, probes: torch.Tensor, step: dict[str, Any], token: int) -> None:
        self.logits = max(self.logits, _largest(logits[probes], step["logits"]))
        self.equal &= token == step["token"]


def _largest(ours: torch.Tensor, theirs: Any) -> float:
    error = np.abs(ours.float().cpu().numpy() - np.asarray(theirs, np.float32)).max()
    return float(error) if np.isfinite(error) else float("inf")


def verify(checkpoint_dir: Path, golden_dir: Path, device: str = "cpu", dtype: str = "float32") -> GoldenReport:
    """Run the port over the golden scene and compare. Raises ModelError when either folder cannot be used."""
    expected, scene, features, offline_features = _read(golden_dir)
    loaded = load(checkpoint_dir, device, dtype)
    model = Model(loaded, rows=1, capacity=loaded.shape.positions + len(BLOCK) + 1)
    _refuse_other_prefix(golden_dir, loaded, expected)
    online = _online(model, expected, scene, features)
    offline = _offline(model, expected, scene, offline_features)
    return GoldenReport(
        features_max_abs_error=online.features,
        offline_features_max_abs_error=offline.features,
        logits_max_abs_error=online.logits,
        offline_logits_max_abs_error=offline.logits,
        tokens_equal=online.equal and offline.equal,
        steps=len(expected["steps"]) + len(expected["offline"]["steps"]),
    )


def _read(folder: Path) -> tuple[dict[str, Any], Samples, Any, Any]:
    try:
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        scene, rate = soundfile.read(folder / "scene.wav", dtype="float32")
        features = np.load(folder / "features.npy", allow_pickle=False)
        offline = np.load(folder / "offline_features.npy", allow_pickle=False)
    except (OSError, ValueError, soundfile.SoundFileError) as error:
        raise ModelError(
            f"{folder}: no usable golden set: {error}; it holds expected.json, scene.wav, features.npy and "
            "offline_features.npy"
        ) from None
    wanted = {"system_prompt", "prefix", "probe_ids", "respond_bias", "max_text", "chunks", "steps", "offline"}
    if not isinstance(expected, dict) or (lacking := wanted - set(expected)):
        named = ", ".join(sorted(lacking)) if isinstance(expected, dict) else "everything"
        raise ModelError(f"{folder / 'expected.json'}: lacks {named}; it is no golden set")
    if rate != SAMPLE_RATE_HZ or scene.ndim != 1 or scene.size < expected["chunks"] * CHUNK_SAMPLES:
        raise ModelError(f"{folder / 'scene.wav'}: must be mono, 16 kHz and {expected['chunks']} chunks of 0.4 s long")
    return expected, scene, features, offline


def _refuse_other_prefix(folder: Path, loaded: LoadedModel, expected: dict[str, Any]) -> None:
    ours = online_prefix(loaded.encode_text, expected["system_prompt"])
    if list(ours) != expected["prefix"]:
        raise ModelError(f"{folder}: its prefix is not what this checkpoint's tokenizer makes of the system prompt")


def _online(model: Model, expected: dict[str, Any], scene: Samples, features: Any) -> _Errors:
    """Feed chunk by chunk; after each pass the golden token is fed, so that one difference stays one difference."""
    errors, ear, row = _Errors(), Ear(EarState()), 0
    probes = torch.tensor(expected["probe_ids"], device=model.loaded.device)
    model.cache.clear(row)
    pending = list(expected["prefix"])
    frames: list[torch.Tensor] = []
    said: list[int] = []
    last_chunk = -1
    for step in expected["steps"]:
        listening = step["state"] == "listening"
        if listening:
            for chunk in range(last_chunk + 1, step["chunk"] + 1):
                frames = _frames(model, ear, scene, chunk)
                errors.see_features(frames[0], features[chunk])
            last_chunk, said = step["chunk"], []
        ids = [*pending, *BLOCK] if listening else pending
        (logits,) = model.feed([Feed(row, ids, frames if listening else ())])
        errors.equal &= model.cache.lengths[row] - 1 == step["position"]
        token = _listening(logits[0], expected) if listening else _speaking(logits[0], said, expected, step["token"])
        errors.see(logits[0], probes, step, token)
        pending = [step["token"]]
        if not listening:
            said.append(step["token"])
    return errors


def _frames(model: Model, ear: Ear, scene: Samples, chunk: int) -> list[torch.Tensor]:
    samples = torch.from_numpy(scene[chunk * CHUNK_SAMPLES : (chunk + 1) * CHUNK_SAMPLES])
    (log_mel,) = model.hear([ear.state], samples[None])
    return model.encode([ear.normalised(log_mel)])


def _listening(logits: torch.Tensor, expected: dict[str, Any]) -> int:
    responds = float(logits[TEXT_BEGIN]) + expected["respond_bias"] > float(logits[KEEP_SILENCE])
    return TEXT_BEGIN if responds else KEEP_SILENCE


def _speaking(logits: torch.Tensor, said: list[int], expected: dict[str, Any], theirs: int) -> int:
    """The golden rule of choice. Whether the emotion counts to `max_text` it leaves open, so both are right."""
    texts = sum(token not in EMOTIONS for token in said)
    limit = expected["max_text"]
    if texts >= limit or (len(said) >= limit and theirs == TEXT_END):
        return TEXT_END
    allowed = torch.tensor([*GOLDEN_TEXT_IDS, *(() if said else EMOTIONS)])
    return int(allowed[int(logits[allowed.to(logits.device)].argmax())])


def _offline(model: Model, expected: dict[str, Any], scene: Samples, features: Any) -> _Errors:
    query, errors, row = expected["offline"], _Errors(), 0
    probes = torch.tensor(expected["probe_ids"], device=model.loaded.device)
    model.cache.clear(row)
    clip = torch.from_numpy(scene[: round(query["seconds"] * SAMPLE_RATE_HZ)])
    frames = model.encode_clip(clip)
    errors.see_features(frames, features)
    ids = offline_sequence(model.loaded.encode_text, len(frames), query["user"], expected["system_prompt"])
    errors.equal &= list(ids) == query["input_ids"]
    feed = Feed(row, ids, [frames])
    for number, step in enumerate(query["steps"]):
        (logits,) = model.feed([feed])
        errors.see(logits[0], probes, step, _offline_token(logits[0], number, len(query["steps"]), step["token"]))
        feed = Feed(row, [step["token"]])
    return errors


def _offline_token(logits: torch.Tensor, number: int, steps: int, theirs: int) -> int:
    """The first token begins the text; then the largest of the golden text ids, or TEXT_END forced at the end."""
    if number == 0:
        return TEXT_BEGIN
    if number == steps - 1 and theirs == TEXT_END:
        return TEXT_END
    return int(GOLDEN_TEXT_IDS[int(logits[list(GOLDEN_TEXT_IDS)].argmax())])
