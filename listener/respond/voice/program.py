"""The program that makes speech: `python -m listener.respond.voice.program --engine espeak`, or `piper --model FILE`.

A process of its own, because its engines are copyleft, keep their state in globals, parse whatever text anybody sends
in C, and are slow enough to disturb the hearing: it runs at a lower priority, and if it dies, speech is what is lost.

stdin: one line of JSON for each sentence: text, language, rate, pitch, pitch_range.
stdout: a line of JSON, `{"ready": …}` first, then for each sentence `{"rate": Hz, "bytes": n}` followed by n bytes of
int16 mono, or `{"error": text}`; after an error before `ready` it exits with 1.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from listener.errors import VoiceError
from listener.respond.voice.espeak import Espeak
from listener.respond.voice.piper import Piper

NICENESS = 5
MAX_TEXT_CHARACTERS = 1_000


class Voices:
    """Piper for the language of its voice, espeak-ng for all others."""

    def __init__(self, model: Path | None) -> None:
        self._piper = None if model is None else Piper(model)
        self._espeak: Espeak | None = None if self._piper is not None else Espeak()

    @property
    def description(self) -> str:
        if self._piper is None:
            return "espeak-ng"
        return f"piper, language {self._piper.language}; espeak-ng for others"

    def say(self, words: dict[str, Any]) -> tuple[int, bytes]:
        """Samples per second, and int16 mono. Raises VoiceError."""
        text = str(words["text"])[:MAX_TEXT_CHARACTERS].replace("\0", " ")
        if self._piper is not None and self._piper.language == words["language"]:
            return self._piper.rate_hz, self._piper.say(text, words["rate"])
        if self._espeak is None:
            self._espeak = Espeak()
        sound = self._espeak.say(text, words["language"], words["rate"], words["pitch"], words["pitch_range"])
        return self._espeak.rate_hz, sound


def serve(voices: Voices, requests: BinaryIO, out: BinaryIO) -> None:
    """Answer requests until there are no more."""
    _tell(out, {"ready": voices.description})
    for line in requests:
        try:
            rate_hz, sound = voices.say(json.loads(line))
        except VoiceError as error:
            _tell(out, {"error": str(error)})
        else:
            _tell(out, {"rate": rate_hz, "bytes": len(sound)}, sound)


def _tell(out: BinaryIO, words: dict[str, Any], sound: bytes = b"") -> None:
    out.write(json.dumps(words).encode() + b"\n" + sound)
    out.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="listener.respond.voice.program")
    parser.add_argument("--engine", choices=("espeak", "piper"), required=True)
    parser.add_argument("--model", type=Path, help="piper's voice, an .onnx file")
    options = parser.parse_args(arguments)
    os.nice(NICENESS)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print must not speak between our bytes
    try:
        voices = Voices(options.model if options.engine == "piper" else None)
    except VoiceError as error:
        _tell(out, {"error": str(error)})
        return 1
    try:
        serve(voices, sys.stdin.buffer, out)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more
    return 0


if __name__ == "__main__":
    sys.exit(main())
