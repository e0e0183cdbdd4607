"""Speech in one room: gate, voice activity, wake word, endpointing, recognition; one chunk after the other."""

import logging
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from listener.perceive.controls import WaitingControls
from listener.perceive.level import level_dbfs as loudness
from listener.perceive.speech.addressing import Addressing
from listener.perceive.speech.echo.canceller import EchoCanceller
from listener.perceive.speech.endpointing import Begun, Ended, Endpointer
from listener.perceive.speech.gate import Gate
from listener.perceive.speech.louder import LouderVoice, Stretch
from listener.perceive.speech.models import SpeechModels
from listener.perceive.speech.own_words import EchoGate
from listener.perceive.speech.recognizer import Hearing
from listener.perceive.speech.silero import FRAME_SAMPLES, VoiceStream
from listener.types import (
    CHUNK_SAMPLES,
    SAMPLE_RATE_HZ,
    Addressed,
    Chunk,
    OwnVoice,
    Recognition,
    Samples,
    SetMode,
    SpeechPercept,
    Spoken,
)

log = logging.getLogger(__name__)

KEPT_SAMPLES: Final = 5 * CHUNK_SAMPLES
"""2 s: an utterance's pre-roll, and a wake word that turns out to have been its beginning."""
WAKE_WORD_SAMPLES: Final = 26_000
"""The longest bundled wake word (1.1 s), the model's delay and a chunk: from so long before it was told, we listen."""
MAYBE_A_VOICE: Final = 0.1
"""Silero's probability of a voice from which on the wake word is listened for; a fifth of what begins an utterance."""
RAISED_WHILE_SPEAKING: Final = 0.3
HANGOVER_CHUNKS: Final = 3
"""The gate stays open so long: words have pauses, and the wake word's model must hear the end of what it began."""

AFTER_VOICE_SAMPLES: Final = SAMPLE_RATE_HZ // 5
"""An utterance's last consonant and its echo; the rest of the silence that ended it would be decoded for nothing."""
PAUSE_SAMPLES: Final = SAMPLE_RATE_HZ // 16
"""Longer than a consonant's closure, mostly."""

LEAST_VOICE: Final = 0.35
"""A sneeze sounds like "shut up" and a chain saw like "no" to a grammar that knows no more; a tagger can tell."""

MAX_STOP_SECONDS: Final = 2.0
"""In a pause of ours somebody says "stop" alone; a whole sentence of ours is sometimes misheard as "please shut up"."""
MARGIN_WHERE_CLEAN: Final = SAMPLE_RATE_HZ // 5
"""More around it, where our own words are taken out: of the fainter voices' "stop" it is the end."""
STOP_CONFIDENCE: Final = 0.35
"""Of a grammar of nothing but "stop": whoever is louder than we are while we speak seldom means anything else."""


@dataclass
class _Utterance:
    start: int
    addressed: Addressed
    hearing: Hearing | None
    level_dbfs: float
    over_own_voice: bool
    fed: int
    """The stream's sample up to which the recognizer has heard."""
    voice: float
    """The tagger's best score for speech meanwhile; 1 where there is no tagger to doubt it."""
    partial: str = ""
    woken_at: int = -WAKE_WORD_SAMPLES
    """The wake word was said in it, and told at this sample of the stream."""


class SpeechPerceiver:
    """One room. Plain and synchronous; `models` belongs to the calling thread. `apply` may come from any thread."""

    def __init__(
        self,
        room: str,
        models: SpeechModels,
        *,
        addressing: Literal["wake_word", "open"] = "wake_word",
        language: str = "en",
        mode: str = "assistant",
    ) -> None:
        config = models.plan.config
        self._room = room
        self._models = models
        self._language = language
        self._mode = mode
        self._addressing = Addressing(addressing, config.wake_word)
        self._wake = models.wake_word() if addressing == "wake_word" else None
        self._gate = Gate(config.vad.above_noise_db)
        self._endpointer = Endpointer(config.vad)
        self._echo = EchoGate(language=language)
        self._louder = LouderVoice()
        self._canceller = EchoCanceller()
        self._controls = WaitingControls[OwnVoice | SetMode]()
        self._open: _Utterance | None = None
        self._kept = np.zeros(0, np.float32)
        self._voice: VoiceStream | None = None
        self._frame_start = 0
        self._hangover = 0
        self._wake_hangover = 0
        self._wake_fed = 0
        self._voice_score = 1.0
        self._stopped_at = 0
        """Sample of the stream up to which somebody said "stop", louder than we spoke."""
        self.echoes = 0
        """Utterances dropped because they were our own words."""
        self.refused = 0
        """Utterances that no decoder was free for."""

    def step(self, chunk: Chunk, level_dbfs: float, speech_score: float | None = None) -> SpeechPercept:
        """Hear the next chunk. `speech_score`: the tagger's, 0 to 1, if it has one."""
        end = (chunk.index + 1) * CHUNK_SAMPLES
        self._obey(chunk.t, end - CHUNK_SAMPLES)
        samples = self._canceller.step(chunk.samples, end)
        if not self._canceller.clean:
            samples = chunk.samples  # half of our words sound like other words
        elif samples is not chunk.samples:
            level_dbfs = loudness(samples)
            speech_score = float(not self._canceller.alone)  # the tagger hears us as well, and tells nothing of others
        self._kept = np.concatenate((self._kept, samples))[-KEPT_SAMPLES:]
        if not self._is_worth_it(level_dbfs, speech_score):
            self._voice = None
            self._endpointer.silence()
            return SpeechPercept()
        fresh = self._fresh(samples, end)
        probabilities = self._models.silero.step(self._stream(), fresh)
        if self._canceller.alone:  # what is left of our own voice still is a voice
            probabilities = np.zeros_like(probabilities)
        woken = self._listen_for_wake_word(probabilities, end)
        self._voice_score = 1.0 if speech_score is None else speech_score
        if self._open is not None:
            self._open.voice = max(self._open.voice, self._voice_score)
        best, spoken = self._follow(probabilities, end, level_dbfs)
        if self._echo.speaking:
            spoken += self._interrupting(samples if self._canceller.clean else chunk.samples, end, level_dbfs)
        return SpeechPercept(best, self._open is not None, woken, tuple(spoken))

    def finish(self, t: float) -> tuple[Spoken, ...]:
        """The stream has ended, or the room is muted: end the utterance that is open, and begin anew."""
        ended = self._endpointer.finish()
        spoken = self._end(ended) if ended is not None else []
        self._kept, self._voice = np.zeros(0, np.float32), None
        self._canceller = EchoCanceller()
        log.debug("%s: speech ended at %.1f s", self._room, t)
        return tuple(spoken)

    def apply(self, control: object) -> None:
        """Takes effect with the next chunk; controls that are not about speech are ignored."""
        if isinstance(control, OwnVoice | SetMode):
            self._controls.put(control)

    def _obey(self, t: float, start: int) -> None:
        for control in self._controls.take():
            if isinstance(control, SetMode):
                self._mode = control.mode
            elif control.text is not None:
                self._echo.begin(control.text, t)
                if control.sound is not None:
                    self._canceller.play(control.sound, start)
            else:
                self._echo.end(t)
                self._canceller.end(start)
                self._louder.pause()
                self._addressing.replied(t, control.answer_seconds)

    def _is_worth_it(self, level_dbfs: float, speech_score: float | None) -> bool:
        if self._gate.step(level_dbfs, speech_score) or self._open is not None:
            self._hangover = HANGOVER_CHUNKS
            return True
        self._hangover -= 1
        return self._hangover > 0

    def _fresh(self, samples: Samples, end: int) -> Samples:
        """What the models have not heard: this chunk; when the gate has just opened, the one before it as well."""
        if self._voice is not None:
            return samples
        heard = self._kept[-2 * CHUNK_SAMPLES :]
        self._voice = VoiceStream()
        self._frame_start = end - len(heard)
        return heard

    def _stream(self) -> VoiceStream:
        assert self._voice is not None, "`_fresh` opens it"
        return self._voice

    def _listen_for_wake_word(self, probabilities: NDArray[np.float32], end: int) -> str | None:
        """Its model costs three times what that of voices does: it is asked only while there may be a voice."""
        if self._wake is None:
            return None
        if float(probabilities.max(initial=0.0)) >= MAYBE_A_VOICE or self._open is not None:
            self._wake_hangover = HANGOVER_CHUNKS
        self._wake_hangover -= 1
        if self._wake_hangover < 0:
            return None
        missed = min(end - self._wake_fed, WAKE_WORD_SAMPLES, len(self._kept))
        self._wake_fed = end
        t = end / SAMPLE_RATE_HZ
        if not self._wake.step(self._kept[-missed:]):
            return None
        self._addressing.woken(t)
        if self._open is not None and self._open.addressed != "wake_word":
            self._open.addressed, self._open.woken_at = "wake_word", end
            self._begin_hearing(self._open, round(t * SAMPLE_RATE_HZ) - WAKE_WORD_SAMPLES)
        return self._wake.name

    def _follow(self, probabilities: NDArray[np.float32], end: int, level_dbfs: float) -> tuple[float, list[Spoken]]:
        """Frame by frame: who begins and ends to speak. What was said before the end of the chunk is recognized."""
        raised = RAISED_WHILE_SPEAKING if self._echo.speaking else 0.0
        spoken: list[Spoken] = []
        for probability in probabilities:
            self._frame_start += FRAME_SAMPLES
            change = self._endpointer.step(float(probability), self._frame_start, raised)
            if isinstance(change, Begun):
                self._begin(change, level_dbfs)
            elif isinstance(change, Ended):
                self._feed(min(end, change.end + AFTER_VOICE_SAMPLES), end)
                spoken += self._end(change)
        if self._open is not None:
            self._open.level_dbfs = max(self._open.level_dbfs, level_dbfs)
            self._feed(end, end)
            if self._open.hearing is not None and self._endpointer.quiet_samples(end) >= PAUSE_SAMPLES:
                self._open.hearing.pause()
            spoken += self._partial(end)
        return float(probabilities.max(initial=0.0)), spoken

    def _begin(self, begun: Begun, level_dbfs: float) -> None:
        start = begun.start / SAMPLE_RATE_HZ
        over = self._echo.raised(start)
        addressed = self._addressing.of(start)
        self._open = _Utterance(begun.start, addressed, None, level_dbfs, over, begun.start, self._voice_score)
        if self._open.addressed != "no" or over or self._mode.startswith("transcribe"):
            self._begin_hearing(self._open, begun.start)

    def _begin_hearing(self, utterance: _Utterance, start: int) -> None:
        """Recognize from this sample of the stream on, as far as we still have it."""
        recognizer = self._models.recognizer(self._language)
        if utterance.hearing is not None:
            utterance.hearing.close()
        utterance.fed = max(start, utterance.start)
        utterance.hearing = None if recognizer is None else recognizer.open()
        self.refused += recognizer is not None and utterance.hearing is None

    def _feed(self, until: int, end: int) -> None:
        """Up to that sample of the stream; `end` is that of the chunk."""
        if self._open is not None and self._open.hearing is not None and until > self._open.fed:
            self._open.hearing.feed(self._kept[-(end - self._open.fed) : len(self._kept) - (end - until)])
            self._open.fed = until

    def _partial(self, end: int) -> list[Spoken]:
        utterance = self._open
        if utterance is None or utterance.hearing is None or not self._mode.startswith("transcribe"):
            return []
        text = utterance.hearing.partial()
        if not text or text == utterance.partial:
            return []
        utterance.partial = text
        return [self._spoken(utterance, Recognition(text, 0.0), end, final=False)]

    def _end(self, ended: Ended) -> list[Spoken]:
        utterance, self._open = self._open, None
        if utterance is None or utterance.hearing is None:
            return []
        recognition = utterance.hearing.finish()
        if utterance.voice < LEAST_VOICE:
            log.debug("%s: %r was no voice", self._room, recognition.text)
            return []
        if not recognition.text or self._is_echo(utterance, recognition, ended.end / SAMPLE_RATE_HZ):
            return []
        if self._is_stop(utterance, recognition, ended):
            return []
        if utterance.addressed == "no" and utterance.over_own_voice:
            utterance.addressed = "follow_up"  # "stop", said into our words
        sure = recognition.confidence >= self._models.plan.config.needed_confidence(utterance.addressed)
        if not sure and ended.end <= utterance.woken_at + AFTER_VOICE_SAMPLES:
            return []  # the wake word alone: whoever says it waits for us to be silent
        if sure and utterance.addressed != "open":
            self._addressing.answered()
        return [self._spoken(utterance, recognition, ended.end, final=True)]

    def _is_stop(self, utterance: _Utterance, recognition: Recognition, ended: Ended) -> bool:
        """It asks for silence, and did so before it ended: somebody was louder than we are."""
        if not utterance.over_own_voice or recognition.text not in self._models.plan.stops:
            return False
        before, self._stopped_at = self._stopped_at, ended.end
        return utterance.start < before

    def _interrupting(self, samples: Samples, end: int, level_dbfs: float) -> list[Spoken]:
        """Who says "stop" louder than we speak, in the middle of our words; nothing else gets through like that."""
        recognizer = self._models.stop_recognizer(self._language)
        clean = self._canceller.clean
        margin = MARGIN_WHERE_CLEAN if clean else 0
        least = self._models.plan.config.needed_confidence("follow_up") if clean else STOP_CONFIDENCE
        said = []
        for stretch in self._louder.step(samples, end):
            hearing = None if recognizer is None or stretch.start < self._stopped_at else recognizer.open()
            if hearing is None:
                continue
            until = end - stretch.end - margin
            hearing.feed(self._kept[-(end - stretch.start + margin) : -until if until > 0 else None])
            recognition = hearing.finish()
            log.debug("%s: %r, louder than we are", self._room, recognition)
            if recognition.text in self._models.plan.stops and recognition.confidence >= least:
                said.append(self._stop(recognition, stretch, level_dbfs))
                self._stopped_at = stretch.end
        return said

    def _stop(self, recognition: Recognition, stretch: Stretch, level_dbfs: float) -> Spoken:
        """As sure as a command must be, whose confidence is measured in a room where we are silent."""
        return Spoken(
            recognition.text,
            True,
            max(recognition.confidence, self._models.plan.config.needed_confidence("follow_up")),
            round(stretch.start / SAMPLE_RATE_HZ, 3),
            round(stretch.end / SAMPLE_RATE_HZ, 3),
            "follow_up",
            level_dbfs,
        )

    def _is_echo(self, utterance: _Utterance, recognition: Recognition, t: float) -> bool:
        """While we speak, only the wake word and a short, clear "stop" get through; and never our own words."""
        text, start = recognition.text, utterance.start / SAMPLE_RATE_HZ
        if self._echo.is_own(text, start, t):
            self.echoes += 1
            log.info("%s: heard ourselves say %r", self._room, text)
            return True
        if not utterance.over_own_voice or utterance.addressed == "wake_word":
            return False
        clear = recognition.confidence >= self._models.plan.config.needed_confidence("open")
        if text in self._models.plan.stops and clear and t - start <= MAX_STOP_SECONDS:
            return False
        self.echoes += 1
        log.info("%s: %r was said into our own words and is not taken for a command", self._room, text)
        return True

    @staticmethod
    def _spoken(utterance: _Utterance, recognition: Recognition, end: int, *, final: bool) -> Spoken:
        return Spoken(
            recognition.text,
            final,
            recognition.confidence,
            round(utterance.start / SAMPLE_RATE_HZ, 3),
            round(end / SAMPLE_RATE_HZ, 3),
            utterance.addressed,
            utterance.level_dbfs,
        )
