"""Q2c: an example as long as the sums that are asked for, and what the score res makes of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import (
    Ask,
    Axis,
    Context,
    Panel,
    Picture,
    Plan,
    Point,
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
from carrychain.assignment.q2.res import (
    RES_COLUMNS,
    SCALES,
    Scored,
    absurd,
    absurd_sentence,
    range_table,
    res_cells,
    turned,
    turned_sentence,
)
from carrychain.assignment.q2.settings import (
    JOINED,
    ONE_DIGIT,
    SEVEN_DIGITS,
    recorded_llama2,
    seven_digit_sums,
)
from carrychain.assignment.words import (
    SCORES,
    accuracy,
    direction,
    join,
    large,
    paired,
    paired_error,
    recorded,
    recorded_scores,
    scores,
    share,
)
from carrychain.io import Json
from carrychain.text import share as plain_share

FIRST = "first-integer"
EXAMPLES = {ONE_DIGIT: "1-digit example", SEVEN_DIGITS: "7-digit example"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A prompt, how many tokens, and how the outputs are read."""

    prompt: str
    max_tokens: int
    extract: str

    @property
    def label(self) -> str:
        """What people read."""
        return f"{EXAMPLES[self.prompt]}, {self.max_tokens} tokens, {self.extract}"

    @property
    def key(self) -> str:
        """What its metrics' names begin with."""
        example = {ONE_DIGIT: "one_digit", SEVEN_DIGITS: "seven"}[self.prompt]
        return f"{example}_{self.max_tokens}_{self.extract.replace('-', '_')}"


SETTINGS = tuple(
    Setting(prompt, tokens, extract)
    for prompt in (SEVEN_DIGITS, ONE_DIGIT)
    for tokens, extract in ((8, JOINED), (50, JOINED), (50, FIRST))
)
SHORT, LONG, LONG_FIRST = SETTINGS[:3]
ONE_SHORT, ONE_LONG, ONE_LONG_FIRST = SETTINGS[3:]

Measured = Mapping[Setting, Evaluation]


def _asks(plan: Plan) -> dict[str, Ask]:
    return {
        f"{s.prompt}-{s.max_tokens}": seven_digit_sums(plan, s.prompt, s.max_tokens)
        for s in SETTINGS
    }


def _analyse(context: Context) -> Result:
    title = context.engine.info.title
    measured = {
        s: read_as(context.evaluations[f"{s.prompt}-{s.max_tokens}"], s.extract) for s in SETTINGS
    }
    ours = [
        Scored(s.label, e.metrics.acc, e.metrics.mae, e.prompt.length) for s, e in measured.items()
    ]
    theirs = [
        Scored(f"{recorded(r)}, {s.label}", r.acc, r.mae, r.prompt_length)
        for s in SETTINGS
        if s.extract == JOINED
        for r in recorded_llama2(s.prompt, s.max_tokens)
    ]
    by_example = {
        "short": compare(measured[ONE_SHORT], measured[SHORT]),
        "long": compare(measured[ONE_LONG_FIRST], measured[LONG_FIRST]),
    }
    by_tokens = {
        "joined": compare(measured[SHORT], measured[LONG]),
        "first_integer": compare(measured[SHORT], measured[LONG_FIRST]),
    }
    best = max(ours, key=lambda s: s.acc)
    return Result(
        metrics=_metrics(measured, ours, theirs, by_example, by_tokens),
        tables=(
            _score_table(title, measured),
            _res_table(title, ours, theirs, measured[SHORT].metrics.n),
            range_table(best),
        ),
        pictures=(_accuracy_picture(title, measured), _res_picture(title, ours, theirs)),
        findings=(
            *_example_sentences(by_example),
            *_token_sentences(by_tokens),
            _recorded_sentence(),
            _first_sentence(ours),
            *(absurd_sentence(ours, theirs, scale) for scale in SCALES.values()),
            _turned_sentences(ours, theirs),
            _zero_sentence(ours, theirs),
        ),
        answer=_answer(measured, ours, theirs, by_example, by_tokens),
    )


def _metrics(
    measured: Measured,
    ours: Sequence[Scored],
    theirs: Sequence[Scored],
    by_example: Mapping[str, Comparison],
    by_tokens: Mapping[str, Comparison],
) -> dict[str, Json]:
    found: dict[str, Json] = {"n": measured[SHORT].metrics.n}
    for setting, evaluation in measured.items():
        found |= flat(setting.key, evaluation)
    for name, scale in SCALES.items():
        for setting, scored in zip(measured, ours, strict=True):
            found[f"{setting.key}_res_{name}"] = _finite(scored.res(scale))
        for whose, settings in (("measured", ours), ("recorded", theirs)):
            pair = absurd(settings, scale)
            found[f"{whose}_absurd_below_{name}"] = pair[0].label if pair else None
            found[f"{whose}_absurd_above_{name}"] = pair[1].label if pair else None
            below = turned(settings, scale)
            found[f"{whose}_below_zero_{name}"] = below.label if below else None
    for name, comparison in by_example.items():
        found |= flat_comparison(f"example_{name}", comparison)
    for name, comparison in by_tokens.items():
        found |= flat_comparison(f"tokens_{name}", comparison)
    return found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _example_sentences(by_example: Mapping[str, Comparison]) -> tuple[str, str, str]:
    a, b = "the 1-digit example", "the 7-digit example"
    verdict = {
        1: "Of the two examples the 7-digit one is better.",
        -1: "Of the two examples the 1-digit one is better.",
        0: "Which of the two examples is better can't be told.",
    }
    short, long = by_example["short"], by_example["long"]
    return (
        f"At 8 tokens: {verdict[direction(short)]} {paired(short, a=a, b=b)}",
        paired_error(short, a=a, b=b),
        f"At 50 tokens, the first number read: {verdict[direction(long)]} {paired(long, a=a, b=b)}",
    )


def _token_sentences(by_tokens: Mapping[str, Comparison]) -> tuple[str, str]:
    return (
        "After the 7-digit example, all digits joined: "
        + paired(by_tokens["joined"], a="the 8-token output", b="the 50-token output"),
        "The first number of 50 tokens against 8 tokens: "
        + paired(by_tokens["first_integer"], a="the 8-token output", b="the 50-token output"),
    )


def _recorded_sentence() -> str:
    parts = [
        f"{join([share(r.correct, r.n) for r in recorded_llama2(prompt, tokens)])} "
        f"after the {EXAMPLES[prompt]} at {tokens} tokens"
        for prompt in (SEVEN_DIGITS, ONE_DIGIT)
        for tokens in (8, 50)
    ]
    return (
        f"Recorded Llama-2, all digits joined, n = 10 a run: {'; '.join(parts)}. The 7-digit "
        "runs are of other sums than the 1-digit ones, and not paired with them."
    )


def _turned_sentences(ours: Sequence[Scored], theirs: Sequence[Scored]) -> str:
    return "Below 0 length becomes a merit. " + " ".join(
        turned_sentence(ours, theirs, scale) for scale in SCALES.values()
    )


def _first_sentence(ours: Sequence[Scored]) -> str:
    most = max(s.acc for s in ours)
    accurate = [s.label for s in ours if s.acc == most]
    parts = [f"Accuracy is highest, {plain_share(most)}, for {' / '.join(accurate)}"]
    for scale in SCALES.values():
        highest = max(s.res(scale) for s in ours)
        first = [s.label for s in ours if s.res(scale) == highest]
        parts.append(
            f"res at the scale {large(scale)} is highest, {large(highest)}, for {' / '.join(first)}"
        )
    return "; ".join(parts) + "."


def _zero_sentence(ours: Sequence[Scored], theirs: Sequence[Scored]) -> str:
    zeros = [s for s in (*ours, *theirs) if s.acc == 0]
    if len(zeros) < 2:
        return "Fewer than two settings have accuracy 0, where res is 0 whatever the error."
    low, high = min(zeros, key=lambda s: s.mae), max(zeros, key=lambda s: s.mae)
    return (
        f"At accuracy 0 res is 0 whatever the error: {low.described(5e6)} and "
        f"{high.described(5e6)}."
    )


def _score_table(title: str, measured: Measured) -> Table:
    rows = [scores(s.label, e) for s, e in measured.items()]
    rows += [
        recorded_scores(s.label, r)
        for s in SETTINGS
        if s.extract == JOINED
        for r in recorded_llama2(s.prompt, s.max_tokens)
    ]
    return Table(
        "scores",
        f"{title}: the same {measured[SHORT].metrics.n} 7-digit sums in every setting",
        SCORES,
        tuple(rows),
        "Recorded runs are not ours: 10 sums each, with the interval that 10 allow; those after "
        "the 7-digit example are of sums 11 to 20 and 21 to 30 that the seed draws.",
    )


def _res_table(title: str, ours: Sequence[Scored], theirs: Sequence[Scored], n: int) -> Table:
    return Table(
        "res",
        f"{title}: res, with the numbers that it is made of, n = {n}",
        RES_COLUMNS,
        tuple(res_cells(s) for s in (*ours, *theirs)),
        "The recorded runs were scored by the notebook at the scale 10,000; the other column is "
        "what the test script would have made of them.",
    )


def _accuracy_picture(title: str, measured: Measured) -> Picture:
    places = (SHORT, LONG, LONG_FIRST)
    labels = tuple(f"{s.max_tokens} tokens, {s.extract}" for s in places)
    n = measured[SHORT].metrics.n
    panels = [
        Panel(
            EXAMPLES[prompt],
            Axis("tokens and way of reading", categories=labels),
            Axis("share of exact answers", low=0, high=1),
            (
                Series(
                    f"{title}, n = {n}",
                    tuple(
                        accuracy_mark(x, measured[Setting(prompt, s.max_tokens, s.extract)])
                        for x, s in enumerate(places)
                    ),
                    joined=False,
                ),
                *recorded_series([recorded_llama2(prompt, 8), recorded_llama2(prompt, 50)]),
            ),
        )
        for prompt in (ONE_DIGIT, SEVEN_DIGITS)
    ]
    return Picture(
        "accuracy",
        "1-digit and 7-digit example on the same 7-digit sums; bars are 95% intervals",
        f"{title}: " + "; ".join(f"{s.label} {accuracy(e)}" for s, e in measured.items()) + ".",
        tuple(panels),
    )


def _res_picture(title: str, ours: Sequence[Scored], theirs: Sequence[Scored]) -> Picture:
    length = ours[0].prompt_length
    by_length = tuple(
        Series(
            f"accuracy .50, prompt of {times * length} characters",
            tuple(
                Point(x, Scored("", 0.5, x * 5e6, length).res(5e6, times))
                for x in (0, 0.5, 1, 1.5, 2, 2.5, 3)
            ),
        )
        for times in (1, 2)
    )
    ranked = (
        Series(title, _by_accuracy(ours), joined=False),
        Series("Llama-2, recorded, n = 10", _by_accuracy(theirs), recorded=True, joined=False),
    )
    lowest = min(s.res(5e6) for s in (*ours, *theirs) if math.isfinite(s.res(5e6)))
    pair = absurd([*ours, *theirs], 5e6)
    seen = "" if pair is None else f" {pair[1].label} stands above {pair[0].label}."
    return Picture(
        "res",
        "res at the scale 5,000,000: left, what error and length do; right, all settings",
        "res falls in a straight line with the mean error and is 0 where the error reaches the "
        f"scale; below 0 the longer prompt is the higher line.{seen}",
        (
            Panel(
                "error and length",
                Axis("mean error in units of the scale"),
                Axis("res"),
                by_length,
            ),
            Panel(
                "all settings",
                Axis("share of exact answers", low=0, high=1),
                Axis("res, logarithmic away from 0", scale="symlog", low=10 * lowest, high=1),
                ranked,
            ),
        ),
    )


def _by_accuracy(settings: Sequence[Scored]) -> tuple[Point, ...]:
    points = [Point(s.acc, s.res(5e6)) for s in settings]
    return tuple(sorted(points, key=lambda p: (p.x, p.y)))


def _answer(
    measured: Measured,
    ours: Sequence[Scored],
    theirs: Sequence[Scored],
    by_example: Mapping[str, Comparison],
    by_tokens: Mapping[str, Comparison],
) -> tuple[str, ...]:
    at_8, at_50, first, *_ = ours
    lengths = {s: _length_right(measured[s]) for s in (ONE_SHORT, SHORT)}
    return (
        f"With 8 tokens: res {_both_scales(at_8)}, accuracy {accuracy(measured[SHORT])}, mean "
        f"error {large(at_8.mae)}, prompt length {at_8.prompt_length}. With 50 tokens, all digits "
        f"joined: res {_both_scales(at_50)}, accuracy {accuracy(measured[LONG])}, mean error "
        f"{large(at_50.mae)}, the same length; with the first number in place of all digits: res "
        f"{_both_scales(first)}, accuracy {accuracy(measured[LONG_FIRST])}.",
        f"From 1-digit to 7-digit example: {_example_sentences(by_example)[0]} An example that is "
        "like the task shows how long an answer is and that it is written out digit by digit. "
        f"Numbers with as many digits as the sum are read in {plain_share(lengths[ONE_SHORT])} of "
        f"the outputs after the 1-digit example and {plain_share(lengths[SHORT])} after the "
        "7-digit one. That examples work through the range of inputs and answers that they show "
        "is what Min et al. (2022, arXiv:2202.12837) found on other tasks.",
        f"From 8 to 50 tokens: {_token_sentences(by_tokens)[0]} {_token_sentences(by_tokens)[1]} "
        "The prior on the length is gone, so what follows the answer has to be cut off in reading.",
        "res is accuracy · (1 / prompt length) · (1 − mean error / scale), with the scale 5·10⁶ in "
        "the test script and 10⁴ in the notebook. Its highest value is 1 / prompt length, for a "
        "prompt that is always right; below it has no end, since the mean error has none.",
        "It makes sense in a narrow range only: accuracy above 0 and a mean error well below the "
        "scale. There it rewards accuracy, small errors and short prompts. Outside: "
        f"{_zero_sentence(ours, theirs)} {_turned_sentences(ours, theirs)} "
        f"{absurd_sentence(ours, theirs, 5e6)} {absurd_sentence(ours, theirs, 1e4)}",
        "Length counts as much as accuracy: the same answers to a prompt twice as long have half "
        f"the res, {large(_best(ours).res(5e6))} and {large(_best(ours).res(5e6, times=2))} for "
        f"{_best(ours).label}. And one answer of 10³¹ outweighs all others in a mean. Accuracy and "
        "median error, each with its interval, and the length beside them, say more.",
    )


def _best(ours: Sequence[Scored]) -> Scored:
    return max(ours, key=lambda s: s.acc)


def _both_scales(setting: Scored) -> str:
    return " and ".join(
        f"{large(setting.res(scale))} (scale {large(scale)})" for scale in SCALES.values()
    )


def _length_right(evaluation: Evaluation) -> float:
    rows = evaluation.rows
    read = [r for r in rows if r.response is not None]
    return sum(len(str(r.response)) == len(str(r.answer)) for r in read) / len(rows)


Q2C = Question(
    name="Q2c",
    title="one 7-digit example, and the score res",
    text=(
        "The prompt with the example 1234567+1234567=2469134 at 8 and 50 tokens: res, accuracy, "
        "mean error and prompt length; what changes from the 1-digit example; and whether res, "
        "over its range, makes sense."
    ),
    asks=_asks,
    analyse=_analyse,
)
