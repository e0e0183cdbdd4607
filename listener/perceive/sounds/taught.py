"""Taught sounds: whether examples suffice to know a sound again, and how like it is what is heard.

Lessons themselves, which take the examples: `lesson`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from listener.config.rooms import slugify
from listener.errors import PerceiveError
from listener.perceive.sounds.common_sounds import CommonSounds, load_common
from listener.perceive.sounds.embeddings import vectors
from listener.perceive.sounds.lesson import Lesson, takes_in
from listener.perceive.sounds.prototypes import (
    FOUND_PART,
    LEAST_GAP,
    OF,
    WINDOWS,
    Array,
    Prototype,
    prototype,
    reached_by,
)
from listener.types import CHUNK_SECONDS
from listener.types.taught import DEFAULT_TAKES, Embedding, Quality, Take, TaughtSound
from listener.vocabulary import TEST_LABEL

MAX_LABEL: Final = 40
MIN_TAKES: Final = 3
MOST_TAKES: Final = 20
MOST_BACKGROUND: Final = 64
"""As many as the store reads back."""
KNOWN_SCORE: Final = 0.8
"""A label of ours that most takes reach so surely says already what the sound is."""
NARROW_GAP: Final = 0.3
"""Sounds that stand out less from others are mistaken twice as often as those that stand out more
(docs/decisions/0110)."""
SPECIFIC: Final = frozenset(
    {
        *("smoke_alarm", "co_alarm", "glass_break", "siren", "scream", "baby_cry", "cough", "sneeze", "snore"),
        *("dog_bark", "cat_meow", "rooster", "thunder", "laughter", "applause", "rain", "speech", "singing"),
    }
)
"""Labels that mean one kind of sound. A beep or a door, an engine or music may well have a name of its own besides."""
TEACH_AGAIN: Final = "was taught with another network than this version's: teach it again"


def label_of(name: str, known: Collection[str]) -> str:
    """The label of a sound called `name`: its slug. `known`: labels that exist, taught or not.

    Raises PerceiveError for a name without letters or digits, one that begins with a digit or is too long, and one
    that is taken.
    """
    if not name.isprintable() or len(name) > MAX_LABEL:
        raise PerceiveError(
            f"{name[:60]!r} is too long (at most {MAX_LABEL} letters) or has signs that cannot be shown"
        )
    label = slugify(name)
    if not label:
        raise PerceiveError(f"{name!r} has no letters of a to z: give the sound another name")
    if not label[0].isalpha():
        raise PerceiveError(f"{name!r} begins with a digit: give a name that begins with a letter")
    if len(label) > MAX_LABEL:
        raise PerceiveError(f"the name is too long: {len(label)} letters, at most {MAX_LABEL}")
    if label in known or label == TEST_LABEL:
        raise PerceiveError(f"a sound is called {label} already: give another name, or forget that one first")
    return label


def taught_sound(
    name: str,
    known: Collection[str],
    takes: Sequence[Take],
    background: Sequence[Embedding],
    rooms: Sequence[str] = (),
    taught_at: str = "",
) -> TaughtSound:
    """Raises PerceiveError: as `label_of`, and for fewer than three takes or more than twenty."""
    label = label_of(name, known)
    if not MIN_TAKES <= len(takes) <= MOST_TAKES:
        raise PerceiveError(f"{name}: {len(takes)} takes; {MIN_TAKES} to {MOST_TAKES} are needed, five are best")
    kept = background[:: max(1, -(-len(background) // MOST_BACKGROUND))]  # spread over all of it
    return TaughtSound(label, name, tuple(takes), tuple(kept), tuple(rooms), taught_at)


def points_of(embeddings: Sequence[Embedding], common: CommonSounds) -> Array:
    """In the space where sounds are compared, `[n, width]`; those of other networks, and what no network makes, are
    left out."""
    bytes_each = 2 * common.width
    found = vectors([one for one in embeddings if len(one.vector) == bytes_each], common.network)
    found = found[np.isfinite(found).all(axis=1)]
    return common.space(found) if len(found) else common.others[:0]


def prototype_of(sound: TaughtSound, wrong: Sequence[Embedding], common: CommonSounds) -> Prototype | None:
    """`wrong`: what was said not to be it. None: no take is of this network."""
    takes = [points for take in sound.takes if len(points := points_of(take.embeddings, common))]
    return prototype(takes, points_of((*sound.background, *wrong), common), common) if takes else None


class TaughtScorer:
    """Scores of taught sounds for one embedding after the other: of a room, or to try a sound out.

    `labels`: those that can be heard; `unusable`: label and reason of those that cannot: taught with another network.
    """

    def __init__(
        self,
        sounds: Sequence[TaughtSound],
        wrong: Mapping[str, Sequence[Embedding]] | None = None,
        common: CommonSounds | None = None,
    ) -> None:
        """`wrong`: by label, what was said not to be that sound. Raises ModelError: the package is damaged."""
        self._common = load_common() if common is None else common
        found = {sound.label: prototype_of(sound, (wrong or {}).get(sound.label, ()), self._common) for sound in sounds}
        self._prototypes = {label: one for label, one in found.items() if one is not None}
        self.labels = tuple(self._prototypes)
        self.unusable = {label: TEACH_AGAIN for label, one in found.items() if one is None}

    def scores(self, embedding: Embedding) -> Mapping[str, float]:
        """For each label in [0, 1]: above 0.5 a chunk counts as that sound, at `balanced`. Two of three chunks that
        count start it. Nothing for an embedding of another network."""
        point = points_of([embedding], self._common)
        return dict(zip(self.labels, self._of(point).tolist(), strict=True)) if len(point) else {}

    def of(self, vector: Array) -> Array:
        """As `scores`, in the order of `labels`, for a bare embedding `[width]`."""
        return self._of(self._common.space(vector[None]))

    def _of(self, point: Array) -> Array:
        return np.array([one.scores(point)[0] for one in self._prototypes.values()], np.float32)


def assess(
    sound: TaughtSound,
    others: Sequence[TaughtSound] = (),
    heard_as: Sequence[Mapping[str, float]] = (),
    common: CommonSounds | None = None,
) -> Quality:
    """How well the sound will be known again. `others`: what was taught before (one of the same label is left out);
    `heard_as`: see `Lesson`. Takes some 10 ms a take: not on the event loop. Raises ModelError: the package is damaged.
    """
    common = load_common() if common is None else common
    made = prototype_of(sound, (), common)
    if made is None:
        return Quality(len(sound.takes), 0, 0.0, 0.0, refusal=f"{sound.name} {TEACH_AGAIN}")
    found = sum(score > 0.5 for score in made.left_out)
    background = np.concatenate([common.others, common.recordings.points, points_of(sound.background, common)])
    false = float((made.scores(background) > 0.5).sum())
    nearest = _nearest(sound, [one for one in others if one.label != sound.label], made, common)
    known = _known(heard_as, sound.label)
    refusal = _refusal(found, made, nearest, known, sound)
    return Quality(
        takes=len(made.left_out),
        found=found,
        background_seconds=round(len(background) * CHUNK_SECONDS, 1),
        false_seconds=round(false * CHUNK_SECONDS, 1),
        nearest=nearest or known or made.like,
        refusal=refusal,
        warnings=_warnings(made, known) if refusal is None else (),
    )


def _warnings(made: Prototype, known: str) -> tuple[str, ...]:
    """Of a sound that is accepted. `known`: a label of ours that it is heard as, too; empty: none."""
    heard = (f"it is heard as {known} as well: both events will come",) if known else ()
    narrow = "it stands out little from other sounds: when it is taken for one, say that was wrong"
    return (*heard, narrow) if made.gap < NARROW_GAP else heard


def _nearest(sound: TaughtSound, others: Sequence[TaughtSound], made: Prototype, common: CommonSounds) -> str:
    """The label of a taught sound of the same rooms that this one would be taken for, or the other way round."""
    mine = [points_of(take.embeddings, common) for take in sound.takes]
    for other in others:
        if other.rooms and sound.rooms and not {*other.rooms} & {*sound.rooms}:
            continue
        theirs = [points for take in other.takes if len(points := points_of(take.embeddings, common))]
        there = prototype_of(other, (), common)
        if there is None:
            continue
        both = (_part(made, theirs), _part(there, [points for points in mine if len(points)]))
        if max(both) >= 0.5:
            return other.label
    return ""


def _part(made: Prototype, takes: Sequence[Array]) -> float:
    """Of the takes, how many would start that sound."""
    started = [reached_by(made.scores(points)) > 0.5 for points in takes]
    return float(np.mean(started)) if started else 0.0


def _known(heard_as: Sequence[Mapping[str, float]], own: str) -> str:
    """The label of ours, other than its `own`, that more than half of the takes reach surely; empty without one."""
    labels = {label for heard in heard_as for label in heard} - {own}
    sure = {label: sum(heard.get(label, 0.0) >= KNOWN_SCORE for heard in heard_as) for label in sorted(labels)}
    best = max(sure, key=lambda label: sure[label], default="")
    return best if best and sure[best] > len(heard_as) / 2 else ""


def _refusal(found: int, made: Prototype, nearest: str, known: str, sound: TaughtSound) -> str | None:
    takes = len(made.left_out)
    if nearest:
        return f"it sounds too much like {nearest}, which was taught before: forget that one, or teach another sound"
    if takes < MIN_TAKES:
        return f"only {takes} takes can be used; {MIN_TAKES} are needed: {sound.name} {TEACH_AGAIN}"
    if made.gap < LEAST_GAP and made.like:
        return (
            f"it sounds too much like {made.like}: recordings of that are as near to the takes as these are to each "
            "other. Teach a part of it that is all its own, nearer to the microphone"
        )
    if known in SPECIFIC:
        return f"it is heard as {known} already, in most takes: there is nothing to teach"
    if made.gap >= LEAST_GAP:
        return None
    if found < FOUND_PART * takes:
        return (
            f"the takes differ too much: only {found} of {takes} are recognised by the others. Make the same sound "
            "each time, nearer to the microphone, with the room quiet"
        )
    return "common sounds would be taken for it too often: it has too little of its own"


__all__ = [
    "DEFAULT_TAKES",
    "OF",
    "WINDOWS",
    "Lesson",
    "TaughtScorer",
    "assess",
    "label_of",
    "takes_in",
    "taught_sound",
]
