"""The words of docs/reports/taught-sounds.md, its bounds, and the figures that it is made of."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Final

from listener.types.taught import Quality

LEAST_RECALL: Final = 0.90
MOST_FALSE_AN_HOUR: Final = 1.0
LEAST_SUPPRESSED: Final = 0.90
LEAST_STILL_FOUND: Final = 0.95
CORRECTED_OF_A_LABEL: Final = 2
AGAIN: Final = 4
OTHERS: Final = 10
LEAST_CLIPS: Final = 8
LEAST_OF_A_PART: Final = 4
SNR_DB: Final = 10.0
TAKES: Final = 5


@dataclass(frozen=True)
class Known:
    name: str
    made: bool
    quality: Quality
    takes: int
    found: int
    mistaken: int
    """False starts on impostors."""


@dataclass(frozen=True)
class Recall:
    """What came of ten sounds. `mistakes`: which clips were taken for which."""

    rows: tuple[Known, ...]
    refused: tuple[tuple[str, str], ...]
    hours: float
    mistakes: tuple[str, ...]

    def sums(self) -> tuple[int, int, int, float]:
        """Found, takes, mistaken, hours of impostors."""
        found, takes = sum(row.found for row in self.rows), sum(row.takes for row in self.rows)
        return found, takes, sum(row.mistaken for row in self.rows), self.hours


@dataclass
class Told:
    """One label: what its corrections did."""

    corrections: int = 0
    again: int = 0
    suppressed: int = 0
    others: int = 0
    still_found: int = 0


def total(told: Iterable[Told]) -> Told:
    rows = list(told)
    return Told(*(sum(getattr(one, field.name) for one in rows) for field in fields(Told)))


HEAD = """# Taught sounds, and what was told wrong

Written by `benchmarks/taught_sounds.py`; do not edit. Our own tagger's network {network}. Each take and each clip is
heard from a place of its own in a synthesized room (reverberation 0.4 s), at a level of its own, over noise (white,
pink, brown or mains hum) {snr:g} dB below it, through the room's own perceiver; strictness `balanced`.
"""

CHOICE = """
Five sounds are recordings of one source each: a tap, an exercise bike and a hedge trimmer (excerpts of 2 s: taught from
the first half of the recordings, known from the second), a hinge and a desk bell (one recording each, heard again).
Five are appliances that are synthesized, each take a little otherwise. In place of what a lesson refuses come
recordings of no label, in the order of their names, heard again.

The common sounds that come with the package hold embeddings of recordings, also of these and of the impostors. They are
not used here. All is done three times, each with the impostors of one of three parts of the recordings (no recording,
source or speaker is in two of them), and common sounds that were made without that part and without the part that a
taught recording is of: neither is ever judged with its own part. But the network was trained on all of them; for what
it has not heard, see the end."""


def sound_lines(recalls: Sequence[Recall]) -> tuple[list[str], bool]:
    """Of one recall for each part."""
    found, tries, false, hours = summed(recalls)
    good = recall_holds(found, tries, false, hours)
    lines = [
        f"## Ten sounds, {TAKES} examples each",
        CHOICE,
        "",
        f"Impostors: {hours:.1f} h, all other clips one after the other, all ten sounds listened for at once.",
        "",
        "| sound | made | accepted | takes left out and found | found again | mistaken |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    by_name: dict[str, list[Known]] = defaultdict(list)
    for recall in recalls:
        for row in recall.rows:
            by_name[row.name].append(row)
    for name, rows in by_name.items():
        left_out = f"{sum(row.quality.found for row in rows)} of {sum(row.quality.takes for row in rows)}"
        again = f"{sum(row.found for row in rows)} of {sum(row.takes for row in rows)}"
        kind = "synthesized" if rows[0].made else "recording"
        mistaken = sum(row.mistaken for row in rows)
        lines.append(f"| {name} | {kind} | {len(rows)} of {len(recalls)} | {left_out} | {again} | {mistaken} |")
    return [
        *lines,
        f"| all | | | | {found} of {tries} ({found / tries:.0%}) | {false} ({false / hours:.1f} an hour) |",
        "",
        f"Bound: {LEAST_RECALL:.0%} found, {MOST_FALSE_AN_HOUR:g} mistaken an hour: {verdict(good)}.",
        *mistake_lines(recalls),
        "",
        "Refused (the back door is four different blows on a door, which should be):",
        "",
        *(f"- {name}: {reason}." for name, reason in dict.fromkeys(chain.from_iterable(r.refused for r in recalls))),
    ], good


def summed(recalls: Sequence[Recall]) -> tuple[int, int, int, float]:
    """Found, takes, mistaken, hours of impostors."""
    found, takes, false, hours = zip(*(one.sums() for one in recalls), strict=True)
    return sum(found), sum(takes), sum(false), sum(hours)


def mistake_lines(recalls: Sequence[Recall]) -> list[str]:
    mistakes = [mistake for recall in recalls for mistake in recall.mistakes]
    return ["", "Mistaken: " + ", ".join(mistakes[:40]) + "."] if mistakes else []


def told_lines(told: Mapping[str, Told]) -> tuple[list[str], bool]:
    everything = total(told.values())
    words, good = told_words(everything)
    lines = [
        "",
        '## One "that was wrong"',
        "",
        f"Beside YAMNet: for each label of which it finds {LEAST_CLIPS} clips, up to {CORRECTED_OF_A_LABEL} are told",
        f"wrong, one at a time. Each is recorded {AGAIN} times more, in its place over other noise, and up to",
        f"{OTHERS - 1} other clips of the label once; counted are those that start without the correction.",
        "",
        "| label | told wrong | again | suppressed | others | still found |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for label, one in [*told.items(), ("all", everything)]:
        lines.append(
            f"| {label} | {one.corrections} | {one.again} | {one.suppressed} | {one.others} | {one.still_found} |"
        )
    return [*lines, "", words], good


def told_words(told: Told) -> tuple[str, bool]:
    parts = (told.suppressed / max(told.again, 1), told.still_found / max(told.others, 1))
    good = parts[0] >= LEAST_SUPPRESSED and parts[1] >= LEAST_STILL_FOUND
    bound = f"Bound: {LEAST_SUPPRESSED:.0%} and {LEAST_STILL_FOUND:.0%}: {verdict(good)}."
    return f"Suppressed {parts[0]:.1%}, still found {parts[1]:.1%}. {bound}", good


def recall_holds(found: float, takes: float, false: float, hours: float) -> bool:
    return found >= LEAST_RECALL * takes and false <= MOST_FALSE_AN_HOUR * hours


def verdict(good: bool) -> str:
    return "holds" if good else "**missed**"


def unheard_lines(recalls: Sequence[Recall], told: Iterable[Told]) -> list[str]:
    """The same once more, part by part, each with the network that has heard nothing of that part."""
    found, takes, false, hours = summed(recalls)
    everything = total(told)
    good = recall_holds(found, takes, false, hours)
    refused = Counter(name for recall in recalls for name, _ in recall.refused)
    return [
        "",
        "## On recordings that the network has not heard",
        "",
        "Part by part, each with the network that was trained without that part: impostors, and what is told wrong",
        f"with the others of its label (of which YAMNet finds {LEAST_OF_A_PART}), are of that part alone. Ten sounds",
        "are taught to each of the three; those that are recordings have been heard by two of them.",
        "Common sounds are held out as above.",
        "",
        f"Ten sounds: {found} of {takes} found ({found / takes:.0%}), {false} mistaken in {hours:.1f} h "
        f"({false / hours:.1f} an hour): {verdict(good)}.",
        *mistake_lines(recalls),
        "",
        "Refused: " + ", ".join(f"{name} by {number} of {len(recalls)}" for name, number in refused.items()) + ".",
        "",
        f"Told wrong: {everything.corrections} clips, heard again {everything.again} times, and {everything.others} "
        f"others. {told_words(everything)[0]}",
    ]
