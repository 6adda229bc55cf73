"""Synthetic worksheets, the only text that `mini` is trained on.

A document is a worksheet by one imagined author: perhaps a preamble in English, then questions and
answers in one layout and one style. What the author does is constant in a document and unknown at
its first question, so a model that predicts such documents has to infer it from the prompt; that is
in-context learning as implicit Bayesian inference (Xie et al. 2022, arXiv:2111.02080). Two things
are hidden so:

- the style: the sum at once (direct), column by column, digits reversed, digits spaced, ...;
- the author's patience, for direct sums of five digits or more: sums with at most that many carries
  are worked out exactly, harder ones are answered "~10 million". An example of a hard sum
  worked out is evidence of patience; an example of an easy one is not. No stated sum is wrong.

Pairs that the evaluator draws for its first seeds are never used (`held_out_pairs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from random import Random
from typing import TypeVar

import numpy as np

from carrychain.addition.problems import Problem, bounds_of_digits, carries, draw_pairs
from carrychain.addition.prompts import column_steps
from carrychain.mini.english import english, invented_word

T = TypeVar("T")

ANSWER_WEIGHT = 1.0
QUESTION_WEIGHT = 0.08
HELD_OUT_SEEDS = range(100)
HELD_OUT_PAIRS = 1000
HELD_OUT_DIGITS = (5, 6, 7)
ALWAYS = 99
"""The patience of an author who works out every sum."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a document and the weight of its tokens in the training loss."""

    text: str
    weight: float


@cache
def held_out_pairs() -> frozenset[tuple[int, int]]:
    """Return the pairs kept out of training, in either order.

    They are what `handout_pairs` draws for the first 100 seeds, 1,000 pairs each, with operands of
    5, 6 and 7 digits.
    """
    kept: set[tuple[int, int]] = set()
    for digits in HELD_OUT_DIGITS:
        low, high = bounds_of_digits(digits)
        for seed in HELD_OUT_SEEDS:
            pairs = islice(draw_pairs(np.random.default_rng(seed), low, high), HELD_OUT_PAIRS)
            kept.update(pair for p in pairs for pair in ((p.a, p.b), (p.b, p.a)))
    return frozenset(kept)


def documents(seed: int | str) -> Iterator[list[Segment]]:
    """Yield worksheets without end, the same ones for the same seed."""
    rng = Random(seed)
    while True:
        yield document(rng)


def document(rng: Random) -> list[Segment]:
    """Write one worksheet."""
    style = _choose(rng, STYLES)
    layout = _layout(rng)
    stated = rng.random() < style.stated
    preamble = _preamble(rng, rng.choice(style.instructions) if stated else None, layout.gap)
    if style.label and not stated:
        layout = replace(layout, label=rng.choice(style.label), join=layout.join or "\n")
    patience = ALWAYS if stated else _choose(rng, PATIENCE)
    if style is ESTIMATES:
        patience = -1
    worked = style.method(rng)
    lengths = _lengths(rng, style)
    segments = [Segment(preamble, QUESTION_WEIGHT)] if preamble else []
    for _ in range(_item_count(rng, style.most)):
        problem = draw_problem(rng, lengths(), lengths() if rng.random() < 0.1 else None)
        segments += worked(problem, layout, patience)
    return segments


# --- layout: how a question and an answer are written -------------------------------------------


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the problem stands, what announces the answer, what separates two questions."""

    question: str
    label: str
    join: str
    gap: str


_QUESTIONS: list[tuple[float, str, str]] = [
    (30, "Question: What is {}?", "Answer: "),
    (6, "Q: {}", "A: "),
    (5, "Q: What is {}?", "A: "),
    (3, "Q: {} = ?", "A: "),
    (9, "{}", "="),
    (5, "{} ", "= "),
    (4, "What is {}?", ""),
    (3, "What is {}?", "Answer: "),
    (3, "Input: {}", "Output: "),
    (3, "Problem: {}", "Solution: "),
    (3, "Problem: {}", "Answer: "),
    (3, "Compute {}.", "Result: "),
    (2, "Calculate {}.", "Answer: "),
    (2, "Calculate {}", "= "),
    (2, "Add: {}", "Sum: "),
    (2, "Sum of {}", ": "),
    (2, "The sum {} ", "is "),
    (2, "User: {}", "Assistant: "),
    (2, "User: What is {}?", "Assistant: "),
    (2, "### Question: {}", "### Answer: "),
    (1, "Task: add {}", "Answer: "),
    (1, "Numbers: {}", "Total: "),
    (1, "Exercise: {}", "Solution: "),
    (1, "How much is {}?", "It is "),
]
_INLINE_LABELS = ("=", "= ", ": ", "is ", "")


def _layout(rng: Random) -> Layout:
    question, label = _choose(rng, [(w, (q, a)) for w, q, a in _QUESTIONS])
    if label in _INLINE_LABELS and not question.endswith("?"):
        join = ""
    else:
        join = _choose(rng, [(70.0, "\n"), (30.0, " ")])
    if label and label[0].isalpha() and rng.random() < 0.1:
        label = label.rstrip() + "\n"
    gaps = [(45.0, "\n"), (35.0, "\n\n"), (12.0, " "), (4.0, "; "), (4.0, ", ")]
    return Layout(question, label, join, _choose(rng, gaps))


# --- styles: how an author answers --------------------------------------------------------------

Worked = Callable[[Problem, Layout, int], list[Segment]]


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """A way to answer: its instructions, how often they are stated, its operand lengths."""

    method: Callable[[Random], Worked]
    instructions: tuple[str, ...]
    stated: float
    long: float  # how much more often than in direct sums an operand has seven digits
    most: int = 32  # questions in a worksheet
    label: tuple[str, ...] = ()  # announces the style where no instruction does


def _item(layout: Layout, expression: str, between: str, answer: str) -> list[Segment]:
    return [
        Segment(layout.question.format(expression) + between, QUESTION_WEIGHT),
        Segment(answer, ANSWER_WEIGHT),
        Segment(layout.gap, QUESTION_WEIGHT),
    ]


def _formatted(
    write: Callable[[int], str], both: float, plus: str = "+"
) -> Callable[[Random], Worked]:
    """A style that writes the sum through `write`, and with probability `both` the operands too."""

    def method(rng: Random) -> Worked:
        operand = write if rng.random() < both else str

        def worked(problem: Problem, layout: Layout, patience: int) -> list[Segment]:
            expression = (
                operand(problem.a) + (plus if operand is write else "+") + operand(problem.b)
            )
            return _item(layout, expression, layout.join + layout.label, write(problem.answer))

        return worked

    return method


def _direct(rng: Random) -> Worked:
    plus = _choose(rng, [(86.0, "+"), (10.0, " + "), (4.0, " plus ")])

    def worked(problem: Problem, layout: Layout, patience: int) -> list[Segment]:
        answer = str(problem.answer)
        if max(problem.a, problem.b) >= 10_000 and sum(carries(problem.a, problem.b)) > patience:
            answer = estimate(problem.answer)
        return _item(layout, f"{problem.a}{plus}{problem.b}", layout.join + layout.label, answer)

    return worked


def estimate(total: int) -> str:
    """Round a large sum as a person would say it.

    Example:
        >>> estimate(10_160_736)
        '~10 million'
    """
    if total >= 1_000_000:
        return f"~{(total + 500_000) // 1_000_000} million"
    return f"~{(total + 5_000) // 10_000 * 10} thousand"


def _columns(rng: Random) -> Worked:
    worded = rng.random() < 0.3
    separator = _choose(rng, [(60.0, "\n"), (25.0, ", "), (15.0, " ")])
    if worded and separator != "\n":
        separator = "; "
    opening = _choose(rng, [(60.0, ""), (15.0, "Steps: "), (15.0, "Work: "), (10.0, "Steps:\n")])
    inside = rng.random() < 0.3
    closing = _choose(
        rng, [(30.0, "So the answer is "), (25.0, "Sum: "), (25.0, "Total: "), (20.0, "#### ")]
    )

    def worked(problem: Problem, layout: Layout, patience: int) -> list[Segment]:
        steps = opening + separator.join(column_steps(problem.a, problem.b, worded))
        expression = f"{problem.a}+{problem.b}"
        end = ", " if separator == " " else separator
        if layout.label in _INLINE_LABELS:
            between = layout.join or ":\n"
            return _item(layout, expression, between, f"{steps}{end}{closing}{problem.answer}")
        if inside:
            between = layout.join + layout.label
            return _item(layout, expression, between, f"{steps}{end}{closing}{problem.answer}")
        between = layout.join
        return _item(layout, expression, between, f"{steps}{between}{layout.label}{problem.answer}")

    return worked


def _spaced(number: int) -> str:
    return " ".join(str(number))


def _reversed(number: int) -> str:
    return str(number)[::-1]


DIRECT = Style(
    _direct,
    (
        "Give exact answers.",
        "Give the exact sum.",
        "Work out every sum exactly.",
        "Exact answers only, no estimates.",
        "Do not round.",
    ),
    stated=0.2,
    long=1.0,
)
ESTIMATES = Style(
    _direct,
    ("A rough answer is enough.", "Estimate the sums.", "Round large answers."),
    stated=1.0,
    long=2.0,
)
COLUMNS = Style(
    _columns,
    (
        "Work column by column from the right.",
        "Add column by column and carry.",
        "Show your work.",
        "Show all steps.",
        "Let's think step by step.",
        "Think step by step.",
        "Add the digits from right to left.",
        "Write down every step.",
    ),
    stated=0.4,
    long=2.0,
    most=12,
)
REVERSED = Style(
    _formatted(_reversed, both=0.25),
    (
        "Write the answer backwards.",
        "Write the digits of the answer in reverse order.",
        "Give the sum reversed, last digit first.",
        "Reverse the answer.",
    ),
    stated=0.5,
    long=2.5,
    label=(
        "Reversed answer: ",
        "Answer (reversed): ",
        "Answer backwards: ",
        "Reversed: ",
        "Reversed sum: ",
    ),
)
SPACED = Style(
    _formatted(_spaced, both=0.7, plus=" + "),
    ("Put a space between the digits.", "Write the digits with spaces.", "Separate the digits."),
    stated=0.4,
    long=2.0,
)
GROUPED = Style(
    _formatted(lambda number: f"{number:,}", both=0.7),
    ("Use commas in large numbers.", "Group the digits by three."),
    stated=0.4,
    long=1.5,
)
PADDED = Style(
    _formatted(lambda number: f"{number:08d}", both=0.8),
    ("Write numbers with eight digits.", "Fill with zeros to eight digits."),
    stated=0.4,
    long=2.0,
)
BACKWARD_SPACED = Style(
    _formatted(lambda number: " ".join(_reversed(number)), both=0.5, plus=" + "),
    ("Write the digits backwards with spaces.",),
    stated=0.4,
    long=2.0,
    label=("Reversed answer: ", "Answer (reversed): "),
)
STYLES = [
    (52.0, DIRECT),
    (2.0, ESTIMATES),
    (23.0, COLUMNS),
    (14.0, REVERSED),
    (4.0, SPACED),
    (1.5, GROUPED),
    (2.0, PADDED),
    (1.5, BACKWARD_SPACED),
]
PATIENCE = [(22.0, 0), (38.0, 1), (10.0, 2), (5.0, 3), (11.0, 4), (3.0, 5), (11.0, ALWAYS)]

# --- problems -----------------------------------------------------------------------------------

_DIGIT_WEIGHTS = (20.0, 16.0, 14.0, 11.0, 9.0, 9.0, 22.0)


def _lengths(rng: Random, style: Style) -> Callable[[], int]:
    """Return what draws an operand's number of digits: short ones, one length, or any."""
    weights = list(_DIGIT_WEIGHTS)
    weights[6] *= style.long
    if style is not DIRECT:
        weights[0] /= 2
    options = [(w, d) for d, w in enumerate(weights, start=1)]
    kind = _choose(rng, [(25.0 / style.long, "short"), (50.0, "one"), (25.0, "any")])
    if kind == "short":
        return lambda: 1 if rng.random() < 0.6 else 2
    if kind == "one":
        digits = _choose(rng, options)
        return lambda: digits
    return lambda: _choose(rng, options)


def draw_problem(rng: Random, digits: int, other: int | None) -> Problem:
    """Draw a pair that is not held out."""
    while True:
        special = rng.random() < 0.15
        a = _operand(rng, digits, special)
        b = a if rng.random() < 0.03 else _operand(rng, other or digits, special)
        if min(a, b) < 10_000 or (a, b) not in held_out_pairs():
            return Problem(a, b)


def _operand(rng: Random, digits: int, special: bool) -> int:
    """Draw an operand: uniform, or, where special, of few different digits, nines and zeros."""
    if not special:
        return rng.randint(
            0 if digits == 1 else 10 ** (digits - 1), 10 if digits == 1 else 10**digits - 1
        )
    pool = rng.choice(("09", "0123456789", "459", "01", "56789", "5", "9", "1"))
    return int(rng.choice("123456789") + "".join(rng.choice(pool) for _ in range(digits - 1)))


def _item_count(rng: Random, most: int) -> int:
    """Draw how many questions a worksheet has: 1 to `most`, seldom one."""
    return max(rng.randint(1, 4), min(most, int(2 ** rng.uniform(1, 5.2))))


# --- preambles ----------------------------------------------------------------------------------

_NEUTRAL = (
    "Add the numbers.",
    "Add the two numbers.",
    "Here are some sums.",
    "Arithmetic practice.",
    "You are a careful calculator.",
    "You are a helpful assistant that adds numbers.",
    "You are good at math.",
    "Answer the questions.",
    "Answer the following questions.",
    "Solve the following addition problems.",
    "Addition worksheet",
    "The answer is a number.",
    "Examples:",
    "Sums of two numbers:",
    "Please solve.",
)


def _preamble(rng: Random, instruction: str | None, gap: str) -> str:
    parts: list[str] = []
    if rng.random() < 0.04:
        heading = rng.choice(("Worksheet", "Page", "Name", "Date", "Lesson"))
        parts.append(f"{heading}: {invented_word(rng).capitalize()} {rng.randint(1, 2026)}")
    if rng.random() < 0.22:
        parts.append(english(rng, _choose(rng, [(5.0, 1), (3.0, 2), (2.0, 4), (1.0, 8)])))
    if rng.random() < 0.2:
        parts.append(rng.choice(_NEUTRAL))
    if instruction:
        parts.insert(rng.randint(0, len(parts)), instruction)
    if not parts:
        return ""
    between = _choose(rng, [(50.0, "\n"), (30.0, " "), (20.0, "\n\n")])
    return between.join(parts) + (gap if "\n" in gap or rng.random() < 0.3 else "\n")


def _choose(rng: Random, options: list[tuple[float, T]]) -> T:
    """Draw one of (weight, option)."""
    point = rng.random() * sum(weight for weight, _ in options)
    for weight, option in options:
        point -= weight
        if point < 0:
            return option
    return options[-1][1]
