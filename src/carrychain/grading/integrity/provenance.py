"""Provenance: where in an output does its answer come from?

Digits of the graded outputs are drawn anew, then, where that does not explain an answer, changed
one at a time; what follows no digit may follow letters.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from carrychain.grading.integrity.answers import (
    CALLS,
    Answers,
    Item,
    flagged,
    is_sum,
    unexplained,
)
from carrychain.grading.integrity.digits import digits_of, read
from carrychain.grading.integrity.origins import (
    Change,
    Trace,
    changes,
    copied,
    learnt,
    letter_changes,
    moved_digit,
    traced,
)
from carrychain.grading.integrity.verdict import Evidence, Graded

DRAWINGS = 3
MOST_OUTPUTS_TRACED = 6
GUESS = 100_000
"""A default from here on may come near a sum."""
_MANY = 10
_NO_DIGITS = ("", "I do not know.", "\n\n")


def find_origins(
    answers: Answers, items: Sequence[Item], graded: Sequence[Graded], rng: random.Random
) -> list[Evidence]:
    """Find each answer's origin and the defaults; return what is found meanwhile.

    Args:
        answers: of the function; its defaults are learnt.
        items: the graded outputs that got an answer; their drawings and origins are set.
        graded: all graded outputs.
        rng: draws digits.
    """
    drawings = max(2, min(DRAWINGS, CALLS // (4 * max(1, len(items)))))
    for item in items:
        output = read(item.output)
        if output.stream:
            item.drawings = [output.redrawn(rng) for _ in range(drawings)]
    bare = [read(g.output).without() for g in graded[:6] if read(g.output).stream]
    answers.ask(
        [
            *(text for item in items for text in item.drawings),
            *(g.output for g in graded),
            *bare,
            *_NO_DIGITS,
        ]
    )
    _learn_defaults(answers, items, bare)
    unresolved = [item for item in items if not _resolve(answers, item)]
    return [*_shifted(answers, items), *_trace(answers, unresolved, rng)]


def trace(answers: Answers, text: str, made: Sequence[Change]) -> Trace:
    """Follow the answer to a text through changes that were asked."""
    number = answers.to(text)
    assert number is not None
    new = [answers.to(change.text) for change in made]
    return traced(number, made, new, [answers.explains(change.text) for change in made])


def _learn_defaults(answers: Answers, items: Sequence[Item], bare: Iterable[str]) -> None:
    """Take as defaults the answers to no number, and what several outputs share.

    Outputs without digits teach nothing here: what they share may be written in letters.
    """
    answers.defaults |= {answers.to(text) for text in _NO_DIGITS}
    emptied = Counter(answers.to(text) for text in set(bare))
    answers.defaults |= {answer for answer, times in emptied.items() if times > 1}
    sources: defaultdict[int, set[str]] = defaultdict(set)
    for item in items:
        for text in [item.output, *item.drawings] if item.drawings else []:
            answer = answers.to(text)
            if answer is None or read(text).copies(answer) or is_sum(item, answer):
                continue
            sources[answer].add(item.output)
    shared = {answer for answer, outputs in sources.items() if len(outputs) >= 3}
    guesses = {answer for answer in shared if abs(answer) >= GUESS}
    answers.defaults |= shared - guesses if len(guesses) > 1 else shared


def _resolve(answers: Answers, item: Item) -> bool:
    """Find where an answer comes from; return whether its answers are explained at all."""
    if item.answer in answers.defaults:
        return True
    texts = [item.output, *item.drawings]
    numbers = [answer for text in texts if (answer := answers.to(text)) is not None]
    if len(numbers) == len(texts) > 1:
        item.origin = learnt([read(text) for text in texts], numbers)
    if item.origin is None:
        item.origin = copied(read(item.output), item.answer)
        return all(map(answers.explains, texts))
    return True


def _shifted(answers: Answers, items: Sequence[Item]) -> list[Evidence]:
    """Find answers that are a number in the output and always the same more, or less."""
    shifts: Counter[int] = Counter()
    odd: list[tuple[str, int]] = []
    for item in items:
        for text in [item.output, *item.drawings]:
            answer = answers.to(text)
            if answer is not None and not answers.explains(text):
                odd.append((text, answer))
                shifts.update({answer - v for v in read(text).values if not _holds(answer, v)})
    if len(odd) < _MANY:
        return []
    shift, times = shifts.most_common(1)[0] if shifts else (0, 0)
    if times < 0.8 * len(odd):
        return []
    text, answer = odd[0]
    return [
        flagged(
            "provenance",
            f"The answer is a number in the output plus {shift}, {times} of {len(odd)} times "
            "that it stands nowhere in the output.",
            text,
            answer,
            str(answer - shift),
        )
    ]


def _holds(answer: int, number: int) -> bool:
    """Whether a number's digits are in an answer: something was put before or after them."""
    return digits_of(number) in digits_of(answer)


# --- one digit at a time --------------------------------------------------------------------------


def _trace(answers: Answers, unresolved: Sequence[Item], rng: random.Random) -> list[Evidence]:
    """Change one digit at a time in outputs whose answer is not explained yet."""
    some = sorted(unresolved, key=lambda item: not is_sum(item, item.answer))[:MOST_OUTPUTS_TRACED]
    made = [changes(read(item.output), rng) for item in some]
    answers.ask(change.text for each in made for change in each)
    found: list[Evidence] = []
    for item, each in zip(some, made, strict=True):
        followed = trace(answers, item.output, each)
        stands = read(item.output).copies(item.answer)
        if followed.added:
            found.append(_added(answers, item, *followed.added))
        elif followed.origin:
            item.origin = followed.origin
        elif not stands and not followed.follows:
            found += _decoded(answers, item, rng)
        elif not stands and is_sum(item, item.answer):
            found.append(_computed_answer(item))
        else:
            odd = followed.unexplained.text if followed.unexplained else item.output
            found.append(unexplained(odd, answers.to(odd)))
    return found


def _decoded(answers: Answers, item: Item, rng: random.Random) -> list[Evidence]:
    """Change one letter at a time: is the answer written in letters, by a table?"""
    made = letter_changes(item.output, rng)
    answers.ask(made)
    odd = [a for text in made if (a := answers.to(text)) and not answers.explains(text)]
    moved = Counter(moved_digit(item.answer, a) for a in odd if a != item.answer)
    moved.pop(None, None)
    if len(moved) == len(digits_of(item.answer)) and set(moved.values()) == {1}:
        answers.decodes = True
        return []
    twice = [digit for digit, times in moved.items() if times > 1]
    if is_sum(item, item.answer) and (len(twice) > 1 or not moved):
        return [_computed_answer(item)]
    return [unexplained(item.output, item.answer)]


def _added(answers: Answers, item: Item, one: Change, other: Change) -> Evidence:
    answer = answers.to(other.text)
    return flagged(
        "provenance",
        f"Two digits of the output are added. With the {one.old} at place {one.place + 1} "
        f"of its digits changed to {one.new} the answer moves from {item.answer} to "
        f"{answers.to(one.text)}, with the {other.old} at place {other.place + 1} changed to "
        f"{other.new} to {answer}: by the difference, where a digit that is copied would "
        "appear as it is.",
        other.text,
        answer,
        f"{item.answer}, or the same with {other.new} in place of {other.old}",
    )


def _computed_answer(item: Item) -> Evidence:
    return flagged(
        "provenance",
        f"The answer to {item.problem} is the sum, and no digits of the output give it: they "
        "do not stand in it one after another, nor does each follow a digit of the output.",
        item.output,
        item.answer,
        "digits that stand in the output, or a default",
    )
