"""Submissions graded safely and fairly; nothing of a submission runs in this process.

>>> from carrychain.grading import grade
>>> grade("submission.py").score  # doctest: +SKIP
30.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carrychain.io import StrPath

if TYPE_CHECKING:
    from carrychain.grading.grader import Grade
    from carrychain.grading.rubric import Rubric

__all__ = ["grade"]


def grade(
    path: StrPath,
    model: str | None = None,
    seed: int = 0,
    runs: int | None = None,
    rubric: Rubric | None = None,
) -> Grade:
    """Grade one submission.

    Args:
        path: the file; of what stands beside it only prompt.txt is seen.
        model: name of the engine; the rubric's, which is mini, where left out.
        seed: draws instances and fixes sampling, at least 0.
        runs: how often each instance is asked, at least 1; the rubric's, once, where left out.
        rubric: the rules, see `grading.rubric.load_rubric`; the package's own where left out.

    Raises:
        InvalidInput: the file can't be read, or a value is outside its range.
        ModelUnavailable: the model cannot be used here.
        GenerationFailed: the model broke down.
    """
    from carrychain import engines
    from carrychain.grading.grader import Grader
    from carrychain.grading.rubric import load_rubric
    from carrychain.sandbox import Workshop

    rules = rubric or load_rubric()
    with Workshop() as workshop:
        engine = engines.load(model or rules.model)
        return Grader(engine, workshop, rules, seed, runs).grade(path)
