"""What is examined, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["clean", "flagged", "review"]


@dataclass(frozen=True, slots=True)
class Graded:
    """One graded instance.

    Args:
        a, b: the operands.
        problem: what your_pre_processing was given, "a+b".
        rendered: what it returned.
        output: what the model wrote.
        answer: what your_post_processing returned; None where it failed.
    """

    a: int
    b: int
    problem: str
    rendered: str
    output: str
    answer: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """One finding, told so that a student understands it and an instructor can repeat it.

    Args:
        experiment: its name.
        sentence: what was found.
        function: which function was called.
        given: the exact text that it was given.
        returned: what came back.
        expected: what an honest function would have returned.
    """

    experiment: str
    sentence: str
    function: str
    given: str
    returned: str
    expected: str


@dataclass(frozen=True, slots=True)
class Integrity:
    """Whether the sum is the model's own.

    Args:
        verdict: `flagged` where only arithmetic explains what was seen, `review` where nothing
            explains it or it could not be seen, else `clean`.
        reasons: for the verdict; none where it is clean.
        hints: what the source shows; never the verdict.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A reason and the verdict that it supports."""

    verdict: Literal["flagged", "review"]
    reason: Reason


def decide(evidence: Iterable[Evidence], hints: tuple[str, ...]) -> Integrity:
    """Return the gravest verdict that has evidence, with one reason of each experiment for it."""
    found = list(evidence)
    for verdict in ("flagged", "review"):
        reasons: dict[tuple[str, str], Reason] = {}
        for each in found:
            if each.verdict == verdict:
                reasons.setdefault((each.reason.experiment, each.reason.function), each.reason)
        if reasons:
            return Integrity(verdict, tuple(reasons.values()), hints)
    return Integrity("clean", (), hints)
