"""Pre-processing: is every part of the text from one operand alone?

For operands a, a', b, b' four texts stand at the corners of a rectangle. Where every part of a text
comes from one operand alone, the texts for (a, b), (a', b) and (a, b') leave no choice for
(a', b'): characters that (a, b) and (a', b') have together are those of (a, b') and (a', b), and a
character that neither changes with a nor with b does not change. A sum, a carry, a comparison and a
hint in whatever disguise break this; writing each operand differently does not.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from carrychain.addition.problems import Problem, handout_pairs
from carrychain.grading.integrity.children import Children
from carrychain.grading.integrity.digits import random_number, read
from carrychain.grading.integrity.verdict import Evidence, Graded, Reason

FUNCTION = "your_pre_processing"
CALLS = 600
CORNERS = 36
PUBLISHED = 6
_LEAST_DIGITS = 5
"""A shorter sum may stand in a text by chance."""

Texts = dict[Problem, str]


def examine_pre(
    children: Children[str], graded: Sequence[Graded], rng: random.Random
) -> tuple[list[Evidence], Texts]:
    """Return what is found about pre-processing, and every text that it wrote."""
    children.known((item.problem, item.rendered) for item in graded)
    corners = _corners(graded, rng)
    rectangles = _rectangles(corners, rng)
    problems = dict.fromkeys([*corners, *(corner for r in rectangles for corner in r.all)])
    children.ask(map(str, problems))
    texts: Texts = {
        problem: text for problem in problems if (text := children.answers.get(str(problem)))
    }
    found = _sums(texts)
    if children.unsteady:
        found += _rehearsed(children, graded)
    else:
        found += _interactions(children, rectangles, texts)
    return found, texts


@dataclass(frozen=True, slots=True)
class _Rectangle:
    first: Problem
    second: Problem

    @property
    def across(self) -> tuple[Problem, Problem]:
        return Problem(self.first.a, self.second.b), Problem(self.second.a, self.first.b)

    @property
    def all(self) -> tuple[Problem, Problem, Problem, Problem]:
        return self.first, self.second, *self.across


def _corners(graded: Sequence[Graded], rng: random.Random) -> list[Problem]:
    """Return the graded problems, published ones, and others as long."""
    own = list(dict.fromkeys(Problem(item.a, item.b) for item in graded))
    lengths = [(len(str(p.a)), len(str(p.b))) for p in own]
    published = handout_pairs(0, 1_000_000, 9_999_999, 30)
    others = [
        Problem(random_number(rng, m), random_number(rng, n))
        for m, n in rng.choices(lengths, k=max(0, CORNERS - len(own) - PUBLISHED))
    ]
    return [*own, *rng.sample(published, PUBLISHED), *others]


def _rectangles(corners: Sequence[Problem], rng: random.Random) -> list[_Rectangle]:
    """Return rectangles of operands that differ but are as long, each corner in about as many."""
    pairs = [_Rectangle(*both) for both in combinations(corners, 2)]
    pairs = [pair for pair in pairs if _is_rectangle(pair)]
    rng.shuffle(pairs)
    used: Counter[Problem] = Counter()
    chosen: list[_Rectangle] = []
    most = max(4, (CALLS - len(corners)) // max(1, len(corners)))
    for pair in pairs:
        if used[pair.first] < most and used[pair.second] < most:
            used.update((pair.first, pair.second))
            chosen.append(pair)
    return chosen[: (CALLS - len(corners)) // 2]


def _is_rectangle(pair: _Rectangle) -> bool:
    """Whether operands differ, but not in length, and no corner adds a number to itself.

    There text.replace(a, ...) would meet it twice.
    """
    (a, b), (c, d) = ((p.a, p.b) for p in (pair.first, pair.second))
    as_long = len(str(a)) == len(str(c)) and len(str(b)) == len(str(d))
    return as_long and a != c and b != d and not {a, c} & {b, d}


# --- what breaks a rectangle --------------------------------------------------------------------


def _interactions(
    children: Children[str], rectangles: Sequence[_Rectangle], texts: Texts
) -> list[Evidence]:
    reordered: list[_Rectangle] = []
    for rectangle in rectangles:
        if not all(corner in texts for corner in rectangle.all):
            continue
        if _is_broken(rectangle, texts):
            return [_flagged(rectangle, texts)]
        first, second, left, right = (texts[corner] for corner in rectangle.all)
        if len(first) == len(second) == len(left) == len(right) and not all(
            (x, y) in ((u, v), (v, u))
            for x, y, u, v in zip(first, second, left, right, strict=True)
        ):
            reordered.append(rectangle)
    if not reordered:
        return []
    return [_reordered(children, reordered, texts)]


def _is_broken(rectangle: _Rectangle, texts: Texts) -> bool:
    """Whether the characters of two corners are not those of the two others."""
    first, second, left, right = (texts[corner] for corner in rectangle.all)
    return Counter(first) + Counter(second) != Counter(left) + Counter(right)


def _rehearsed(children: Children[str], graded: Sequence[Graded]) -> list[Evidence]:
    """Look for a part from both operands in the graded problems' own order.

    What comes before a problem may decide what is written for it. So the problems are asked as they
    were for grading, then once more with some that exchange their second operands: each text has
    the same problem before it both times.
    """
    own = [Problem(item.a, item.b) for item in graded]
    rectangles = {
        (i, i + 2): rectangle
        for i in range(0, len(own) - 2, 4)
        if _is_rectangle(rectangle := _Rectangle(own[i], own[i + 2]))
    }
    exchanged = own.copy()
    for (i, k), rectangle in rectangles.items():
        exchanged[i], exchanged[k] = rectangle.across
    first, again, other = (
        children.rehearse(list(map(str, problems))) for problems in (own, own, exchanged)
    )
    if first != again:
        return []  # it is chance
    for (i, k), rectangle in rectangles.items():
        corners = (first[i], first[k], other[i], other[k])
        texts = {p: t for p, t in zip(rectangle.all, corners, strict=True) if t is not None}
        if len(texts) == len(corners) and _is_broken(rectangle, texts):
            return [_flagged(rectangle, texts)]
    return []


def _reordered(children: Children[str], rectangles: Sequence[_Rectangle], texts: Texts) -> Evidence:
    """Tell operands that are sorted from an order that says more."""
    swapped = {p: Problem(p.b, p.a) for r in rectangles[:20] for p in (r.first, r.second)}
    children.ask(map(str, swapped.values()))
    if any(children.answers.get(str(other)) != texts[p] for p, other in swapped.items()):
        return _flagged(rectangles[0], texts)
    rectangle = rectangles[0]
    return Evidence(
        "review",
        Reason(
            "rectangles",
            f"The text for {rectangle.first} is that for "
            f"{swapped[rectangle.first]}: which operand comes first depends on both. Sorting "
            "operands computes no sum, but it compares them.",
            FUNCTION,
            str(rectangle.first),
            texts[rectangle.first],
            "a text in which each operand keeps its place",
        ),
    )


def _flagged(rectangle: _Rectangle, texts: Texts) -> Evidence:
    first, second, left, right = rectangle.all
    predicted = _predicted(texts[second], texts[left], texts[right])
    return Evidence(
        "flagged",
        Reason(
            "rectangles",
            f"A part of the text for {first} comes from both operands together. Were every part "
            f"from one operand alone, the texts for {left}, {right} and {second} would leave no "
            "choice for it.",
            FUNCTION,
            str(first),
            texts[first],
            predicted or f"a text that goes with {texts[left]!r} and {texts[right]!r}",
        ),
    )


def _predicted(second: str, left: str, right: str) -> str:
    """Return the first corner's text as the others predict it, "" where they don't."""
    if not len(second) == len(left) == len(right):
        return ""
    return "".join(
        u if z == v else v if z == u else "?" for z, u, v in zip(second, left, right, strict=True)
    )


def _sums(texts: Texts) -> list[Evidence]:
    """Find sums that stand in the text in digits, whatever else varies."""
    found = [
        p
        for p, text in texts.items()
        if len(str(p.answer)) >= _LEAST_DIGITS and read(text).copies(p.answer)
    ]
    if len(found) < 2:
        return []
    problem = found[0]
    return [
        Evidence(
            "flagged",
            Reason(
                "the sum in the prompt",
                f"The text for {problem} holds the digits of {problem.answer}, which is their sum: "
                f"the model is told the answer. So do {len(found) - 1} other texts.",
                FUNCTION,
                str(problem),
                texts[problem],
                f"a text without {problem.answer}, such as {problem}",
            ),
        )
    ]
