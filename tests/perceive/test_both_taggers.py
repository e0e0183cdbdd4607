"""YAMNet and our own tagger together."""

import math
from pathlib import Path

import numpy as np
import pytest
from ears import AUDIO, MODEL, FakeStream, needs_audio, needs_model
from program import events, listener

from listener.config import SoundsConfig
from listener.errors import ConfigError, PerceiveError
from listener.perceive.ears import EarPlan
from listener.perceive.sounds.both_taggers import SUREST, BothModels, BothTaggers, sigmoid, together
from listener.perceive.sounds.own_tagger_model import load_own
from listener.perceive.sounds.yamnet_model import load_yamnet
from listener.perceive.spectrum import Spectrum
from listener.types import CHUNK_SAMPLES
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS

pytestmark = needs_model


@pytest.fixture(scope="module")
def taggers() -> BothTaggers:
    return BothTaggers.of(BothModels(load_own(), load_yamnet(MODEL)))


def test_it_is_the_mean_of_what_both_say(taggers: BothTaggers) -> None:
    rng, spectrum, stream = np.random.default_rng(0), Spectrum(), taggers.open()
    for _ in range(5):
        taggers.hear(stream, spectrum.step(0.1 * rng.standard_normal(CHUNK_SAMPLES, np.float32)))
    scores = taggers.score(stream)
    ours = stream.own.scores
    assert len(scores) == len(taggers.classes) == len(ours) + 521
    row = int(np.argmax(ours))
    name = taggers.classes[row]
    plan = EarPlan(SoundsConfig(), URGENT_LABELS, MODEL).load().table
    theirs = float(plan.scores(scores[len(ours) :])[plan.labels.index(name)])
    on = float(plan.steps["balanced"].on[plan.labels.index(name)])
    logits = [math.log(p / (1 - p)) for p in (float(ours[row]), max(theirs, 1 / 512), on)]
    expected = (np.clip(logits[0], -SUREST, SUREST) + np.clip(logits[1] - logits[2], -SUREST, SUREST)) / 2
    assert scores[row] == pytest.approx(float(sigmoid(np.array(expected))), abs=1e-3)


def test_one_that_is_sure_outweighs_one_in_doubt_and_two_sure_ones_cancel() -> None:
    sure, doubt = np.array([9.0]), np.array([-0.5])
    assert together(sure, doubt) > 0
    assert together(sure, -sure) == 0


def test_labels_are_ours_and_classes_of_audioset_can_still_be_named() -> None:
    sounds = SoundsConfig.model_validate({"custom": {"owl": {"classes": ["Owl"]}}})
    ear = EarPlan(sounds, URGENT_LABELS, MODEL, own=True).load()
    table = ear.table
    assert table.labels == (*SOUND_LABELS, "owl")
    assert all(table.has_classes[table.labels.index(label)] for label in ("dog_bark", "scream", "singing", "owl"))
    wrong = SoundsConfig.model_validate({"custom": {"owl": {"classes": ["Owls of the night"]}}})
    with pytest.raises(ConfigError, match=r"sounds\.custom\.owl\.classes: .*no class 'Owls of the night'"):
        EarPlan(wrong, URGENT_LABELS, MODEL, own=True).load()


def test_a_stream_of_one_tagger_is_refused(taggers: BothTaggers) -> None:
    with pytest.raises(PerceiveError, match="FakeStream"):
        taggers.score(FakeStream())


@needs_audio
@pytest.mark.parametrize(("folder", "label"), [("dog_bark", "dog_bark"), ("baby_cry", "baby_cry")])
def test_both_hear_recordings(tmp_path: Path, folder: str, label: str) -> None:
    clip = min((AUDIO / "esc10" / folder).glob("*.ogg"))
    (tmp_path / "config.yaml").write_text("sounds: {tagger: both}\nrooms: [{name: Room, source: {type: pipe}}]\n")
    done = listener(tmp_path, "listen", "--json", "--config", "config.yaml", clip)
    assert done.returncode == 0, done.stderr
    started = [event for event in events(done.stdout) if event["event"] == "sound_started"]
    assert label in {event["label"] for event in started}
