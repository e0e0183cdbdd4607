"""The interfaces that a room knows; `app` puts the concrete classes behind them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

from listener.types.answers import Answer
from listener.types.control import Control, Report, RoomSettings
from listener.types.events import Event
from listener.types.speech import Spoken
from listener.types.values import Chunk, Ending, Episode, Magnitudes, Outage, Outcome, Percept, Reply, Scores
from listener.vocabulary import State


class Source(Protocol):
    """Where a room's sound comes from. Each call of `chunks` opens it anew; closing the iterator closes the device."""

    @property
    def description(self) -> str:
        """For messages: `microphone "USB PnP Sound Device"`, `recording kitchen.wav`."""
        ...

    @property
    def live(self) -> bool:
        """True when silence on the line means a fault (a device, a stream); False for a recording."""
        ...

    def chunks(self, first_index: int = 0) -> AsyncIterator[Chunk]:
        """Yield chunks numbered from `first_index`. Ends when the sound has ended for good.

        Raises SourceError when the source cannot be opened or breaks; calling again is then the way to retry.
        """
        ...


class TaggerStream(Protocol):
    """What a tagger remembers of one room. Opaque; any instance of the same tagger can go on with it."""


class Tagger(Protocol):
    """Scores of sound classes. Not thread-safe: the thread that built it is the only one that calls it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the scores."""
        ...

    def open(self) -> TaggerStream:
        """A fresh stream: as if silence had come before."""
        ...

    def hear(self, stream: TaggerStream, magnitudes: Magnitudes) -> None:
        """Take the next chunk of that stream, as the room's shared spectrum. Raises PerceiveError."""
        ...

    def score(self, stream: TaggerStream) -> Scores:
        """Score what the stream has heard last. Raises PerceiveError."""
        ...


class Perceiver(Protocol):
    """What is in the sound of one room."""

    async def perceive(self, chunk: Chunk) -> Percept:
        """Hear the next chunk. Raises PerceiveError; the room then goes on with the next one."""
        ...

    async def finish(self, t: float) -> Ending:
        """End whatever still sounds or is being said, at the end of a recording or when the room is muted."""
        ...

    def apply(self, control: Control) -> None: ...


class Session(Protocol):
    """One room's thread of attention in an engine."""

    async def step(self, chunk: Chunk, percept: Percept) -> Outcome:
        """Decide on the next chunk. Raises EngineError."""
        ...

    def apply(self, control: Control) -> None: ...

    def interrupt(self) -> None:
        """End the reply that is being made, if one is."""
        ...

    async def close(self) -> None: ...


class Engine(Protocol):
    """What decides, for all rooms."""

    @property
    def name(self) -> str: ...

    async def open(self, room: str, language: str, settings: RoomSettings) -> Session:
        """Admit a room. Raises EngineError when there is no place for another."""
        ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    """A sink with a bounded queue of its own. Neither call blocks; what does not fit is dropped, counted, logged."""

    def publish(self, event: Event) -> None: ...

    def report(self, report: Report) -> None: ...


class Clips(Protocol):
    """Keeps short recordings of one room's sounds, where that is configured."""

    def heard(self, chunk: Chunk, percept: Percept) -> None:
        """Take in the next chunk; every one, in order. Does not wait for a disk."""
        ...

    def forget(self) -> None:
        """The room was muted, or its sound is interrupted: nothing of before is kept."""
        ...


class Pupil(Protocol):
    """Learns in one room: what sounds are called, and which of them were wrong."""

    def heard(self, chunk: Chunk, percept: Percept) -> None:
        """Take in the next chunk; every one, in order. Does not wait for a disk."""
        ...

    def ended(self, episodes: Sequence[Episode]) -> None:
        """Episodes that ended because the sound did."""
        ...


class Supervisor(Protocol):
    """A source that is opened again when it fails."""

    def items(self, first_index: int) -> AsyncIterator[Chunk | Outage]:
        """Yield chunks numbered from `first_index`, and an outage where sound is missing. Ends after a final outage.

        Closing the iterator closes the device.
        """
        ...


class Commander(Protocol):
    """Answers what is said in one room."""

    def note_speech(self, speaking: bool) -> None:
        """Whether somebody is being heard now; told with every chunk."""
        ...

    async def answer(self, spoken: Spoken, t: float) -> Answer:
        """Understand one utterance and do what it asks for; `t` is that of the chunk with which it ended."""
        ...


class Teller(Protocol):
    """The voice of one room towards all publishers: stamps events with room, `t` and `time`."""

    def at(self, chunk: Chunk) -> None:
        """From now on everything is told at the end of this chunk."""
        ...

    def heard(self, percept: Percept, outcome: Outcome) -> None:
        """Tell the sounds that started and ended, the decision, what is heard now and how loud it is."""
        ...

    def ended(self, episodes: Sequence[Episode]) -> None: ...

    def transcribed(self, spoken: Spoken) -> None: ...

    def show(self, state: State, detail: str = "") -> None:
        """Tell the status, if it is another one than before."""
        ...

    def tell(self, kind: type[Event], **fields: Any) -> None:
        """Publish one event of that kind."""
        ...

    def voice(self, *, speaking: bool, missing: bool) -> None:
        """The room's loudspeaker speaks, or ceases to; `missing`: it should have a voice and has none."""
        ...

    def report(self, report: Report) -> None: ...


class Speaker(Protocol):
    """Says replies, one after the other."""

    async def say(self, reply: Reply) -> None:
        """Say it now, to its end."""
        ...

    def enqueue(self, reply: Reply) -> None:
        """Say it as soon as those before it are said. Bounded: what does not fit is dropped, counted, logged."""
        ...

    def apply(self, control: Control) -> None:
        """`Say`, `Stop`, `Hush`, `SetVolume`."""
        ...

    async def run(self) -> None:
        """Say what is in the queue, until cancelled."""
        ...
