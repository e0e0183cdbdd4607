"""The closed recognizer: pocketsphinx searches a grammar of the home's commands while somebody speaks.

A second decoder hears the same sound as mere phones (its bundled phone model). How much better the grammar explains
the sound than the phones do, for each frame of speech, is the confidence: prose fits phones and no command
(docs/decisions/0041 has the measurement).
"""

import logging
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from pocketsphinx import Decoder

from listener.errors import ModelError
from listener.perceive.speech.lexicon import model_folder
from listener.perceive.speech.pcm import pcm
from listener.perceive.speech.rivals import Rivals, spelled
from listener.perceive.speech.verification import MOST_MARGIN, log_score, margin
from listener.sentences.graph import WordGraph
from listener.types import CHUNK_SAMPLES, SAMPLE_RATE_HZ, Recognition, Samples

log = logging.getLogger(__name__)

MAX_OPEN: Final = 16
"""Utterances that one worker recognizes at a time: people in so many of its rooms speak at once."""

NORM_SECONDS: Final = 1.6
"""The cepstral mean is taken from so much of the beginning, and decoding begins then: microphones and rooms differ by
more than words do, and pocketsphinx would begin each utterance with a mean that fits none of them. 0.8 s loses one
command in twenty more in a reverberant room; the whole utterance is no better."""

PAUSE_SECONDS: Final = 1.0
"""Where somebody falls silent after at least so much, decoding begins then: what is left when the utterance ends, most
often one chunk later, is little. Nearly all of a short command was decoded in one chunk otherwise."""

STEP_SAMPLES: Final = 5 * CHUNK_SAMPLES // 2
"""So much is decoded at a time at most: what was kept for the mean is caught up with over the next chunks."""

SEARCH: Final = MappingProxyType(
    {"beam": 1e-64, "pbeam": 1e-64, "wbeam": 1e-56, "silprob": 0.1, "maxhmmpf": 1_500, "bestpath": False},
)
"""How wide the grammar is searched. pocketsphinx's own beams (1e-48, 7e-29) lose whole sentences when one word was said
unusually, its silence (0.005) those before the echo of a room. Its second search for the best path takes up to a second
in noise, and changes nothing in a grammar without a language model (docs/decisions/0043)."""

PHONE_SEARCH: Final = MappingProxyType({"beam": 1e-16, "pbeam": 1e-16})
"""The loop of phones takes less than half the time of pocketsphinx's own beams, and finds nearly the same."""

DECOY_CHANCE: Final = 0.003
"""Of each decoy, where every other word has 1: so that a command with a cough in it is still a command."""

WORTH_VERIFYING: Final = 0.3
"""What is believed less is no command whatever the second opinion says."""

NO_WORDS: Final = ("<", "[", "(")
"""How pocketsphinx writes silence, noise and empty arcs: they say nothing about a command."""

NOTHING: Final = Recognition("", 0.0)


@dataclass(frozen=True, slots=True)
class Grammar:
    """What decoders are made from: picklable, made once. `wake_words` may stand before a command and are left out."""

    graph: WordGraph
    dictionary: tuple[str, ...]
    wake_words: frozenset[str] = frozenset()
    decoys: frozenset[str] = frozenset()
    """Words that no command has: where they are heard, it was none."""
    aliases: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    """Of the home: what else things are called, in words. To mistake one for the other is no mistake."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the two searches found. Logarithms are natural, frames are 10 ms."""

    text: str
    ratio: float = 0.0
    """Log-likelihood of the grammar over that of the phones, per frame of words."""
    worst: float = 0.0
    """Of the word that fits worst: its log-likelihood per frame, less that of the phones over all words."""
    gaps: float = 0.0
    """The share of frames between the first and the last word that no word explains."""
    margin: float = MOST_MARGIN
    """Log-likelihood over the best rival, by the second opinion: see `verification.margin`."""
    words: tuple[str, ...] = ()
    """As they were searched: with the wake word, without silence."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From what was found to a confidence: logistic regressions by benchmarks/fit_confidence.py (decision 82)."""

    bias: float = 2.7
    """As fitted 1.8: an open room asks for 0.7 of this, which was 0.49 of that. No talk came near."""
    ratio: float = 0.898
    worst: float = 0.451
    gaps: float = -40.2
    margin: float = 0.117
    even_margin: float = 12.0
    margin_scale: float = 2.4
    """A command that beats its best rival by no more than 14 is believed with 0.7 at most, by 12 with 0.5."""

    @staticmethod
    def clipped(found: Decoded) -> Decoded:
        """Within what the fit has seen: a figure far out of it says no more than one at its edge."""
        return replace(
            found,
            ratio=max(-3.0, min(3.0, found.ratio)),
            worst=max(-12.0, min(3.0, found.worst)),
            margin=max(-10.0, min(MOST_MARGIN, found.margin)),
        )

    def confidence(self, found: Decoded, /) -> float:
        """That it is a command, and this one and no other that sounds like it."""
        found = self.clipped(found)
        evidence = self.bias + self.ratio * found.ratio + self.worst * found.worst
        evidence += self.gaps * found.gaps + self.margin * found.margin
        return min(_logistic(evidence), _logistic((found.margin - self.even_margin) / self.margin_scale))

    def is_worth_verifying(self, found: Decoded, /) -> bool:
        """What would not be believed even without rivals is no command; most prose is such."""
        return self.confidence(replace(found, margin=MOST_MARGIN)) >= WORTH_VERIFYING


class ClosedRecognizer:
    """A pool of decoders that share a grammar; they are made when first needed and kept."""

    def __init__(self, grammar: Grammar, calibration: Calibration | None = None, max_open: int = MAX_OPEN) -> None:
        self._grammar = grammar
        self._calibration = calibration or Calibration()
        self._max_open = max_open
        self._rivals = Rivals(grammar.graph, grammar.decoys, grammar.wake_words, grammar.aliases)
        self._idle: list[_Decoders] = [_Decoders(grammar, self._rivals)]
        self._made = 1
        self.refused = 0
        """Utterances that were not recognized because as many as there may be were open."""

    def open(self) -> "ClosedHearing | None":
        if not self._idle:
            if self._made >= self._max_open:
                self.refused += 1
                log.warning("speech: %d people speak at once; an utterance is not recognized", self._made)
                return None
            self._idle.append(_Decoders(self._grammar, self._rivals))
            self._made += 1
        return ClosedHearing(self._idle.pop(), self._grammar, self._calibration, self._idle)


class ClosedHearing:
    """One utterance; gives its decoders back when it ends."""

    def __init__(
        self, decoders: "_Decoders", grammar: Grammar, calibration: Calibration, idle: "list[_Decoders]"
    ) -> None:
        self._decoders: _Decoders | None = decoders
        self._grammar = grammar
        self._calibration = calibration
        self._idle = idle
        self._waiting: Samples = np.zeros(0, np.float32)
        self._begun = False

    def feed(self, samples: Samples) -> None:
        assert self._decoders is not None, "this utterance has ended"
        self._waiting = np.concatenate((self._waiting, samples))
        if not self._begun and len(self._waiting) < NORM_SECONDS * SAMPLE_RATE_HZ:
            return
        self._begin()
        self._decode(STEP_SAMPLES)

    def pause(self) -> None:
        assert self._decoders is not None, "this utterance has ended"
        if not self._begun and len(self._waiting) >= PAUSE_SECONDS * SAMPLE_RATE_HZ:
            self._begin()
            self._decode(STEP_SAMPLES)

    def partial(self) -> str:
        return self._plain(self._decoders.partial()) if self._decoders is not None and self._begun else ""

    def finish(self) -> Recognition:
        assert self._decoders is not None, "this utterance has ended"
        if not self._begun and not len(self._waiting):
            self._give_back()
            return NOTHING
        self._begin()
        self._decode(len(self._waiting))
        result = self._decoders.finish()
        text = self._plain(result.text)
        if text and self._calibration.is_worth_verifying(result):
            result = replace(result, margin=self._decoders.margin(result.words))
        self._give_back()
        return Recognition(text, round(self._calibration.confidence(result), 3)) if text else NOTHING

    def close(self) -> None:
        if self._decoders is not None and self._begun:
            self._decoders.finish()
        self._give_back()

    def _begin(self) -> None:
        if not self._begun and self._decoders is not None:
            self._begun = True
            self._decoders.begin(self._waiting[: round(NORM_SECONDS * SAMPLE_RATE_HZ)])

    def _decode(self, most: int) -> None:
        assert self._decoders is not None
        self._decoders.feed(self._waiting[:most])
        self._waiting = self._waiting[most:]

    def _give_back(self) -> None:
        if self._decoders is not None:
            self._idle.append(self._decoders)
            self._decoders = None

    def _plain(self, text: str) -> str:
        """Without the wake word that came before it; nothing if it is no command."""
        words = text.split()
        if not self._grammar.decoys.isdisjoint(words):
            return ""
        while words and words[0] in self._grammar.wake_words:
            words.pop(0)
        return " ".join(words)


class _Decoders:
    """Two searches over the same sound: the grammar, and the loop of phones that it has to beat."""

    def __init__(self, grammar: Grammar, rivals: Rivals) -> None:
        folder = model_folder()
        first = next((line.split()[0] for line in grammar.dictionary), "a")
        self._grammar = _decoder(grammar.dictionary, SEARCH)
        chances = dict.fromkeys(grammar.decoys, DECOY_CHANCE)
        arcs = [(a, b, chances.get(word, 1.0), word) if word else (a, b, 1.0) for a, b, word in grammar.graph.arcs]
        self._grammar.add_fsg("grammar", self._grammar.create_fsg("grammar", 0, grammar.graph.final, arcs))
        self._grammar.add_fsg("mean", self._grammar.create_fsg("mean", 0, 1, [(0, 1, 1.0, first)]))
        self._grammar.activate_search("grammar")
        self._phones = _decoder((), PHONE_SEARCH)
        self._phones.add_allphone_file("phones", str(folder / "en-us-phone.lm.bin"))
        self._phones.activate_search("phones")
        self._rivals = rivals
        self._unknown_mean = self._grammar.get_cmn()
        self._heard: list[Samples] = []
        self._both = (self._grammar, self._phones)

    def begin(self, samples: Samples) -> None:
        """Start an utterance whose cepstral mean is that of these samples; they are still to be fed."""
        mean = self._cepstral_mean(samples)
        for decoder in self._both:
            decoder.set_cmn(mean)
            decoder.start_utt()
        self._heard.clear()

    def feed(self, samples: Samples) -> None:
        self._heard.append(samples)
        for decoder in self._both if len(samples) else ():
            decoder.process_raw(pcm(samples))

    def partial(self) -> str:
        found = self._grammar.hyp()
        return "" if found is None else found.hypstr

    def finish(self) -> Decoded:
        for decoder in self._both:
            decoder.end_utt()
        found, phones = self._grammar.hyp(), self._phones.hyp()
        if found is None or phones is None:
            return Decoded("")
        words = [segment for segment in self._grammar.seg() if not segment.word.startswith(NO_WORDS)]
        if not words:
            return Decoded("")
        phones_of = list(self._phones.seg())
        frames = sum(map(_frames, words))
        return Decoded(
            found.hypstr,
            (log_score(found.score) - log_score(phones.score)) / frames,
            min(log_score(word.ascore) / _frames(word) for word in words) - _mean(phones_of, words),
            1.0 - frames / (words[-1].end_frame - words[0].start_frame + 1),
            words=tuple(spelled(word.word) for word in words),
        )

    def margin(self, words: Sequence[str]) -> float:
        """Of the utterance that has just been finished: see `verification.margin`."""
        return margin(self._grammar, self._rivals, words, np.concatenate(self._heard))

    def _cepstral_mean(self, samples: Samples) -> str:
        """Heard with a grammar of one word: pocketsphinx cannot end an utterance without having searched it."""
        self._grammar.activate_search("mean")
        self._grammar.set_cmn(self._unknown_mean)
        self._grammar.start_utt()
        self._grammar.process_raw(pcm(samples), no_search=True)
        mean = self._grammar.get_cmn(update=True)
        self._grammar.end_utt()
        self._grammar.activate_search("grammar")
        return str(mean)


def _decoder(dictionary: Sequence[str], search: Mapping[str, float]) -> Any:
    """A decoder without a search. pocketsphinx reads its dictionary from a file, which is gone when this returns."""
    with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
        file.write("\n".join(dictionary or ("a AH",)) + "\n")
        file.flush()
        try:
            return Decoder(hmm=str(model_folder() / "en-us"), dict=file.name, lm=None, loglevel="FATAL", **search)
        except RuntimeError as error:
            raise ModelError(
                f"{model_folder()}: pocketsphinx cannot load its model: {error}; install it again"
            ) from None


def _logistic(evidence: float) -> float:
    return 1.0 / (1.0 + math.exp(max(-50.0, min(50.0, -evidence))))


def _frames(segment: Any) -> int:
    return int(segment.end_frame - segment.start_frame + 1)


def _mean(phones: Sequence[Any], words: Sequence[Any]) -> float:
    """Log-likelihood of the phones per frame, from the beginning of the first word to the end of the last."""
    first, last = int(words[0].start_frame), int(words[-1].end_frame)
    shares = ((min(p.end_frame, last) - max(p.start_frame, first) + 1, p) for p in phones)
    total: float = sum(log_score(p.ascore) * share / _frames(p) for share, p in shares if share > 0)
    return total / (last - first + 1)
