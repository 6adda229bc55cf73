"""Keys and values in buffers of fixed capacity.

transformers' DynamicCache copies all keys and values at every step to append one token. Here a step
writes its own token only, a prefix is computed once and spread over the rows of a batch, and rows
that are finished are dropped.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer


class BufferLayer(DynamicLayer):
    """One layer's keys and values, each (B, nkv, capacity, hs), `length` of them written."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self.capacity, self.length = capacity, 0
        self._keys: Tensor = torch.empty(0)
        self._values: Tensor = torch.empty(0)

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Append (B, nkv, T, hs) and return all that is written, without copying it."""
        if not self.is_initialized:
            self._keys = _empty(key_states, self.capacity)
            self._values = _empty(value_states, self.capacity)
            self.is_initialized = True
        end = self.length + key_states.shape[-2]
        self._keys[:, :, self.length : end] = key_states
        self._values[:, :, self.length : end] = value_states
        self.length = end
        return self._show()

    def get_seq_length(self) -> int:
        """Return the number of tokens written."""
        return self.length

    def get_max_length(self) -> int:
        """Return the number of tokens that fit."""
        return self.capacity

    def spread(self, rows: int, capacity: int) -> BufferLayer:
        """Return a layer of `rows` rows that all begin with this one's only row."""
        layer = BufferLayer(capacity)
        layer._keys = _empty(self._keys.expand(rows, -1, -1, -1), capacity)
        layer._values = _empty(self._values.expand(rows, -1, -1, -1), capacity)
        layer._keys[:, :, : self.length] = self._keys[:, :, : self.length]
        layer._values[:, :, : self.length] = self._values[:, :, : self.length]
        layer.length, layer.is_initialized = self.length, True
        layer._show()
        return layer

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keep these rows only, in this order."""
        self._keys, self._values = self._keys[beam_idx], self._values[beam_idx]
        self._show()

    def _show(self) -> tuple[Tensor, Tensor]:
        keys, values = self._keys[:, :, : self.length], self._values[:, :, : self.length]
        self.keys, self.values = keys, values
        return keys, values


def _empty(like: Tensor, capacity: int) -> Tensor:
    rows, heads, _, size = like.shape
    return like.new_empty(rows, heads, capacity, size)


def buffers(config: Any, capacity: int) -> Cache:
    """Return an empty cache for a model all of whose layers attend to everything (`is_plain`)."""
    return Cache(layers=[BufferLayer(capacity) for _ in DynamicCache(config=config).layers])


def is_plain(config: Any) -> bool:
    """Whether every layer keeps one key and one value a token.

    Then a masked gap changes nothing; a sliding window would count its tokens, a recurrent state
    swallow them.
    """
    layers = DynamicCache(config=config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


def spread(cache: Cache, rows: int, capacity: int) -> Cache:
    """Return a cache of `rows` rows that all begin with the only row of `cache`."""
    layers = [layer for layer in cache.layers if isinstance(layer, BufferLayer)]
    return Cache(layers=[layer.spread(rows, capacity) for layer in layers])
