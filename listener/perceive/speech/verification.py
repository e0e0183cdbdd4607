"""A second opinion on a command: by how much it beats the commands that differ from it in one word.

The sound is heard again without its echo, by a search among the command and its rivals only: what both front ends
take for the same is nearly always right (docs/decisions/0082 has the measurement).
"""

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from listener.perceive.speech.dereverberation import dereverberated
from listener.perceive.speech.pcm import pcm
from listener.perceive.speech.rivals import Rivals, spelled
from listener.types import Samples

MOST_MARGIN: Final = 30.0
"""Larger ones say no more. Natural logarithm of likelihood, as pocketsphinx counts it."""

MOST_HYPOTHESES: Final = 40
"""Most differ in nothing but pauses and pronunciations."""

SCORE_SCALE: Final = 1024.0
"""pocketsphinx shifts its logarithms right by 10 bits (SENSCR_SHIFT) before it tells them."""


def log_score(score: float) -> float:
    """The natural logarithm of likelihood that pocketsphinx tells as a number between 0 and 1."""
    return SCORE_SCALE * math.log(max(score, 1e-300))


def margin(decoder: Any, rivals: Rivals, words: Sequence[str], samples: Samples) -> float:
    """Log-likelihood of these words over that of their best rival, negative where the rival is better.

    The decoder must be between two utterances; its search is the same afterwards.
    """
    around = rivals.around(words)
    if around is None:
        return MOST_MARGIN
    before = decoder.current_search()
    decoder.add_fsg("rivals", decoder.create_fsg("rivals", 0, around.final, around.arcs))
    decoder.activate_search("rivals")
    decoder.start_utt()
    decoder.process_raw(pcm(dereverberated(samples)), full_utt=True)
    decoder.end_utt()
    found = -MOST_MARGIN if decoder.hyp() is None else _margin(decoder, rivals, rivals.gist(words))
    decoder.activate_search(before)
    decoder.remove_search("rivals")
    return found


def _margin(decoder: Any, rivals: Rivals, meant: tuple[str, ...]) -> float:
    """From the best hypotheses, best first; whoever is missing among them is worse than the last."""
    ours = theirs = None
    last = 0.0
    for hypothesis in islice(decoder.nbest(), MOST_HYPOTHESES):
        if hypothesis is None or not hypothesis.hypstr:  # pocketsphinx tells paths without a word so
            continue
        words = [spelled(word) for word in hypothesis.hypstr.split()]
        last = log_score(hypothesis.score)
        if rivals.gist(words) == meant:
            ours = last if ours is None else ours
        elif theirs is None and rivals.accepts(words):
            theirs = last
        if ours is not None and theirs is not None:
            break
    if ours is None:
        return -MOST_MARGIN
    return MOST_MARGIN if theirs is None else max(-MOST_MARGIN, min(MOST_MARGIN, ours - theirs))
