"""Linear layers whose weights oneDNN has brought into blocks once, on a CPU.

PyTorch's own layers do so at every call. What follows a product is done with it, while its result
is still at hand.

Shapes: B rows, I features in, O features out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# A packed weight is a copy, so models beyond this many bytes of weights keep their own.
MOST_BYTES = 2 << 30
_ROWS = 64  # oneDNN chooses the blocks for a number of rows; others work too


def packs(weight: Tensor) -> bool:
    """Whether this machine and this PyTorch can pack a weight."""
    return (
        _POINTWISE is not None
        and _PACK is not None
        and torch.backends.mkldnn.is_available()
        and weight.device.type == "cpu"
        and (weight.dtype is torch.float32 or (weight.dtype is torch.bfloat16 and _has_bf16()))
    )


def pack(weight: Tensor) -> Tensor:
    """Return a copy of a weight, (O, I), in blocks; only the functions below can read it."""
    assert _PACK is not None
    return _PACK(weight, _ROWS)


def linear(x: Tensor, packed: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x W^T + b, (B, O), for x (B, I)."""
    assert _POINTWISE is not None
    return _POINTWISE.default(x, packed, bias, "none", [], "")


def linear_plus(x: Tensor, packed: Tensor, other: Tensor) -> Tensor:
    """Return x W^T + other, (B, O)."""
    assert _POINTWISE is not None
    return _POINTWISE.binary(x, other, packed, None, "add")


def linear_times(x: Tensor, packed: Tensor, other: Tensor) -> Tensor:
    """Return x W^T * other, (B, O)."""
    assert _POINTWISE is not None
    return _POINTWISE.binary(x, other, packed, None, "mul")


def _has_bf16() -> bool:
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


# Operators of PyTorch's own compiler, which its public functions do not offer.
_PACK: Any = getattr(torch.ops.mkldnn, "_reorder_linear_weight", None)
_POINTWISE: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
