"""Q2d: one problem with a large error, asked again and again, and three prompts against it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from carrychain.addition.comparison import compare
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.problems import Problem
from carrychain.addition.scoring import absolute_errors, as_float
from carrychain.assignment.experiment import (
    Ask,
    Axis,
    Column,
    Context,
    Panel,
    Picture,
    Plan,
    Question,
    Result,
    Series,
    Table,
    ask_shipped,
)
from carrychain.assignment.measured import (
    accuracy_mark,
    as_trials,
    flat,
    flat_comparison,
    mark,
    read_as,
)
from carrychain.assignment.q2.settings import JOINED, SEVEN_DIGITS, seven_digit_sums
from carrychain.assignment.recorded import LARGE_ERROR, LARGE_ERRORS, LLAMA2
from carrychain.assignment.unpaired import (
    difference,
    share_of,
    unpaired,
    unpaired_direction,
)
from carrychain.assignment.words import (
    accuracy,
    direction,
    join,
    large,
    paired,
    quoted,
    response,
    share,
)
from carrychain.engines.base import SamplingParams
from carrychain.io import Json, jsonable

MAX_TOKENS = 50
FEW_RUNS = 5
SHOWN = 8
"""Most answers of the distribution that are shown."""

PROMPTS = {"few_shot": "few-shot", "exact": "exact", "best": "best"}
IDEAS = {
    "few_shot": "eight examples as long as the task",
    "exact": "an instruction to give exact answers",
    "best": "three examples worked out column by column",
}


@dataclass(frozen=True)
class Spread:
    """How the answers to one problem differ between runs.

    Args:
        runs: how often it was asked.
        right: how many answers were exact.
        answers: how often each number was read, None for nothing; the most frequent first.
        smallest, largest: ends of the absolute errors.
        mean, deviation: their mean and standard deviation (n - 1; 0 at one run).
    """

    runs: int
    right: int
    answers: tuple[tuple[int | None, int], ...]
    smallest: int
    largest: int
    mean: float
    deviation: float


def spread(rows: Sequence[Row]) -> Spread:
    """Return how the answers of rows, all of one problem, differ; exact at any size."""
    errors = absolute_errors([r.answer for r in rows], [r.response for r in rows])
    n, total = len(errors), sum(errors)
    squares = sum((n * e - total) ** 2 for e in errors)  # n^2 times those of the differences
    counts = Counter(row.response for row in rows)
    return Spread(
        runs=n,
        right=sum(row.correct for row in rows),
        answers=tuple(sorted(counts.items(), key=lambda c: (-c[1], c[0] is None, c[0] or 0))),
        smallest=min(errors),
        largest=max(errors),
        mean=as_float(Fraction(total, n)),
        deviation=as_float(Fraction(math.isqrt(squares * (n - 1)), n * (n - 1))) if n > 1 else 0.0,
    )


def largest_error(evaluation: Evaluation) -> Row | None:
    """Return the row with the largest absolute error, the first of equals; None if none is wrong.

    The first problem is passed over: repeated, its first run has the seed of the answer that it
    would have been chosen for.
    """
    rows = [row for row in evaluation.rows[1:] if not row.correct]
    return max(rows, key=lambda r: abs(r.answer - (r.response or 0)), default=None)


def _repeats(plan: Plan) -> int:
    return max(FEW_RUNS, plan.n)


def _asks(plan: Plan) -> dict[str, Ask]:
    problems = plan.problems(7)
    return {
        "all": seven_digit_sums(plan, SEVEN_DIGITS, MAX_TOKENS),
        **{f"all_{key}": ask_shipped(name, problems) for key, name in PROMPTS.items()},
        "recorded_problem": _repeated(LARGE_ERROR, SEVEN_DIGITS, _repeats(plan)),
    }


def _follow_up(context: Context) -> dict[str, Ask]:
    problem, _ = _chosen(context)
    runs = _repeats(context.plan)
    sampled = _repeated(problem, SEVEN_DIGITS, runs)
    greedy = replace(sampled.sampling, temperature=0.0)
    free = replace(sampled.sampling, temperature=1.0, top_k=0, top_p=1.0)
    return {
        "sampled": sampled,
        "greedy": replace(sampled, sampling=greedy, runs=FEW_RUNS),
        "free": replace(sampled, sampling=free),
        **{key: _repeated(problem, name, runs) for key, name in PROMPTS.items()},
    }


def _repeated(problem: Problem, prompt: str, runs: int) -> Ask:
    own = SamplingParams(max_tokens=MAX_TOKENS) if prompt == SEVEN_DIGITS else None
    return ask_shipped(prompt, (problem,), own, runs=runs)


def _chosen(context: Context) -> tuple[Problem, Row | None]:
    """Return the problem to repeat, and the answer that it was chosen for if one was wrong."""
    row = largest_error(context.evaluations["all"])
    return (LARGE_ERROR if row is None else Problem(row.a, row.b)), row


@dataclass(frozen=True)
class Repeated:
    """What was asked of one problem, each run a trial of its own, and of all problems.

    Args:
        problem: the one.
        row: the wrong answer that it was chosen for, None where there was none.
        sampled, greedy, free: its runs with the hand-out's parameters, at temperature 0, and
            drawn from all that the model gives: temperature 1, top-k and top-p off.
        prompts: its runs with each other prompt.
        everywhere: all problems, once, with the example's prompt under "" and each other one.
        recorded_problem: the runs of the problem that was recorded.
    """

    problem: Problem
    row: Row | None
    sampled: Evaluation
    greedy: Evaluation
    free: Evaluation
    prompts: Mapping[str, Evaluation]
    everywhere: Mapping[str, Evaluation]
    recorded_problem: Evaluation


def _analyse(context: Context) -> Result:
    asked = context.evaluations
    problem, row = _chosen(context)
    repeated = Repeated(
        problem,
        row,
        as_trials(asked["sampled"]),
        as_trials(asked["greedy"]),
        as_trials(asked["free"]),
        {key: as_trials(asked[key]) for key in PROMPTS},
        {"": asked["all"], **{key: asked[f"all_{key}"] for key in PROMPTS}},
        as_trials(asked["recorded_problem"]),
    )
    title = context.engine.info.title
    return Result(
        metrics=_metrics(repeated),
        tables=(
            _spread_table(title, repeated),
            _answer_table(title, repeated),
            _prompt_table(title, repeated),
        ),
        pictures=(_picture(title, repeated),),
        findings=(
            _few_sentence(repeated),
            _chosen_sentence(repeated),
            _many_sentence(repeated),
            _mean_sentence(repeated),
            _greedy_sentence(repeated),
            _free_sentence(repeated),
            *(_here(repeated, key) for key in PROMPTS),
            *(_everywhere(repeated, key) for key in PROMPTS),
            _recorded_sentence(repeated),
        ),
        answer=_answer(repeated),
    )


def _metrics(r: Repeated) -> dict[str, Json]:
    spreads = {
        "few": spread(r.sampled.rows[:FEW_RUNS]),
        "many": spread(r.sampled.rows),
        "greedy": spread(r.greedy.rows),
        "free": spread(r.free.rows),
    }
    found: dict[str, Json] = {
        "a": r.problem.a,
        "b": r.problem.b,
        "answer": r.problem.answer,
        "chosen_response": r.row.response if r.row else None,
        "chosen_error": _error(r.row) if r.row else None,
        **flat("sampled", r.sampled),
        **flat("greedy", r.greedy),
        **flat("free", r.free),
    }
    for name, s in spreads.items():
        found |= {
            f"{name}_runs": s.runs,
            f"{name}_distinct": len(s.answers),
            f"{name}_right": s.right,
            f"{name}_smallest_error": s.smallest,
            f"{name}_largest_error": s.largest,
            f"{name}_mean_error": jsonable(s.mean),
            f"{name}_error_sd": jsonable(s.deviation),
            f"{name}_answers": [[answer, count] for answer, count in s.answers],
        }
    for key, evaluation in r.prompts.items():
        found |= flat(key, evaluation)
        a, b = share_of(r.sampled), share_of(evaluation)
        found[f"{key}_here_difference"] = b.acc - a.acc
        found[f"{key}_here_difference_ci"] = list[Json](difference(a, b))
        found[f"{key}_here_direction"] = unpaired_direction(a, b)
        found |= flat_comparison(f"{key}_everywhere", compare(r.everywhere[""], r.everywhere[key]))
    return found


def _error(row: Row) -> int:
    return abs(row.answer - (row.response or 0))


def _chosen_sentence(r: Repeated) -> str:
    n = len(r.everywhere[""].rows)
    if r.row is None:
        return (
            f"Of {n} answers after the 7-digit example at most the first is wrong, so the recorded "
            f"problem, {r.problem} = {r.problem.answer}, is repeated."
        )
    return (
        f"The largest error of {n} sums after the 7-digit example, the first number read: "
        f"{r.problem} = {r.problem.answer}, output {quoted(r.row.output)}, read as "
        f"{response(r.row.response)}, an error of {large(_error(r.row))}."
    )


def _few_sentence(r: Repeated) -> str:
    rows = r.sampled.rows[:FEW_RUNS]
    errors = [_error(row) for row in rows]
    distinct = len(set(errors))
    if distinct == 1:
        return (
            f"Asked {FEW_RUNS} times, {r.problem} is missed by {large(errors[0])} each time: the "
            "error does not change."
        )
    shown = ", ".join(large(e) for e in errors)
    return (
        f"Asked {FEW_RUNS} times, the error of {r.problem} changes: it takes {distinct} values, "
        f"{shown}."
    )


def _many_sentence(r: Repeated) -> str:
    s = spread(r.sampled.rows)
    if len(s.answers) == 1:
        return (
            f"All {s.runs} sampled runs give {response(s.answers[0][0])}: sampling does not change "
            "the answer to this problem."
        )
    answer, count = s.answers[0]
    return (
        f"{s.runs} sampled runs give {_number_of(s)}, with errors from "
        f"{large(s.smallest)} to {large(s.largest)} (standard deviation {large(s.deviation)}); "
        f"the most frequent, {response(answer)}, comes {count} times, {share(count, s.runs)}; "
        f"{s.right} are right, {share(s.right, s.runs)}. The intervals are about further runs of "
        "this one problem, which are independent, and not about other problems."
    )


def _mean_sentence(r: Repeated) -> str:
    s = spread(r.sampled.rows)
    if r.row is None:
        return f"The mean error of its {s.runs} runs is {large(s.mean)}."
    chosen = _error(r.row)
    start = f"It was chosen for an error of {large(chosen)}; on average over {s.runs} fresh runs "
    if s.mean >= chosen:
        return (
            f"{start}its error is no smaller, {large(s.mean)}: with these parameters the problem, "
            "not chance, makes it large."
        )
    below = sum(_error(row) < chosen for row in r.sampled.rows)
    return (
        f"{start}its error is {large(s.mean)}, and {below} runs, {share(below, s.runs)}, err less. "
        "What is picked for being extreme tends to be less so when repeated."
    )


def _greedy_sentence(r: Repeated) -> str:
    s, sampled = spread(r.greedy.rows), spread(r.sampled.rows)
    answer = s.answers[0][0]
    times = dict(sampled.answers).get(answer, 0)
    verdict = "right" if s.right == s.runs else "wrong"
    if len(s.answers) > 1:
        return (
            f"Greedy decoding, asked {s.runs} times, gives {len(s.answers)} different answers: "
            "this engine does not repeat itself at temperature 0."
        )
    return (
        f"Greedy decoding gives {response(answer)} in all of {s.runs} runs, which is {verdict}; "
        f"sampling gave it {times} times of {sampled.runs} and {_number_of(sampled)} in all."
    )


def _free_sentence(r: Repeated) -> str:
    free, sampled = spread(r.free.rows), spread(r.sampled.rows)
    return (
        f"Drawn from all that the model gives (temperature 1, top-k and top-p off) {free.runs} "
        f"runs give {_number_of(free)}, against {_number_of(sampled)} with temperature .7, top-k "
        f"50 and top-p .6; {share(free.right, free.runs)} are right, against "
        f"{share(sampled.right, sampled.runs)}."
    )


def _number_of(s: Spread) -> str:
    return f"{len(s.answers)} {'answer' if len(s.answers) == 1 else 'different answers'}"


def _here(r: Repeated, key: str) -> str:
    a, b = share_of(r.sampled), share_of(r.prompts[key])
    name = PROMPTS[key]
    return f"On this problem {name} {_does(unpaired_direction(a, b))}: " + unpaired(
        a, b, a="after the 7-digit example", b=f"with {name}, {IDEAS[key]},"
    )


def _everywhere(r: Repeated, key: str) -> str:
    comparison = compare(r.everywhere[""], r.everywhere[key])
    name = PROMPTS[key]
    return f"On all problems {name} {_does(direction(comparison))}: " + paired(
        comparison, a="the 7-digit example", b=f"the prompt {name}"
    )


def _does(verdict: int) -> str:
    return {1: "helps", -1: "hurts", 0: "can't be told to help or to hurt"}[verdict]


def _recorded_sentence(r: Repeated) -> str:
    joined = spread(read_as(r.recorded_problem, JOINED).rows)
    first = spread(r.recorded_problem.rows)
    theirs = join([f"{response(v)} ({i})" for i, v in LARGE_ERRORS.items()])
    return (
        f"The recorded problem {LARGE_ERROR} = {LARGE_ERROR.answer}: {LLAMA2}, recorded, asked "
        f"once each, all digits joined, gave {theirs}. Here {first.runs} runs have a mean error of "
        f"{large(joined.mean)} with all digits joined and {large(first.mean)} with the first "
        f"number; {share(first.right, first.runs)} of those are right."
    )


def _spread_table(title: str, r: Repeated) -> Table:
    parts = (
        (f"first {FEW_RUNS} runs", r.sampled.rows[:FEW_RUNS]),
        ("all runs", r.sampled.rows),
        (f"all runs, {JOINED}", read_as(r.sampled, JOINED).rows),
        ("greedy", r.greedy.rows),
        ("temperature 1, no top-k, no top-p", r.free.rows),
        (f"{LARGE_ERROR}", r.recorded_problem.rows),
        (f"{LARGE_ERROR}, {JOINED}", read_as(r.recorded_problem, JOINED).rows),
    )
    rows: list[tuple[str, ...]] = []
    for label, answered in parts:
        s = spread(answered)
        errors = f"{large(s.smallest)} to {large(s.largest)}"
        counts = (str(s.runs), str(len(s.answers)), str(s.right))
        rows.append((label, *counts, errors, large(s.mean), large(s.deviation)))
    for run, value in LARGE_ERRORS.items():
        label = f"recorded, {LLAMA2}, {run}: {LARGE_ERROR}, {JOINED}"
        error = large(abs(value - LARGE_ERROR.answer))
        rows.append((label, "1", "1", "0", error, error, "–"))
    return Table(
        "spread",
        f"{title}: absolute errors of {r.problem}, and of the recorded problem, asked again and "
        "again",
        (
            Column("asked", numeric=False),
            Column("runs"),
            Column("answers"),
            Column("right"),
            Column("errors"),
            Column("mean"),
            Column("standard deviation"),
        ),
        tuple(rows),
        f"Prompt with the 7-digit example, {MAX_TOKENS} tokens, sampled as in the hand-out and the "
        "first number read where nothing else is said. Answers: how many different ones.",
    )


def _answer_table(title: str, r: Repeated) -> Table:
    sampled, free = (dict(spread(e.rows).answers) for e in (r.sampled, r.free))
    runs = len(r.sampled.rows)
    top = _most_frequent(r)
    rows = [
        (
            response(answer),
            "yes" if answer == r.problem.answer else "no",
            large(abs(r.problem.answer - (answer or 0))),
            share(sampled.get(answer, 0), runs),
            share(free.get(answer, 0), runs),
        )
        for answer in top
    ]
    others = {*sampled, *free} - {*top}
    if others:
        right = "–" if r.problem.answer in others else "no"
        rest = [share(sum(c.get(a, 0) for a in others), runs) for c in (sampled, free)]
        rows.append((f"{len(others)} others", right, "–", rest[0], rest[1]))
    return Table(
        "answers",
        f"{title}: the answers to {r.problem} = {r.problem.answer}, {runs} runs each",
        (
            Column("answer"),
            Column("right", numeric=False),
            Column("error"),
            Column("share of sampled runs"),
            Column("at temperature 1, top-k and top-p off"),
        ),
        tuple(rows),
        "Shares with 95% intervals, about further runs of this problem.",
    )


def _most_frequent(r: Repeated) -> list[int | None]:
    """Return the most frequent answers of both kinds of sampling together."""
    return [answer for answer, _ in spread([*r.sampled.rows, *r.free.rows]).answers[:SHOWN]]


def _prompt_table(title: str, r: Repeated) -> Table:
    rows = [
        (
            SEVEN_DIGITS,
            accuracy(r.sampled),
            large(r.sampled.metrics.mae),
            accuracy(r.everywhere[""]),
            large(r.everywhere[""].metrics.mae),
        )
    ]
    rows += [
        (
            PROMPTS[key],
            accuracy(evaluation),
            large(evaluation.metrics.mae),
            accuracy(r.everywhere[key]),
            large(r.everywhere[key].metrics.mae),
        )
        for key, evaluation in r.prompts.items()
    ]
    runs, n = len(r.sampled.rows), len(r.everywhere[""].rows)
    return Table(
        "prompts",
        f"{title}: prompts against the large error of {r.problem}",
        (
            Column("prompt", numeric=False),
            Column(f"right, {runs} runs of it"),
            Column("mean error"),
            Column(f"right, {n} problems once"),
            Column("mean error"),
        ),
        tuple(rows),
        "Shares with 95% intervals: left about further runs of this problem, right about further "
        "problems.",
    )


def _picture(title: str, r: Repeated) -> Picture:
    s = spread(r.sampled.rows)
    top = _most_frequent(r)
    runs, n = len(r.sampled.rows), len(r.everywhere[""].rows)
    here = [r.sampled, *r.prompts.values()]
    answer, count = s.answers[0]
    return Picture(
        "repeated",
        f"{title}: {r.problem} = {r.problem.answer} asked {runs} times; bars are 95% intervals",
        f"{_number_of(s)} in {runs} sampled runs, the most frequent {response(answer)} in {count} "
        "of them. Right: "
        + "; ".join(
            f"{name} {accuracy(e)}"
            for name, e in zip((SEVEN_DIGITS, *PROMPTS.values()), here, strict=True)
        )
        + ".",
        (
            Panel(
                "the most frequent answers",
                Axis("answer", categories=tuple(_place(a, r.problem.answer) for a in top)),
                Axis("share of runs", low=0, high=1),
                (
                    _bars("sampled as in the hand-out", r.sampled, top),
                    _bars("temperature 1, top-k and top-p off", r.free, top),
                ),
                bars=True,
            ),
            Panel(
                "prompts against the error",
                Axis("prompt", categories=(SEVEN_DIGITS, *PROMPTS.values())),
                Axis("share of exact answers", low=0, high=1),
                (
                    _marks(f"this problem, {runs} runs", here),
                    _marks(f"{n} problems once", list(r.everywhere.values())),
                ),
            ),
        ),
    )


def _bars(label: str, evaluation: Evaluation, answers: Sequence[int | None]) -> Series:
    counts = Counter(row.response for row in evaluation.rows)
    n = len(evaluation.rows)
    return Series(label, tuple(mark(x, counts[a], n) for x, a in enumerate(answers)))


def _place(answer: int | None, right: int) -> str:
    return f"{response(answer)} (right)" if answer == right else response(answer)


def _marks(label: str, evaluations: Sequence[Evaluation]) -> Series:
    points = tuple(accuracy_mark(x, e) for x, e in enumerate(evaluations))
    return Series(label, points, joined=False)


def _answer(r: Repeated) -> tuple[str, ...]:
    return (
        f"{_few_sentence(r)} {_many_sentence(r)}",
        "Why: the next token is drawn at random from what temperature .7, top-k 50 and top-p .6 "
        "leave of the model's distribution. Where one token has nearly all of it, every run "
        "writes the same; where several digits are likely, runs part there, and one wrong digit "
        "at the front of a sum is an error of millions. Holtzman et al. (2020, arXiv:1904.09751) "
        f"describe top-p. {_free_sentence(r)} {_greedy_sentence(r)} A greedy answer that repeats "
        "is no surer for it: its error repeats too.",
        _mean_sentence(r),
        "Three prompts against it, and why each might work. few-shot: more examples of the task's "
        "form and length (Brown et al. 2020, arXiv:2005.14165). exact: an instruction that no "
        "estimate is wanted. best: the sum is taken apart into columns; each step needs two digits "
        "and a carry that stands in the text (scratchpads, Nye et al. 2021, arXiv:2112.00114; "
        "chain of thought, Wei et al. 2022, arXiv:2201.11903).",
        "In practice. " + " ".join(_here(r, key) for key in PROMPTS),
        "A prompt made for one problem may fit only that one, so all problems are what counts. "
        + " ".join(_everywhere(r, key) for key in PROMPTS),
    )


Q2D = Question(
    name="Q2d",
    title="one large error, again and again",
    text=(
        "A problem with a large error, asked at least 5 times: does the error change, why, and "
        "which prompt makes it smaller?"
    ),
    asks=_asks,
    analyse=_analyse,
    follow_up=_follow_up,
)
