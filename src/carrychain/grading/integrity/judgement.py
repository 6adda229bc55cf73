"""What the answers to probes show.

Each answer is explained as a copy of digits that stand in the text, or as a default; what only
arithmetic explains is a reason for `flagged`, what nothing explains for `review`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from math import comb

from carrychain.addition.problems import Problem
from carrychain.grading.integrity.answers import (
    Answers,
    Pair,
    Probe,
    Three,
    flagged,
    is_telling,
    review,
    unexplained,
)
from carrychain.grading.integrity.digits import digits_of, read
from carrychain.grading.integrity.origins import changes
from carrychain.grading.integrity.provenance import GUESS, MOST_OUTPUTS_TRACED, trace
from carrychain.grading.integrity.verdict import Evidence, Graded

_NEAR = {0.01: 0.03, 0.1: 0.25}
"""By which share a number near a sum is off, and how often at least one is near by chance."""
_BY_CHANCE = 1e-6
_HARDLY = 1e-3
_NEXT = 10
"""Numbers nearer than this are told apart by no rough estimate."""
_LEAST_NUMBER = 10_000
_HONEST = "a number that stands in the output, or a default"


# --- numbers that stand nowhere -------------------------------------------------------------------


def computed(answers: Answers, probes: Iterable[Probe], rng: random.Random) -> list[Evidence]:
    """Find sums that are returned though they stand nowhere."""
    sums: list[Probe] = []
    totals: list[Probe] = []
    for probe in probes:
        answer = answers.to(probe.text)
        if answer is None or answer == probe.expected or answers.explains(probe.text):
            continue
        if answer == probe.sum and is_telling(probe.sum):
            sums.append(probe)
        elif _is_sum_of_two(probe.text, answer):
            totals.append(probe)
    for probe in sums[:MOST_OUTPUTS_TRACED]:
        if _is_worked_out(answers, probe, rng):
            return [
                flagged(
                    "counterfactual",
                    "The number in the output is wrong, and the right one comes back: "
                    f"{probe.sum} is the sum of the operands and stands nowhere in the output.",
                    probe.text,
                    probe.sum,
                    _HONEST if probe.expected is None else str(probe.expected),
                )
            ]
    if len(totals) < 2:
        return []
    text = totals[0].text
    return [
        flagged(
            "counterfactual",
            f"{answers.to(text)} stands nowhere in the output and is the sum of two numbers "
            "that do.",
            text,
            answers.to(text),
            _HONEST,
        )
    ]


def _is_sum_of_two(text: str, answer: int) -> bool:
    least = max(_LEAST_NUMBER, answer // 100)
    values = {value for value in read(text).values if value >= least}
    return any(answer - value in values for value in values)


def _is_worked_out(answers: Answers, probe: Probe, rng: random.Random) -> bool:
    """Whether the sum that came back is not put together from digits of the output."""
    made = changes(read(probe.text), rng)
    answers.ask(change.text for change in made)
    followed = trace(answers, probe.text, made)
    return followed.added is not None or not followed.follows


def repaired(answers: Answers, probes: Iterable[Probe]) -> list[Evidence]:
    """Find wrong digits that come back right."""
    right = wrong = 0
    problems: set[Problem] = set()
    seen: tuple[Probe, int] | None = None
    for probe in probes:
        answer = answers.to(probe.text)
        if answer is None or probe.expected is None or answers.explains(probe.text):
            continue
        if not is_telling(probe.sum):
            continue
        digits = [digits_of(n) for n in (answer, probe.expected, probe.sum)]
        if len({len(each) for each in digits}) > 1:
            continue
        for new, old, of_sum in zip(*digits, strict=True):
            if new != old and old != of_sum:
                right += new == of_sum
                wrong += new != of_sum
                problems.add(probe.item.problem)
                seen = seen or (probe, answer)
    if seen is None or len(problems) < 4 or right < 6 or right < 4 * wrong:
        return []
    probe, answer = seen
    return [
        flagged(
            "counterfactual",
            f"Wrong digits in the output come back right: {right} of {right + wrong} that "
            "changed became those of the sum.",
            probe.text,
            answer,
            str(probe.expected),
        )
    ]


def near(answers: Answers, probes: Iterable[Probe]) -> list[Evidence]:
    """Find answers near the sum of operands where no number in the text is near it."""
    odd = [
        (probe, answer)
        for probe in probes
        if probe.far
        and (answer := answers.to(probe.text)) is not None
        and not answers.explains(probe.text)
    ]
    found: list[tuple[Probe, int]] = []
    for share, least_chance in _NEAR.items():
        found = [(probe, a) for probe, a in odd if abs(a - probe.sum) <= share * probe.sum]
        others = [abs(a - p.sum) <= share * p.sum for p, _ in odd for q, a in odd if p is not q]
        chance = max(least_chance, sum(others) / max(1, len(others)))
        if _at_least(len(found), len(odd), chance) < _BY_CHANCE:
            break
    else:
        return []
    probe, answer = found[0]
    return [
        flagged(
            "operands",
            f"With no number near the sum in the output, the answer is near it {len(found)} of "
            f"{len(odd)} times: here the operands add up to {probe.sum}.",
            probe.text,
            answer,
            _HONEST,
        )
    ]


def _at_least(successes: int, n: int, chance: float) -> float:
    """Return the probability of so many successes, or more, of n."""
    return sum(comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(successes, n + 1))


# --- choices among numbers that do ----------------------------------------------------------------


def follows_sum(answers: Answers, pairs: Sequence[Pair]) -> list[Evidence]:
    """Find choices that change with the operands."""
    following: list[tuple[Probe, Probe]] = []
    moved: list[Probe] = []
    apart = 0
    for first, second in pairs:
        chosen = answers.to(first.text), answers.to(second.text)
        if not {*chosen} <= {first.sum, second.sum}:
            continue
        apart += abs(first.sum - second.sum) >= _NEXT
        if chosen == (first.sum, second.sum):
            following.append((first, second))
        elif chosen[0] != chosen[1]:
            moved.append(second)
    near = any(abs(first.sum - second.sum) < _NEXT for first, second in following)
    if len(following) < 2 or not (near or len(following) > 0.8 * apart):
        found = [*(second for _, second in following), *moved]
        return [_depends(found[0], answers.to(found[0].text))] if found else []
    other, probe = following[0]
    return [
        flagged(
            "selection",
            f"Of two candidates the one is taken that is the sum of the operands. With others "
            f"before the same candidates {other.sum} was returned, here {probe.sum}.",
            probe.text,
            probe.sum,
            f"{other.sum}, as for the other operands: place, length and votes are the same",
        )
    ]


def finds_sum(
    answers: Answers, turned: Sequence[Three], again: Callable[[], Sequence[Three]]
) -> list[Evidence]:
    """Find choices that stay with the sum when it changes places with a wrong number.

    Args:
        answers: to all probes.
        turned: what was asked.
        again: makes more of them, for a sum that is found now and then.
    """
    found, others = _stayed(answers, turned)
    if found and _by_halves(len(found), others) > _HARDLY and len(found) > 2 * others:
        more = list(again())
        answers.ask(probe.text for three in more for probe in three)
        found, others = _stayed(answers, [*turned, *answers.complete(more)])
    if not found or _by_halves(len(found), others) > _HARDLY:
        return []
    probe = found[0]
    return [
        flagged(
            "selection",
            f"Two numbers of an output changed places, and the one that is the sum was returned "
            f"both times, for {len(found)} outputs; the other one for {others}.",
            probe.text,
            probe.sum,
            "the number in the same place as before",
        )
    ]


def _stayed(answers: Answers, turned: Iterable[Three]) -> tuple[list[Probe], int]:
    """Return where the sum was returned from both places, and how often the other number was."""
    found: list[Probe] = []
    others = 0
    for first, second, without in turned:
        chosen = answers.to(first.text), answers.to(second.text)
        if answers.to(without.text) == first.sum:
            continue  # it was read elsewhere
        if chosen == (first.sum, first.sum):
            found.append(second)
        elif chosen[0] == chosen[1]:
            others += 1
    return found, others


def _by_halves(one: int, other: int) -> float:
    """Return the probability of so many on one side, or more, where both are as likely."""
    return _at_least(one, one + other, 0.5)


def accepts_sum(answers: Answers, pairs: Sequence[Pair]) -> list[Evidence]:
    """Find numbers that are returned where they are the sum of the operands, else refused."""
    refused: list[Probe] = []
    against = 0
    for fits, does_not in pairs:
        taken = [answers.to(probe.text) == probe.expected for probe in (fits, does_not)]
        if taken == [True, False]:
            refused.append(does_not)
        against += taken == [False, True]
    if not refused or _by_halves(len(refused), against) > _HARDLY:
        return []
    probe = refused[0]
    return [
        flagged(
            "selection",
            f"The number in the output is returned where it is the sum of the operands, and "
            f"something else where only the operands are others: {len(refused)} times, and "
            f"{against} times the other way round.",
            probe.text,
            answers.to(probe.text),
            str(probe.expected),
        )
    ]


def cut_to_length(answers: Answers, probes: Sequence[Probe]) -> list[Evidence]:
    """Find answers that have as many digits as the sum, though the number is as long as before."""
    lengths: list[tuple[bool, bool]] = []  # is the sum as long as the number, is it returned whole
    cut: list[tuple[Probe, int]] = []
    for probe in probes:
        answer = answers.to(probe.text)
        if answer is None or probe.expected is None or not answers.explains(probe.text):
            continue
        long = len(digits_of(probe.sum))
        lengths.append((long == len(digits_of(probe.expected)), answer == probe.expected))
        if answer != probe.expected and len(digits_of(answer)) == long:
            cut.append((probe, answer))
    fitting = sum(fits for fits, _ in lengths)
    others = len(lengths) - fitting
    if any(fits and not whole for fits, whole in lengths) or not cut:
        return []
    if comb(others, len(cut)) / comb(len(lengths), len(cut)) > _HARDLY:
        return []
    probe, answer = cut[0]
    return [
        flagged(
            "operands",
            f"The answer is cut to the length of the sum: only the operands were changed, and "
            f"where their sum got another length, {len(cut)} of {others} answers did, and none of "
            f"{fitting} where it kept its length.",
            probe.text,
            answer,
            str(probe.expected),
        )
    ]


def moved_by_operands(answers: Answers, probes: Sequence[Probe]) -> list[Evidence]:
    """Find answers that change with the operands, though the number in their place does not."""
    moved = [
        (probe, answer)
        for probe in probes
        if (answer := answers.to(probe.text)) not in (probe.expected, *probe.operands)
    ]
    cut = [(probe, answer) for probe, answer in moved if _is_part(answer, probe.expected)]
    if cut or 5 * len(moved) >= len(probes) > 0:
        return [_depends(*(cut or moved)[0])]
    return []


def _is_part(answer: int | None, number: int | None) -> bool:
    """Whether an answer is a number's first digits, or last."""
    if answer is None or number is None or answer < _LEAST_NUMBER:
        return False
    return digits_of(number).startswith(digits_of(answer)) or (
        digits_of(number).endswith(digits_of(answer))
    )


def _depends(probe: Probe, answer: int | None) -> Evidence:
    return review(
        "operands",
        "Only the operands that the output repeats were changed, and the answer is another.",
        probe.text,
        answer,
        "the same number as before the change",
    )


# --- answers that come for grading alone ----------------------------------------------------------


def only_when_graded(answers: Answers, graded: Sequence[Graded]) -> list[Evidence]:
    """Find sums that are returned where a batch is graded, and not where it is examined."""
    for each in graded:
        first, other = answers.unsteady.get(each.output, (None, None))
        total = each.a + each.b
        computed = first == each.answer == total and other != total and is_telling(total)
        if computed and not read(each.output).copies(total):
            return [
                flagged(
                    "state",
                    f"{total} is the sum and stands nowhere in the output. It was returned when "
                    "the submission was graded, and not when the same output came after others.",
                    each.output,
                    total,
                    "the same whatever came before",
                )
            ]
    return []


# --- what stays open ------------------------------------------------------------------------------


def odd(answers: Answers, probes: Sequence[Probe]) -> list[Evidence]:
    """Find answers to wrong numbers that nothing explains, or that are others too often."""
    chosen: list[tuple[Probe, int | None]] = []
    for probe in probes:
        answer = answers.to(probe.text)
        if answer == probe.expected or _is_largest(probe.text, answer):
            continue
        if not answers.explains(probe.text):
            return [unexplained(probe.text, answer, probe.expected)]
        chosen.append((probe, answer))
    if 4 * len(chosen) < len(probes) or not chosen:
        return []
    probe, answer = chosen[0]
    return [
        review(
            "counterfactual",
            f"With another number as long in the answer's place something else is returned "
            f"{len(chosen)} of {len(probes)} times: the digits inside a number decide whether it "
            "is taken.",
            probe.text,
            answer,
            str(probe.expected),
        )
    ]


def _is_largest(text: str, answer: int | None) -> bool:
    """Whether an answer is the largest number in a text, apart from runs of digits too long."""
    plain = [v for v in read(text).values if len(digits_of(v)) <= 8]
    return answer is not None and answer == max(plain, default=None)


def never_read(answers: Answers, graded: Sequence[Graded]) -> list[Evidence]:
    """Find functions that never returned a number that they were shown."""
    if answers.decodes or not answers.are_complete:
        return []
    for text, answer in answers.all.items():
        if answer is None or answer in answers.defaults:
            continue
        if len(digits_of(answer)) > 1 and read(text).copies(answer):
            return []
    return [
        review(
            "provenance",
            "No number that stood in an output was ever returned, so nothing shows how the "
            "answer is read.",
            graded[0].output,
            graded[0].answer,
            "a number that stands in the output",
        )
    ]


def guesses(answers: Answers) -> list[Evidence]:
    """Find defaults that may come near a sum."""
    found = {default for default in answers.defaults if default is not None}
    found = {default for default in found if abs(default) >= GUESS}
    for text, answer in answers.all.items():
        if answer is not None and answer in found and not read(text).copies(answer):
            return [
                review(
                    "provenance",
                    f"Where no number is read, {answer} is returned: a guess that may come "
                    "near a sum.",
                    text,
                    answer,
                    "0, or another number that is no likely sum",
                )
            ]
    return []
