"""Part 1 of the assignment: where a recurrent network's gradient goes.

`lag_norms(jacobians)` gives the norm of dh_t/dh_i for all t and i, `gradient_flow(cell, inputs)`
the same for a network of PyTorch. Importing loads no PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# Imported at once, for the function has the name of its module.
from carrychain.rnn.lag_norms import LagNorms, lag_norms

if TYPE_CHECKING:
    from carrychain.rnn.cells import GradientFlow as GradientFlow
    from carrychain.rnn.cells import gradient_flow as gradient_flow

__all__ = ["GradientFlow", "LagNorms", "gradient_flow", "lag_norms"]


def __getattr__(name: str) -> Any:
    if name in ("GradientFlow", "gradient_flow"):
        return getattr(importlib.import_module("carrychain.rnn.cells"), name)
    raise AttributeError(f"module 'carrychain.rnn' has no attribute {name!r}")
