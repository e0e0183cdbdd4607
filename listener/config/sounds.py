"""`sounds`: what is listened for, and how sure it must be."""

from typing import Literal, Self

from pydantic import Field, model_validator

from listener.config.paths import UserPath
from listener.config.sections import Label, Section
from listener.vocabulary import SOUND_LABELS


class LabelTuning(Section):
    """What of a label's defaults to change. Thresholds are given for `balanced`; strictness moves them."""

    on: float | None = Field(None, gt=0.0, lt=1.0, description="Score above which a window counts.")
    off: float | None = Field(None, gt=0.0, lt=1.0, description="Score below which the sound has stopped.")
    windows: int | None = Field(None, ge=1, le=25, description="N of M: so many windows above `on`…")
    of: int | None = Field(None, ge=1, le=25, description="… of the last so many start the sound.")
    hold_seconds: float | None = Field(None, ge=0.4, le=600, description="Below `off` for so long ends it.")


class CustomLabel(Section):
    classes: list[str] = Field(min_length=1, description="AudioSet classes, as the tagger's model names them.")
    tuning: LabelTuning = LabelTuning()


class SoundsConfig(Section):
    tagger: Literal["auto", "yamnet", "own", "both", "none"] = Field(
        "auto",
        description="`auto`: if YAMNet's file is here, `both` up to 16 rooms and YAMNet alone beyond; else the one "
        "that comes with listener (`own`). `both`: the two together: more found, more CPU. `none`: alarm patterns.",
    )
    model: UserPath | None = Field(None, description="Path of yamnet.tflite. Left out: the models folder.")
    labels: list[Label] | None = Field(None, description="The sounds to report. Left out: all of them.")
    tuning: dict[Label, LabelTuning] = Field({}, description="Per label, what differs from the defaults.")
    custom: dict[Label, CustomLabel] = Field({}, description="Labels of your own, from classes of the tagger.")

    learn_urgent: bool = Field(
        False,
        description='Whether "that was wrong" may silence urgent sounds too: those of `respond.urgent`, alarms, '
        "breaking glass and screams.",
    )
    keep_taught_audio: bool = Field(
        False,
        description="Keep the recordings of taught sounds beside their embeddings: a new network then learns them by "
        "itself.",
    )

    @model_validator(mode="after")
    def _known_labels(self) -> Self:
        for label in self.custom:
            if label in SOUND_LABELS:
                raise ValueError(f"custom.{label} exists already; use tuning.{label} to change it")
        known = {*SOUND_LABELS, *self.custom}
        for where, labels in (("labels", self.labels or ()), ("tuning", self.tuning)):
            for label in labels:
                if label not in known:
                    raise ValueError(f"{where}: no sound is called {label!r}; see `listener check` for the list")
        return self

    @property
    def reported_labels(self) -> tuple[str, ...]:
        everything = (*SOUND_LABELS, *self.custom)
        return everything if self.labels is None else tuple(x for x in everything if x in self.labels)
