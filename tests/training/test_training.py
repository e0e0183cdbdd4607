"""The scripts that trained our own tagger: what may be learnt from, what is never mixed, and the file they write."""

import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'listener[gpu]'")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from listener.perceive.sounds.labels import read_defaults  # noqa: E402
from listener.perceive.sounds.log_mel import log_mel, mel_matrix  # noqa: E402
from listener.perceive.sounds.own_tagger import OwnTagger  # noqa: E402
from listener.perceive.sounds.own_tagger_model import load_own  # noqa: E402
from listener.perceive.spectrum import Spectrum  # noqa: E402
from training.calibration import clip_score, fit_platt, reliability, settings, sigmoid, threshold  # noqa: E402
from training.examples import Sound, active_frames, both, truth_of  # noqa: E402
from training.export import export  # noqa: E402
from training.made_sounds import MADE  # noqa: E402
from training.network import Network  # noqa: E402
from training.recordings import may_be_used, parts_of_groups  # noqa: E402
from training.rooms import heard_in_a_room, through_a_codec  # noqa: E402
from training.train import network_path, targets, train  # noqa: E402
from training.words import LABELS  # noqa: E402

DOG = LABELS.index("dog_bark")


@pytest.mark.parametrize("licence", ["CC0", "CC0-1.0", "CC-BY", "CC-BY-4.0", "Apache-2.0", "Public domain"])
def test_licences_that_let_us_ship(licence: str) -> None:
    assert may_be_used(licence)


@pytest.mark.parametrize("licence", ["CC-Sampling+", "CC-BY-NC-3.0", "CC-BY-ND", "CC-BY-SA", "", "GPL-3.0", "unknown"])
def test_licences_that_do_not(licence: str) -> None:
    assert not may_be_used(licence)


def test_a_group_is_never_split_and_parts_are_even() -> None:
    clips = [(f"g{n // 3}", "cough") for n in range(27)] + [(f"s{n}", "speech") for n in range(9)]
    parts = parts_of_groups(clips)
    assert set(parts) == {group for group, _ in clips}
    for prefix in "gs":
        assert sorted(part for group, part in parts.items() if group[0] == prefix) == sorted([0, 1, 2] * 3)


def test_streaming_equals_offline() -> None:
    """The exported file, chunk by chunk, against torch on all of it at once."""
    torch.manual_seed(0)
    network = Network(len(LABELS))
    for layer in network.layers:
        layer.norm.running_mean.uniform_(-0.1, 0.1)
        layer.norm.running_var.uniform_(0.5, 1.5)
        layer.norm.bias.data.uniform_(-0.2, 0.2)
    network.eval()
    slopes, offsets = (
        np.linspace(0.5, 2, len(LABELS), dtype=np.float32),
        np.linspace(-1, 1, len(LABELS), dtype=np.float32),
    )
    scores, embeddings, magnitudes = _stream(export(network, slopes, offsets, LABELS), chunks=25)
    features = torch.from_numpy(log_mel(np.concatenate(magnitudes), mel_matrix()))[None]
    with torch.no_grad():
        logits, embedding = network(features)
    np.testing.assert_allclose(scores, sigmoid(logits[0].numpy() * slopes + offsets), atol=2e-3)
    np.testing.assert_allclose(embeddings, embedding[0].numpy(), atol=2e-3)


def _stream(data: bytes, chunks: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.tflite"
        path.write_bytes(data)
        tagger = OwnTagger(load_own(path, hashlib.sha256(data).hexdigest()))
    rng, spectrum, stream = np.random.default_rng(0), Spectrum(), tagger.open()
    scores, embeddings, heard = [], [], []
    for n in range(chunks):
        level = 0.3 if n % 7 else 0.0
        heard.append(spectrum.step(level * rng.standard_normal(6_400, np.float32)))
        tagger.hear(stream, heard[-1])
        scores.append(tagger.score(stream))
        embeddings.append(stream.embedding)
    return np.array(scores), np.array(embeddings), heard


def test_training_writes_the_same_network_from_the_same_examples(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for part in range(3):
        fields = {
            "log_mel": rng.normal(-3, 2, (16, 240, 64)),
            "truth": rng.integers(0, 2, (16, 6, len(LABELS))),
            "margins": rng.normal(0, 3, (16, 6, len(LABELS))),
            "embedding": rng.random((16, 6, 1_024)),
        }
        for field, values in fields.items():
            np.save(tmp_path / f"part-{part}-{field}.npy", values.astype(np.float16))
    weights = []
    for _ in range(2):
        train(tmp_path, 1, epochs=1)
        weights.append(torch.load(network_path(tmp_path, 1), weights_only=True))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["classify.bias"], Network(len(LABELS)).classify.bias)


def test_truth_is_where_the_sound_is() -> None:
    active = np.zeros(240, np.bool_)
    active[90:110] = True
    truth = truth_of(Sound(np.zeros(1, np.float32), "dog_bark", "dog_bark"), active)
    assert truth[:, DOG].tolist() == [0, 0, 1, 1, 1, 0]
    assert np.nansum(truth) == 3


def test_nobody_knows_what_mixed_clips_hold_but_no_alarm() -> None:
    truth = truth_of(Sound(np.zeros(1, np.float32), None, "other", mixed=True), np.ones(240, np.bool_))
    assert np.isnan(truth[:, DOG]).all()
    assert (truth[:, LABELS.index("smoke_alarm")] == 0).all()


def test_two_sounds_at_once() -> None:
    first, second = np.array([1, 0, np.nan, 1], np.float32), np.array([0, 0, 0, np.nan], np.float32)
    np.testing.assert_array_equal(both(first, second), [1, 0, np.nan, 1])


def test_the_teacher_is_not_asked_about_alarms() -> None:
    truth = np.zeros((1, 6, len(LABELS)), np.float32)
    target, weight = targets(truth, np.full_like(truth, 2.0))
    assert target[0, 0, DOG] > 0.8
    assert weight[0, 0, DOG] == 0.5
    assert (target[0, 0, LABELS.index("scream")], weight[0, 0, LABELS.index("scream")]) == (0, 1)


def test_active_frames_are_the_loud_ones() -> None:
    sound = np.full(1_600, 1e-4, np.float32)
    sound[480:800] = 0.5
    assert np.flatnonzero(active_frames(sound)).tolist() == [3, 4]


def test_platt_finds_the_slope_and_offset() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 20_000)
    truth = (rng.random(20_000) < sigmoid(0.5 * logits - 1)).astype(np.float64)
    assert fit_platt(logits, truth) == pytest.approx((0.5, -1.0), abs=0.06)


def test_few_examples_do_not_calibrate() -> None:
    assert fit_platt(np.zeros(0), np.zeros(0)) == (1.0, 0.0)
    slope, offset = fit_platt(np.array([3.0]), np.array([0.0]))
    assert 0.3 < slope < 1.0
    assert -0.5 < offset < 0.0


def test_a_clip_scores_what_starts_it() -> None:
    scores = np.array([0.1, 0.9, 0.2, 0.6, 0.1])
    assert clip_score(scores, windows=1, of=1) == 0.9
    assert clip_score(scores, windows=2, of=3) == 0.6


def test_a_threshold_keeps_its_budget() -> None:
    false_scores = [0.2, 0.3, 0.5, 0.8]
    for budget in range(4):
        assert sum(score > threshold(false_scores, budget, urgent=False) for score in false_scores) <= budget
    assert threshold(false_scores, 0, urgent=True) > threshold(false_scores, 0, urgent=False) > 0.8


def test_labels_without_a_threshold_have_no_class() -> None:
    made = settings({"dog_bark": 0.5}, read_defaults("labels.yaml"))
    assert made["dog_bark"] == {
        "classes": ["dog_bark"],
        "on": 0.5,
        "off": 0.332,
        "windows": 2,
        "of": 3,
        "hold_seconds": 4,
    }
    assert made["co_alarm"]["classes"] == []


def test_reliability_counts_what_is_right() -> None:
    (low, high) = reliability(np.array([0.05, 0.05, 0.95, 1.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    assert (low.count, low.right, high.count, high.right) == (2, 0.0, 2, 0.5)


@pytest.mark.parametrize("label", MADE)
def test_what_is_made_is_sound(label: str) -> None:
    for make in MADE[label]:
        sound = make(np.random.default_rng(1))
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() > 0.01


def test_rooms_and_codecs_keep_the_length() -> None:
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(38_400)).astype(np.float32)
    for change in (heard_in_a_room, through_a_codec):
        heard = change(rng, sound)
        assert (len(heard), heard.dtype) == (len(sound), np.float32)
        assert np.isfinite(heard).all()
