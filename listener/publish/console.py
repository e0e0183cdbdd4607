"""What a person at a terminal sees: a line for each sound and answer, and one live line of what is heard now."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from listener.types import (
    Decision,
    Event,
    HearingReport,
    Report,
    ResponseEnded,
    SoundEnded,
    SoundStarted,
    Status,
)


class ConsolePublisher:
    """Publisher on a terminal. Without one (a log file, a pipe) the live line is left out.

    Who heard nothing says so at the end, so that it is not taken for not having listened.
    """

    def __init__(self, console: Console, title: str, silence_seconds: float = 0.0) -> None:
        """`silence_seconds`: so much of what is heard in the end is ours."""
        self._console = console
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._decision = ""
        self._hearing = ""
        self._heard_seconds = 0.0
        self._silence_seconds = silence_seconds
        self._found = False

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        if kind is None and self._heard_seconds and not self._found:
            heard = _duration(max(0.0, self._heard_seconds - self._silence_seconds))
            self._console.print(f"{escape(self._title)}  {heard} heard: no sound", highlight=False)

    def publish(self, event: Event) -> None:
        match event:
            case SoundStarted():
                self._found = True
                self._line(event, "bold", f"{event.label} ({event.score:.2f}), from {event.onset:.1f} s")
            case SoundEnded():
                self._line(
                    event, "dim", f"{event.label} has ended after {event.duration:.1f} s, peak {event.score:.2f}"
                )
            case ResponseEnded():
                self._line(event, "bold yellow", f"says: {event.text}")
            case Status(state="listening", flags=()):
                pass
            case Status():
                self._line(event, "cyan", " ".join((event.state, *event.flags, event.detail)).strip())
            case Decision():
                self._heard_seconds = event.t
                mark = "●" if event.decision == "respond" else "·"
                self._decision = f"{event.t:8.1f} s  {mark} {event.decision:7} {event.probability:4.2f}"
                self._draw()

    def report(self, report: Report) -> None:
        if isinstance(report, HearingReport):
            self._hearing = "  ".join(f"{h.label} {h.score:.2f}" for h in report.labels[:3])
            self._draw()

    def _line(self, event: Event, style: str, text: str) -> None:
        self._console.print(
            f"[dim]{escape(self._title)} {event.t:8.1f} s[/]  [{style}]{escape(text)}[/]", highlight=False
        )

    def _draw(self) -> None:
        if self._live:
            self._live.update(Text(f"{self._decision}   {self._hearing}", overflow="crop", no_wrap=True), refresh=True)


def _duration(seconds: float) -> str:
    """As in `3 min 20 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
