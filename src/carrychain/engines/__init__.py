"""What turns a prompt into text; nothing here knows about addition, and importing loads no PyTorch.

`load("mini")` gives an engine; `engine.generate(prompts, SamplingParams(...), seeds)` yields
completions.
"""

from carrychain.engines.base import (
    Completion,
    Engine,
    EngineInfo,
    FinishReason,
    SamplingParams,
    SharesPrefix,
)
from carrychain.engines.registry import ModelEntry, available, load

__all__ = [
    "Completion",
    "Engine",
    "EngineInfo",
    "FinishReason",
    "ModelEntry",
    "SamplingParams",
    "SharesPrefix",
    "available",
    "load",
]
