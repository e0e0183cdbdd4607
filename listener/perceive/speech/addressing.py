"""Whether what is said is meant for us. Decided in seconds of audio."""

from typing import Literal

from listener.config import WakeWordConfig
from listener.types import Addressed


class Addressing:
    """One room's: open to everybody, or only after the wake word and soon after a reply."""

    def __init__(self, mode: Literal["wake_word", "open"], config: WakeWordConfig) -> None:
        self._open = mode == "open"
        self._config = config
        self._woken_until = -1.0
        self._follow_up_until = -1.0

    def woken(self, t: float) -> None:
        """The wake word was said at `t`: a command must begin soon."""
        self._woken_until = t + self._config.listen_seconds

    def replied(self, t: float, answer_seconds: float = 0.0) -> None:
        """We ceased to speak at `t`: an answer to that needs no wake word. `answer_seconds`: of a question of ours."""
        seconds = max(self._config.follow_up_seconds, answer_seconds)
        if seconds > 0:
            self._follow_up_until = t + seconds

    def of(self, start: float) -> Addressed:
        """Whom an utterance that began at `start` is meant for."""
        if start <= self._woken_until:
            return "wake_word"
        if self._open:
            return "open"
        return "follow_up" if start <= self._follow_up_until else "no"

    def answered(self) -> None:
        """A command was understood: the next one needs a wake word of its own."""
        self._woken_until = self._follow_up_until = -1.0
