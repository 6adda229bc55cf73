"""The hand-out's scores: acc, mae and res, with what is needed to judge them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable
from carrychain.stats import Interval, bootstrap_mean, wilson


@dataclass(frozen=True, slots=True)
class Metrics:
    """How well a prompt did.

    Args:
        n: scored answers; where there are none, acc, mae, median_error and res are NaN.
        correct: exact answers.
        unparsed: answers that could not be read; they are wrong, and count as 0 in mae.
        unscored: answers that were asked for and never came; they count nowhere.
        acc: correct / n.
        acc_ci: 95% interval of acc.
        mae: mean absolute error; inf where it exceeds every float.
        median_error: median absolute error.
        res: acc * (1 / prompt_length) * (1 - mae / mae_scale), unbounded below; None at length 0.
        prompt_length: characters of prefix and suffix.
    """

    n: int
    correct: int
    unparsed: int
    unscored: int
    acc: float
    acc_ci: Interval
    mae: float
    median_error: float
    res: float | None
    prompt_length: int

    def as_dict(self) -> dict[str, Json]:
        """Return the values for JSON; one that is not finite is None."""
        return {name: jsonable(value) for name, value in asdict(self).items()}


def score(
    answers: Sequence[int],
    responses: Sequence[int | None],
    prompt_length: int,
    mae_scale: float = 5e6,
    *,
    groups: Sequence[int] | None = None,
    unscored: int = 0,
) -> Metrics:
    """Score responses as the hand-out's test script does.

    Args:
        answers: exact sums.
        responses: what was read from the outputs, one an answer; None where nothing could be.
        prompt_length: characters of prefix and suffix, at least 0.
        mae_scale: above 0; 5e6 in the hand-out's script, 1e4 in its notebook.
        groups: the problem of each answer where problems are asked several times. The interval is
            then a bootstrap over problems; where all problems have one accuracy, which leaves that
            nothing to resample, it is Wilson's for as many trials as there are problems.
        unscored: answers that never came.

    Raises:
        InvalidInput: lengths differ, or a value is outside its range.

    Example:
        >>> metrics = score([12, 10], [12, None], prompt_length=28)
        >>> metrics.acc, metrics.mae, metrics.unparsed
        (0.5, 5.0, 1)
    """
    if len(answers) != len(responses):
        raise InvalidInput(
            f"there are {len(answers)} answers and {len(responses)} responses; each needs its own"
        )
    if groups is not None and len(groups) != len(answers):
        raise InvalidInput(
            f"there are {len(answers)} answers and {len(groups)} groups; each needs its own"
        )
    if prompt_length < 0:
        raise InvalidInput(f"prompt_length is {prompt_length}; it must be at least 0")
    if not (0 < mae_scale < math.inf):
        raise InvalidInput(f"mae_scale is {mae_scale}; it must be a finite number above 0")
    right = [answer == response for answer, response in zip(answers, responses, strict=True)]
    errors = absolute_errors(answers, responses)
    n = len(errors)
    acc = sum(right) / n if n else math.nan
    mae = as_float(Fraction(sum(errors), n)) if n else math.nan
    return Metrics(
        n=n,
        correct=sum(right),
        unparsed=sum(response is None for response in responses),
        unscored=unscored,
        acc=acc,
        acc_ci=_accuracy_interval(right, groups),
        mae=mae,
        median_error=_median(errors),
        res=res(acc, mae, prompt_length, mae_scale),
        prompt_length=prompt_length,
    )


def res(acc: float, mae: float, prompt_length: int, mae_scale: float = 5e6) -> float | None:
    """Return the hand-out's single score: acc * (1 / prompt_length) * (1 - mae / mae_scale).

    Args:
        acc: share of exact answers, 0 to 1.
        mae: mean absolute error, at least 0.
        prompt_length: characters of prefix and suffix; at 0 there is no score, None.
        mae_scale: above 0.

    Example:
        >>> res(0.5, 2.5e6, 25)
        0.01
    """
    if prompt_length == 0:
        return None
    if acc == 0 and mae == math.inf:
        return -0.0  # mae is finite in truth, only not as a float
    return acc * (1 / prompt_length) * (1 - mae / mae_scale)


def absolute_errors(answers: Sequence[int], responses: Sequence[int | None]) -> list[int]:
    """Return each answer's exact distance from its response; a response of None counts as 0."""
    return [abs(a - (r or 0)) for a, r in zip(answers, responses, strict=True)]


def as_float(number: Fraction | int) -> float:
    """Return the nearest float, inf or -inf beyond the largest."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _accuracy_interval(right: Sequence[bool], groups: Sequence[int] | None) -> Interval:
    if groups is None or len(set(groups)) == len(groups):
        return wilson(sum(right), len(right))
    by_group: dict[int, list[bool]] = {}
    for group, correct in zip(groups, right, strict=True):
        by_group.setdefault(group, []).append(correct)
    shares = {Fraction(sum(rights), len(rights)) for rights in by_group.values()}
    if len(shares) > 1:
        return bootstrap_mean(right, groups)
    return wilson(round(shares.pop() * len(by_group)), len(by_group))


def _median(errors: Sequence[int]) -> float:
    if not errors:
        return math.nan
    ordered = sorted(errors)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return as_float(Fraction(low + high, 2))
