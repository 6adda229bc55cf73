"""Q1a: what makes sums harder from 1 to 7 digits, without an example?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from statistics import mean

import numpy as np

from carrychain.addition.anatomy import KINDS, Count, dissect
from carrychain.addition.evaluation import Evaluation
from carrychain.addition.problems import Problem, carries, pairs_by_carry_chain
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
from carrychain.assignment.measured import accuracy_mark, flat, mark, recorded_series
from carrychain.assignment.q1.tokens import count_text, operands, tokens_a_number
from carrychain.assignment.recorded import LLAMA2, RecordedRun, runs
from carrychain.assignment.unpaired import Share, share_of, unpaired, unpaired_direction
from carrychain.assignment.words import (
    LEVEL,
    SCORES,
    accuracy,
    p_value,
    recorded_scores,
    scores,
    share,
)
from carrychain.engines.base import SamplingParams
from carrychain.io import Json
from carrychain.stats import mcnemar_exact
from carrychain.text import interval
from carrychain.text import share as plain_share

DIGITS = range(1, 8)
CHAINS = range(8)
FEW = 3
"""Sums of seven digits with at most so many carries are told from those with more."""

_STEPS = len(DIGITS) - 1


def _max_tokens(digits: int) -> int:
    """Return the hand-out's limit, 2 for one digit and 8 for seven: room for a sum's digits."""
    return digits + 1


def _asks(plan: Plan) -> dict[str, Ask]:
    """Ask every length, and 7-digit sums by their longest carry chain.

    Drawn as the hand-out draws, hardly one 7-digit sum in a hundred has a chain of 0 or of 7, so
    these are drawn for each chain on their own, as many as for a length. How accuracy goes with
    the number of carries and from digit to digit is read from the 7-digit sums as they are drawn.
    """
    by_digits = {
        f"{d}_digits": ask_shipped(
            "zero-shot", plan.problems(d), SamplingParams(max_tokens=_max_tokens(d))
        )
        for d in DIGITS
    }
    by_chain = {
        f"chain_{chain}": ask_shipped(
            "zero-shot",
            tuple(
                pairs_by_carry_chain(np.random.default_rng([plan.seed, chain]), 7, chain, plan.n)
            ),
            SamplingParams(max_tokens=_max_tokens(7)),
        )
        for chain in CHAINS
    }
    return by_digits | by_chain


@dataclass(frozen=True, slots=True)
class Places:
    """How right the digits of the sums are, place by place.

    Args:
        counts: by place from the right, 0 for the ones.
        hardest: the place that is right least often, the rightmost of equals.
        p: of McNemar's exact test between the ones and the hardest place of the same sums.
        independent: accuracy if the digits of a sum were right independently of each other, each
            as often as its place.
    """

    counts: tuple[Count, ...]
    hardest: int
    p: float
    independent: float

    @property
    def told(self) -> bool:
        """Whether the hardest place differs from the ones, all places being looked at."""
        return self.p * (len(self.counts) - 1) < LEVEL


def places(evaluation: Evaluation) -> Places:
    """Look at each digit of the sums."""
    rows = [
        {c.value: c.correct for c in dissect([Problem(r.a, r.b)], [r.response]).by_digit}
        for r in evaluation.rows
    ]
    counts = evaluation.anatomy.by_digit
    shares = {c.value: c.correct / c.n for c in counts}
    hardest = min(shares, key=lambda place: (shares[place], place))
    both = [(right[0], right[hardest]) for right in rows if hardest in right]
    only_ones = sum(ones > hard for ones, hard in both)
    only_hardest = sum(hard > ones for ones, hard in both)
    return Places(
        counts=counts,
        hardest=hardest,
        p=mcnemar_exact(only_ones, only_hardest),
        independent=mean(prod(shares[place] for place in right) for right in rows),
    )


def _analyse(context: Context) -> Result:
    by_digits = {d: context.evaluations[f"{d}_digits"] for d in DIGITS}
    by_chain = {c: context.evaluations[f"chain_{c}"] for c in CHAINS}
    problems = {
        d: [Problem(row.a, row.b) for row in evaluation.rows] for d, evaluation in by_digits.items()
    }
    tokens = {d: tokens_a_number(context.engine, operands(problems[d])) for d in DIGITS}
    seven = by_digits[7]
    split = _by_few_carries(seven)
    place = places(seven)
    recorded = {d: _recorded(d) for d in DIGITS}
    metrics: dict[str, Json] = {}
    for d in DIGITS:
        metrics |= flat(f"digits_{d}", by_digits[d])
        metrics[f"digits_{d}_tokens_a_number"] = tokens[d]
    for c in CHAINS:
        metrics |= flat(f"chain_{c}", by_chain[c])
    for name, counts in (("carries", seven.anatomy.by_carries), ("digit", place.counts)):
        for count in counts:
            metrics[f"{name}_{count.value}_correct"] = count.correct
            metrics[f"{name}_{count.value}_n"] = count.n
    metrics |= {f"errors_{kind}": n for kind, n in seven.anatomy.errors.items()}
    metrics |= {
        "digits_direction": unpaired_direction(share_of(by_digits[1]), share_of(seven)),
        "chain_direction": unpaired_direction(share_of(by_chain[0]), share_of(by_chain[7])),
        "carries_direction": 0 if split is None else unpaired_direction(*split),
        "hardest_digit": place.hardest,
        "hardest_digit_p": place.p,
        "independent_digits_acc": place.independent,
    }
    title = context.engine.info.title
    findings = (
        unpaired(share_of(by_digits[1]), share_of(seven), a="with 1 digit", b="with 7 digits"),
        _steps_sentence(by_digits),
        _tokens_sentence(tokens),
        unpaired(
            share_of(by_chain[0]),
            share_of(by_chain[7]),
            a="of 7-digit sums without a carry",
            b="of 7-digit sums that carry in every column",
        ),
        _carries_sentence(split),
        _places_sentence(place),
        _independence_sentence(place, seven),
        _errors_sentence(seven),
        *_recorded_sentences(recorded),
    )
    return Result(
        metrics=metrics,
        tables=(
            _digits_table(title, by_digits, tokens, recorded),
            _chain_table(title, by_chain),
            _counts_table(
                "carries",
                f"{title}: 7-digit sums by number of carries",
                "carries",
                seven.anatomy.by_carries,
                "The 7-digit sums as the hand-out draws them; few of them have very few or very "
                "many carries.",
            ),
            _counts_table(
                "places",
                f"{title}: digits of the 7-digit sums, from the right",
                "place",
                tuple(Count(c.value + 1, c.n, c.correct) for c in place.counts),
                "Place 1 is the ones. A digit is right if it stands there in the answer, whatever "
                "the other digits are; only some sums have an eighth.",
            ),
            _errors_table(title, seven),
        ),
        pictures=(
            _digits_picture(title, by_digits, recorded),
            _difficulty_picture(title, by_chain, seven, place),
        ),
        findings=findings,
        answer=_answer(context, by_digits, tokens, place, findings),
    )


def _recorded(digits: int) -> list[RecordedRun]:
    return runs(model=LLAMA2, prompt="zero-shot", digits=digits, max_tokens=_max_tokens(digits))


def _by_few_carries(evaluation: Evaluation) -> tuple[Share, Share] | None:
    """Return accuracy with few and with many carries, None where one of the two has no sum."""
    few = [row.correct for row in evaluation.rows if sum(carries(row.a, row.b)) <= FEW]
    many = [row.correct for row in evaluation.rows if sum(carries(row.a, row.b)) > FEW]
    return (Share(sum(few), len(few)), Share(sum(many), len(many))) if few and many else None


# --- sentences -----------------------------------------------------------------------------------


def _named(digits: int) -> str:
    return f"{digits} digit{'' if digits == 1 else 's'}"


def _steps(by_digits: dict[int, Evaluation]) -> list[tuple[int, int, int]]:
    """Return the neighbouring lengths that differ, (from, to, direction), six being looked at."""
    found = (
        (a, b, unpaired_direction(share_of(by_digits[a]), share_of(by_digits[b]), _STEPS))
        for a, b in pairwise(by_digits)
    )
    return [step for step in found if step[2]]


def _steps_sentence(by_digits: dict[int, Evaluation]) -> str:
    steps = _steps(by_digits)
    if not steps:
        return (
            "Between no two neighbouring lengths can a difference be told "
            f"(n = {by_digits[1].metrics.n} each, six steps looked at together)."
        )
    told = [
        f"{'rises' if found > 0 else 'falls'} from {accuracy(by_digits[a])} at {_named(a)} to "
        f"{accuracy(by_digits[b])} at {b}"
        for a, b, found in steps
    ]
    rest = "; the other steps can't be told from none" if len(steps) < _STEPS else ""
    return f"Step by step, accuracy {', it '.join(told)}{rest}."


def _tokens_sentence(tokens: dict[int, float | None]) -> str:
    if None in tokens.values():
        return "How many tokens a number takes is not known: the engine does not count them."
    one, seven = tokens[1] or 0, tokens[7] or 0
    start = (
        f"An operand takes {count_text(one)} tokens on average with 1 digit and "
        f"{count_text(seven)} with 7"
    )
    if seven <= one:
        return f"{start}: length in tokens is no cause."
    return f"{start}: the longer sum is read and written in more steps, each of which can fail."


def _carries_sentence(split: tuple[Share, Share] | None) -> str:
    if split is None:
        return f"The 7-digit sums are too few to tell those with more than {FEW} carries apart."
    return unpaired(
        *split,
        a=f"of 7-digit sums with at most {FEW} carries",
        b=f"of 7-digit sums with more than {FEW} carries",
    )


def _ordinal(place: int) -> str:
    names = ("ones", "tens", "hundreds", "thousands", "ten thousands", "hundred thousands")
    return (*names, "millions", "ten millions")[place]


def _places_sentence(place: Places) -> str:
    by_place = {c.value: c for c in place.counts}
    ones, hard = by_place[0], by_place[place.hardest]
    if not place.told:
        return (
            "No digit of the 7-digit sums is right less or more often than the ones so that it "
            f"can be told: the ones in {share(ones.correct, ones.n)}, the fewest in "
            f"{share(hard.correct, hard.n)} ({_ordinal(place.hardest)})."
        )
    return (
        f"Digits of the 7-digit sums are not equally hard: the ones are right in "
        f"{share(ones.correct, ones.n)}, the {_ordinal(place.hardest)} in "
        f"{share(hard.correct, hard.n)} (same sums, McNemar p {p_value(place.p)})."
    )


def _independence_sentence(place: Places, seven: Evaluation) -> str:
    low, high = seven.metrics.acc_ci
    expected = plain_share(place.independent) if place.independent >= 0.001 else "under .001"
    start = (
        f"If digits failed independently, {expected} of the 7-digit sums would be right; "
        f"{accuracy(seven)} are"
    )
    if place.independent < low:
        return f"{start}: errors come together, so many answers are wrong as a whole."
    if place.independent > high:
        return f"{start}: errors are spread over more answers than by chance."
    return f"{start}: no more and no less than single digits failing on their own would leave."


def _errors_sentence(seven: Evaluation) -> str:
    errors = seven.anatomy.errors
    wrong = sum(errors.values())
    if not wrong:
        return "No answer to a 7-digit sum is wrong."
    kind = max(errors, key=lambda kind: errors[kind])
    return (
        f"Of {wrong} wrong answers to 7-digit sums the most frequent kind, {errors[kind]}, is: "
        f"{KINDS[kind]}."
    )


def _recorded_sentences(recorded: dict[int, list[RecordedRun]]) -> list[str]:
    return [
        f"Recorded {LLAMA2} ({one.id}, {seven.id}): "
        + unpaired(one, seven, a="with 1 digit", b="with 7 digits")
        for one, seven in zip(recorded[1], recorded[7], strict=True)
    ]


# --- tables and pictures -------------------------------------------------------------------------


def _digits_table(
    title: str,
    by_digits: dict[int, Evaluation],
    tokens: dict[int, float | None],
    recorded: dict[int, list[RecordedRun]],
) -> Table:
    rows = [(*scores(_named(d), e), count_text(tokens[d])) for d, e in by_digits.items()]
    rows += [(*recorded_scores(_named(d), run), "") for d, here in recorded.items() for run in here]
    return Table(
        "digits",
        f"{title}: zero-shot by digits of the operands, {by_digits[1].metrics.n} sums a row",
        (*SCORES, Column("tokens an operand")),
        tuple(rows),
        "At most one token more than the operands have digits, as the hand-out has it (2 for one "
        "digit, 8 for seven). One digit means 2 to 10, as the hand-out draws. Recorded runs are "
        "not ours: 10 sums each.",
    )


def _chain_table(title: str, by_chain: dict[int, Evaluation]) -> Table:
    return Table(
        "chains",
        f"{title}: 7-digit sums by longest carry chain, {by_chain[0].metrics.n} sums a row",
        (Column("longest chain"), *SCORES[1:]),
        tuple(scores(str(chain), e) for chain, e in by_chain.items()),
        "Drawn for each chain on its own, evenly over all sums that have it.",
    )


def _counts_table(name: str, title: str, head: str, counts: Sequence[Count], note: str) -> Table:
    rows = (
        (
            str(c.value),
            f"{c.correct} of {c.n}",
            plain_share(c.correct / c.n),
            interval(Share(c.correct, c.n).acc_ci),
        )
        for c in counts
    )
    columns = (Column(head), Column("right"), Column("share"), Column("95% interval"))
    return Table(name, title, columns, tuple(rows), note)


def _errors_table(title: str, seven: Evaluation) -> Table:
    return Table(
        "errors",
        f"{title}: wrong answers among {seven.metrics.n} 7-digit sums",
        (Column("kind", numeric=False), Column("answers")),
        tuple((KINDS[kind], str(n)) for kind, n in seven.anatomy.errors.items()),
        "An answer is of the first kind that fits.",
    )


_ACCURACY = Axis("share right", low=0, high=1)


def _digits_picture(
    title: str, by_digits: dict[int, Evaluation], recorded: dict[int, list[RecordedRun]]
) -> Picture:
    n = by_digits[1].metrics.n
    ours = Series(f"{title}, n = {n}", tuple(accuracy_mark(d, e) for d, e in by_digits.items()))
    places_on_axis = [recorded.get(x, []) for x in range(DIGITS.stop)]
    worst = min(by_digits, key=lambda d: by_digits[d].metrics.acc)
    return Picture(
        "digits",
        "Zero-shot sums by length; lines at the marks are 95% intervals",
        f"{title}: accuracy {accuracy(by_digits[1])} with 1 digit, {accuracy(by_digits[7])} with "
        f"7; lowest with {worst}.",
        (
            Panel(
                "accuracy by length",
                Axis("digits of each operand", low=1, high=7),
                _ACCURACY,
                (ours, *recorded_series(places_on_axis)),
            ),
        ),
    )


def _difficulty_picture(
    title: str, by_chain: dict[int, Evaluation], seven: Evaluation, place: Places
) -> Picture:
    label = f"{title}, 7-digit sums"
    panels = (
        (
            "longest carry chain",
            "columns in the longest chain",
            tuple(accuracy_mark(c, e) for c, e in by_chain.items()),
        ),
        ("carries", "number of carries", _marks(seven.anatomy.by_carries)),
        ("digit of the sum", "place from the right, 1 the ones", _marks(place.counts, 1)),
    )
    return Picture(
        "difficulty",
        f"Where 7-digit sums are hard, n = {by_chain[0].metrics.n} a chain and "
        f"{seven.metrics.n} in all else; lines at the marks are 95% intervals",
        f"{title}: {accuracy(by_chain[0])} right without a carry, {accuracy(by_chain[7])} with a "
        f"chain of seven; of the digits the {_ordinal(place.hardest)} are right least often.",
        tuple(
            Panel(f"by {name}", Axis(axis), _ACCURACY, (Series(label, points),))
            for name, axis, points in panels
        ),
    )


def _marks(counts: Sequence[Count], first: int = 0) -> tuple[Point, ...]:
    return tuple(mark(c.value + first, c.correct, c.n) for c in counts)


# --- the written answer --------------------------------------------------------------------------


def _answer(
    context: Context,
    by_digits: dict[int, Evaluation],
    tokens: dict[int, float | None],
    place: Places,
    findings: Sequence[str],
) -> tuple[str, ...]:
    title = context.engine.info.title
    seven = by_digits[7]
    fell = unpaired_direction(share_of(by_digits[1]), share_of(seven)) < 0
    start = (
        "Accuracy deteriorates with length."
        if fell
        else f"On {title} these runs show no deterioration; the factors below are those known of "
        "other models, each with what this model's numbers say of it."
    )
    paragraphs = [
        f"{start} {findings[0]} {findings[1]}",
        "**More steps.** A model that writes digit by digit needs every digit right; if each is "
        f"right with probability p, d of them are with p^d (Dziri et al. 2023, arXiv:2305.18654). "
        f"{_tokens_sentence(tokens)} {_independence_sentence(place, seven)}",
        "**Carries, and the wrong direction.** The first digit is written first but depends on "
        "every carry to its right, which the model has to foresee; written from the ones, sums "
        "are learnt far more easily (Lee et al. 2023, arXiv:2307.03381). " + findings[3] + " "
        f"{findings[4]} {findings[5]}",
        "**Rarity.** The hand-out draws one-digit operands from 81 pairs and seven-digit ones from "
        "8·10¹³: the first can be remembered, the others must be worked out. How often numbers "
        "occur in the training text goes with how well a model computes with them (Razeghi et al. "
        "2022, arXiv:2202.07206).",
        "**Tokens.** Where a tokenizer joins several digits into one token, columns are hidden in "
        "tokens that end at different places in the two operands. Llama-2 and Qwen3 cut numbers "
        "into single digits (Touvron et al. 2023, arXiv:2307.09288; Bai et al. 2023, "
        "arXiv:2309.16609), so this is no cause of their errors.",
    ]
    short = seven.anatomy.errors["too_short"]
    if context.engine.info.name == "mini" and short:
        paragraphs.append(
            "**Of mini alone.** Its training text has authors who answer long sums with an "
            f"estimate such as “~10 million”. {short} of its "
            f"{seven.metrics.n - seven.metrics.correct} wrong answers to 7-digit sums are too "
            "short, which estimates are when they are read as numbers; they say which author it "
            "continues, not that it can't add."
        )
    return tuple(paragraphs)


Q1A = Question(
    name="Q1a",
    title="zero-shot, 1 to 7 digits",
    text=(
        "Sums of 1 and of 7 digits without an example: which factors make the model worse from one "
        "to the other?"
    ),
    asks=_asks,
    analyse=_analyse,
)
