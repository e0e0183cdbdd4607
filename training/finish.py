"""From the trained networks to what is shipped, and to what shows how good it is.

Every clip is scored by the network that has not heard its part. From these scores come the calibration and thresholds
of the network that has heard everything, and, part by part, those of the networks that the benchmark holds against
YAMNet: the figures of a part use nothing of that part, thresholds included.
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from listener.perceive.sounds import labels as shipped_labels
from listener.perceive.sounds.both_taggers import BOTH_LABELS, together
from training.calibration import (
    ALL_ALIKE,
    ALL_OF_IT,
    EXCESS,
    LEAST,
    PRIOR,
    Rule,
    clip_score,
    fit_platt,
    likeliest,
    never_wrong,
    reliability,
    settings,
    sigmoid,
)
from training.character import read_character
from training.examples import Sound, active_frames, truth_of
from training.export import export, write
from training.hearing import heard_out, spectra
from training.made_sounds import MADE
from training.network import Head
from training.recordings import MAY_ALSO_HOLD, MIXED, PARTS, Recording, read_recordings
from training.teacher import Teacher
from training.train import network_path
from training.trunk import Trunk, read_layers
from training.words import LABELS, URGENT

PACKAGE: Final = Path(shipped_labels.__file__).parent
LONELY: Final = 0.75
"""A label with more than this share of its clips in one part; see `with_lonely_labels`."""
LEAST_FOUND: Final = 0.2
"""Less of its clips, and a label is left out."""
FEW: Final = 14
"""With fewer clips of a label (two thirds of 20), the clips of others say more than its own about its threshold,"""
MORE_FALSE: Final = 2
"""so that many more of them may ring falsely."""
LASTING: Final = frozenset(
    {
        *("snore", "water", "vacuum_cleaner", "power_tool", "engine", "thunder", "applause", "clock"),
        *("fire_crackling", "rain", "music"),
    }
)
"""Sounds that go on, of which nobody waits for the first second: these may be asked for in more windows."""
AT_ONCE: Final = (1, 1)
FOR_LONG: Final = ((3, 4), (4, 6), (5, 8))
"""So many windows of so many: 1.6, 2.4 and 3.2 s."""
MADE_OF_EACH: Final = 10
"""Synthesized sounds of each kind, part and label, none of which is among the examples."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """A sound with what the network that has not heard it says, `[chunks, labels]`, and what YAMNet says."""

    sound: Sound
    part: int
    real: bool
    logits: Array
    truth: Array
    margins: Array
    """YAMNet's logits less those of its thresholds; NaN without a class."""
    shipped: Array
    """As `logits`, by the network that has heard everything."""


def finish(audio: Path, yamnet: Path, out: Path) -> None:
    defaults = yaml.safe_load((PACKAGE / "labels.yaml").read_text(encoding="utf-8"))
    clips = read_recordings(audio)
    scored, layers = score_all(clips, yamnet, out), read_layers(yamnet)
    calibrated, made = [], Counter[tuple[str, str]]()
    for part in range(PARTS):
        others = [item for item in scored if item.part != part]
        slopes, offsets = calibrate(others)
        on = rules(others, slopes, offsets, defaults)
        heard = read_character(out, [one for one in range(PARTS) if one != part])
        data = export(layers, load_network(out, part), heard, slopes, offsets, LABELS)
        write(out / f"own-without-{part}.tflite", data)
        _write_labels(out / f"labels-without-{part}.yaml", settings(on, defaults))
        _write_labels(out / f"both-without-{part}.yaml", both_settings(others, slopes, offsets, defaults))
        unheard = [item for item in scored if item.part == part]
        calibrated += [(item, sigmoid(item.logits * slopes + offsets)) for item in unheard]
        made += found_of_made(unheard, slopes, offsets, on, defaults)
    scored = with_lonely_labels(scored)
    slopes, offsets = calibrate(scored)
    data = export(layers, load_network(out, None), read_character(out, range(PARTS)), slopes, offsets, LABELS)
    write(PACKAGE / "own_tagger.tflite", data)
    _write_labels(PACKAGE / "own_labels.yaml", settings(rules(scored, slopes, offsets, defaults), defaults), HEAD)
    _write_labels(PACKAGE / BOTH_LABELS, both_settings(scored, slopes, offsets, defaults), BOTH_HEAD)
    _write_figures(out, clips, calibrated)
    rows = [{"label": label, **{who: made[label, who] for who in ("sounds", "ours", "theirs")}} for label in MADE]
    (out / "made.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"own_tagger.tflite: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")


HEAD: Final = """\
# When each sound starts and ends at strictness `balanced`, where our own tagger hears. Written by `python -m training`
# with the network: by what clips score that a network had not heard, the `on` that most likely has no more false starts
# than YAMNet (two more, where the label has few clips) and finds no more than ten points less.
# The urgent ones lie a logit above the lowest that is never wrong. `hold_seconds` are those of labels.yaml; so are
# `windows` and `of`, or one of one, or for what lasts up to five of eight, where that is likelier. A label without
# classes is not heard by this tagger.
"""


BOTH_HEAD: Final = """\
# As own_labels.yaml, for the mean of both taggers (both_taggers.py). YAMNet alone is asked, as in labels.yaml, for what
# is urgent, where there are few clips to judge by, and where the mean is no better. Written by `python -m training`.
"""


def score_all(clips: Sequence[Recording], yamnet: Path, out: Path) -> list[Scored]:
    """Every recording, and some synthesized sounds of each kind, by the network that has not heard its part."""
    networks = [load_network(out, part) for part in (*range(PARTS), None)]
    trunk, teacher = Trunk(read_layers(yamnet)), Teacher(yamnet)
    things = [
        (Sound(clip.samples, clip.label, clip.folder, clip.folder in MIXED, clip.name), clip.part, True)
        for clip in clips
    ]
    rng = np.random.default_rng(99)
    for part in range(PARTS):
        for label, makers in MADE.items():
            made = (make(rng) for make in makers for _ in range(MADE_OF_EACH))
            things += [(Sound(0.3 * samples / np.abs(samples).max(), label, label), part, False) for samples in made]
    found = []
    for sound, part, real in things:
        samples = heard_out(sound.samples)
        active, chunks = active_frames(samples), spectra(samples)
        with torch.no_grad():
            x = torch.from_numpy(trunk.hear(chunks))
            logits, shipped = (networks[n](x)[0].numpy().astype(np.float64) for n in (part, PARTS))
        truth = truth_of(sound, active, len(chunks)).astype(np.float64)
        _, margins = teacher.hear(chunks)  # as it hears beside us: not late, as in training
        found.append(Scored(sound, part, real, logits, truth, margins.astype(np.float64), shipped))
    return found


def with_lonely_labels(scored: Sequence[Scored]) -> list[Scored]:
    """Where most clips of a label are in one part, the network that is asked about them has hardly heard any, and tells
    nothing of the one that is shipped. For these labels that one is asked itself, although it has heard the clips."""
    lonely = []
    for row, label in enumerate(LABELS):
        counts = Counter(item.part for item in scored if item.real and item.sound.label == label)
        if counts and max(counts.values()) > LONELY * counts.total():
            lonely.append(row)
    print("calibrated on clips that were heard:", ", ".join(LABELS[row] for row in lonely))
    mixed = []
    for item in scored:
        logits = item.logits.copy()
        logits[:, lonely] = item.shipped[:, lonely]
        mixed.append(replace(item, logits=logits))
    return mixed


def load_network(out: Path, held_back: int | None) -> Head:
    head = Head(len(LABELS))
    head.load_state_dict(torch.load(network_path(out, held_back), weights_only=True))
    return head.eval()


def calibrate(scored: Sequence[Scored]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slope and offset for each label, on the windows of which somebody knows what they hold; with few of these, those
    of all labels together."""
    logits = np.concatenate([item.logits for item in scored])
    truth = np.concatenate([item.truth for item in scored])
    known = ~np.isnan(truth)
    usual = fit_platt(logits[known], truth[known], ALL_ALIKE)
    columns = ((logits[known[:, row], row], truth[known[:, row], row]) for row in range(len(LABELS)))
    fits = [fit_platt(*column, PRIOR, usual) for column in columns]
    slopes, offsets = np.array(fits, np.float32).T
    return slopes, offsets


def rules(
    scored: Sequence[Scored],
    slopes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    defaults: Mapping[str, Mapping[str, Any]],
    excess: float = EXCESS,
) -> dict[str, Rule]:
    """When each label starts: where it most likely has no more false starts than YAMNet at its thresholds, two more
    where there are few clips to choose by, and finds no more than ten points less; an urgent label where it is never
    wrong.

    Of so many windows of so many, as with YAMNet, or at once, if that is likelier: the features are means of a second
    already, and a word of one second fills only one or two windows. What lasts may be heard for longer, too: rain is
    told from a frying pan by its going on. A label of which hardly a clip is found is left out: its false starts would
    be most of what it reports.
    """
    chosen = {}
    for row, label in enumerate(LABELS):
        usual = (defaults[label]["windows"], defaults[label]["of"])
        others = [item for item in scored if item.real and is_other(item.sound, label)]
        own = [item for item in scored if item.sound.label == label]
        own = [item for item in own if item.real] or own
        budget, asked = (
            sum(clip_score(sigmoid(i.margins[:, row]), *usual) > 0.5 for i in items) for items in (others, own)
        )
        budget += MORE_FALSE if len(own) < FEW else 0
        best = (-np.inf, 0.0, Rule(1.0, *usual))
        for windows, of in dict.fromkeys((usual, AT_ONCE, *(FOR_LONG if label in LASTING else ()))):
            wrong, right = (
                [clip_score(sigmoid(i.logits[:, row] * slopes[row] + offsets[row]), windows, of) for i in items]
                for items in (others, own)
            )
            if label in URGENT:
                on = never_wrong(wrong, right)
                worth = float(np.sum(np.array(right) > on))
            else:
                on, worth = likeliest(wrong, right, budget, asked, excess)
            if worth > best[0] + LEAST:  # the first of equals: as with YAMNet
                best = (worth, float(np.mean(np.array(right) > on)), Rule(on, windows, of))
        if best[1] >= LEAST_FOUND:
            chosen[label] = best[2]
    return chosen


def both_settings(
    scored: Sequence[Scored],
    slopes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    defaults: Mapping[str, Mapping[str, Any]],
) -> dict[str, dict[str, object]]:
    """Entries of both_labels.yaml: the mean where it is better than YAMNet, which is asked alone for the others, and
    for what is urgent."""
    means = [replace(item, logits=together(item.logits * slopes + offsets, item.margins)) for item in scored]
    ones, zeros = np.ones_like(slopes), np.zeros_like(offsets)
    chosen = {
        label: rule
        for label, rule in rules(means, ones, zeros, defaults, ALL_OF_IT).items()
        if label not in URGENT and is_better(means, label, rule, defaults[label])
    }
    entries = settings(chosen, defaults)
    return {label: entry if entry["classes"] else dict(defaults[label]) for label, entry in entries.items()}


def is_better(scored: Sequence[Scored], label: str, rule: Rule, default: Mapping[str, Any]) -> bool:
    """More of the label's recordings are found than by YAMNet at its threshold, or as many with fewer false starts; and
    there are enough of them to say so."""
    row = LABELS.index(label)

    def starts(item: Scored) -> tuple[bool, bool]:
        ours = clip_score(sigmoid(item.logits[:, row]), rule.windows, rule.of) > rule.on
        return ours, clip_score(sigmoid(item.margins[:, row]), default["windows"], default["of"]) > 0.5

    own = [starts(item) for item in scored if item.real and item.sound.label == label]
    others = [starts(item) for item in scored if item.real and is_other(item.sound, label)]
    (ours, theirs), (wrong, their_wrong) = (
        (sum(a for a, _ in all_), sum(b for _, b in all_)) for all_ in (own, others)
    )
    return len(own) >= FEW and (ours > theirs or (ours == theirs and wrong < their_wrong))


def found_of_made(
    scored: Sequence[Scored],
    slopes: NDArray[np.float32],
    offsets: NDArray[np.float32],
    on: Mapping[str, Rule],
    defaults: Mapping[str, Mapping[str, Any]],
) -> Counter[tuple[str, str]]:
    """Of the synthesized sounds, by label: how many there are, how many we find, how many YAMNet does."""
    counts = Counter[tuple[str, str]]()
    for item in scored:
        label = item.sound.label
        if item.real or label is None:
            continue
        row, windows, of = LABELS.index(label), defaults[label]["windows"], defaults[label]["of"]
        ours = sigmoid(item.logits[:, row] * slopes[row] + offsets[row])
        counts[label, "sounds"] += 1
        if rule := on.get(label):
            counts[label, "ours"] += clip_score(ours, rule.windows, rule.of) > rule.on
        counts[label, "theirs"] += clip_score(sigmoid(item.margins[:, row]), windows, of) > 0.5
    return counts


def is_other(sound: Sound, label: str) -> bool:
    """The label would be false on this sound."""
    return sound.label != label and label not in MAY_ALSO_HOLD.get(sound.folder, ()) and not sound.mixed


def _write_labels(path: Path, entries: Mapping[str, Mapping[str, object]], head: str = "") -> None:
    path.write_text(head + yaml.safe_dump(dict(entries), sort_keys=False), encoding="utf-8")


def _write_figures(out: Path, clips: Sequence[Recording], calibrated: Sequence[tuple[Scored, Array]]) -> None:
    """Which clip is in which part, whose it is, and how far the scores of unheard clips can be believed."""
    names = [f"{clip.corpus}/{clip.folder}/{clip.name}" for clip in clips]
    with (PACKAGE / "own_tagger_attribution.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("clip", "author", "licence", "source"))
        writer.writerows((name, c.author, c.licence, c.source) for name, c in zip(names, clips, strict=True))
    parts = {name: clip.part for name, clip in zip(names, clips, strict=True)}
    (out / "parts.json").write_text(json.dumps(parts, indent=0), encoding="utf-8")
    real = [(item, scores) for item, scores in calibrated if item.real]
    truth = np.concatenate([item.truth for item, _ in real]).ravel()
    scores = np.concatenate([scores for _, scores in real]).ravel()
    table = reliability(scores[~np.isnan(truth)], truth[~np.isnan(truth)])
    (out / "reliability.json").write_text(json.dumps([asdict(row) for row in table], indent=1), encoding="utf-8")
