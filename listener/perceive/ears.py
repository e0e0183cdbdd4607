"""What a worker needs to hear: built from configuration alone, so that a thread and a process build the same."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from listener.config import SoundsConfig
from listener.perceive.perceiver import RoomPerceiver
from listener.perceive.sounds.alarm_patterns import PATTERN_HOLD_SECONDS, AlarmPatterns
from listener.perceive.sounds.labels import LabelTable, label_table, read_defaults
from listener.types import Tagger
from listener.types.taught import Knowledge
from listener.vocabulary import URGENT_LABELS

if TYPE_CHECKING:  # the libraries of models are loaded by who uses them: not by a daemon whose processes hear for it
    from listener.perceive.sounds.both_taggers import BothModels
    from listener.perceive.sounds.embeddings import Embedder
    from listener.perceive.sounds.learned import Learned
    from listener.perceive.sounds.own_tagger_model import OwnModel
    from listener.perceive.sounds.yamnet_model import YamnetModel
    from listener.perceive.speech.models import SpeechModels, SpeechPlan


def random_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class EarPlan:
    """What to build. Can be pickled. `model` is YAMNet's file, None when there is none; `own`: our own tagger hears,
    which comes with the package, alone or together with YAMNet."""

    sounds: SoundsConfig
    urgent: tuple[str, ...]
    model: Path | None
    speech: "SpeechPlan | None" = None
    own: bool = False
    warning: str | None = None
    """Why what is built hears less than it could, for a person."""

    def load(self) -> "Ear":
        """Raises ModelError for a file that is not the right one, ConfigError for an unknown class."""
        if self.own:
            return self._load_own()
        model = None
        if self.model is not None:
            from listener.perceive.sounds.yamnet_model import load_yamnet

            model = load_yamnet(self.model)
        table = label_table(self.sounds, self.urgent, model.classes if model else ())
        return Ear(table, model, self.speech, self._protected)

    def _load_own(self) -> "Ear":
        from listener.perceive.sounds.own_tagger_model import OWN_LABELS, load_own

        own = load_own()
        if self.model is None:
            defaults = read_defaults(OWN_LABELS)
            table = label_table(self.sounds, self.urgent, own.classes, defaults, audioset=False)
            return Ear(table, own, self.speech, self._protected)
        from listener.perceive.sounds.both_taggers import BOTH_LABELS, BothModels
        from listener.perceive.sounds.yamnet_model import load_yamnet

        both = BothModels(own, load_yamnet(self.model))
        table = label_table(self.sounds, self.urgent, both.classes, read_defaults(BOTH_LABELS))
        return Ear(table, both, self.speech, self._protected)

    @property
    def _protected(self) -> frozenset[str]:
        return frozenset() if self.sounds.learn_urgent else frozenset((*URGENT_LABELS, *self.urgent))


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """What perception must know of a room. Can be pickled."""

    slug: str
    strictness: str = "balanced"
    addressing: Literal["wake_word", "open"] = "wake_word"
    language: str = "en"
    mode: str = "assistant"
    knowledge: Knowledge = field(default=Knowledge(), repr=False)
    """What the room has been taught."""


@dataclass(frozen=True, slots=True)
class Senses:
    """The models of one worker; nobody else calls them."""

    tagger: Tagger | None
    speech: "SpeechModels | None" = None


@dataclass(frozen=True)
class Ear:
    """The labels and the tagger's model, loaded once; threads share it."""

    table: LabelTable
    model: "YamnetModel | OwnModel | BothModels | None" = field(repr=False)
    speech: "SpeechPlan | None" = field(default=None, repr=False)
    protected: frozenset[str] = frozenset(URGENT_LABELS)
    """Labels that stay, however often somebody says that they were wrong."""

    @cached_property
    def embedder(self) -> "Embedder":
        """For all rooms: what sounds are taught by."""
        from listener.perceive.sounds.embeddings import Embedder

        return Embedder()

    def senses(self) -> Senses:
        """The models for the calling worker; without files, there are none. Raises ModelError."""
        tagger = None if self.model is None else _tagger(self.model)
        if self.speech is None:
            return Senses(tagger)
        from listener.perceive.speech.models import SpeechModels

        return Senses(tagger, SpeechModels(self.speech))

    def room(
        self, plan: RoomPlan, senses: Senses | None = None, new_id: Callable[[], str] = random_id
    ) -> RoomPerceiver:
        """With `senses`, speech is heard too, and by them alone. Raises PerceiveError for an unknown strictness."""
        room = RoomPerceiver(
            plan.slug,
            self.table,
            plan.strictness,
            patterns=AlarmPatterns,
            pattern_hold_seconds=PATTERN_HOLD_SECONDS,
            new_id=new_id,
            learned=self._learned(plan, new_id),
        )
        if senses is not None and senses.speech is not None:
            from listener.perceive.speech.perceiver import SpeechPerceiver

            room.speech = SpeechPerceiver(
                plan.slug, senses.speech, addressing=plan.addressing, language=plan.language, mode=plan.mode
            )
        return room

    def _learned(self, plan: RoomPlan, new_id: Callable[[], str]) -> "Learned | None":
        if self.model is None:
            return None
        from listener.perceive.sounds.learned import Learned

        learned = Learned(plan.slug, self.embedder, new_id, self.protected)
        if plan.knowledge:
            learned.know(plan.knowledge)
        return learned


def _tagger(model: "YamnetModel | OwnModel | BothModels") -> Tagger:
    from listener.perceive.sounds.both_taggers import BothModels, BothTaggers
    from listener.perceive.sounds.own_tagger_model import OwnModel

    if isinstance(model, OwnModel):
        from listener.perceive.sounds.own_tagger import OwnTagger

        return OwnTagger(model)
    if isinstance(model, BothModels):
        return BothTaggers.of(model)
    from listener.perceive.sounds.yamnet import YamnetTagger

    return YamnetTagger(model)
