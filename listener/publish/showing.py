"""How a foreign payload is shown in a log line, and the word that a button sends."""

SHOWN_CHARACTERS = 60
PRESSED = "PRESS"
"""What a button sends. Nothing at all is no press: clearing a retained message arrives as nothing, too."""


def show(text: str | bytes) -> str:
    """Fit for a log line: quoted, without control characters, short."""
    shown = repr(text[:SHOWN_CHARACTERS])
    return shown if len(text) <= SHOWN_CHARACTERS else f"{shown}… ({len(text)} in all)"
