"""Training one network on the examples and recordings of all parts, or of all but one."""

import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.network import Head
from training.pool import read_pool
from training.recordings import PARTS
from training.words import LABELS, URGENT

BATCH: Final = 256
RATE: Final = 2e-3
DECAY: Final = 0.05
CLIPS: Final = 3
"""How often each chunk of a recording counts beside one of an example."""
TEACHER_SHARE: Final = 0.5
"""Weight of the teacher's word on a label where nobody else has one."""
POSITIVE: Final = 2.0
"""Weight of a window that holds the sound: thirty labels are seldom there. Calibration takes it out again."""
SEED: Final = 2
"""Of 1, 2 and 3 the one that found most and was least often mistaken (docs/decisions/0123)."""
IMITATION: Final = 3.0
"""Weight of a likeness to the teacher's embedding, which keeps ours general enough for sounds that nobody named."""

Rows = tuple[Tensor, Tensor, Tensor, Tensor]
"""Features `[n, 1024]`, targets and their weights `[n, labels]`, the teacher's embedding `[n, 1024]`."""


def network_path(out: Path, held_back: int | None) -> Path:
    return out / ("network-all.pt" if held_back is None else f"network-without-{held_back}.pt")


def train(out: Path, held_back: int | None, epochs: int) -> None:
    """Writes the network; `held_back` is the part that it must not hear."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    parts = tuple(part for part in range(PARTS) if part != held_back)
    head = fit(_rows(out, parts), epochs)
    torch.save(head.state_dict(), network_path(out, held_back))


def _rows(out: Path, parts: tuple[int, ...]) -> Rows:
    columns = []
    for kind, times in (("part", 1), ("clips", CLIPS)):
        pool = {field: values.astype(np.float32) for field, values in read_pool(out, parts, kind).items()}
        target, weight = targets(pool["truth"], pool["margins"])
        columns += [(pool["features"], target, weight, pool["embedding"])] * times
    features, target, weight, embedding = (torch.from_numpy(np.concatenate(c)) for c in zip(*columns, strict=True))
    return features, target, weight, embedding


def fit(rows: Rows, epochs: int) -> Head:
    """A network that has seen every row so many times."""
    head = Head(len(LABELS))
    head.fit_scale(rows[0])
    spread = float(rows[3].var())
    steps = len(rows[0]) // BATCH
    optimizer = torch.optim.AdamW(head.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * steps)
    begun = time.monotonic()
    for epoch in range(epochs):
        order, losses = torch.randperm(len(rows[0])), []
        for n in range(steps):
            chosen = order[n * BATCH :][:BATCH]
            loss = _loss(head, [column[chosen] for column in rows], spread)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(
            f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}, {time.monotonic() - begun:.0f} s", flush=True
        )
    return head.eval()


def targets(truth: NDArray[np.float32], margins: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """What to learn, and how much it counts, `[n, labels]` each.

    A folder's label counts. Where it says nothing, or says no while the teacher would report the label (somebody talks
    in the rain), the teacher's word counts half; but never for what is urgent: there a folder's no is a no.
    """
    urgent = np.array([label in URGENT for label in LABELS])
    heard = np.nan_to_num(margins, nan=-9.0)
    open_ = np.isnan(truth) | ((truth == 0) & (heard > 0) & ~urgent)
    taught = 1 / (1 + np.exp(-heard))
    weight = np.where(truth == 1, POSITIVE, np.where(open_, TEACHER_SHARE, 1.0)).astype(np.float32)
    weight = np.where(open_ & np.isnan(margins), np.float32(0.0), weight)
    return np.where(open_, taught, np.nan_to_num(truth)).astype(np.float32), weight


def _loss(head: Head, rows: list[Tensor], spread: float) -> Tensor:
    features, target, weight, embedding = rows
    logits, ours = head(features)
    told = nn.functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum") / len(target)
    return told + IMITATION * nn.functional.mse_loss(head.imitate(ours), embedding) / spread
