"""A second model on the same weights, built for many rows: shared-prefix attention, packed weights.

The model that a user holds stays as transformers made it. The twin's parameters are the same
tensors; its attention is `attention.attend`, and on a CPU its linear layers are `packed`.
"""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor, nn

from carrychain.engines import attention
from carrychain.engines.packed import MOST_BYTES, linear, pack, packs


def twin(model: Any) -> Any:
    """Return a model in eval mode that computes what `model` does, inside an `attention.Pass`.

    Args:
        model: a transformers causal language model; its weights are shared, not copied.
    """
    attention.register()
    shared: dict[int, Any] = {id(tensor): tensor for tensor in model.parameters()}
    shared |= {id(tensor): tensor for tensor in model.buffers()}
    double = copy.deepcopy(model, shared)
    double.config._attn_implementation = attention.IMPLEMENTATION
    if model.get_memory_footprint() <= MOST_BYTES:
        for parent in list(double.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear and packs(child.weight):
                    setattr(parent, name, _PackedLinear(child))
    return double


class _PackedLinear(nn.Module):
    """A linear layer whose weight is packed."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias  # some models look at them
        self._packed = pack(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self._packed, self.bias)
