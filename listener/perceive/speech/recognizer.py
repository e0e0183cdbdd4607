"""What a recognizer offers: a hearing is opened when somebody begins to speak to us, and fed until they cease."""

from typing import Protocol

from listener.types import Recognition, Samples


class Hearing(Protocol):
    """One utterance being recognized. `finish` or `close` must be called: it may hold a decoder."""

    def feed(self, samples: Samples) -> None: ...

    def pause(self) -> None:
        """They have fallen silent, and perhaps ended: a good time for work."""
        ...

    def partial(self) -> str:
        """What has been understood so far; empty where the recognizer cannot say before the end."""
        ...

    def finish(self) -> Recognition: ...

    def close(self) -> None:
        """Forget the utterance."""
        ...


class Recognizer(Protocol):
    """Not thread-safe: the worker that built it is the only one that calls it."""

    def open(self) -> Hearing | None:
        """Begin an utterance; None when as many are being recognized as there may be."""
        ...
