"""Q2a: does the example 3+7=10 help with 7-digit sums?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from carrychain.addition.anatomy import KINDS, dissect, error_kind
from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.problems import Problem
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
    mark,
    read_as,
    recorded_series,
)
from carrychain.assignment.q2.settings import (
    JOINED,
    ONE_DIGIT,
    ZERO_SHOT,
    recorded_llama2,
    seven_digit_sums,
)
from carrychain.assignment.recorded import RecordedRun
from carrychain.assignment.words import (
    LEVEL,
    SCORES,
    accuracy,
    direction,
    join,
    p_value,
    paired,
    paired_error,
    recorded_scores,
    scores,
    share,
)
from carrychain.io import Json
from carrychain.stats import mcnemar_exact

MAX_TOKENS = 8
EXAMPLE_ANSWER = 10
LABELS = ("no example", "example 3+7")


@dataclass(frozen=True, slots=True)
class KindChange:
    """Wrong answers of one kind on the same problems.

    Args:
        kind: a name in `KINDS`.
        before, after: how many without and with the example.
        p: of McNemar's exact test on the problems that are of this kind in one of them only.
    """

    kind: str
    before: int
    after: int
    p: float

    @property
    def told(self) -> bool:
        """Whether the change can be told from chance, all kinds being looked at (Bonferroni)."""
        return self.p < LEVEL / len(KINDS)


def kind_changes(before: Evaluation, after: Evaluation) -> list[KindChange]:
    """Return, for each kind of error, how it changed between two readings of the same problems."""
    kinds = [[_kind(row) for row in e.rows] for e in (before, after)]
    return [_change(kind, *([k == kind for k in found] for found in kinds)) for kind in KINDS]


def _copies(before: Evaluation, after: Evaluation) -> KindChange:
    """Return how often the example's own answer was read, with and without it."""
    flags = [[row.response == EXAMPLE_ANSWER for row in e.rows] for e in (before, after)]
    return _change("example_answer", *flags)


def _change(kind: str, before: Sequence[bool], after: Sequence[bool]) -> KindChange:
    both = sum(x and y for x, y in zip(before, after, strict=True))
    p = mcnemar_exact(sum(before) - both, sum(after) - both)
    return KindChange(kind, sum(before), sum(after), p)


def _kind(row: Row) -> str | None:
    return None if row.correct else error_kind(Problem(row.a, row.b), row.response)


def _worded(row: Row) -> bool:
    """Whether the answer's line holds letters: words, or a unit, that no reading understands."""
    line = next((line for line in row.output.splitlines() if line.strip()), "")
    return any(character.isalpha() for character in line)


def _asks(plan: Plan) -> dict[str, Ask]:
    return {
        "zero_shot": seven_digit_sums(plan, ZERO_SHOT, MAX_TOKENS),
        "one_shot": seven_digit_sums(plan, ONE_DIGIT, MAX_TOKENS),
    }


def _analyse(context: Context) -> Result:
    both = zero, one = [
        read_as(context.evaluations[name], JOINED) for name in ("zero_shot", "one_shot")
    ]
    comparison = compare(zero, one)
    changes = kind_changes(zero, one)
    runs = [recorded_llama2(prompt, MAX_TOKENS) for prompt in (ZERO_SHOT, ONE_DIGIT)]
    worded = [sum(_worded(row) and not row.correct for row in e.rows) for e in both]
    copies = _copies(zero, one)
    metrics: dict[str, Json] = {
        "n": comparison.n_pairs,
        **flat("zero_shot", zero),
        **flat("one_shot", one),
        **flat_comparison("example", comparison),
        **{f"zero_shot_error_{c.kind}": c.before for c in changes},
        **{f"one_shot_error_{c.kind}": c.after for c in changes},
        **{f"error_{c.kind}_p": c.p for c in changes},
        "zero_shot_wrong_in_words": worded[0],
        "one_shot_wrong_in_words": worded[1],
        "zero_shot_example_answer": copies.before,
        "one_shot_example_answer": copies.after,
        "example_answer_p": copies.p,
    }
    a, b = "the prompt without it", "the prompt with it"
    findings = (
        f"{_verdict(comparison)} {paired(comparison, a=a, b=b)}",
        paired_error(comparison, a=a, b=b),
        _kinds_sentence(changes, comparison.n_pairs),
        _words_sentence(both, worded),
        _recorded_sentence(runs),
    )
    title = context.engine.info.title
    return Result(
        metrics=metrics,
        tables=(_score_table(title, both, runs), _kind_table(changes, comparison.n_pairs, runs)),
        pictures=(_picture(title, both, changes, runs, comparison),),
        findings=findings,
        answer=_answer(zero, one, comparison, changes, worded, copies),
    )


def _verdict(comparison: Comparison) -> str:
    return {
        1: "The example 3+7 helps.",
        -1: "The example 3+7 hurts.",
        0: "Whether the example 3+7 helps or hurts can't be told.",
    }[direction(comparison)]


def _kinds_sentence(changes: Sequence[KindChange], n: int) -> str:
    told = [c for c in changes if c.told]
    if not told:
        return f"No kind of error became more or fewer than chance would have it at n = {n}."
    parts = [
        f"{'more' if c.after > c.before else 'fewer'} answers with “{KINDS[c.kind]}” "
        f"({c.before} without, {c.after} with, McNemar p {p_value(c.p)})"
        for c in told
    ]
    return f"With the example there are {', '.join(parts)}; no other change can be told."


def _words_sentence(both: Sequence[Evaluation], worded: Sequence[int]) -> str:
    wrong = [e.metrics.n - e.metrics.correct for e in both]
    sentence = (
        f"Of the wrong answers, {worded[0]} of {wrong[0]} without and {worded[1]} of {wrong[1]} "
        "with the example stand in a line with words or a unit"
    )
    sample = next((row for e in both for row in e.rows if _worded(row) and not row.correct), None)
    if sample is None:
        return sentence + ": they are numbers, and wrong ones."
    return (
        f"{sentence}, such as “{sample.output.strip().splitlines()[0]}” for {sample.a}+{sample.b}."
    )


def _recorded_sentence(runs: Sequence[Sequence[RecordedRun]]) -> str:
    parts: list[str] = []
    told = False
    for without, with_example in zip(*runs, strict=True):
        outcomes = list(zip(without.right, with_example.right, strict=True))
        p = mcnemar_exact(sum(x > y for x, y in outcomes), sum(y > x for x, y in outcomes))
        told |= p < LEVEL
        parts.append(
            f"{share(without.correct, without.n)} without and "
            f"{share(with_example.correct, with_example.n)} with the example (runs {without.id} "
            f"and {with_example.id}, McNemar p {p_value(p)})"
        )
    verdict = "a difference is told" if told else "10 sums can't tell a difference"
    return f"Recorded Llama-2, the same 10 sums: {join(parts)}; {verdict}."


def _score_table(
    title: str, both: Sequence[Evaluation], runs: Sequence[Sequence[RecordedRun]]
) -> Table:
    rows = [scores(label, e) for label, e in zip(LABELS, both, strict=True)]
    rows += [
        recorded_scores(label, r) for label, here in zip(LABELS, runs, strict=True) for r in here
    ]
    return Table(
        "scores",
        f"{title}: the same {both[0].metrics.n} 7-digit sums, {MAX_TOKENS} tokens",
        SCORES,
        tuple(rows),
        "All digits of the output are joined, as the hand-out does. Recorded runs are not ours: "
        "10 sums each, with the interval that 10 allow.",
    )


def _kind_table(
    changes: Sequence[KindChange], n: int, runs: Sequence[Sequence[RecordedRun]]
) -> Table:
    theirs = {
        f"recorded {r.id}": dissect(r.problems, [x or None for x in r.responses]).errors
        for here in runs
        for r in here
    }
    return Table(
        "errors",
        f"Kinds of wrong answers among {n}, and among the 10 of recorded Llama-2 runs",
        (
            Column("kind", numeric=False),
            *map(Column, LABELS),
            Column("McNemar p"),
            *map(Column, theirs),
        ),
        tuple(
            (
                c.kind.replace("_", " "),
                str(c.before),
                str(c.after),
                p_value(c.p).removeprefix("= "),
                *(str(errors[c.kind]) for errors in theirs.values()),
            )
            for c in changes
        ),
        f"A change is claimed where p is below {LEVEL / len(KINDS):.2g}, since "
        f"{len(KINDS)} kinds are looked at. "
        + " and ".join(
            f"{join([r.id for r in here])}: {label}"
            for label, here in zip(LABELS, runs, strict=True)
        )
        + ". "
        + "; ".join(f"{kind.replace('_', ' ')}: {meaning}" for kind, meaning in KINDS.items())
        + ".",
    )


def _picture(
    title: str,
    both: Sequence[Evaluation],
    changes: Sequence[KindChange],
    runs: Sequence[Sequence[RecordedRun]],
    comparison: Comparison,
) -> Picture:
    n = comparison.n_pairs
    present = [c for c in changes if c.before or c.after]
    accuracies = Series(
        f"{title}, n = {n}",
        tuple(accuracy_mark(x, e) for x, e in enumerate(both)),
        joined=False,
    )
    kinds = tuple(
        Series(label, tuple(mark(x, count, n) for x, count in enumerate(counts)))
        for label, counts in zip(
            LABELS, ([c.before for c in present], [c.after for c in present]), strict=True
        )
    )
    panels = [
        Panel(
            "accuracy",
            Axis("prompt", categories=LABELS),
            Axis("share of exact answers", low=0, high=1),
            (accuracies, *recorded_series(runs)),
        )
    ]
    if present:
        panels.append(
            Panel(
                "kinds of wrong answers",
                Axis("kind", categories=tuple(c.kind.replace("_", " ") for c in present)),
                Axis("share of all answers", low=0, high=1),
                kinds,
                bars=True,
            )
        )
    return Picture(
        "accuracy",
        f"The example 3+7 on 7-digit sums, {MAX_TOKENS} tokens; bars are 95% intervals",
        f"{title}: {accuracy(both[0])} right without an example, {accuracy(both[1])} with it. "
        f"{_verdict(comparison)}",
        tuple(panels),
    )


def _answer(
    zero: Evaluation,
    one: Evaluation,
    comparison: Comparison,
    changes: Sequence[KindChange],
    worded: Sequence[int],
    copies: KindChange,
) -> tuple[str, ...]:
    n = comparison.n_pairs
    lengths = Counter(
        len(str(row.response)) for row in one.rows if row.response is not None and not row.correct
    )
    usual = (
        f" The most frequent length of a wrong answer after it is {lengths.most_common(1)[0][0]} "
        f"digits ({lengths.most_common(1)[0][1]} of {sum(lengths.values())}); the sums have 7 or 8."
        if lengths
        else ""
    )
    short = next(c for c in changes if c.kind == "too_short")
    return (
        f"Without an example {accuracy(zero)} of {n} sums are right, with 3+7 {accuracy(one)}. "
        f"{_verdict(comparison)}",
        "An example can do two things. It shows the form: a number follows “Answer:”, and then a "
        "new question. And it shows what answers are like, here a number of two digits. Min et "
        "al. (2022, arXiv:2202.12837) found that examples work largely through form and through "
        "the range of what they show, less through being right; 3+7 is outside the range of "
        f"7-digit sums.{usual}",
        f"What the numbers say. Too few digits: {short.before} answers without and {short.after} "
        f"with the example. {_words_sentence((zero, one), worded)} {_form(one, worded[1])} "
        f"{_copying(copies, n)}",
        "An example does not teach carrying: the weights stay as they are (Brown et al. 2020, "
        "arXiv:2005.14165). It can only make likely what the model can already do, so one "
        "easy sum may change how answers look without changing how well digits are worked out.",
    )


def _form(one: Evaluation, worded: int) -> str:
    wrong = one.metrics.n - one.metrics.correct
    if 2 * worded > wrong:
        return (
            "So most that is wrong after the example is a matter of form: what is written is no "
            "plain number, and a reading of digits can't be right on it."
        )
    return "So form explains at most half of what is wrong after the example; digits are the rest."


def _copying(copies: KindChange, n: int) -> str:
    counts = (
        f"The example's own answer, {EXAMPLE_ANSWER}, is read {copies.before} times of {n} without "
        f"and {copies.after} times with it"
    )
    if copies.p >= LEVEL:
        return f"{counts}: copying from the example can't be told from that."
    if copies.after < copies.before:
        return f"{counts} (McNemar p {p_value(copies.p)}): the example is not copied."
    return (
        f"{counts} (McNemar p {p_value(copies.p)}): answers in the prompt attract (Zhao et al. "
        "2021, arXiv:2102.09690)."
    )


Q2A = Question(
    name="Q2a",
    title="one 1-digit example",
    text=(
        "The prompt with the example 3+7=10 on 7-digit sums, at most 8 tokens: how does it compare "
        "with no example, and why?"
    ),
    asks=_asks,
    analyse=_analyse,
)
