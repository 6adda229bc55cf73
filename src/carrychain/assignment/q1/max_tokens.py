"""Q1d: what happens when the limit on the output's length is raised?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.extraction import EXTRACTIONS
from carrychain.assignment.experiment import (
    Ask,
    Axis,
    Column,
    Context,
    Panel,
    Picture,
    Plan,
    Point,
    Question,
    Result,
    Series,
    Table,
    ask_shipped,
)
from carrychain.assignment.measured import (
    accuracy_mark,
    flat,
    flat_comparison,
    read_as,
    recorded_series,
)
from carrychain.assignment.recorded import QWEN3, RecordedRun, runs
from carrychain.assignment.words import (
    accuracy,
    direction,
    large,
    p_value,
    paired,
    paired_error,
    quoted,
    recorded,
    share,
)
from carrychain.engines.base import FinishReason, SamplingParams
from carrychain.io import Json
from carrychain.stats import mcnemar_exact

LIMITS = (8, 20, 50)
LOW, HIGH = LIMITS[0], LIMITS[-1]
JOINED = "all-digits"
"""How the hand-out reads an answer."""

Readings = dict[str, dict[int, Evaluation]]
"""The same outputs, by way of reading and limit."""


def _asks(plan: Plan) -> dict[str, Ask]:
    return {
        f"max_{limit}": ask_shipped("zero-shot", plan.problems(7), SamplingParams(max_tokens=limit))
        for limit in LIMITS
    }


@dataclass(frozen=True, slots=True)
class After:
    """What stands after the first number, by the number of outputs in which it does.

    Args:
        n: outputs.
        goes_on: anything but blanks and line breaks.
        digits: further digits.
        question: another question.
        ended: outputs that the model ended by itself.
        continued: outputs that begin with the output at the lowest limit.
    """

    n: int
    goes_on: int
    digits: int
    question: int
    ended: int
    continued: int


def after(evaluation: Evaluation, lowest: Evaluation) -> After:
    """Look at what stands after the first number of each output."""

    def outputs(holds: Callable[[str], bool]) -> int:
        return sum(holds(_rest(row.output)) for row in evaluation.rows)

    return After(
        n=len(evaluation.rows),
        goes_on=outputs(lambda rest: bool(rest.strip())),
        digits=outputs(lambda rest: re.search(r"\d", rest) is not None),
        question=outputs(lambda rest: "Question" in rest),
        ended=sum(row.finish_reason is not FinishReason.LENGTH for row in evaluation.rows),
        continued=sum(
            long.output.startswith(short.output)
            for long, short in zip(evaluation.rows, lowest.rows, strict=True)
        ),
    )


def _rest(output: str) -> str:
    number = re.search(r"\d+", output)
    return output[number.end() :] if number else ""


def _analyse(context: Context) -> Result:
    asked = {limit: context.evaluations[f"max_{limit}"] for limit in LIMITS}
    readings: Readings = {
        way: {limit: read_as(e, way) for limit, e in asked.items()} for way in EXTRACTIONS
    }
    rises = {
        way: {limit: compare(by[LOW], by[limit]) for limit in LIMITS[1:]}
        for way, by in readings.items()
    }
    rests = {limit: after(e, asked[LOW]) for limit, e in asked.items()}
    recorded_runs = {
        limit: runs(model=QWEN3, prompt="zero-shot", digits=7, max_tokens=limit) for limit in LIMITS
    }
    metrics: dict[str, Json] = {}
    for way in EXTRACTIONS:
        name = way.replace("-", "_")
        for limit in LIMITS:
            metrics |= flat(f"{name}_max_{limit}", readings[way][limit])
        for limit, comparison in rises[way].items():
            metrics |= flat_comparison(f"{name}_{LOW}_to_{limit}", comparison)
    for limit, rest in rests.items():
        metrics |= {
            f"outputs_max_{limit}_{field}": getattr(rest, field) for field in After.__slots__
        }
    title = context.engine.info.title
    findings = (
        _verdict(rises[JOINED], "With all digits joined, as the hand-out reads"),
        _verdict(rises["first-integer"], "With the first run of digits read"),
        _ways_sentence(rises),
        f"Digits joined: {paired_error(rises[JOINED][HIGH], a=_limit(LOW), b=_limit(HIGH))}",
        _rest_sentence(rests[HIGH], asked[HIGH].rows),
        _same_sentence(rests),
        *_recorded_sentences(recorded_runs),
    )
    return Result(
        metrics=metrics,
        tables=(
            _accuracy_table(title, readings, rises, recorded_runs),
            _error_table(title, readings),
            _rest_table(title, rests),
        ),
        pictures=(_picture(title, readings, recorded_runs),),
        findings=findings,
        answer=_answer(rises, readings, rests, findings),
    )


# --- sentences -----------------------------------------------------------------------------------


def _verdict(by_limit: dict[int, Comparison], how: str) -> str:
    sentences = (paired(c, a=_limit(LOW), b=_limit(limit)) for limit, c in by_limit.items())
    return f"{how}: {' '.join(sentences)}"


def _limit(tokens: int) -> str:
    return f"the limit of {tokens} tokens"


def _suffers(rises: dict[str, dict[int, Comparison]], wanted: int) -> list[str]:
    """Return the ways whose accuracy at the highest limit differs so from that at the lowest."""
    return [way for way, by in rises.items() if direction(by[HIGH]) == wanted]


def _ways_sentence(rises: dict[str, dict[int, Comparison]]) -> str:
    parts = [
        f"{what} with {', '.join(ways)}"
        for wanted, what in (
            (-1, "accuracy falls"),
            (1, "it rises"),
            (0, "no change can be told"),
        )
        if (ways := _suffers(rises, wanted))
    ]
    n = rises[JOINED][HIGH].n_pairs
    sentence = f"From {LOW} to {HIGH} tokens, the same {n} sums: {'; '.join(parts)}."
    return sentence.replace(": it rises", ": accuracy rises")


def _rest_sentence(rest: After, rows: Sequence[Row]) -> str:
    sentence = (
        f"At {HIGH} tokens {share(rest.goes_on, rest.n)} of the outputs go on after the first "
        f"number, {share(rest.digits, rest.n)} with further digits and "
        f"{share(rest.question, rest.n)} with another question; {rest.ended} of {rest.n} end by "
        "themselves."
    )
    sample = next((row for row in rows if re.search(r"\d", _rest(row.output))), None)
    return sentence if sample is None else f"{sentence} One of them: {quoted(sample.output)}."


def _same_sentence(rests: dict[int, After]) -> str:
    rest = rests[HIGH]
    start = f"{rest.continued} of {rest.n} outputs of {HIGH} tokens begin with that of {LOW}"
    if rest.continued == rest.n:
        return (
            f"All {start}: with the same seeds the limit does not change what is written, only "
            "where it is cut."
        )
    return f"{start}; the others were written anew, so here the limit is not the only change."


def _recorded_sentences(by_limit: dict[int, list[RecordedRun]]) -> list[str]:
    """Compare every recorded run at a higher limit with those at the lowest on the same sums."""
    return [
        _recorded_sentence(low, high)
        for low in by_limit[LOW]
        for limit in LIMITS[1:]
        for high in by_limit[limit]
    ]


def _recorded_sentence(low: RecordedRun, high: RecordedRun) -> str:
    only_low = sum(x > y for x, y in zip(low.right, high.right, strict=True))
    only_high = sum(y > x for x, y in zip(low.right, high.right, strict=True))
    joined = sum(
        response != p.answer and str(response).startswith(str(p.answer))
        for response, p in zip(high.responses, high.problems, strict=True)
    )
    wrong = high.n - high.correct
    return (
        f"Recorded {high.model}, {low.id} at {low.max_tokens} and {high.id} at "
        f"{high.max_tokens} tokens, digits joined: {share(low.correct, low.n)} and "
        f"{share(high.correct, high.n)}, McNemar p {p_value(mcnemar_exact(only_low, only_high))} "
        f"on the same {low.n} sums; {joined} of the {wrong} wrong answers at {high.max_tokens} "
        "begin with the right sum."
    )


# --- tables and pictures -------------------------------------------------------------------------


def _accuracy_table(
    title: str,
    readings: Readings,
    rises: dict[str, dict[int, Comparison]],
    recorded_runs: dict[int, list[RecordedRun]],
) -> Table:
    told = {1: "rises", -1: "falls", 0: "can't be told"}
    rows = [
        (way, *(accuracy(by[limit]) for limit in LIMITS), told[direction(rises[way][HIGH])])
        for way, by in readings.items()
    ]
    rows += [
        (
            f"{recorded(run)}: {JOINED}",
            *(share(run.correct, run.n) if limit == at else "" for limit in LIMITS),
            "",
        )
        for at, here in recorded_runs.items()
        for run in here
    ]
    return Table(
        "accuracy",
        f"{title}: accuracy of the same {rises[JOINED][HIGH].n_pairs} sums by limit and reading",
        (
            Column("reading", numeric=False),
            *(Column(f"{limit} tokens") for limit in LIMITS),
            Column(f"{LOW} to {HIGH}", numeric=False),
        ),
        tuple(rows),
        "With 95% intervals. `reversed` is for prompts that ask for the last digit first. Recorded "
        "runs are not ours: 10 sums each.",
    )


def _error_table(title: str, readings: Readings) -> Table:
    return Table(
        "errors",
        f"{title}: mean absolute error by limit and reading",
        (Column("reading", numeric=False), *(Column(f"{limit} tokens") for limit in LIMITS)),
        tuple(
            (way, *(large(by[limit].metrics.mae) for limit in LIMITS))
            for way, by in readings.items()
        ),
        "An answer that can't be read counts as 0.",
    )


def _rest_table(title: str, rests: dict[int, After]) -> Table:
    columns = (
        Column("limit"),
        Column("go on"),
        Column("further digits"),
        Column("another question"),
        Column("ended by itself"),
        Column(f"begin with the output at {LOW}"),
    )
    return Table(
        "outputs",
        f"{title}: what stands after the first number, outputs of {rests[LOW].n}",
        columns,
        tuple(
            (str(limit), *map(str, (r.goes_on, r.digits, r.question, r.ended, r.continued)))
            for limit, r in rests.items()
        ),
        "Blanks and line breaks alone do not count as going on.",
    )


def _picture(
    title: str, readings: Readings, recorded_runs: dict[int, list[RecordedRun]]
) -> Picture:
    n = readings[JOINED][LOW].metrics.n
    limits = Axis("max_tokens", categories=tuple(map(str, LIMITS)))
    accuracies = tuple(
        Series(way, tuple(accuracy_mark(x, by[limit]) for x, limit in enumerate(LIMITS)))
        for way, by in readings.items()
    )
    errors = tuple(
        Series(way, tuple(Point(x, by[limit].metrics.mae) for x, limit in enumerate(LIMITS)))
        for way, by in readings.items()
    )
    by = readings[JOINED]
    return Picture(
        "limits",
        f"{title}: the same {n} sums of 7 digits, read in {len(readings)} ways; lines at the marks "
        "are 95% intervals; recorded runs have their digits joined",
        f"With all digits joined accuracy is {accuracy(by[LOW])} at {LOW} tokens and "
        f"{accuracy(by[HIGH])} at {HIGH}; with the first run of digits "
        f"{accuracy(readings['first-integer'][LOW])} and "
        f"{accuracy(readings['first-integer'][HIGH])}.",
        (
            Panel(
                "accuracy",
                limits,
                Axis("share right", low=0, high=1),
                (*accuracies, *recorded_series([recorded_runs[limit] for limit in LIMITS])),
            ),
            Panel("mean absolute error", limits, Axis("mean error", scale="symlog"), errors),
        ),
    )


# --- the written answer --------------------------------------------------------------------------


def _answer(
    rises: dict[str, dict[int, Comparison]],
    readings: Readings,
    rests: dict[int, After],
    findings: Sequence[str],
) -> tuple[str, ...]:
    joined = direction(rises[JOINED][HIGH])
    start = {
        -1: "No: read as the hand-out reads it, the model does worse without the limit.",
        0: "Whether the model does worse without the limit can't be told from accuracy here.",
        1: "Yes: read as the hand-out reads it, the model does even better without the limit.",
    }[joined]
    low, high = rests[LOW], rests[HIGH]
    return (
        f"{start} {findings[0]}",
        f"**Why.** With {LOW} tokens the limit cuts the text where a sum of seven digits must end: "
        "where a token is one digit, this is a hint about the answer. A model trained to continue "
        "text does not know that it should stop; nothing in the prompt says so. "
        f"At {LOW} tokens further digits follow the "
        f"number in {low.digits} of {low.n} outputs, at {HIGH} in {high.digits}. Where all digits "
        "are joined they become part of the answer: the mean error goes from "
        f"{large(readings[JOINED][LOW].metrics.mae)} to "
        f"{large(readings[JOINED][HIGH].metrics.mae)}.",
        f"**Not the model but the reading.** {findings[5]} {findings[2]}",
        "**What to do.** Read the answer where it ends, or end the output there with a stop "
        f"string, so that what follows can't matter. {findings[1]} A limit below the length of the "
        "sum can only cut right answers.",
        "**Recorded.** " + " ".join(findings[6:]),
    )


Q1D = Question(
    name="Q1d",
    title="max_tokens 8, 20 and 50",
    text=(
        "7-digit sums without an example, with room for 8, 20 and 50 tokens: does the model still "
        "do well, and why?"
    ),
    asks=_asks,
    analyse=_analyse,
)
