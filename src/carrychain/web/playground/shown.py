"""How the playground shows rows and results, on a page that a script makes and on one without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from carrychain.addition.anatomy import KINDS, error_kind, marked
from carrychain.addition.comparison import compare
from carrychain.addition.problems import Problem
from carrychain.addition.results import Evaluation, Row
from carrychain.assignment.words import capital, join, large, paired, paired_error, response
from carrychain.io import Json
from carrychain.stats import wilson
from carrychain.text import interval, number, share

MOST_MARKED = 40
"""Digits of a response that are shown one by one."""

VERDICTS = {
    "unparsed": "no number",
    "copied_operand": "copied operand",
    "dropped_carry": "dropped carry",
    "transposition": "digits swapped",
    "too_short": "too short",
    "too_long": "too long",
    "one_digit": "one digit wrong",
    "other": "digits wrong",
}
"""The kinds of wrong answers in a table."""


def shown_row(row: Row) -> dict[str, Json]:
    """Return how a row is shown.

    `response` is what was read, in runs of digits, each with whether they are wrong; `places` the
    wrong digits' places, counted from the right from 1; `verdict` what the answer is, in a few
    words, and `why` the same in a sentence.
    """
    kind = "" if row.correct else error_kind(Problem(row.a, row.b), row.response)
    runs: list[tuple[str, bool]] = []
    places: list[int] = []
    if row.response is None or row.response >= 10**MOST_MARKED:
        runs.append((response(row.response), row.response is not None))
    else:
        digits, wrong = marked(row.answer, row.response)
        places = [len(digits) - i for i, each in enumerate(wrong) if each][::-1]
        for digit, mark in zip(digits, wrong, strict=True):
            if runs and runs[-1][1] == mark:
                runs[-1] = (runs[-1][0] + digit, mark)
            else:
                runs.append((digit, mark))
    return {
        "response": [[text, mark] for text, mark in runs],
        "places": cast(Json, places),
        "verdict": VERDICTS[kind] if kind else "right",
        "why": KINDS[kind] if kind else "the answer is the sum",
    }


def so_far(correct: int, n: int) -> dict[str, Json]:
    """Return the running accuracy, as text, with its 95% interval."""
    return {
        "correct": correct,
        "n": n,
        "acc": share(correct / n),
        "interval": interval(wilson(correct, n)),
    }


def summary(evaluation: Evaluation) -> dict[str, Json]:
    """Return the lines of the table of results, by their names."""
    m, prompt, timing = evaluation.metrics, evaluation.prompt, evaluation.timing
    if not m.n:
        return {"answers": "none"}
    pace = number(timing.problems_per_second)
    return {
        "right": f"{m.correct} of {m.n}",
        "accuracy": share(m.acc),
        "95% interval": interval(m.acc_ci),
        "mean absolute error (mae)": large(m.mae),
        "median absolute error": large(m.median_error),
        "res": number(m.res),
        "no number read": f"{m.unparsed} of {m.n}",
        "prompt": f"{m.prompt_length} characters"
        + ("" if prompt.tokens is None else f", {prompt.tokens} tokens"),
        "time": f"{timing.seconds:.1f} s, {pace} problems a second",
        **({} if evaluation.complete else {"not answered": str(m.unscored)}),
    }


def sentences(evaluations: Mapping[str, Evaluation]) -> Iterator[str]:
    """Say what was found, and how the two prompts compare, as far as the test supports it."""
    titles = dict.fromkeys(evaluations, "the prompt")
    if len(evaluations) > 1:
        titles = {letter: f"prompt {letter.upper()}" for letter in evaluations}
        if all(each.rows for each in evaluations.values()):
            comparison = compare(evaluations["a"], evaluations["b"])
            yield paired(comparison, a=titles["a"], b=titles["b"])
            yield paired_error(comparison, a=titles["a"], b=titles["b"])
    for letter, each in evaluations.items():
        if each.interruption is not None:
            yield (
                f"{capital(titles[letter])} was asked {len(each.rows)} of {each.asked} problems: "
                f"{each.interruption}."
            )
        counts = {VERDICTS[kind]: n for kind, n in each.anatomy.errors.items() if n}
        if counts:
            parts = join([f"{n} {kind}" for kind, n in _by_number(counts)])
            wrong = sum(counts.values())
            yield f"Wrong answers to {titles[letter]}: {wrong} ({parts})."


def _by_number(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
