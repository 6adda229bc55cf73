"""`carrychain.evaluate`: from names and numbers to a finished evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from carrychain import engines
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.evaluation import evaluate as evaluate_problems
from carrychain.addition.problems import Problem, bounds_of_digits, handout_pairs
from carrychain.addition.prompts import Prompt
from carrychain.engines.base import Engine, SamplingParams
from carrychain.errors import InvalidInput


def evaluate(
    *,
    prompt: Prompt,
    model: str | Engine = "mini",
    digits: int = 7,
    low: int | None = None,
    high: int | None = None,
    n: int = 30,
    seed: int = 0,
    runs: int = 1,
    sampling: SamplingParams | None = None,
    extract: str = "first-integer",
    pre_processing: str = "none",
    mae_scale: float = 5e6,
    on_row: Callable[[Row], None] | None = None,
) -> Evaluation:
    r"""Measure a prompt on problems drawn as the hand-out draws them.

    Args:
        prompt: what stands before and after each problem.
        model: name of an engine (`carrychain models` lists them) or a loaded engine.
        digits: digits of each operand, 1 to 15; 1 means 1 to 10 as in the hand-out.
        low, high: bounds of the operands instead of `digits`, both or neither.
        n: number of problems, at least 1.
        seed: fixes problems and sampling.
        runs: how often each problem is asked, with fresh sampling, at least 1.
        sampling: decoding parameters; the hand-out's where left out.
        extract: way to read the answer from the output, see `addition.extraction`.
        pre_processing: way to rewrite "a+b", see `addition.prompts`.
        mae_scale: scale of the mean absolute error in `res`, above 0.
        on_row: called with each row as it is finished.

    Raises:
        InvalidInput: a value is outside its range, or a prompt does not fit the model.
        ModelUnavailable: the model cannot be used here.

    Example:
        >>> from carrychain import Prompt, SamplingParams, evaluate
        >>> greedy = SamplingParams(temperature=0, max_tokens=8)
        >>> prompt = Prompt("Question: What is ", "?\\nAnswer: ")
        >>> evaluate(prompt=prompt, digits=1, n=20, sampling=greedy).metrics.acc > 0.8
        True
    """
    origin = drawn(digits=digits, low=low, high=high, n=n, seed=seed)
    return evaluate_problems(
        prompt=prompt,
        engine=engines.load(model) if isinstance(model, str) else model,
        problems=problems_of(origin),
        origin=origin,
        sampling=sampling or SamplingParams(),
        seed=seed,
        runs=runs,
        extract=extract,
        pre_processing=pre_processing,
        mae_scale=mae_scale,
        on_row=on_row,
    )


Origin = dict[str, object]
"""Where problems come from, as a saved evaluation tells it: drawn or listed."""


def drawn(*, digits: int, low: int | None, high: int | None, n: int, seed: int) -> Origin:
    """Describe problems drawn as the hand-out draws them."""
    if (low is None) != (high is None):
        raise InvalidInput("low and high belong together; give both or neither")
    if low is None or high is None:
        low, high = bounds_of_digits(digits)
    return {"source": "drawn", "low": low, "high": high, "n": n, "seed": seed}


def listed(problems: list[Problem]) -> Origin:
    """Describe problems that the user lists."""
    return {"source": "listed", "pairs": [[p.a, p.b] for p in problems]}


def problems_of(origin: Origin) -> list[Problem]:
    """Return the problems that an origin describes."""
    match origin:
        case {
            "source": "drawn",
            "low": int(low),
            "high": int(high),
            "n": int(n),
            "seed": int(seed),
        }:
            return handout_pairs(seed, low, high, n)
        case {"source": "listed", "pairs": list()}:
            pairs = cast(list[tuple[int, int]], origin["pairs"])
            return [Problem(a, b) for a, b in pairs]
        case _:
            raise InvalidInput(f"the origin of the problems, {origin}, is not one that is known")
