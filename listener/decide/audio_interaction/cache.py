"""A KV cache with one row for each room: every row has its own length, and is written where that length says.

Handed to transformers as `past_key_values`; its attention calls `update` once a layer. Memory is allocated once, so a
stream of 24 h needs what one of a minute needs.
"""

import torch

from listener.decide.audio_interaction.shape import ModelShape


class RowCache:
    """Keys and values `[rows, kv_heads, capacity, head_size]` of each layer, and the length of each row."""

    def __init__(self, shape: ModelShape, rows: int, capacity: int, device: torch.device, dtype: torch.dtype) -> None:
        size = (rows, shape.kv_heads, capacity, shape.head_size)
        # Zeros, not empty: a masked position still meets a weight of zero, and zero times NaN is NaN.
        self._keys = [torch.zeros(size, device=device, dtype=dtype) for _ in range(shape.layers)]
        self._values = [torch.zeros(size, device=device, dtype=dtype) for _ in range(shape.layers)]
        self.lengths = [0] * rows
        self.capacity = capacity
        self._rows = torch.zeros(0, dtype=torch.long)
        self._positions = torch.zeros(0, dtype=torch.long)
        self._used = 0
        self._slice: slice | None = None

    def aim(self, rows: list[int], positions: torch.Tensor, used: int) -> None:
        """Choose where the next forward pass writes: `positions` `[len(rows), t]`; it reads the first `used`."""
        self._rows = torch.tensor(rows, device=positions.device)
        self._positions = positions
        self._used = used
        run = list(range(rows[0], rows[0] + len(rows)))
        self._slice = slice(rows[0], rows[0] + len(rows)) if rows == run else None  # a view, where a view is enough

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write `[len(rows), kv_heads, t, head_size]`, and return all that these rows have heard in this layer."""
        return self._write(self._keys[layer], keys), self._write(self._values[layer], values)

    def _write(self, kept: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        kept[self._rows[:, None], :, self._positions] = new.transpose(1, 2)
        chosen = kept[self._slice] if self._slice is not None else kept[self._rows]
        return chosen[:, :, : self._used]

    def get_seq_length(self, *_: object) -> int:
        """Part of transformers' interface; positions are always given, so nothing depends on it."""
        return self._used

    def clear(self, row: int) -> None:
        """Forget the row and whatever is wrong with it (a NaN would reach every later step through the mask)."""
        self.lengths[row] = 0
        for layer in (*self._keys, *self._values):
            layer[row].zero_()

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for t in (*self._keys, *self._values))
