"""What the rooms of one worker share to understand speech, so that sixty rooms do not load sixty acoustic models."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listener.config import AreaConfig, EntityConfig, FloorConfig, HomeConfig, SpeechConfig
from listener.perceive.speech.closed import Calibration, ClosedRecognizer, Grammar
from listener.perceive.speech.lexicon import COMMAND_PHONES, model_folder, pronounce
from listener.perceive.speech.recognizer import Recognizer
from listener.perceive.speech.silero import Silero
from listener.perceive.speech.silero_weights import bundled_path, read_weights
from listener.perceive.speech.stop_words import stop_grammar
from listener.perceive.speech.wake_word import PHONES as WAKE_PHONES
from listener.perceive.speech.wake_word import WakeModel, WakeWord, find_wake_model
from listener.sentences.agreement import with_agreement
from listener.sentences.graph import compile_graph, sentences_of, with_decoys, with_prefix
from listener.sentences.loading import load_closed_sentences
from listener.sentences.spoken import spoken_words

log = logging.getLogger(__name__)

CLOSED_LANGUAGE = "en"
DECOYS = ("because", "people", "thought", "about", "never", "children", "yesterday", "nothing")
"""Frequent words of many sounds; of these, those that no command of the home uses are the grammar's way out."""
STOP_INTENTS = ("ListenerStop", "HassNevermind")


@dataclass(frozen=True, slots=True)
class SpeechPlan:
    """All that a worker needs to build its `SpeechModels`; picklable, made and checked once."""

    config: SpeechConfig
    languages: tuple[str, ...]
    wake: WakeModel | None
    grammar: Grammar | None
    stops: frozenset[str]
    """Sentences that get through while we speak."""


def plan_speech(config: SpeechConfig, home: HomeConfig, languages: Sequence[str], wake_word: bool) -> SpeechPlan:
    """Compile the grammar and check the models. `wake_word`: some room waits for one.

    Raises ConfigError, ModelError. Rooms whose language the closed recognizer lacks are named in the log, and heard
    without being understood.
    """
    wake = find_wake_model(config.wake_word) if wake_word else None
    grammar, stops = None, frozenset[str]()
    if config.recognizer == "closed":
        for language in sorted({*languages} - {CLOSED_LANGUAGE}):
            log.warning("speech: the closed recognizer knows English only; rooms in %r are not understood", language)
        grammar, stops = _grammar(config, home, wake)
    return SpeechPlan(config, tuple(dict.fromkeys(languages)), wake, grammar, stops)


def _grammar(config: SpeechConfig, home: HomeConfig, wake: WakeModel | None) -> tuple[Grammar, frozenset[str]]:
    closed = load_closed_sentences(CLOSED_LANGUAGE, home, config.intents, config.max_names, config.temperatures)
    graph = with_agreement(compile_graph(closed))
    words = wake.words if wake is not None else ()
    if words:
        graph = with_prefix(graph, words)
    decoys = [decoy for decoy in DECOYS if decoy not in graph.words]
    graph = with_decoys(graph, decoys)
    own = COMMAND_PHONES | WAKE_PHONES | {word.casefold(): phones for word, phones in config.pronunciations.items()}
    dictionary = pronounce(graph.words, own, model_folder() / "cmudict-en-us.dict")
    stops = sentences_of(closed, [name for name in STOP_INTENTS if name in config.intents])
    return Grammar(graph, dictionary, frozenset(words), frozenset(decoys), aliases_of(home)), stops


def aliases_of(home: HomeConfig) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The words of each alias, and those of the name that it stands for."""
    things: tuple[AreaConfig | FloorConfig | EntityConfig, ...] = (*home.areas, *home.floors, *home.entities)
    pairs = ((spoken_words(alias), spoken_words(thing.name)) for thing in things for alias in thing.aliases)
    return {alias: name for alias, name in pairs if alias and name and alias != name}


class SpeechModels:
    """Belongs to one thread or process; rooms borrow from it while they are heard."""

    def __init__(self, plan: SpeechPlan, calibration: Calibration | None = None) -> None:
        """`calibration`: of the closed recognizer, where another is tried. Raises ModelError."""
        self.plan = plan
        self._calibration = calibration
        self.silero = Silero(read_weights(bundled_path()))
        self._recognizers: Mapping[str, Recognizer] = self._build(plan)
        self._stops: Recognizer | None = None

    def recognizer(self, language: str) -> Recognizer | None:
        """Who understands this language; None where nobody does."""
        return self._recognizers.get(language)

    def stop_recognizer(self, language: str) -> Recognizer | None:
        """Who understands "stop" and nothing else; made when it is first asked for, which takes half a second."""
        if language != CLOSED_LANGUAGE or self.plan.grammar is None or language not in self.plan.languages:
            return self.recognizer(language)
        if self._stops is None and (grammar := stop_grammar(self.plan.grammar, self.plan.stops)) is not None:
            self._stops = ClosedRecognizer(grammar, self._calibration)
        return self._stops

    def wake_word(self) -> WakeWord | None:
        """A listener of its own for one room."""
        return None if self.plan.wake is None else WakeWord(self.plan.wake)

    def _build(self, plan: SpeechPlan) -> dict[str, Recognizer]:
        if plan.config.recognizer == "whisper":
            from listener.perceive.speech.whisper import WhisperModels

            whisper = WhisperModels(plan.config.whisper)
            return {language: whisper.recognizer(language) for language in plan.languages}
        if plan.grammar is None or CLOSED_LANGUAGE not in plan.languages:
            return {}
        return {CLOSED_LANGUAGE: ClosedRecognizer(plan.grammar, self._calibration)}
