"""The scripts that trained our own tagger: what may be learnt from, what is never mixed, and the file they write."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from program import SHARED

torch = pytest.importorskip("torch", reason="torch is not installed: pip install '.[gpu]'")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from listener.perceive.sounds.labels import read_defaults  # noqa: E402
from listener.perceive.sounds.log_mel import log_mel, mel_matrix  # noqa: E402
from listener.perceive.sounds.own_tagger import OwnTagger, silence  # noqa: E402
from listener.perceive.sounds.own_tagger_model import load_own  # noqa: E402
from listener.perceive.spectrum import Spectrum  # noqa: E402
from listener.types import Magnitudes  # noqa: E402
from training.again import NOISES, PLACES, hear_again  # noqa: E402
from training.calibration import (  # noqa: E402
    HIGHEST,
    Rule,
    clip_score,
    fit_platt,
    likeliest,
    never_wrong,
    raised,
    reliability,
    settings,
    sigmoid,
)
from training.character import EMBEDDING, character  # noqa: E402
from training.examples import Sound, truth_of  # noqa: E402
from training.export import export  # noqa: E402
from training.finish import Scored, is_better  # noqa: E402
from training.graph import Graph, Quantized  # noqa: E402
from training.hearing import LATE_FRAMES, late  # noqa: E402
from training.network import Head  # noqa: E402
from training.recordings import Recording, group_of, may_be_used, parts_of_groups  # noqa: E402
from training.train import network_path, targets, train  # noqa: E402
from training.trunk import (  # noqa: E402
    FEATURES,
    POOLED_STEPS,
    STEPS_PER_CHUNK,
    Layers,
    Trunk,
    add_convolutions,
    late_frames,
    read_layers,
)
from training.words import LABELS  # noqa: E402

MODEL = SHARED / "models" / "yamnet.tflite"
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


@pytest.fixture(scope="module")
def layers() -> Layers:
    if not MODEL.is_file():
        pytest.skip(f"no {MODEL}: set LISTENER_SHARED to the folder that has it")
    return read_layers(MODEL)


def noise(chunks: int) -> list[Magnitudes]:
    rng, spectrum = np.random.default_rng(0), Spectrum()
    levels = (0.3 if n % 7 else 0.0 for n in range(chunks))
    return [spectrum.step(level * rng.standard_normal(6_400, np.float32)) for level in levels]


def test_streaming_equals_offline(layers: Layers) -> None:
    """Chunk by chunk, with the past handed on, against the same convolutions over all frames at once: to the bit."""
    magnitudes = noise(20)
    graph = Graph()
    steps, _ = add_convolutions(graph, layers, 40 * len(magnitudes))
    run = Interpreter(model_content=graph.pack([steps]), num_threads=1)
    run.allocate_tensors()
    for entry in run.get_input_details():
        run.set_tensor(entry["index"], silence(entry))
        if entry["name"] == "log_mel":
            run.set_tensor(entry["index"], log_mel(np.concatenate(magnitudes), mel_matrix())[None, :, :, None])
    run.invoke()
    output = run.get_output_details()[0]
    scale, zero = output["quantization"]
    offline = (run.get_tensor(output["index"])[0].astype(np.float32) - zero) * np.float32(scale)
    offline = np.concatenate((np.zeros((POOLED_STEPS - STEPS_PER_CHUNK, *offline.shape[1:]), np.float32), offline))
    windows = np.stack([offline[5 * n :][:POOLED_STEPS] for n in range(len(magnitudes))])
    expected = np.concatenate((windows.mean((1, 2)), windows.max((1, 2))), axis=1)
    np.testing.assert_allclose(Trunk(layers).hear(magnitudes), expected, atol=1e-5)


def test_the_convolutions_are_those_of_yamnet(layers: Layers) -> None:
    """Against torch, with YAMNet's weights as real numbers: eight bits lose little, and no padding is misplaced."""
    magnitudes = noise(12)
    x = torch.from_numpy(log_mel(np.concatenate(magnitudes), mel_matrix()))
    before = torch.full((480, 64), float(np.log(0.001)))
    x = torch.cat((before, x))[None, None]
    for one in layers.filters:
        weights = real(one.weights, one.weights_as)
        weights = weights.permute(3, 0, 1, 2) if one.depthwise else weights.permute(0, 3, 1, 2)
        bias = real(one.bias, one.bias_as)
        if one.weights.shape[1] > 1:
            past = 2 * one.dilation - (one.strides[0] - 1)
            x = torch.nn.functional.pad(x, (2 - one.strides[1], 1, past, 0))
        groups = len(weights) if one.depthwise else 1
        x = torch.nn.functional.conv2d(x, weights, bias, one.strides, 0, (one.dilation, 1), groups).clamp(0, 6)
    steps = x[0].permute(1, 2, 0).numpy()[60:]
    streamed = Trunk(layers).hear(magnitudes)
    for n in range(6, 12):  # the first seconds remember another silence
        window = steps[5 * n + 5 - POOLED_STEPS : 5 * n + 5]
        expected = np.concatenate((window.mean((0, 1)), window.max((0, 1))))
        assert np.corrcoef(streamed[n], expected)[0, 1] > 0.999


def real(values: np.ndarray, as_: Quantized) -> torch.Tensor:
    shape = [1] * values.ndim
    if len(as_.scale) > 1:
        shape[as_.axis] = -1
    scale, zero = (np.array(v, np.float32).reshape(shape) for v in (as_.scale, as_.zero))
    return torch.from_numpy((values.astype(np.float32) - zero) * scale)


def test_the_exported_file_says_what_the_network_says(layers: Layers, tmp_path: Path) -> None:
    torch.manual_seed(0)
    magnitudes = noise(8)
    features = torch.from_numpy(Trunk(layers).hear(magnitudes))
    heard = np.concatenate([features.numpy(), np.random.default_rng(0).random((312, FEATURES), np.float32)])
    like = character(heard, heard_again(40))
    head = Head(len(LABELS))
    head.fit_scale(features)
    head.eval()
    slopes = np.linspace(0.5, 2, len(LABELS), dtype=np.float32)
    offsets = np.linspace(-1, 1, len(LABELS), dtype=np.float32)
    data = export(layers, head, like, slopes, offsets, LABELS)
    path = tmp_path / "own.tflite"
    path.write_bytes(data)
    tagger = OwnTagger(load_own(path, hashlib.sha256(data).hexdigest()))
    stream = tagger.open()
    with torch.no_grad():
        logits = head(features)[0].numpy()
    embeddings = features.numpy() @ like.weight.T + like.bias
    for chunk, logit, embedding in zip(magnitudes, logits, embeddings, strict=True):
        tagger.hear(stream, chunk)
        np.testing.assert_allclose(tagger.score(stream), sigmoid(logit * slopes + offsets), atol=5e-3)
        np.testing.assert_allclose(stream.embedding, embedding, atol=0.1, rtol=0.02)


def test_training_writes_the_same_network_from_the_same_examples(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for kind in ("part", "clips"):
        for part in range(3):
            fields = {
                "features": rng.random((300, FEATURES)),
                "truth": rng.integers(0, 2, (300, len(LABELS))),
                "margins": rng.normal(0, 3, (300, len(LABELS))),
                "embedding": rng.random((300, 1_024)),
            }
            for field, values in fields.items():
                np.save(tmp_path / f"{kind}-{part}-{field}.npy", values.astype(np.float16))
    weights = []
    for _ in range(2):
        train(tmp_path, 1, epochs=1)
        weights.append(torch.load(network_path(tmp_path, 1), weights_only=True))
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not torch.equal(weights[0]["classify.bias"], Head(len(LABELS)).classify.bias)


def heard_again(clips: int) -> np.ndarray:
    """Two chunks of each clip, from two places, each over two noises: clip, place and chunk, `[8 * clips, 3]`."""
    n = np.arange(8 * clips)
    return np.column_stack([n // 8, n // 2 % 2, n // 4 % 2]).astype(np.int32)


def test_what_a_sound_is_like_is_what_stays_of_it_over_other_noise() -> None:
    rng = np.random.default_rng(0)
    what = heard_again(600)
    half = FEATURES // 2
    sounds = np.repeat(rng.standard_normal((1_200, half)), 4, axis=0)
    noises = rng.standard_normal((4_800, half))
    heard = np.concatenate([sounds + 0.3 * rng.standard_normal(sounds.shape), 3 * noises], axis=1).astype(np.float32)
    like = character(heard, what)
    embeddings = heard @ like.weight.T + like.bias
    assert embeddings.shape == (4_800, EMBEDDING)
    np.testing.assert_allclose(embeddings.mean(axis=0), 0, atol=0.02)
    assert 0.5 < embeddings.var(axis=0).mean() < 1.5
    assert np.abs(like.weight[:, :half]).sum() > 10 * np.abs(like.weight[:, half:]).sum()
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    same, other = (unit[:-1:4] * unit[1::4]).sum(axis=1), (unit[:-8] * unit[8:]).sum(axis=1)
    assert np.quantile(same, 0.05) > np.quantile(other, 0.95) + 0.3


def test_recordings_are_heard_again_where_they_sound(layers: Layers) -> None:
    """The same moments from every place and over every noise, and nothing of the quiet before and after."""
    rng = np.random.default_rng(0)
    beep = np.sin(np.arange(24_000) * 0.4).astype(np.float32)
    clips = [Recording("home", "other", name, "", "", "", 0, beep * rng.random()) for name in "ab"]
    features, what = hear_again(clips, Trunk(layers), seed=1)
    assert features.shape == (len(what), FEATURES)
    for clip in (0, 1):
        chunks = [sorted(what[(what[:, 0] == clip) & (what[:, 1] == place), 2]) for place in range(PLACES)]
        assert all(found == chunks[0] for found in chunks)
        assert sorted(set(chunks[0])) == list(range(min(chunks[0]), max(chunks[0]) + 1))
        assert len(chunks[0]) == NOISES * len(set(chunks[0]))
        assert 1 <= min(chunks[0]) <= max(chunks[0]) <= 8


def test_clips_of_no_group_stand_alone_but_for_takes_of_one_sound() -> None:
    row = {"group": "", "source": "a/b", "original_path": "door_close_01.flac"}
    again = {**row, "original_path": "door_close_02.flac"}
    other = {**row, "original_path": "door_open_01.flac"}
    assert group_of(row) == group_of(again) != group_of(other)
    assert group_of({**row, "group": "7"}) == "7"


def test_truth_is_where_the_sound_is() -> None:
    active = np.zeros(240, np.bool_)
    active[50:70] = True
    truth = truth_of(Sound(np.zeros(1, np.float32), "dog_bark", "dog_bark"), active)
    assert truth[:, DOG].tolist() == [0, 0, 1, 1, 1, 0], "windows of 0.96 s that end 0.61 s before their chunk"
    assert np.nansum(truth) == 3


def test_what_is_late_is_the_same_sound_later() -> None:
    chunks = list(np.arange(3 * 40 * 2, dtype=np.float32).reshape(3, 40, 2))
    heard = np.concatenate(late(chunks))
    assert not heard[:LATE_FRAMES].any()
    np.testing.assert_array_equal(heard[LATE_FRAMES:], np.concatenate(chunks)[:-LATE_FRAMES])


def test_how_late_the_convolutions_are(layers: Layers) -> None:
    assert late_frames(layers) == LATE_FRAMES


def test_nobody_knows_what_mixed_clips_hold_but_no_alarm() -> None:
    truth = truth_of(Sound(np.zeros(1, np.float32), None, "other", mixed=True), np.ones(240, np.bool_))
    assert np.isnan(truth[:, DOG]).all()
    assert (truth[:, LABELS.index("smoke_alarm")] == 0).all()


def test_the_teacher_is_not_asked_about_alarms() -> None:
    truth = np.zeros((1, 6, len(LABELS)), np.float32)
    target, weight = targets(truth, np.full_like(truth, 2.0))
    assert target[0, 0, DOG] > 0.8
    assert weight[0, 0, DOG] == 0.5
    assert (target[0, 0, LABELS.index("scream")], weight[0, 0, LABELS.index("scream")]) == (0, 1)


def test_platt_finds_the_slope_and_offset() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 20_000)
    truth = (rng.random(20_000) < sigmoid(0.5 * logits - 1)).astype(np.float64)
    assert fit_platt(logits, truth, strength=4.0) == pytest.approx((0.5, -1.0), abs=0.06)


def test_few_examples_do_not_calibrate() -> None:
    assert fit_platt(np.zeros(0), np.zeros(0), strength=4.0) == (1.0, 0.0)
    slope, offset = fit_platt(np.array([3.0]), np.array([0.0]), strength=4.0)
    assert 0.3 < slope < 1.0
    assert -0.5 < offset < 0.0
    assert fit_platt(np.array([3.0]), np.array([0.0]), 1e6, usual=(0.7, -2.0)) == pytest.approx((0.7, -2.0), abs=1e-4)


def test_a_clip_scores_what_starts_it() -> None:
    scores = np.array([0.1, 0.9, 0.2, 0.6, 0.1])
    assert clip_score(scores, windows=1, of=1) == 0.9
    assert clip_score(scores, windows=2, of=3) == 0.6


def test_a_threshold_lies_where_others_are_not_and_the_sound_still_is() -> None:
    on, _ = likeliest([0.1] * 50, [0.99] * 20, budget=0, asked=20)
    assert 0.5 < on < 0.99
    few, many = (likeliest([0.3, 0.6, 0.8], [0.9] * 20, budget, asked=20)[0] for budget in (0, 3))
    assert many < few


def test_a_threshold_is_stricter_where_less_is_asked() -> None:
    """Nine of ten sounds are sure; the tenth is as sure as the loudest false one."""
    wrong, right = [0.1] * 30 + [0.6], [0.6] * 2 + [0.99] * 18
    strict, lax = (likeliest(wrong, right, budget, asked)[0] for budget, asked in ((0, 0), (1, 20)))
    assert lax < strict - 0.05


def test_what_tells_sounds_apart_is_likelier() -> None:
    apart, mixed = (likeliest([low] * 30, [0.95] * 20, 0, 20)[1] for low in (0.05, 0.9))
    assert apart > mixed


def test_an_urgent_threshold_is_never_wrong() -> None:
    on = never_wrong([0.2, 0.3, 0.5], [0.55, 0.6, 0.65, 0.8, 0.9])
    assert on > 0.7
    assert never_wrong([0.999], [0.9] * 5) == HIGHEST


def test_a_threshold_is_raised_as_long_as_the_sound_is_found() -> None:
    sure = [0.9] * 19 + [0.4]
    assert 0.85 < raised(0.3, sure) <= 0.9
    assert raised(0.3, [0.31] * 10 + [0.9] * 10) == pytest.approx(0.3, abs=0.02)


def heard(label: str | None, ours: float, theirs: float) -> Scored:
    """A clip on which the mean says `ours` and YAMNet's margin is `theirs`, of every label, in five windows."""
    sound = Sound(np.zeros(0, np.float32), label, label or "esc10")
    logits, margins = (np.full((5, len(LABELS)), value) for value in (ours, theirs))
    return Scored(sound, 0, True, logits, margins > 0, margins, logits)


@pytest.mark.parametrize(
    ("clips", "better"),
    [
        ([("dog_bark", 2, -2)] * 20, True),  # more are found
        ([("dog_bark", 2, 2)] * 20 + [("rain", -2, 2)], True),  # as many, with a false start fewer
        ([("dog_bark", 2, 2)] * 20, False),
        ([("dog_bark", 2, 2)] * 20 + [("rain", 2, -2)], False),
        ([("dog_bark", 2, -2)] * 20 + [("dog_bark", -2, 2)] * 21, False),
        ([("dog_bark", 2, -2)] * 5, False),  # too few to say so
    ],
)
def test_the_mean_is_asked_only_about_what_it_knows_better(clips: list[tuple[str, float, float]], better: bool) -> None:
    scored = [heard(*clip) for clip in clips]
    assert is_better(scored, "dog_bark", Rule(0.5, 1, 1), {"windows": 1, "of": 1}) == better


def test_labels_without_a_threshold_have_no_class() -> None:
    made = settings({"dog_bark": Rule(0.5, 2, 3)}, read_defaults("labels.yaml"))
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
