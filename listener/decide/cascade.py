"""The default engine: speaks up when an urgent sound starts, otherwise stays silent. No model, no GPU.

Its probability of responding is the evidence for the strongest urgent sound that has not been answered or snoozed:
0.5 where that sound's score is at its `on` threshold, 1.0 for an alarm pattern, so that no response threshold can
silence a smoke alarm that was recognised by its pattern.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final

from listener.decide.texts import Texts, load_texts
from listener.types import Chunk, Control, Episode, Outcome, Percept, Reply, RoomSettings, SetThreshold, Snooze
from listener.vocabulary import TEST_LABEL

NAME: Final = "cascade"


async def _one_piece(text: str) -> AsyncIterator[str]:
    yield text


class CascadeSession:
    """One room's attention: which urgent sounds are open and unanswered, and which are snoozed until when."""

    def __init__(
        self, room: str, texts: Texts, urgent: Collection[str], threshold: float, new_id: Callable[[], str]
    ) -> None:
        self._room = room
        self._texts = texts
        self._urgent = frozenset(urgent)
        self._threshold = threshold
        self._new_id = new_id
        self._unanswered: dict[str, Episode] = {}
        self._recent: tuple[str, ...] = ()
        self._open: dict[str, str] = {}
        self._quiet_until: dict[str, float] = {}
        self._t = 0.0

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Respond when an urgent sound is open, not yet answered, not snoozed, and sure enough."""
        self._t = chunk.t
        self._follow(percept)
        sure = {e.id: self._probability(e, percept) for e in self._unanswered.values()}
        due = [e for e in self._unanswered.values() if sure[e.id] >= self._threshold]
        for episode in due:
            del self._unanswered[episode.id]
        if due:
            return Outcome("respond", max(sure[e.id] for e in due), "sound", self._reply(due))
        rising = (p for label, p in percept.evidence.items() if self._may_speak_of(label))
        return Outcome("silent", max((*rising, *sure.values()), default=0.0))

    def _follow(self, percept: Percept) -> None:
        for episode in percept.started:
            self._open[episode.id] = episode.label
            self._recent = (episode.label,)
            if episode.test or self._may_speak_of(episode.label):
                self._unanswered[episode.id] = episode
        for episode in percept.ended:
            self._open.pop(episode.id, None)
            self._unanswered.pop(episode.id, None)

    def _may_speak_of(self, label: str) -> bool:
        return label in self._urgent and self._t >= self._quiet_until.get(label, 0.0)

    def _probability(self, episode: Episode, percept: Percept) -> float:
        if episode.test or episode.by_pattern:
            return 1.0
        return percept.evidence.get(episode.label, 0.0)

    def _reply(self, episodes: list[Episode]) -> Reply:
        sentences = [self._sentence(e) for e in episodes]
        return Reply(
            id=self._new_id(),
            emotion="normal" if all(e.test for e in episodes) else "urgent",
            trigger="sound",
            sounds=tuple(e.id for e in episodes),
            pieces=_one_piece(" ".join(dict.fromkeys(sentences))),
        )

    def _sentence(self, episode: Episode) -> str:
        said = "" if episode.label == TEST_LABEL else self._texts.announcement(episode.label, self._room)
        return f"{self._texts.test_announcement(self._room)} {said}".strip() if episode.test else said

    def apply(self, control: Control) -> None:
        """Take over a threshold, or a snooze of the given labels (None: those open now, or else the last one)."""
        match control:
            case SetThreshold(threshold):
                self._threshold = threshold
            case Snooze(labels, seconds):
                for label in labels if labels is not None else tuple(self._open.values()) or self._recent:
                    self._quiet_until[label] = self._t + seconds
                self._unanswered = {i: e for i, e in self._unanswered.items() if self._may_speak_of(e.label)}

    def interrupt(self) -> None:
        """Nothing to do: a reply of the cascade is one piece, and is never in the making."""

    async def close(self) -> None:
        """Nothing is held."""


class Cascade:
    """Engine of design.md, on perception alone. Admits any number of rooms."""

    def __init__(self, urgent: Collection[str], own_texts: Mapping[str, str], new_id: Callable[[], str]) -> None:
        self._urgent = urgent
        self._own_texts = own_texts
        self._new_id = new_id
        self._texts: dict[str, Texts] = {}

    @property
    def name(self) -> str:
        return NAME

    async def open(self, room: str, language: str, settings: RoomSettings) -> CascadeSession:
        """A session for the room called `room`. Raises ConfigError when the language has no texts."""
        texts = self._texts.get(language) or load_texts(language, self._own_texts)  # 30 ms: not for each of 200 rooms
        self._texts[language] = texts
        return CascadeSession(room, texts, self._urgent, settings.threshold, self._new_id)

    async def close(self) -> None:
        """Nothing is held."""
