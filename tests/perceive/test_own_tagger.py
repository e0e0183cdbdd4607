"""Our own tagger: its file, its state, what it hears on recordings, and when it is the one that hears."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from ears import AUDIO, MODEL, FakeStream, needs_audio, needs_model
from hypothesis import given, settings
from hypothesis import strategies as st
from program import events, listener

from listener.app.ears import ROOMS_BY_THREADS, open_ears, plan
from listener.config import Config, SoundsConfig, parse
from listener.errors import ModelError, PerceiveError
from listener.perceive.ears import EarPlan
from listener.perceive.sounds.labels import label_table, read_defaults
from listener.perceive.sounds.log_mel import log_mel, mel_matrix
from listener.perceive.sounds.own_tagger import OwnStream, OwnTagger
from listener.perceive.sounds.own_tagger_model import OWN_LABELS, bundled_path, load_own
from listener.perceive.sounds.yamnet_model import load_yamnet
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES, Magnitudes
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS

MEMORY_CHUNKS = 6
"""0.96 s that are pooled and 1.2 s that the convolutions see: after six chunks nothing older is left."""


@pytest.fixture(scope="module")
def tagger() -> OwnTagger:
    return OwnTagger(load_own())


def noise(chunks: int, seed: int, level: float = 0.1) -> list[Magnitudes]:
    rng, spectrum = np.random.default_rng(seed), Spectrum()
    return [spectrum.step(level * rng.standard_normal(CHUNK_SAMPLES, np.float32)) for _ in range(chunks)]


def hear(tagger: OwnTagger, stream: OwnStream, magnitudes: list[Magnitudes]) -> np.ndarray:
    for frames in magnitudes:
        tagger.hear(stream, frames)
    return tagger.score(stream)


def test_the_file_is_small_and_the_one_that_was_shipped() -> None:
    model = load_own()
    assert bundled_path().stat().st_size <= 2_000_000
    assert set(model.classes) <= set(SOUND_LABELS)
    assert len(model.classes) >= 28
    assert "co_alarm" not in model.classes


@settings(max_examples=15, deadline=None)
@given(before=st.integers(0, 12), seed=st.integers(0, 1_000), level=st.sampled_from([0.0, 1e-4, 0.01, 0.3]))
def test_the_past_is_forgotten_after_three_seconds(tagger: OwnTagger, before: int, seed: int, level: float) -> None:
    """What a chunk scores depends on the last six only, however long the stream: streaming is a window that slides."""
    recent = noise(MEMORY_CHUNKS, seed, level)
    long, short = tagger.open(), tagger.open()
    hear(tagger, long, noise(before, seed + 1))
    np.testing.assert_allclose(hear(tagger, long, recent), hear(tagger, short, recent), atol=1e-5)


def test_the_state_is_bounded(tagger: OwnTagger) -> None:
    stream = tagger.open()
    before = stream.state_bytes
    hear(tagger, stream, noise(60, seed=1))
    assert stream.state_bytes == before <= 256_000


def test_streams_do_not_hear_one_another(tagger: OwnTagger) -> None:
    loud, quiet = noise(6, seed=2), noise(6, seed=3, level=1e-4)
    alone, mixed, other = tagger.open(), tagger.open(), tagger.open()
    for chunk, silence in zip(loud, quiet, strict=True):
        expected = hear(tagger, alone, [chunk])
        hear(tagger, other, [silence])
        np.testing.assert_array_equal(hear(tagger, mixed, [chunk]), expected)


def test_another_instance_goes_on_with_a_stream(tagger: OwnTagger) -> None:
    other, handed, kept = OwnTagger(load_own()), tagger.open(), tagger.open()
    for turn, chunk in enumerate(noise(6, seed=4)):
        expected = hear(tagger, kept, [chunk])
        np.testing.assert_array_equal(hear((tagger, other)[turn % 2], handed, [chunk]), expected)


def test_silence_is_nothing(tagger: OwnTagger) -> None:
    assert hear(tagger, tagger.open(), [np.zeros((40, 257), np.float32)] * 10).max() < 0.3


def test_a_stream_of_another_tagger_is_refused(tagger: OwnTagger) -> None:
    with pytest.raises(PerceiveError, match="FakeStream"):
        tagger.hear(FakeStream(), np.zeros((40, 257), np.float32))
    with pytest.raises(PerceiveError, match="FakeStream"):
        tagger.score(FakeStream())


@pytest.mark.parametrize("kept", [0, 8, 4_000, -1])
def test_a_damaged_file_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "own_tagger.tflite"
    path.write_bytes(bundled_path().read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"own_tagger\.tflite: is not our tagger: SHA-256 .*install listener again"):
        load_own(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.tflite: cannot be read: No such file"):
        load_own(tmp_path / "gone.tflite")


@needs_model
def test_the_mel_matrix_is_that_of_yamnet() -> None:
    np.testing.assert_allclose(mel_matrix(), load_yamnet(MODEL).mel, atol=1e-6)


@pytest.mark.parametrize("hertz", [300, 1_000, 3_100, 6_000])
def test_a_tone_is_loudest_in_its_band(hertz: int) -> None:
    magnitudes = np.zeros((40, 257), np.float32)
    magnitudes[:, round(hertz / 31.25)] = 1.0
    edges = 700 * (np.exp(np.linspace(*(1127 * np.log1p(f / 700) for f in (125, 7_500)), 66) / 1127) - 1)
    band = int(log_mel(magnitudes, mel_matrix())[0].argmax())
    assert edges[band] <= hertz <= edges[band + 2]


def test_its_labels_have_thresholds_of_their_own() -> None:
    model = load_own()
    table = label_table(SoundsConfig(), URGENT_LABELS, model.classes, read_defaults(OWN_LABELS))
    assert table.labels == SOUND_LABELS
    heard = {label for label, has in zip(table.labels, table.has_classes, strict=True) if has}
    assert {"dog_bark", "baby_cry", "cough"} <= heard <= set(model.classes)
    scores = np.linspace(0.1, 0.9, len(model.classes)).astype(np.float32)
    by_label = dict(zip(table.labels, table.scores(scores), strict=True))
    for label, score in zip(model.classes, scores, strict=True):
        assert by_label[label] == (score if label in heard else 0)


def test_labels_of_audioset_classes_are_not_heard_and_no_error() -> None:
    sounds = SoundsConfig.model_validate({"custom": {"owl": {"classes": ["Owl"]}}})
    table = label_table(sounds, URGENT_LABELS, load_own().classes, read_defaults(OWN_LABELS), audioset=False)
    assert not table.has_classes[table.labels.index("owl")]


def config(**sounds: object) -> Config:
    rooms = [{"name": "Room", "source": {"type": "pipe"}}]
    return Config.model_validate({"rooms": rooms, "sounds": sounds, "speech": {"enabled": False}})


@pytest.mark.parametrize(
    ("tagger", "own", "said"),
    [
        ("auto", True, "comes with listener"),
        ("own", True, ""),
        ("yamnet", False, "no sound tagger"),
        ("none", False, ""),
    ],
)
def test_who_hears_without_yamnet(
    tagger: str, own: bool, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    made = plan(config(tagger=tagger))
    assert (made.own, made.model) == (own, None)
    assert said in caplog.text
    assert isinstance(made.load().senses().tagger, OwnTagger) == own


def test_a_damaged_file_of_yamnet_does_not_keep_alarms_from_being_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    (tmp_path / "yamnet.tflite").write_bytes(b"half a download")
    made = plan(config(tagger="auto"))
    assert (made.own, made.model) == (True, None)
    assert "is not yamnet" in caplog.text
    assert "listener models pull yamnet" in caplog.text
    for asked in (config(tagger="yamnet"), config(tagger="both"), config(model=tmp_path / "yamnet.tflite")):
        with pytest.raises(ModelError, match="is not yamnet"):
            plan(asked)


async def test_health_says_that_the_model_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(tmp_path))
    for processes in (0, 1):
        async with open_ears(config(), processes=processes) as ears:
            assert ears.warning is None
    (tmp_path / "yamnet.tflite").write_bytes(b"half a download")
    for processes in (0, 1):
        async with open_ears(config(), processes=processes) as ears:
            assert ears.warning is not None
            assert "our own tagger hears" in ears.warning


@needs_model
def test_yamnet_hears_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(MODEL.parent))
    assert not plan(config(tagger="yamnet")).own
    assert plan(config(tagger="own")).model is None
    assert hears(plan(config(tagger="both"))) == hears(plan(config(tagger="auto"))) == (True, MODEL)


@needs_model
def test_many_rooms_have_no_time_for_two_taggers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTENER_MODELS", str(MODEL.parent))
    rooms = [{"name": f"Room {n}", "source": {"type": "microphone"}} for n in range(ROOMS_BY_THREADS + 1)]
    assert hears(plan(parse({"rooms": rooms}))) == (False, MODEL)
    assert hears(plan(parse({"rooms": rooms, "sounds": {"tagger": "both"}}))) == (True, MODEL)
    assert hears(plan(parse({"rooms": rooms[1:]}))) == (True, MODEL)


def hears(made: EarPlan) -> tuple[bool, Path | None]:
    """Whether our own tagger does, and which file of YAMNet's."""
    return made.own, made.model


def test_auto_is_the_default() -> None:
    assert SoundsConfig().tagger == "auto"


def test_a_plan_with_a_file_prefers_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"yamnet\.tflite"):
        EarPlan(SoundsConfig(), (), tmp_path / "yamnet.tflite", own=True).load()


@needs_audio
@pytest.mark.parametrize(
    ("clip", "label"),
    [
        ("esc10/dog_bark/1-100032-A.ogg", "dog_bark"),
        ("esc10/baby_cry/1-187207-A.ogg", "baby_cry"),
        ("home/cough", "cough"),
    ],
)
def test_a_bare_machine_hears(clip: str, label: str, tmp_path: Path) -> None:
    path = AUDIO / clip
    path = sorted(path.iterdir())[5] if path.is_dir() else path
    assert soundfile.info(path).duration > 0.4
    done = listener(tmp_path, "listen", "--json", path)
    assert done.returncode == 0
    assert label in [event["label"] for event in events(done.stdout) if event["event"] == "sound_started"]


def test_the_list_of_models_says_which_hears(tmp_path: Path) -> None:
    done = listener(tmp_path, "models", "list")
    assert "own tagger  1." in done.stdout
    assert "in the package, verified" in done.stdout
    assert "in use: own tagger, because yamnet is not here" in done.stdout
