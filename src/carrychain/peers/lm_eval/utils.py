"""What the task in this folder needs and a YAML file can't say; the harness imports it.

A digit is any Unicode decimal digit, and an answer is compared as the whole number that it is.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

PROBLEMS = str(Path(__file__).with_name("problems.jsonl"))

MAX_DIGITS = 4300
"""A longer number counts as not read: Python does not turn it into an integer."""

Outputs = Iterable[Sequence[str]]
"""The harness's view: for each problem the texts of its repeats."""


def _each(read: Callable[[str], str]) -> Callable[[Outputs, object], list[list[str]]]:
    """Return the filter that puts what is read in place of each output."""
    return lambda outputs, docs: [[read(output) for output in repeats] for repeats in outputs]


def _all_digits(output: str) -> str:
    return "".join(re.findall(r"\d", output))


def _first_line(output: str) -> str:
    return _all_digits(next((line for line in output.splitlines() if line.strip()), ""))


def _separated(output: str) -> str:
    run = re.search(r"\d(?:[ ,_]?\d)*", output)
    return re.sub(r"[ ,_]", "", run[0]) if run else ""


all_digits = _each(_all_digits)
first_line = _each(_first_line)
separated = _each(_separated)
reversed_digits = _each(lambda output: _separated(output)[::-1])


def score(doc: Mapping[str, str], results: Sequence[str]) -> dict[str, float]:
    """Compare what the filters left of an output with the sum.

    Args:
        doc: a problem, a line of problems.jsonl.
        results: what the filters left; what is no number is wrong, and counts as 0 in mae.

    Returns:
        exact_match, 0 or 1, and mae, the absolute error (inf beyond the largest float).
    """
    (text,) = results
    response = int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None
    error = abs(int(doc["answer"]) - (response or 0))
    # numpy's float: the harness squares it, and an own float that overflows is an exception.
    return {
        "exact_match": float(response == int(doc["answer"])),
        "mae": np.float64(error if error.bit_length() < 1024 else np.inf),
    }
