"""The probes: texts made from graded outputs, each to show one thing in the answer to it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

from carrychain.addition.problems import Problem, handout_pairs
from carrychain.grading.integrity.answers import CALLS, Answers, Item, Pair, Probe, Three
from carrychain.grading.integrity.digits import digits_of, read
from carrychain.grading.integrity.outputs import (
    Echo,
    is_far,
    operands_of_sum,
    other_operands,
    places_of_operand,
    put,
    rewritten,
    two_candidates,
    two_lengths,
    two_numbers,
    with_operands,
    wrong_numbers,
)
from carrychain.grading.integrity.verdict import Graded


class Prober:
    """Makes probes.

    Args:
        answers: what is known of the function.
        items: the graded outputs that got an answer, with their origins.
        graded: all graded outputs.
        texts: what pre-processing wrote for problems, the graded ones among them.
        prompt: prefix and suffix.
        rng: draws numbers, operands and layouts.
    """

    def __init__(
        self,
        answers: Answers,
        items: Sequence[Item],
        graded: Sequence[Graded],
        texts: Mapping[Problem, str],
        prompt: tuple[str, str],
        rng: random.Random,
    ) -> None:
        self._answers = answers
        self._items = items
        self._standing_in = items or [Item(place, g) for place, g in enumerate(graded)]
        self._rng = rng
        self._share = max(1, len(items))
        self._echoes = [Echo(p, text, *prompt) for p, text in texts.items()]
        self._own = {echo.problem: echo for echo in self._echoes}
        self._published = [
            Echo(p, str(p), *prompt) for p in handout_pairs(0, 1_000_000, 9_999_999, 30)
        ]

    def wrong(self) -> list[Probe]:
        """Write wrong numbers where the answer stands."""
        made: list[Probe] = []
        most = max(2, min(6, CALLS // (6 * self._share)))
        for item in self._items:
            if item.origin is None or item.answer in self._answers.defaults:
                continue
            right = item.problem.answer
            if len(digits_of(right)) != len(item.origin.places):
                right = item.answer
            wrong = wrong_numbers(right, item.answer, self._rng)
            for number in self._rng.sample(wrong, min(most, len(wrong))):
                expected = item.origin.fitted(number)
                text = put(read(item.output), item.origin, number)
                if expected != item.answer and text != item.output:
                    made.append(Probe(text, item, item.problem.answer, expected))
        return made

    def operands(self) -> list[Probe]:
        """Change the operands where an output repeats them, and leave the answer alone."""
        made: list[Probe] = []
        most = max(1, min(4, CALLS // (10 * self._share)))
        for item in self._items:
            taken = item.origin.all if item.origin else frozenset[int]()
            for _ in range(most):
                other = other_operands(item.problem, self._rng)
                output = read(item.output)
                to = with_operands(output, item.problem, other, taken)
                if to:
                    text = output.changed(to)
                    made.append(
                        Probe(text, item, other.answer, item.answer, operands=(other.a, other.b))
                    )
        return made

    def echoed(self, items: Sequence[Item] | None = None) -> list[Probe]:
        """Put problems beside outputs as a model repeats them: the graded, others, published."""
        made: list[Probe] = []
        form = self._rng.randrange(10)
        rounds = max(1, min(6, CALLS // (6 * self._share)))
        for item in items or self._standing_in:
            own = self._own.get(item.problem)
            for kind in range(rounds):
                form += 1
                other = self._rng.choice(self._echoes) if self._echoes else None
                published = self._rng.choice(self._published)
                echo = (own, other, published, own, other, published)[kind] or published
                near = kind % 2 == 0
                text = self._beside(echo, item, form, near, bare=kind in (1, 3, 5))
                total = echo.problem.answer
                if not read(text).copies(total):
                    made.append(Probe(text, item, total, far=not near and is_far(text, total)))
        return made

    def _beside(self, echo: Echo, item: Item, form: int, near: bool, bare: bool) -> str:
        """Write a problem before or after an output, in which its own is replaced."""
        written = echo.written(form)
        if bare or (item.origin is None and item.answer not in self._answers.defaults):
            return written
        output = self._rng.choice(item.drawings or [item.output])
        if near:
            total = echo.problem.answer
            wrong = wrong_numbers(total, total, self._rng)
            output = put(read(output), item.origin, self._rng.choice(wrong), but_not=total)
        return f"{output}\n{written}" if form % 5 == 4 else written + output

    def drawn(self, items: Iterable[Item] | None = None) -> list[Probe]:
        """Return the outputs with digits drawn anew in which both operands are repeated."""
        made: list[Probe] = []
        for item in self._items if items is None else items:
            output = read(item.output)
            runs = [
                places_of_operand(output, operand, frozenset[int]())
                for operand in (item.graded.a, item.graded.b)
            ]
            if all(runs):
                for text in item.drawings:
                    stream = read(text).stream
                    total = sum(int("".join(stream[i] for i in found[0])) for found in runs)
                    if not read(text).copies(total):
                        made.append(Probe(text, item, total, far=is_far(text, total)))
        return made

    def exchanged(self) -> list[Pair]:
        """Make pairs that differ in operands alone: of the candidates, another is the sum."""
        made: list[Pair] = []
        for number, item in enumerate(self._standing_in):
            candidates = self._candidates(item, number)
            first, second = (operands_of_sum(c, item.problem, self._rng) for c in candidates)
            if candidates[0] == item.problem.answer:
                first = item.problem
            if first is None or second is None:
                continue
            order = candidates if self._rng.random() < 0.5 else candidates[::-1]
            one, other = (
                Probe(self._with_candidates(item, order, operands, number), item, c, c)
                for operands, c in zip((first, second), candidates, strict=True)
            )
            made.append((one, other))
        return made

    def _candidates(self, item: Item, number: int) -> tuple[int, int]:
        """Return two numbers that are near, far apart, or of two lengths."""
        if number % 3 == 2:
            return two_lengths(item.problem, self._rng)
        shortest, longest = 2, 1 + max(map(len, map(digits_of, (item.graded.a, item.graded.b))))
        length = self._rng.choice((7, 8)) if item.origin is None else len(item.origin.places)
        length = min(max(length, shortest), longest)
        candidates = two_candidates(length, near=number % 3 == 0, rng=self._rng)
        own = item.problem.answer
        if number % 2 and len(digits_of(own)) == length and own != candidates[1]:
            return own, candidates[1]
        return candidates

    def _with_candidates(
        self, item: Item, candidates: Sequence[int], operands: Problem, form: int
    ) -> str:
        """Write both candidates, bare or as the output writes its answers, after the operands."""
        output, origin = read(item.output), item.origin
        runs = two_numbers(output, item.problem)
        if origin and form % 4 > 1 and runs is None:
            output, origin = origin.in_its_lines(output)
        taken = origin.all if origin else frozenset[int]()
        echo = Echo(operands, str(operands), "", "").written(1 + form)
        changed = read(output.changed(with_operands(output, item.problem, operands, taken)))
        fit = origin and all(len(digits_of(c)) == len(origin.places) for c in candidates)
        if runs is not None and form % 4:
            written = rewritten(changed, dict(zip(runs, candidates, strict=True)))
        elif fit and form % 3:
            written = "\n".join(put(changed, origin, candidate) for candidate in candidates)
        else:
            return echo + "".join(f"\nAnswer: {candidate}" for candidate in candidates)
        repeats = bool(places_of_operand(output, item.problem.a, taken))
        return written if repeats else echo + written

    def fitted(self) -> list[Pair]:
        """Make pairs with one number in the answer's place: the operands' sum, and not."""
        made: list[Pair] = []
        rounds = max(1, min(2, CALLS // (20 * self._share)))
        for item in [*self._items] * rounds:
            output, origin = read(item.output), item.origin
            if origin is None or len(origin.places) < 2:
                continue
            numbers = two_candidates(len(origin.places), near=False, rng=self._rng)
            sums = [operands_of_sum(number, item.problem, self._rng) for number in numbers]
            if not places_of_operand(output, item.problem.a, origin.all):
                continue
            texts = [
                put(
                    read(output.changed(with_operands(output, item.problem, operands, origin.all))),
                    origin,
                    numbers[0],
                )
                for operands in sums
                if operands is not None
            ]
            if len(texts) == 2:
                one, other = map(Probe, texts, [item] * 2, numbers, [origin.fitted(numbers[0])] * 2)
                made.append((one, other))
        return made

    def turned(self) -> list[Three]:
        """Put the sum and a wrong number in two places, in turn, and then two wrong ones."""
        made: list[Three] = []
        rounds = max(1, min(2, CALLS // (20 * self._share)))
        for number, item in enumerate([*self._items] * rounds):
            output, right = read(item.output), item.problem.answer
            runs = two_numbers(output, item.problem)
            step = self._rng.choice((1, 7, 300, *(right // k for k in (1000, 30, 8))))
            step *= (-1) ** number
            wrong, other = right + step, right + 2 * step
            if runs is None or len({len(digits_of(each)) for each in (right, wrong, other)}) > 1:
                continue
            texts = [
                rewritten(output, dict(zip(runs, numbers, strict=True)))
                for numbers in ((right, wrong), (wrong, right), (wrong, other))
            ]
            if read(texts[0]).stream.count(digits_of(right)) == 1:  # no votes for it
                expected = (right, wrong, wrong)  # from a reader of the first place
                one, two, three = map(Probe, texts, [item] * 3, [right] * 3, expected)
                made.append((one, two, three))
        return made
