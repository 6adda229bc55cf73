"""carrychain: the chain rule through a recurrent network, the carry chain through a language model.

    >>> import carrychain
    >>> carrychain.addition.problems.handout_pairs(seed=0, low=1, high=10, n=1)
    [Problem(a=7, b=4)]

Everything heavy is imported where it is first used, so that `import carrychain` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carrychain import addition as addition
    from carrychain import engines as engines
    from carrychain.addition.evaluation import Evaluation as Evaluation
    from carrychain.addition.prompts import Prompt as Prompt
    from carrychain.api import evaluate as evaluate
    from carrychain.engines.base import SamplingParams as SamplingParams

__version__ = "0.1.0"

_HOMES = {
    "Evaluation": "carrychain.addition.evaluation",
    "Prompt": "carrychain.addition.prompts",
    "SamplingParams": "carrychain.engines.base",
    "evaluate": "carrychain.api",
}
_SUBPACKAGES = ("addition", "engines")

__all__ = ["Evaluation", "Prompt", "SamplingParams", "addition", "engines", "evaluate"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"carrychain.{name}")
    raise AttributeError(f"module 'carrychain' has no attribute {name!r}")
