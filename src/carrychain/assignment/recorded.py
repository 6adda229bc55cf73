"""Figures that executed copies of the assignment's notebook printed: recorded, not measured here.

Ten of the same pairs in each run (one in Q2d), drawn from seed 0 with operands of one or seven
digits; temperature .7, top-k 50, top-p .6; the answer is all digits of the output joined unless
said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

from carrychain.stats import Proportion

LLAMA2 = "Llama-2-7b-chat-hf"
QWEN3 = "Qwen3-8B"


@dataclass(frozen=True, slots=True)
class RecordedRun(Proportion):
    """One printed result.

    Args:
        id: notebook (A or B) and cell.
        model: short name of the model.
        prompt: name of the shipped prompt that has its text. The zero-shot runs typed the line
            break as two characters, so their prompt was one character longer.
        digits: digits of the operands.
        max_tokens: most generated tokens.
        n: number of problems.
        correct: how many were answered exactly.
        mae: mean absolute error.
    """

    id: str
    model: str
    prompt: str
    digits: int
    max_tokens: int
    n: int
    correct: int
    mae: float


RUNS = (
    RecordedRun("A-10", LLAMA2, "zero-shot", 1, 2, 10, 10, 0.0),
    RecordedRun("B-10", LLAMA2, "zero-shot", 1, 2, 10, 9, 0.1),
    RecordedRun("A-12", LLAMA2, "zero-shot", 7, 8, 10, 2, 1751302.5),
    RecordedRun("B-12", LLAMA2, "zero-shot", 7, 8, 10, 1, 964834.0),
    RecordedRun("A-22", QWEN3, "zero-shot", 7, 8, 10, 9, 160.0),
    RecordedRun("A-28", QWEN3, "zero-shot", 7, 20, 10, 7, 3533583498976.2),
    RecordedRun("B-22", QWEN3, "zero-shot", 7, 20, 10, 7, 12019392504856.9),
    RecordedRun("B-28", QWEN3, "zero-shot", 7, 20, 10, 6, 11649981022002.2),
    RecordedRun("A-32", LLAMA2, "one-shot-1-digit", 7, 8, 10, 1, 1261037.6),
    RecordedRun("B-32", LLAMA2, "one-shot-1-digit", 7, 8, 10, 1, 9844393.4),
    RecordedRun("A-40", LLAMA2, "one-shot-1-digit", 7, 50, 10, 1, 1.7535181104765195e29),
    RecordedRun("A-44", LLAMA2, "one-shot-7-digit", 7, 8, 10, 2, 821620.0),
    RecordedRun("B-44", LLAMA2, "one-shot-7-digit", 7, 8, 10, 2, 816560.1),
    RecordedRun("A-45", LLAMA2, "one-shot-7-digit", 7, 50, 10, 0, 3.256324914690327e31),
    RecordedRun("B-45", LLAMA2, "one-shot-7-digit", 7, 50, 10, 0, 3.255653744557156e31),
)


def runs(*, model: str, prompt: str, digits: int, max_tokens: int) -> list[RecordedRun]:
    """Return the recorded runs of one setting, none where nothing was recorded."""
    wanted = (model, prompt, digits, max_tokens)
    return [r for r in RUNS if (r.model, r.prompt, r.digits, r.max_tokens) == wanted]
