"""The part of `listener check` that concerns speech: what is understood, in which languages, and who acts on it."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Literal

from listener.config import Config
from listener.errors import ListenerError

Told = tuple[Literal["ok", "warning", "error"], str]
"""Severity, and what was found."""


class _Warnings(logging.Handler):
    """What a part of ours warns of while it is built: a word without pronunciation, a language that nobody knows."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def speech(config: Config) -> Iterator[Told]:
    """Build what hears speech, as the daemon would."""
    if not config.speech.enabled:
        yield "ok", "speech: nobody listens for it, as configured"
        return
    from listener.app.commands import load_commands
    from listener.app.ears import plan_of_speech

    log, warnings = logging.getLogger("listener"), _Warnings()
    log.addHandler(warnings)
    propagates, log.propagate = log.propagate, False  # they are findings here, not log lines
    try:
        plan = plan_of_speech(config)
        understood = ", ".join(load_commands(config))
    except ListenerError as error:
        yield "error", f"speech: {error}"
        return
    finally:
        log.removeHandler(warnings)
        log.propagate = propagates
    yield from (("warning", text) for text in dict.fromkeys(warnings.texts))
    if plan is not None:
        wake = "no wake word" if plan.wake is None else f"wake word {plan.wake.name}"
        names = len(config.home.entities) + len(config.home.areas) + len(config.home.floors)
        yield "ok", f"speech: recognizer {config.speech.recognizer}, {wake}, commands in {understood}, {names} names"
    if not config.home.entities:
        yield "warning", "home.entities: empty, so nothing can be switched by name; write down what is to be commanded"


async def house(config: Config) -> AsyncIterator[Told]:
    """Ask Home Assistant whether it lets us in."""
    if config.home_assistant is None:
        return
    from listener.respond.conversation import Conversation

    try:
        await Conversation(config.home_assistant).probe()
    except ListenerError as error:
        yield "error", str(error)
    else:
        yield "ok", f"home_assistant: {config.home_assistant.url} lets us in"
