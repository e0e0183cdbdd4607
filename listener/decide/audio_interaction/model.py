"""The forward passes: many rooms' sounds through the encoder at once, and their tokens through the language model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.attention import group_mask
from listener.decide.audio_interaction.cache import RowCache
from listener.decide.audio_interaction.features import MEL_FRAMES_PER_CHUNK, EarState, LogMel, MelBank, hear
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.tokens import AUDIO_PAD, FRAMES_PER_CHUNK, PAD
from listener.types import Samples

MERGE_TOKENS: Final = 32
"""Feeds up to this long share a pass, each padded to the longest; a long one (prefill) would make all others wait."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Token ids to append to one row; `frames` `[n, width]` replace the embeddings of its n PAD positions."""

    row: int
    ids: Sequence[int]
    frames: Sequence[torch.Tensor] = ()
    answers: Sequence[int] = field(default=(-1,))
    """Indices into `ids`: after which of them the logits are wanted."""


def as_batch(samples: Samples) -> torch.Tensor:
    """One room's chunk `[6400]` as what `Model.hear` takes, `[1, 6400]`."""
    return torch.from_numpy(samples)[None]


class Model:
    """The loaded model and its rows. Not thread-safe: the thread that built it is the only one that calls it."""

    def __init__(self, loaded: LoadedModel, rows: int, capacity: int) -> None:
        self.loaded = loaded
        self.rows = rows
        self.cache = RowCache(loaded.shape, rows, capacity, loaded.device, loaded.dtype)
        self._bank = MelBank(loaded.device)
        self._free = list(range(rows))
        self._placeholders = torch.tensor([PAD, AUDIO_PAD], device=loaded.device)

    def take_row(self) -> int | None:
        """A fresh row, or None when every row is taken."""
        if not self._free:
            return None
        row = self._free.pop(0)
        self.cache.clear(row)
        return row

    def give_row(self, row: int) -> None:
        self._free.append(row)
        self._free.sort()

    def hear(self, ears: list[EarState], chunks: torch.Tensor) -> list[LogMel]:
        """Log-mels of each room's next chunk, `chunks` `[rooms, 6400]`."""
        with torch.inference_mode():
            return hear(self._bank, ears, chunks.to(self.loaded.device))

    def encode(self, mels: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Encoder frames `[10, width]` of each chunk's normalised log-mel `[128, 40]`."""
        lengths = torch.full((len(mels),), MEL_FRAMES_PER_CHUNK, device=self.loaded.device)
        with torch.inference_mode():
            frames = compat.encode(self.loaded.encoder, torch.cat(list(mels), dim=1), lengths)
        return list(frames.split(FRAMES_PER_CHUNK))

    def encode_clip(self, samples: torch.Tensor) -> torch.Tensor:
        """Encoder frames `[n, width]` of a whole clip, as the offline mode hears it."""
        with torch.inference_mode():
            mel = self._bank.whole(samples.to(self.loaded.device))
            length = torch.tensor([mel.shape[1]], device=self.loaded.device)
            return compat.encode(self.loaded.encoder, mel, length)

    def feed(self, feeds: Sequence[Feed], only: Sequence[int] | None = None) -> list[torch.Tensor]:
        """Append to several rows at once; each result is `[len(answers), vocabulary]`, float32.

        `only`: the ids whose logits are wanted, instead of all; the head is a tenth of the real model's weights.
        """
        short = [i for i, feed in enumerate(feeds) if len(feed.ids) <= MERGE_TOKENS]
        groups = [[i] for i in range(len(feeds)) if i not in short] + ([short] if short else [])
        results: dict[int, torch.Tensor] = {}
        for group in groups:
            with torch.inference_mode():
                logits = self._pass([feeds[i] for i in group], only)
            results |= dict(zip(group, logits, strict=True))
        return [results[i] for i in range(len(feeds))]

    def _pass(self, feeds: Sequence[Feed], only: Sequence[int] | None) -> list[torch.Tensor]:
        device, lengths = self.loaded.device, self.cache.lengths
        longest = max(len(feed.ids) for feed in feeds)
        rows = [feed.row for feed in feeds]
        starts = torch.tensor([lengths[row] for row in rows], device=device)
        positions = starts[:, None] + torch.arange(longest, device=device)
        used = max(lengths[row] for row in rows) + longest
        if used > self.cache.capacity:
            raise AssertionError(f"row is full: {used} positions of {self.cache.capacity}")
        self.cache.aim(rows, positions, used)
        hidden = self._hidden(self._embedded(feeds, longest), positions, used)
        for feed in feeds:
            lengths[feed.row] += len(feed.ids)
        return self._logits(feeds, hidden, only)

    def _embedded(self, feeds: Sequence[Feed], longest: int) -> torch.Tensor:
        ids = torch.tensor([[*feed.ids, *(PAD,) * (longest - len(feed.ids))] for feed in feeds])
        embedded = self.loaded.language_model.model.embed_tokens(ids.to(self.loaded.device))
        for row, feed in enumerate(feeds):
            if feed.frames:
                own = ids[row, : len(feed.ids)].to(self.loaded.device)
                embedded[row, : len(feed.ids)][torch.isin(own, self._placeholders)] = torch.cat(list(feed.frames))
        return embedded

    def _hidden(self, embedded: torch.Tensor, positions: torch.Tensor, used: int) -> torch.Tensor:
        # Padding at the end of a short row is written beyond its length: masked for the others, overwritten later.
        seen = torch.arange(used, device=positions.device) <= positions[:, None, :, None]
        shape = self.loaded.shape
        mask = group_mask(seen, shape.heads // shape.kv_heads, embedded.dtype)
        output = self.loaded.language_model.model(
            inputs_embeds=embedded,
            attention_mask={"full_attention": mask},
            # The published code keeps the index in float16: above 2048 neighbours share a position.
            position_ids=positions.to(torch.float16).to(torch.float32),
            past_key_values=self.cache,
            use_cache=True,
            cache_position=positions[0],
        )
        return output.last_hidden_state

    def _logits(self, feeds: Sequence[Feed], hidden: torch.Tensor, only: Sequence[int] | None) -> list[torch.Tensor]:
        head = self.loaded.language_model.lm_head.weight
        head = head if only is None else head[list(only)]
        wanted = [hidden[row, answer % len(feed.ids)] for row, feed in enumerate(feeds) for answer in feed.answers]
        if not wanted:
            return [hidden.new_zeros(0, head.shape[0]) for _ in feeds]
        logits = torch.nn.functional.linear(torch.stack(wanted), head).float()
        return list(logits.split([len(feed.answers) for feed in feeds]))
