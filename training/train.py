"""Training one network on the examples of all parts, or of all but one."""

import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.network import SILENCE, Network
from training.pool import read_pool
from training.recordings import PARTS
from training.words import LABELS, URGENT

BATCH: Final = 16
RATE: Final = 2e-3
TEACHER_SHARE: Final = 0.5
"""Weight of the teacher's word on a label where nobody else has one."""
POSITIVE: Final = 2.0
"""Weight of a window that holds the sound: thirty labels are seldom there. Calibration takes it out again."""
IMITATION: Final = 0.5
GAIN_DB: Final = 8.0
MIXED_SHARE: Final = 0.3


def network_path(out: Path, held_back: int | None) -> Path:
    return out / ("network-all.pt" if held_back is None else f"network-without-{held_back}.pt")


def train(out: Path, held_back: int | None, epochs: int) -> None:
    """Writes the network; `held_back` is the part that it must not hear."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # digital silence ends in numbers that are slow to compute with
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    pool = read_pool(out, tuple(part for part in range(PARTS) if part != held_back))
    network = Network(len(LABELS)).to(memory_format=torch.channels_last)
    batches = epochs * (len(pool["truth"]) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=batches, pct_start=0.15)
    spread = float(pool["embedding"][:2_000].astype(np.float32).var())
    begun, losses = time.monotonic(), []
    for n in range(batches):
        if n % (batches // epochs) == 0:
            order = rng.permutation(len(pool["truth"]))
        chosen = order[n % (batches // epochs) * BATCH :][:BATCH]
        loss = _loss(network, _batch(rng, pool, chosen), spread)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if n % 20 == 19:
            elapsed = time.monotonic() - begun
            print(f"{n + 1}/{batches} loss {np.mean(losses[-20:]):.4f} {elapsed:.0f} s", flush=True)
    torch.save(network.state_dict(), network_path(out, held_back))


def _batch(rng: np.random.Generator, pool: dict[str, NDArray[np.float16]], chosen: NDArray[np.int64]) -> list[Tensor]:
    """Log-mel, target, its weight, the teacher's embedding and its weight. Loudness varies, bands are missing, and
    some examples are heard over one another: there the teacher has nothing to say."""
    log_mel, truth, margins, embedding = (pool[field][chosen].astype(np.float32) for field in pool)
    power = np.exp(log_mel) - np.exp(SILENCE)
    power *= 10 ** (rng.uniform(-GAIN_DB, GAIN_DB, (len(chosen), 1, 1)) / 20)
    mixed = rng.random(len(chosen)) < MIXED_SHARE
    partner = rng.permutation(len(chosen))
    power[mixed] += power[partner][mixed]
    target, weight = targets(truth, margins)
    both = np.maximum(target, target[partner])
    known = np.where(both > 0.5, np.maximum(weight, weight[partner]), np.minimum(weight, weight[partner]))
    target[mixed], weight[mixed] = both[mixed], known[mixed]
    features = np.log(power.clip(0) + np.exp(SILENCE))
    for row in np.flatnonzero(rng.random(len(chosen)) < 0.3):
        low = rng.integers(60)
        features[row, :, low : low + rng.integers(2, 9)] = SILENCE
    values = (features, target, weight, embedding, 1.0 - mixed)
    return [torch.from_numpy(np.asarray(value, np.float32)) for value in values]


def targets(truth: NDArray[np.float32], margins: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """What to learn, and how much it counts, `[batch, 6, labels]` each.

    A folder's label counts. Where it says nothing, or says no while the teacher would report the label (somebody talks
    in the rain), the teacher's word counts half; but never for what is urgent: there a folder's no is a no.
    """
    urgent = np.array([label in URGENT for label in LABELS])
    heard = np.nan_to_num(margins, nan=-9.0)
    open_ = np.isnan(truth) | ((truth == 0) & (heard > 0) & ~urgent)
    taught = 1 / (1 + np.exp(-heard))
    weight = np.where(truth == 1, POSITIVE, np.where(open_, TEACHER_SHARE, 1.0))
    weight = np.where(open_ & np.isnan(margins), 0.0, weight)
    return np.where(open_, taught, np.nan_to_num(truth)).astype(np.float32), weight.astype(np.float32)


def _loss(network: Network, batch: list[Tensor], spread: float) -> Tensor:
    features, target, weight, embedding, alone = batch
    logits, ours = network(features)
    told = nn.functional.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum") / len(target)
    missed = (network.imitate(ours) - embedding).square().mean((1, 2)) * alone
    return told / target.shape[1] + IMITATION * missed.mean() / spread
