"""Labels from classes: the defaults that come with us, what the user changes, and what strictness moves."""

import numpy as np
import pytest
from ears import MODEL, needs_model, table

from listener.config import SoundsConfig
from listener.errors import ConfigError
from listener.perceive.sounds.labels import SCORE_STEP, label_table, shifted
from listener.perceive.sounds.yamnet_model import load_yamnet
from listener.vocabulary import SOUND_LABELS, URGENT_LABELS


def test_every_label_of_the_vocabulary_has_an_entry_in_its_order() -> None:
    assert table().labels == SOUND_LABELS


def test_defaults_are_possible() -> None:
    for limits in table().steps.values():
        assert (limits.off < limits.on).all()
        assert (limits.windows <= limits.of).all()
        assert (limits.hold_seconds >= 0.4).all()


@needs_model
def test_every_class_of_the_defaults_is_one_of_yamnet() -> None:
    made = label_table(SoundsConfig(), URGENT_LABELS, load_yamnet(MODEL).classes)
    assert [label for label, has in zip(made.labels, made.has_classes, strict=True) if not has] == ["co_alarm"]


@needs_model
def test_a_label_scores_as_its_greatest_class() -> None:
    classes = load_yamnet(MODEL).classes
    made = label_table(SoundsConfig(), URGENT_LABELS, classes)
    heard = np.zeros(len(classes), np.float32)
    heard[classes.index("Bark")], heard[classes.index("Dog")] = 0.4, 0.7
    by_label = made.scores(heard)
    assert by_label[made.labels.index("dog_bark")] == np.float32(0.7)
    assert np.count_nonzero(by_label) == 1


def test_strictness_orders_the_thresholds() -> None:
    steps = table().steps
    for lax, strict in (("paranoid", "sensitive"), ("sensitive", "balanced"), ("balanced", "strict")):
        assert (steps[lax].on < steps[strict].on).all()
        assert (steps[lax].off < steps[strict].off).all()
        assert (steps[lax].windows <= steps[strict].windows).all()


def test_urgent_only_reports_urgent_sounds_and_never_leaves_out_an_alarm() -> None:
    made = table(urgent=["glass_break"])
    reported = [label for label, on in zip(made.labels, made.steps["urgent_only"].reported, strict=True) if on]
    assert reported == ["smoke_alarm", "co_alarm", "glass_break"]


def test_labels_that_are_not_wanted_are_not_reported() -> None:
    made = table(labels=["rain"])
    assert [label for label, on in zip(made.labels, made.steps["balanced"].reported, strict=True) if on] == ["rain"]


def test_tuning_changes_what_it_names_and_takes_off_along() -> None:
    row = SOUND_LABELS.index("rain")
    usual, tuned = table().steps["balanced"], table(tuning={"rain": {"on": 0.6, "hold_seconds": 30}}).steps["balanced"]
    assert tuned.on[row] == pytest.approx(0.6)
    assert tuned.hold_seconds[row] == 30
    assert tuned.windows[row] == usual.windows[row]
    assert usual.on[row] < 0.6
    assert usual.off[row] < tuned.off[row] < 0.6
    others = np.arange(len(SOUND_LABELS)) != row
    assert (tuned.on[others] == usual.on[others]).all()


def test_tuned_thresholds_move_with_strictness() -> None:
    strict = table(tuning={"rain": {"on": 0.5}}).steps["strict"]
    assert strict.on[SOUND_LABELS.index("rain")] == pytest.approx(shifted(0.5, 2 * SCORE_STEP))


def test_a_custom_label_can_be_tuned_in_both_places() -> None:
    sounds = {"custom": {"owl": {"classes": ["Bark"], "tuning": {"on": 0.7}}}, "tuning": {"owl": {"of": 5}}}
    made = table(**sounds)
    row = made.labels.index("owl")
    assert (round(float(made.steps["balanced"].on[row]), 3), made.steps["balanced"].of[row]) == (0.7, 5)


@pytest.mark.parametrize(
    ("sounds", "message"),
    [
        ({"tuning": {"rain": {"off": 0.9}}}, "sounds.tuning.rain: off (0.9) is above on (0.3)"),
        ({"tuning": {"cough": {"windows": 3}}}, "sounds.tuning.cough: windows (3) is more than of (1)"),
        (
            {"custom": {"owl": {"classes": ["Bark"], "tuning": {"of": 1}}}},
            "sounds.custom.owl.tuning: windows (2) is more than of (1)",
        ),
    ],
)
def test_impossible_settings_name_their_key(sounds: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        table(**sounds)
    assert message in str(caught.value)


@needs_model
@pytest.mark.parametrize(
    ("written", "hint"),
    [("barking", "'Bark'"), ("doorbel", "'Doorbell'"), ("rooster", "'Chicken, rooster'"), ("zzzzzz", "AudioSet")],
)
def test_an_unknown_class_is_answered_with_the_nearest(written: str, hint: str) -> None:
    sounds = SoundsConfig.model_validate({"custom": {"mine": {"classes": [written]}}})
    with pytest.raises(ConfigError) as caught:
        label_table(sounds, URGENT_LABELS, load_yamnet(MODEL).classes)
    assert f"sounds.custom.mine.classes: the tagger has no class {written!r}" in str(caught.value)
    assert hint in str(caught.value)


def test_a_tagger_that_lacks_our_own_classes_is_told_so() -> None:
    with pytest.raises(
        ConfigError, match=r"labels\.yaml: smoke_alarm\.classes: the tagger has no class 'Smoke detector"
    ):
        label_table(SoundsConfig(), URGENT_LABELS, ("Bark",))


def test_without_a_tagger_classes_cannot_be_checked_and_are_not() -> None:
    sounds = SoundsConfig.model_validate({"custom": {"owl": {"classes": ["Barn owl"]}}})
    assert "owl" in label_table(sounds, URGENT_LABELS, ()).labels
