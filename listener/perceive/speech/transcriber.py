"""The program that transcribes for others: `python -m listener.perceive.speech.transcriber`; see `Transcription`.

stdin: the pickle of a `SpeechPlan`, then of `(samples, language)` for each utterance. stdout: for each, the plan first,
the length of what follows (`LENGTH`) and a pickle: None, a `Recognition`, or an error of ours. Both ends are ours.
"""

import os
import pickle
import signal
import struct
import sys
from typing import BinaryIO, Final

from listener.errors import ListenerError, PerceiveError
from listener.perceive.speech.models import SpeechModels, SpeechPlan
from listener.types import CHUNK_SAMPLES, Recognition, Samples

LENGTH: Final = struct.Struct("<I")
NICENESS: Final = 5
"""Rooms hear first."""


def transcribe(models: SpeechModels, samples: Samples, language: str) -> Recognition:
    """Raises PerceiveError: nobody understands the language."""
    recognizer = models.recognizer(language)
    hearing = None if recognizer is None else recognizer.open()
    if hearing is None:
        raise PerceiveError(f"speech: nobody understands {language!r}")
    for at in range(0, len(samples), CHUNK_SAMPLES):
        hearing.feed(samples[at : at + CHUNK_SAMPLES])
    return hearing.finish()


def serve(requests: BinaryIO, out: BinaryIO) -> None:
    """Answer until there are no more requests."""
    plan: SpeechPlan = pickle.load(requests)  # noqa: S301 (our own parent wrote it)
    try:
        models = SpeechModels(plan)
    except ListenerError as error:
        _tell(out, error)
        return
    _tell(out, None)
    while True:
        try:
            samples, language = pickle.load(requests)  # noqa: S301
        except EOFError:
            return
        try:
            _tell(out, transcribe(models, samples, language))
        except Exception as error:  # a fault of ours, or of a library, in one utterance must not end the others
            words = str(error) if isinstance(error, ListenerError) else f"{type(error).__name__}: {error}"
            _tell(out, PerceiveError(words))


def _tell(out: BinaryIO, result: object) -> None:
    body = pickle.dumps(result)
    out.write(LENGTH.pack(len(body)) + body)
    out.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon; it ends us by closing stdin
    os.nice(NICENESS)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # libraries that print must not speak between our bytes
    try:
        serve(sys.stdin.buffer, out)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


if __name__ == "__main__":
    main()
