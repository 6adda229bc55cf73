"""A second model on the same weights, built for many rows: shared-prefix attention, packed weights.

The model that a user holds stays as transformers made it. The twin's parameters are the same
tensors; its attention is `attention.attend`, and on a CPU its linear layers multiply with weights
that oneDNN has brought into blocks once, where PyTorch's own would do so at every call.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from carrychain.engines import attention

# A packed weight is a copy, so models beyond this many bytes of weights keep their own.
_PACKED_BYTES = 2 << 30
_PACKED_ROWS = 64  # oneDNN chooses the blocks for a number of rows; others work too


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
    if model.get_memory_footprint() <= _PACKED_BYTES:
        for parent in list(double.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear and _packs(child.weight):
                    setattr(parent, name, _PackedLinear(child))
    return double


class _PackedLinear(nn.Module):
    """A linear layer whose weight is packed for oneDNN."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = linear.weight, linear.bias  # some models look at them
        assert _PACK is not None
        self._packed = _PACK(linear.weight, _PACKED_ROWS)

    def forward(self, x: Tensor) -> Tensor:
        assert _LINEAR is not None
        return _LINEAR(x, self._packed, self.bias, "none", [], "")


def _packs(weight: Tensor) -> bool:
    return (
        _PACK is not None
        and _LINEAR is not None
        and torch.backends.mkldnn.is_available()
        and weight.device.type == "cpu"
        and (weight.dtype is torch.float32 or (weight.dtype is torch.bfloat16 and _has_bf16()))
    )


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


# Operators of PyTorch's own compiler, which its public functions do not offer.
_PACK: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
_LINEAR: Callable[..., Tensor] | None = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
