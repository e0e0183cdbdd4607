"""The last part of training: the dense layers alone, on the clips as they were recorded and on some of the examples.

The convolutions learn from sounds in artificial rooms and noise, which takes long; what the labels need of their
features is learnt in seconds once these are computed.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from listener.perceive.sounds.log_mel import LOG_OFFSET, mel_matrix
from training.examples import Sound, active_frames, truth_of
from training.hearing import padded, spectra
from training.network import Network
from training.pool import read_pool
from training.recordings import MIXED, PARTS, Recording, read_recordings
from training.train import network_path, targets
from training.words import LABELS

EXAMPLES: Final = 800
"""Of each part."""
EPOCHS: Final = 50
BATCH: Final = 256
RATE: Final = 3e-3
DROPOUT: Final = 0.3

Rows = tuple[Tensor, Tensor, Tensor]
"""Pooled features `[n, 512]`, targets and weights `[n, labels]`."""


def settle(audio: Path, out: Path) -> None:
    """Goes on with every network in `out`, each on the parts that it may hear."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    clips = read_recordings(audio)
    features = [_features(clip) for clip in clips]
    for held_back in (*range(PARTS), None):
        network = Network(len(LABELS), DROPOUT)
        network.load_state_dict(torch.load(network_path(out, held_back), weights_only=True))
        parts = tuple(part for part in range(PARTS) if part != held_back)
        heard = [_clip_rows(network, c, f) for c, f in zip(clips, features, strict=True) if c.part in parts]
        heard += [_example_rows(network, out, part) for part in parts]
        rows = tuple(torch.cat(column) for column in zip(*heard, strict=True))
        _train(network, rows)
        torch.save(network.state_dict(), network_path(out, held_back))


def _features(clip: Recording) -> NDArray[np.float32]:
    return np.log(np.concatenate(spectra(clip.samples)) @ mel_matrix() + np.float32(LOG_OFFSET))


def _pooled(network: Network, log_mel: NDArray[np.float32]) -> Tensor:
    network.eval()
    with torch.no_grad():
        return network.pool(torch.from_numpy(log_mel)).flatten(0, 1)


def _clip_rows(network: Network, clip: Recording, log_mel: NDArray[np.float32]) -> Rows:
    sound = Sound(clip.samples, clip.label, clip.folder, clip.folder in MIXED, clip.name)
    truth = truth_of(sound, active_frames(padded(clip.samples)), len(log_mel) // 40)
    target, weight = targets(truth, np.full_like(truth, np.nan))
    return _pooled(network, log_mel[None]), torch.from_numpy(target), torch.from_numpy(weight)


def _example_rows(network: Network, out: Path, part: int) -> Rows:
    pool = {field: values[:EXAMPLES].astype(np.float32) for field, values in read_pool(out, (part,)).items()}
    target, weight = targets(pool["truth"], pool["margins"])
    width = target.shape[-1]
    pieces = [_pooled(network, pool["log_mel"][n : n + 50]) for n in range(0, len(target), 50)]
    rows = (torch.from_numpy(values.reshape(-1, width)) for values in (target, weight))
    return torch.cat(pieces), *rows


def _train(network: Network, rows: Rows) -> None:
    torch.manual_seed(2)
    features, target, weight = rows
    network.train()
    parameters = [*network.embed.parameters(), *network.classify.parameters()]
    optimizer = torch.optim.AdamW(parameters, weight_decay=0.02)
    steps = len(features) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps)
    for epoch in range(EPOCHS):
        order = torch.randperm(len(features))
        total = 0.0
        for n in range(steps):
            chosen = order[n * BATCH :][:BATCH]
            logits = network.judge(features[chosen])[0]
            loss = nn.functional.binary_cross_entropy_with_logits(logits, target[chosen], weight[chosen]) * len(LABELS)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} of {EPOCHS}: loss {total / steps:.4f}", flush=True)
