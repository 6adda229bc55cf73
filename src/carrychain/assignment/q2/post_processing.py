"""Q2b: the number is in a longer output somewhere; which way of reading finds it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Question,
    Result,
    Series,
    Table,
)
from carrychain.assignment.measured import (
    accuracy_mark,
    flat,
    flat_comparison,
    read_as,
    recorded_series,
)
from carrychain.assignment.q2.settings import (
    JOINED,
    ONE_DIGIT,
    SEVEN_DIGITS,
    recorded_llama2,
    seven_digit_sums,
)
from carrychain.assignment.recorded import OWN_READING
from carrychain.assignment.words import (
    SCORES,
    accuracy,
    direction,
    join,
    large,
    p_value,
    paired,
    paired_error,
    quoted,
    recorded_scores,
    response,
    scores,
    share,
    signed,
    signed_interval,
)
from carrychain.io import Json

SHORT, LONG = 8, 50
WAYS = (JOINED, "first-integer", "last-integer", "first-line", "separated", "after:Answer:")
MEANINGS = {
    **{name: extraction.description for name, extraction in EXTRACTIONS.items()},
    "after:Answer:": "the first run of digits after the first “Answer:” of the output",
}
EXAMPLES = {ONE_DIGIT: "example 3+7", SEVEN_DIGITS: "7-digit example"}


@dataclass(frozen=True)
class Readings:
    """The outputs of one prompt, read in every way, and what they are compared with.

    Args:
        example: what the prompt shows, in a few words.
        by_way: the evaluation of each way.
        short: the same sums with few tokens, all digits joined.
    """

    example: str
    by_way: Mapping[str, Evaluation]
    short: Evaluation

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows as all digits joined read them; every way has the same outputs."""
        return self.by_way[JOINED].rows

    def against_joined(self, way: str) -> Comparison:
        """Compare a way with all digits joined, on the same outputs."""
        return compare(self.by_way[JOINED], self.by_way[way])

    def against_short(self, way: str) -> Comparison:
        """Compare a way at many tokens with few tokens."""
        return compare(self.short, self.by_way[way])

    def best(self) -> list[str]:
        """Return the ways with the most right readings."""
        most = max(e.metrics.correct for e in self.by_way.values())
        return [way for way, e in self.by_way.items() if e.metrics.correct == most]

    def begin_alike(self) -> int:
        """Count the long outputs that begin with the short one."""
        return sum(
            long.output.startswith(short.output)
            for long, short in zip(self.rows, self.short.rows, strict=True)
        )

    def holding_the_sum(self) -> int:
        """Count the outputs whose digits hold the sum's in a row: no way is right on others."""
        return sum(str(row.answer) in _digits(row.output) for row in self.rows)

    def missed(self, way: str) -> list[Row]:
        """Return the rows that a way reads wrongly and another one rightly."""
        columns = zip(*(e.rows for e in self.by_way.values()), strict=True)
        return [
            row
            for row, others in zip(self.by_way[way].rows, columns, strict=True)
            if not row.correct and any(other.correct for other in others)
        ]


def _digits(output: str) -> str:
    return "".join(str(int(sign)) for sign in output if sign.isdecimal())


def _asks(plan: Plan) -> dict[str, Ask]:
    return {
        f"{prompt}-{tokens}": seven_digit_sums(plan, prompt, tokens)
        for prompt in EXAMPLES
        for tokens in (SHORT, LONG)
    }


def _readings(context: Context, prompt: str) -> Readings:
    long = context.evaluations[f"{prompt}-{LONG}"]
    return Readings(
        EXAMPLES[prompt],
        {way: read_as(long, way) for way in WAYS},
        read_as(context.evaluations[f"{prompt}-{SHORT}"], JOINED),
    )


def _analyse(context: Context) -> Result:
    asked, other = (_readings(context, prompt) for prompt in EXAMPLES)
    title = context.engine.info.title
    return Result(
        metrics={"n": len(asked.rows), **_metrics("one_digit", asked), **_metrics("seven", other)},
        tables=(
            _score_table("ways", title, asked, recorded=True),
            _score_table("ways_7_digit_example", title, other, recorded=False),
            _paired_table("paired", asked),
            _paired_table("paired_7_digit_example", other),
            _miss_table(asked, other),
            _one_output_table(asked, other),
        ),
        pictures=(_picture(title, asked, other),),
        findings=(
            " ".join(_best_sentence(readings) for readings in (asked, other)),
            *_findings(asked),
            *_findings(other),
            f"Recorded Llama-2 after the example 3+7, 50 tokens, n = 10: all digits joined "
            f"{_recorded_joined()}; a student's own reading after the last “Answer:” "
            f"{share(OWN_READING.correct, OWN_READING.n)}, mean error {large(OWN_READING.mae)}.",
        ),
        answer=_answer(asked, other),
    )


def _recorded_joined() -> str:
    return " and ".join(
        f"{share(r.correct, r.n)}, mean error {large(r.mae)}"
        for r in recorded_llama2(ONE_DIGIT, LONG)
    )


def _key(way: str) -> str:
    return way.rstrip(":").lower().replace("-", "_").replace(":", "_")


def _metrics(name: str, readings: Readings) -> dict[str, Json]:
    found: dict[str, Json] = {
        **flat(f"{name}_short", readings.short),
        f"{name}_begin_alike": readings.begin_alike(),
        f"{name}_holding_the_sum": readings.holding_the_sum(),
        f"{name}_best": list[Json](readings.best()),
    }
    for way, evaluation in readings.by_way.items():
        key = f"{name}_{_key(way)}"
        found |= flat(key, evaluation)
        found |= flat_comparison(f"{key}_vs_joined", readings.against_joined(way))
        found |= flat_comparison(f"{key}_vs_short", readings.against_short(way))
    return found


def _findings(readings: Readings) -> list[str]:
    n = len(readings.rows)
    found = [_long_sentence(readings, JOINED)]
    if readings.best()[0] != JOINED:
        found.append(_long_sentence(readings, readings.best()[0]))
    found += [
        _error_sentence(readings),
        f"{readings.begin_alike()} of {n} outputs of {LONG} tokens begin with the output of "
        f"{SHORT} tokens, and {readings.holding_the_sum()} hold the sum somewhere.",
    ]
    return [f"After the {readings.example}: {sentence}" for sentence in found]


def _long_sentence(readings: Readings, way: str) -> str:
    return paired(
        readings.against_short(way),
        a=f"the {SHORT}-token output",
        b=f"the {LONG}-token output read with {way}",
    )


def _error_sentence(readings: Readings) -> str:
    return paired_error(
        readings.against_short(JOINED),
        a=f"the {SHORT}-token output",
        b=f"the {LONG}-token output read with {JOINED}",
    )


def _best_sentence(readings: Readings) -> str:
    n, best = len(readings.rows), readings.best()
    first = readings.by_way[best[0]]
    after = f"After the {readings.example}"
    if first.metrics.correct == 0:
        return f"{after} no way reads a right sum from any of {n} outputs, {share(0, n)}."
    if len(best) == len(readings.by_way):
        return f"{after} every way is right equally often, {accuracy(first)}."
    others = [way for way in readings.by_way if way not in best]
    worse = [w for w in others if direction(compare(first, readings.by_way[w])) < 0]
    untold = [w for w in others if w not in worse]
    sentence = f"{after} right most often is {join(best)}, {accuracy(first)}"
    if worse:
        sentence += f"; worse on the same outputs: {_with_shares(readings, worse)}"
    if untold:
        sentence += (
            f"; no difference from it can be told at n = {n}: {_with_shares(readings, untold)}"
        )
    return sentence + "."


def _with_shares(readings: Readings, ways: Sequence[str]) -> str:
    return join([f"{way} {accuracy(readings.by_way[way])}" for way in ways])


def _score_table(name: str, title: str, readings: Readings, *, recorded: bool) -> Table:
    rows = [(*scores(way, e), str(e.metrics.unparsed)) for way, e in readings.by_way.items()]
    rows.append(
        (*scores(f"{SHORT} tokens, {JOINED}", readings.short), str(readings.short.metrics.unparsed))
    )
    if recorded:
        rows += [
            (*recorded_scores(JOINED, r), "not recorded") for r in recorded_llama2(ONE_DIGIT, LONG)
        ]
        rows.append((*recorded_scores("a student's own reading", OWN_READING), "not recorded"))
    return Table(
        name,
        f"{title}: the same {len(readings.rows)} outputs of {LONG} tokens after the "
        f"{readings.example}, read in {len(WAYS)} ways",
        (*SCORES, Column("unread")),
        tuple(rows),
        "; ".join(f"{way}: {MEANINGS[way]}" for way in WAYS)
        + ". An output that can't be read is wrong, and counts as 0 in the mean error.",
    )


def _paired_table(name: str, readings: Readings) -> Table:
    rows: list[tuple[str, ...]] = []
    for way in WAYS:
        against = {SHORT: readings.against_short(way)}
        if way != JOINED:
            against[LONG] = readings.against_joined(way)
        rows += [(way, f"{n} tokens, {JOINED}", *_paired_cells(c)) for n, c in against.items()]
    return Table(
        name,
        f"Each way at {LONG} tokens after the {readings.example}, paired by sum",
        (
            Column("way", numeric=False),
            Column("against", numeric=False),
            Column("right only here"),
            Column("right only there"),
            Column("difference"),
            Column("95% interval"),
            Column("McNemar p"),
        ),
        tuple(rows),
        "Where no sum is right in one of them only, there is nothing to take an interval from.",
    )


def _paired_cells(c: Comparison) -> tuple[str, ...]:
    return (
        str(c.only_b),
        str(c.only_a),
        signed(c.acc_difference),
        "–" if c.only_a == c.only_b == 0 else signed_interval(c.acc_difference_ci),
        "–" if c.mcnemar_p is None else p_value(c.mcnemar_p).removeprefix("= "),
    )


def _miss_table(*both: Readings) -> Table:
    rows: list[tuple[str, ...]] = []
    for readings in both:
        for way in WAYS:
            missed = readings.missed(way)
            cells = (readings.example, way, str(len(missed)))
            if missed:
                row = missed[0]
                read = response(row.response)
                cells = (*cells, f"{row.a}+{row.b}", str(row.answer), read, quoted(row.output))
            else:
                cells = (*cells, *["–"] * 4)
            rows.append(cells)
    return Table(
        "misses",
        "Where a way reads wrongly what another reads rightly, and the first such output",
        (
            Column("prompt", numeric=False),
            Column("way", numeric=False),
            Column("outputs"),
            Column("problem"),
            Column("sum"),
            Column("read"),
            Column("output", numeric=False),
        ),
        tuple(rows),
        "↵ is a line break.",
    )


def _one_output_table(*both: Readings) -> Table:
    readings, index = max(
        ((r, i) for r in both for i in range(len(r.rows))),
        key=lambda place: _telling(*place),
    )
    row = readings.rows[index]
    return Table(
        "one_output",
        f"One output in every way, after the {readings.example}: "
        f"{row.a}+{row.b} = {row.answer}, output {quoted(row.output)}",
        (Column("way", numeric=False), Column("reads"), Column("right", numeric=False)),
        tuple(
            (way, response(e.rows[index].response), "yes" if e.rows[index].correct else "no")
            for way, e in readings.by_way.items()
        ),
        "Of the outputs that only some ways read rightly, the one that is read in most ways."
        if _telling(readings, index)[0]
        else "No output is read rightly by some ways only; this one is read in most ways.",
    )


def _telling(readings: Readings, index: int) -> tuple[bool, int]:
    rows = [e.rows[index] for e in readings.by_way.values()]
    mixed = any(r.correct for r in rows) and not all(r.correct for r in rows)
    return mixed, len({r.response for r in rows})


def _picture(title: str, *both: Readings) -> Picture:
    places = (f"{SHORT} tokens, {JOINED}", *(f"{LONG}, {way}" for way in WAYS))
    panels: list[Panel] = []
    for readings in both:
        marks = [readings.short, *readings.by_way.values()]
        series = [
            Series(
                f"{title}, n = {len(readings.rows)}",
                tuple(accuracy_mark(x, e) for x, e in enumerate(marks)),
                joined=False,
            )
        ]
        if readings is both[0]:
            series += recorded_series(
                [recorded_llama2(ONE_DIGIT, SHORT), recorded_llama2(ONE_DIGIT, LONG)]
            )
        panels.append(
            Panel(
                f"after the {readings.example}",
                Axis("tokens and way of reading", categories=places),
                Axis("share of exact answers", low=0, high=1),
                tuple(series),
            )
        )
    return Picture(
        "ways",
        "The same outputs read in several ways; bars are 95% intervals",
        f"{title}. " + " ".join(_best_sentence(r) for r in both),
        tuple(panels),
    )


def _answer(asked: Readings, other: Readings) -> tuple[str, ...]:
    n = len(asked.rows)
    telling = max((asked, other), key=lambda r: r.by_way[r.best()[0]].metrics.correct)
    return (
        "Approach: the answer comes first, right after the prompt's last “Answer:”. What follows "
        "is the model going on with the text, often with new questions of its own. So read the "
        "first number, or the digits of the first line, and pass over the rest; joining all "
        f"digits mixes the answer with what follows. Measured: {_best_sentence(telling)}",
        f"Compared with {SHORT} tokens, after the {asked.example}: "
        f"{_long_sentence(asked, JOINED)} {_error_words(asked)} After the {other.example}: "
        f"{_long_sentence(other, JOINED)}",
        f"Cause: {asked.begin_alike()} of {n} long outputs begin with the short one, to the "
        "letter. Where they do, the model worked out the same answer, and a difference can only "
        f"come from reading. {SHORT} tokens are a prior on the length: they cut what follows the "
        f"answer, and a sum of eight digits fills them. {_bound(asked)} {_bound(other)}",
        "“after:Answer:” looks right and is not here: the prompt's own “Answer:” is not part of "
        "the output, so it reads the answer to the next question that the model makes up. "
        f"{_with_shares(asked, ['after:Answer:'])} after the {asked.example}; a recorded student's "
        f"reading after the last “Answer:” had {share(OWN_READING.correct, OWN_READING.n)}. It is "
        "the right way for prompts whose answers come after worked steps.",
    )


def _error_words(readings: Readings) -> str:
    short, joined = readings.short.metrics, readings.by_way[JOINED].metrics
    first = readings.by_way["first-integer"].metrics
    return (
        f"The mean error is {large(short.mae)} at {SHORT} tokens, {large(joined.mae)} at {LONG} "
        f"with all digits joined and {large(first.mae)} with the first number."
    )


def _bound(readings: Readings) -> str:
    n = len(readings.rows)
    holding, right = readings.holding_the_sum(), readings.by_way[readings.best()[0]].metrics.correct
    return (
        f"After the {readings.example} {holding} of {n} outputs hold the sum; no reading can be "
        f"right more often, and the best one is right on {right}."
    )


Q2B = Question(
    name="Q2b",
    title="reading the answer from a longer output",
    text=(
        "With 50 tokens the output goes on after the answer. Which way of reading finds the answer "
        "in the same outputs, and how does it compare with 8 tokens?"
    ),
    asks=_asks,
    analyse=_analyse,
)
