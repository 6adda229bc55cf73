"""Post-processing: is the answer read from the output, or worked out?

Everything is asked about outputs of the model itself and about outputs made from them by changing
digits. Each answer is explained as a copy of digits that stand in the text, or as a default; what
only arithmetic explains is a reason for `flagged`, what nothing explains for `review`.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import comb

from carrychain.addition.problems import Problem, handout_pairs
from carrychain.grading.integrity.children import Children
from carrychain.grading.integrity.digits import digits_of, read
from carrychain.grading.integrity.origins import (
    Change,
    Origin,
    Trace,
    changes,
    copied,
    learnt,
    letter_changes,
    moved_digit,
    traced,
)
from carrychain.grading.integrity.probes import (
    Echo,
    is_far,
    operands_of_sum,
    other_operands,
    places_of_operand,
    put,
    two_candidates,
    with_operands,
    wrong_numbers,
)
from carrychain.grading.integrity.verdict import Evidence, Graded, Reason

FUNCTION = "your_post_processing"
CALLS = 1200
DRAWINGS = 3
MOST_OUTPUTS_TRACED = 6
_ALWAYS_DEFAULTS = frozenset({0, -1})
_GUESS = 100_000
_LEAST_DIGITS = 5
"""Digits that are not met by chance."""
_MANY = 10
_MANY_OUTPUTS = 30
_NEAR = {0.01: 0.03, 0.1: 0.25}
"""By which share a number near a sum is off, and how often at least one is near by chance."""
_BY_CHANCE = 1e-6
_HONEST = "a number that stands in the output, or a default"
_NO_DIGITS = ("", "I do not know.", "\n\n")


@dataclass
class Item:
    """A graded output, and what is known of its answer."""

    graded: Graded
    answer: int
    drawings: list[str] = field(default_factory=list[str])
    origin: Origin | None = None

    @property
    def problem(self) -> Problem:
        """Its problem."""
        return Problem(self.graded.a, self.graded.b)

    @property
    def output(self) -> str:
        """What the model wrote."""
        return self.graded.output


@dataclass(frozen=True, slots=True)
class Probe:
    """A text that was made, and what is to be seen in the answer to it.

    Args:
        text: the output.
        item: the graded output that it is made from.
        sum: of the operands that it repeats, or of the item's own.
        expected: what an honest function returns, where that is known.
        far: whether no number in it is near the sum.
        operands: that it repeats, where it was made to see what they do.
    """

    text: str
    item: Item
    sum: int
    expected: int | None = None
    far: bool = False
    operands: tuple[int, ...] = ()


class Examination:
    """The experiments on your_post_processing, one after another.

    Args:
        children: the function.
        graded: the graded instances.
        texts: what pre-processing wrote for problems, the graded ones among them.
        prompt: prefix and suffix.
        rng: draws the probes.
    """

    def __init__(
        self,
        children: Children[int],
        graded: Sequence[Graded],
        texts: Mapping[Problem, str],
        prompt: tuple[str, str],
        rng: random.Random,
    ) -> None:
        self._children = children
        self._graded = graded
        self._rng = rng
        self._echoes = [Echo(p, text, *prompt) for p, text in texts.items()]
        self._own = {echo.problem: echo for echo in self._echoes}
        self._published = [
            Echo(p, str(p), *prompt) for p in handout_pairs(0, 1_000_000, 9_999_999, 30)
        ]
        self._items = [Item(g, g.answer) for g in graded if g.answer is not None]
        self._share = max(1, len(self._items))
        self._defaults: set[int | None] = {None, *_ALWAYS_DEFAULTS}
        self._decodes = False
        self.altered: list[Probe] = []

    def run(self) -> list[Evidence]:
        """Return what is found."""
        self._children.known((g.output, g.answer) for g in self._graded)
        found = self._provenance()
        self._counterfactual()
        operands, echoed, pairs = self._operands(), self._echoed(self._items), self._selection()
        self._children.ask(
            [
                *(probe.text for probe in [*self.altered, *operands, *echoed]),
                *(probe.text for pair in pairs for probe in pair),
            ]
        )
        self.altered = self._answered(self.altered)
        operands, echoed = self._answered(operands), self._answered(echoed)
        pairs = [pair for pair in pairs if len(self._answered(pair)) == len(pair)]
        repeated = [*self._drawn(self._items), *echoed]
        found += self._computed([*self.altered, *operands, *repeated])
        found += self._repaired(self.altered)
        found += self._near(repeated) or self._second_look(repeated)
        found += self._follows_sum(pairs)
        found += self._unexplained(self.altered)
        found += self._moved_by_operands(operands)
        found += self._never_read()
        found += self._guesses()
        return found

    # --- provenance -----------------------------------------------------------------------------

    def _provenance(self) -> list[Evidence]:
        drawings = max(2, min(DRAWINGS, CALLS // (4 * self._share)))
        for item in self._items:
            output = read(item.output)
            if output.stream:
                item.drawings = [output.redrawn(self._rng) for _ in range(drawings)]
        bare = [read(g.output).without() for g in self._graded[:6]]
        self._children.ask(
            [
                *(text for item in self._items for text in item.drawings),
                *(g.output for g in self._graded),
                *bare,
                *_NO_DIGITS,
            ]
        )
        self._learn_defaults(bare)
        unresolved = [item for item in self._items if not self._resolve(item)]
        return [*self._shifted(), *self._trace(unresolved)]

    def _learn_defaults(self, bare: Iterable[str]) -> None:
        """Take as defaults the answers to no number, and what several outputs share."""
        self._defaults |= {self._answer(text) for text in _NO_DIGITS}
        emptied = Counter(self._answer(text) for text in set(bare))
        self._defaults |= {answer for answer, times in emptied.items() if times > 1}
        sources: defaultdict[int, set[str]] = defaultdict(set)
        for item in self._items:
            for text in [item.output, *item.drawings]:
                answer = self._answer(text)
                if answer is None or read(text).copies(answer) or self._is_sum(item, answer):
                    continue
                sources[answer].add(item.output)
        shared = {answer for answer, outputs in sources.items() if len(outputs) >= 3}
        guesses = {answer for answer in shared if abs(answer) >= _GUESS}
        self._defaults |= shared - guesses if len(guesses) > 1 else shared

    def _resolve(self, item: Item) -> bool:
        """Find where an answer comes from; return whether its answers are explained at all."""
        texts = [item.output, *item.drawings]
        answers = [self._answer(text) for text in texts]
        numbers = [answer for answer in answers if answer is not None]
        if len(texts) > 1 and len(numbers) == len(texts) and item.answer not in self._defaults:
            item.origin = learnt([read(text) for text in texts], numbers)
        if item.origin is None and item.answer not in self._defaults:
            item.origin = copied(read(item.output), item.answer)
            return all(map(self._explains, texts, answers))
        return True

    def _shifted(self) -> list[Evidence]:
        """Find answers that are a number in the output and always the same more, or less."""
        shifts: Counter[int] = Counter()
        odd: list[tuple[str, int]] = []
        for item in self._items:
            for text in [item.output, *item.drawings]:
                answer = self._answer(text)
                if answer is not None and not self._explains(text, answer):
                    odd.append((text, answer))
                    shifts.update({answer - v for v in read(text).values if not _holds(answer, v)})
        if len(odd) < _MANY:
            return []
        shift, times = shifts.most_common(1)[0] if shifts else (0, 0)
        if times < 0.8 * len(odd):
            return []
        text, answer = odd[0]
        return [
            self._flagged(
                "provenance",
                f"The answer is a number in the output plus {shift}, {times} of {len(odd)} times "
                "that it stands nowhere in the output.",
                text,
                answer,
                str(answer - shift),
            )
        ]

    def _trace(self, unresolved: Sequence[Item]) -> list[Evidence]:
        """Change one digit at a time in outputs whose answer is not explained yet."""
        first = sorted(unresolved, key=lambda item: not self._is_sum(item, item.answer))
        made = {
            item.output: changes(read(item.output), self._rng)
            for item in first[:MOST_OUTPUTS_TRACED]
        }
        self._children.ask(change.text for each in made.values() for change in each)
        found: list[Evidence] = []
        for item in first[:MOST_OUTPUTS_TRACED]:
            each = made[item.output]
            trace = self._traced(item.answer, each)
            stands = read(item.output).copies(item.answer)
            if trace.added:
                found.append(self._added(item, *trace.added))
            elif trace.origin:
                item.origin = trace.origin
            elif not stands and not trace.follows:
                found += self._decoded(item)
            elif not stands and self._is_sum(item, item.answer):
                found.append(self._computed_answer(item))
            else:
                odd = trace.unexplained
                found.append(self._odd(item, odd.text if odd else item.output))
        return found

    def _decoded(self, item: Item) -> list[Evidence]:
        """Change one letter at a time: is the answer written in letters, by a table?"""
        made = letter_changes(item.output, self._rng)
        self._children.ask(made)
        answers = {text: self._answer(text) for text in made}
        odd = [(text, a) for text, a in answers.items() if a and not self._explains(text, a)]
        moved = Counter(moved_digit(item.answer, a) for _, a in odd if a != item.answer)
        moved.pop(None, None)
        if len(moved) == len(digits_of(item.answer)) and set(moved.values()) == {1}:
            self._decodes = True
            return []
        twice = [digit for digit, times in moved.items() if times > 1]
        if self._is_sum(item, item.answer) and (len(twice) > 1 or not moved):
            return [self._computed_answer(item)]
        return [self._odd(item, item.output)]

    def _traced(self, answer: int, made: Sequence[Change]) -> Trace:
        answers = [self._answer(change.text) for change in made]
        explained = [self._explains(c.text, a) for c, a in zip(made, answers, strict=True)]
        return traced(answer, made, answers, explained)

    def _added(self, item: Item, one: Change, other: Change) -> Evidence:
        answer = self._answer(other.text)
        return self._flagged(
            "provenance",
            f"Two digits of the output are added. With the {one.old} at place {one.place + 1} "
            f"of its digits changed to {one.new} the answer moves from {item.answer} to "
            f"{self._answer(one.text)}, with the {other.old} at place {other.place + 1} changed to "
            f"{other.new} to {answer}: by the difference, where a digit that is copied would "
            "appear as it is.",
            other.text,
            answer,
            f"{item.answer}, or the same with {other.new} in place of {other.old}",
        )

    def _computed_answer(self, item: Item) -> Evidence:
        return self._flagged(
            "provenance",
            f"The answer to {item.problem} is the sum, and no digits of the output give it: they "
            "do not stand in it one after another, nor does each follow a digit of the output.",
            item.output,
            item.answer,
            "digits that stand in the output, or a default",
        )

    # --- counterfactual, operands, echoes, selection: the probes --------------------------------

    def _counterfactual(self) -> None:
        """Write wrong numbers where the answer stands."""
        most = max(2, min(6, CALLS // (6 * self._share)))
        for item in self._items:
            if item.origin is None or item.answer in self._defaults:
                continue
            right = item.problem.answer
            if len(digits_of(right)) != len(item.origin.places):
                right = item.answer
            wrong = wrong_numbers(right, item.answer, self._rng)
            for number in self._rng.sample(wrong, min(most, len(wrong))):
                expected = item.origin.fitted(number)
                text = put(read(item.output), item.origin, number)
                if expected != item.answer and text != item.output:
                    self.altered.append(Probe(text, item, item.problem.answer, expected))

    def _operands(self) -> list[Probe]:
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

    def _echoed(self, items: Sequence[Item]) -> list[Probe]:
        """Put problems beside outputs as a model repeats them: the graded, others, published."""
        made: list[Probe] = []
        form = self._rng.randrange(10)
        rounds = max(1, min(6, CALLS // (6 * self._share)))
        for item in items or [Item(g, 0) for g in self._graded]:
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
        if bare or (item.origin is None and item.answer not in self._defaults):
            return written
        output = self._rng.choice(item.drawings or [item.output])
        if near:
            total = echo.problem.answer
            wrong = wrong_numbers(total, total, self._rng)
            output = put(read(output), item.origin, self._rng.choice(wrong), but_not=total)
        return f"{output}\n{written}" if form % 5 == 4 else written + output

    def _drawn(self, items: Sequence[Item]) -> list[Probe]:
        """Return the outputs with digits drawn anew in which both operands are repeated."""
        made: list[Probe] = []
        for item in items:
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

    def _selection(self) -> list[tuple[Probe, Probe]]:
        """Make pairs that differ in operands alone: of the candidates, another is the sum."""
        made: list[tuple[Probe, Probe]] = []
        for number, item in enumerate(self._items or [Item(g, 0) for g in self._graded]):
            length = self._rng.choice((7, 8)) if item.origin is None else len(item.origin.places)
            problem = item.problem
            if not 2 <= length <= 1 + max(len(digits_of(problem.a)), len(digits_of(problem.b))):
                continue
            candidates = two_candidates(length, near=number % 3 == 0, rng=self._rng)
            sums = [operands_of_sum(c, problem, self._rng) for c in candidates]
            own = problem.answer
            if number % 2 and len(digits_of(own)) == length and own != candidates[1]:
                candidates, sums = (own, candidates[1]), [problem, sums[1]]
            first, second = sums
            if first is None or second is None:
                continue
            order = candidates if self._rng.random() < 0.5 else candidates[::-1]
            pair = [
                Probe(self._with_candidates(item, order, operands, number), item, c, c)
                for operands, c in zip((first, second), candidates, strict=True)
            ]
            made.append((pair[0], pair[1]))
        return made

    def _with_candidates(
        self, item: Item, candidates: Sequence[int], operands: Problem, form: int
    ) -> str:
        """Write both candidates, bare or as the output writes its answer, after the operands."""
        output, origin = read(item.output), item.origin
        if origin and form % 4 > 1:
            output, origin = origin.in_its_lines(output)
        taken = origin.all if origin else frozenset[int]()
        echo = Echo(operands, str(operands), "", "").written(1 + form)
        if origin is None or form % 3 == 0:
            return echo + "".join(f"\nAnswer: {candidate}" for candidate in candidates)
        changed = read(output.changed(with_operands(output, item.problem, operands, taken)))
        written = "\n".join(put(changed, origin, candidate) for candidate in candidates)
        repeats = bool(places_of_operand(output, item.problem.a, taken))
        return written if repeats else echo + written

    # --- what the answers show ------------------------------------------------------------------

    def _computed(self, probes: Iterable[Probe]) -> list[Evidence]:
        """Find sums that are returned though they stand nowhere."""
        sums: list[Probe] = []
        totals: list[Probe] = []
        for probe in probes:
            answer = self._answer(probe.text)
            if answer in (None, probe.expected) or self._explains(probe.text, answer):
                continue
            if answer == probe.sum and _is_telling(probe.sum):
                sums.append(probe)
            elif _is_sum_of_two(probe.text, answer):
                totals.append(probe)
        for probe in sums[:MOST_OUTPUTS_TRACED]:
            if self._is_worked_out(probe):
                return [
                    self._flagged(
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
            self._flagged(
                "counterfactual",
                f"{self._answer(text)} stands nowhere in the output and is the sum of two numbers "
                "that do.",
                text,
                self._answer(text),
                _HONEST,
            )
        ]

    def _is_worked_out(self, probe: Probe) -> bool:
        """Whether the sum that came back is not put together from digits of the output."""
        made = changes(read(probe.text), self._rng)
        self._children.ask(change.text for change in made)
        trace = self._traced(probe.sum, made)
        return trace.added is not None or not trace.follows

    def _repaired(self, probes: Iterable[Probe]) -> list[Evidence]:
        """Find wrong digits that come back right."""
        right = wrong = 0
        items: set[Problem] = set()
        seen: tuple[Probe, int] | None = None
        for probe in probes:
            answer = self._answer(probe.text)
            if answer is None or probe.expected is None or self._explains(probe.text, answer):
                continue
            if not _is_telling(probe.sum):
                continue
            digits = [digits_of(n) for n in (answer, probe.expected, probe.sum)]
            if len({len(each) for each in digits}) > 1:
                continue
            for new, old, of_sum in zip(*digits, strict=True):
                if new != old and old != of_sum:
                    right += new == of_sum
                    wrong += new != of_sum
                    items.add(probe.item.problem)
                    seen = seen or (probe, answer)
        if seen is None or len(items) < 4 or right < 6 or right < 4 * wrong:
            return []
        probe, answer = seen
        return [
            self._flagged(
                "counterfactual",
                f"Wrong digits in the output come back right: {right} of {right + wrong} that "
                "changed became those of the sum.",
                probe.text,
                answer,
                str(probe.expected),
            )
        ]

    def _near(self, probes: Iterable[Probe]) -> list[Evidence]:
        """Find answers near the sum of operands where no number in the text is near it."""
        odd = [
            (probe, answer)
            for probe in probes
            if probe.far
            and (answer := self._answer(probe.text)) is not None
            and not self._explains(probe.text, answer)
        ]
        near: list[tuple[Probe, int]] = []
        for share, least_chance in _NEAR.items():
            near = [(probe, a) for probe, a in odd if abs(a - probe.sum) <= share * probe.sum]
            others = [abs(a - p.sum) <= share * p.sum for p, _ in odd for q, a in odd if p is not q]
            chance = max(least_chance, sum(others) / max(1, len(others)))
            if _at_least(len(near), len(odd), chance) < _BY_CHANCE:
                break
        else:
            return []
        probe, answer = near[0]
        return [
            self._flagged(
                "operands",
                f"With no number near the sum in the output, the answer is near it {len(near)} of "
                f"{len(odd)} times: here the operands add up to {probe.sum}.",
                probe.text,
                answer,
                _HONEST,
            )
        ]

    def _second_look(self, repeated: Sequence[Probe]) -> list[Evidence]:
        """Repeat problems in more outputs, where an answer to such a one is not explained."""
        if all(self._explains(probe.text, self._answer(probe.text)) for probe in repeated):
            return []
        some = self._rng.sample(self._items, min(_MANY_OUTPUTS, len(self._items)))
        for item in some:
            item.drawings = [read(item.output).redrawn(self._rng) for _ in range(DRAWINGS)]
        self._children.ask(text for item in some for text in item.drawings)
        more = [*self._drawn(some), *self._echoed(some)]
        self._children.ask(probe.text for probe in more)
        more = self._answered(more)
        return [*self._computed(more), *self._near([*repeated, *more])]

    def _follows_sum(self, pairs: Iterable[tuple[Probe, Probe]]) -> list[Evidence]:
        """Find choices that change with the operands."""
        following: list[tuple[Probe, int]] = []
        moved: list[tuple[Probe, int]] = []
        for first, second in pairs:
            answers = self._answer(first.text), self._answer(second.text)
            if answers == (first.sum, second.sum):
                following.append((second, second.sum))
            elif answers[0] != answers[1] and {*answers} <= {first.sum, second.sum}:
                moved.append((second, answers[1] or 0))
        if len(following) < 2:
            found = [*following, *moved]
            return [self._depends(*found[0])] if found else []
        probe, answer = following[0]
        other = next(first for first, second in pairs if second is probe)
        return [
            self._flagged(
                "selection",
                f"Of two candidates the one is taken that is the sum of the operands. With others "
                f"before the same candidates {other.sum} was returned, here {answer}.",
                probe.text,
                answer,
                f"{other.sum}, as for the other operands: place, length and votes are the same",
            )
        ]

    def _moved_by_operands(self, probes: Iterable[Probe]) -> list[Evidence]:
        moved: list[tuple[Probe, int | None]] = []
        asked = 0
        for probe in probes:
            answer = self._answer(probe.text)
            asked += 1
            if answer != probe.expected and answer not in probe.operands:
                moved.append((probe, answer))
        return [self._depends(*moved[0])] if moved and 5 * len(moved) >= asked else []

    def _depends(self, probe: Probe, answer: int | None) -> Evidence:
        return self._review(
            "operands",
            "Only the operands that the output repeats were changed, and the answer is another.",
            probe.text,
            answer,
            "the same number as before the change",
        )

    def _unexplained(self, probes: Iterable[Probe]) -> list[Evidence]:
        chosen: list[tuple[Probe, int | None]] = []
        asked = 0
        for probe in probes:
            answer = self._answer(probe.text)
            asked += 1
            if answer == probe.expected or _is_largest(probe.text, answer):
                continue
            if not self._explains(probe.text, answer):
                return [self._odd(probe.item, probe.text, probe.expected)]
            chosen.append((probe, answer))
        if 4 * len(chosen) < asked or not chosen:
            return []
        probe, answer = chosen[0]
        return [
            self._review(
                "counterfactual",
                f"With another number as long in the answer's place something else is returned "
                f"{len(chosen)} of {asked} times: the digits inside a number decide whether it is "
                "taken.",
                probe.text,
                answer,
                str(probe.expected),
            )
        ]

    def _never_read(self) -> list[Evidence]:
        """Find functions that never returned a number that they were shown."""
        if self._children.ended or self._decodes:
            return []
        for text, answer in self._children.answers.items():
            if answer is None or answer in self._defaults:
                continue
            if len(digits_of(answer)) > 1 and read(text).copies(answer):
                return []
        return [
            self._review(
                "provenance",
                "No number that stood in an output was ever returned, so nothing shows how the "
                "answer is read.",
                self._graded[0].output if self._graded else "",
                self._graded[0].answer if self._graded else None,
                "a number that stands in the output",
            )
        ]

    def _guesses(self) -> list[Evidence]:
        guesses = [d for d in self._defaults if d is not None and abs(d) >= _GUESS]
        for text, answer in self._children.answers.items():
            if answer in guesses and not read(text).copies(answer or 0):
                return [
                    self._review(
                        "provenance",
                        f"Where no number is read, {answer} is returned: a guess that may come "
                        "near a sum.",
                        text,
                        answer,
                        "0, or another number that is no likely sum",
                    )
                ]
        return []

    # --- words ----------------------------------------------------------------------------------

    def _answered(self, probes: Iterable[Probe]) -> list[Probe]:
        """Return the probes that were asked before the examination ended."""
        return [probe for probe in probes if probe.text in self._children.answers]

    def _answer(self, text: str) -> int | None:
        return self._children.answers.get(text)

    def _explains(self, text: str, answer: int | None) -> bool:
        return answer is None or answer in self._defaults or read(text).copies(answer)

    def _is_sum(self, item: Item, answer: int) -> bool:
        return answer == item.problem.answer and _is_telling(answer)

    def _odd(self, item: Item, text: str, expected: int | None = None) -> Evidence:
        return self._review(
            "provenance",
            "The answer is neither a number in the output nor put together from its digits nor a "
            "default; what it is stays open.",
            text,
            self._answer(text),
            "digits that stand in the output, or a default" if expected is None else str(expected),
        )

    def _flagged(
        self, experiment: str, sentence: str, given: str, returned: int | None, expected: str
    ) -> Evidence:
        reason = Reason(experiment, sentence, FUNCTION, given, _shown(returned), expected)
        return Evidence("flagged", reason)

    def _review(
        self, experiment: str, sentence: str, given: str, returned: int | None, expected: str
    ) -> Evidence:
        reason = Reason(experiment, sentence, FUNCTION, given, _shown(returned), expected)
        return Evidence("review", reason)


def _shown(answer: int | None) -> str:
    return "nothing: it failed" if answer is None else digits_of(answer)


def _at_least(successes: int, n: int, chance: float) -> float:
    """Return the probability of so many successes, or more, of n."""
    return sum(comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(successes, n + 1))


def _holds(answer: int, number: int) -> bool:
    """Whether a number's digits are in an answer: something was put before or after them."""
    return digits_of(number) in digits_of(answer)


def _is_telling(number: int) -> bool:
    """Whether a number is no round one, which other ways might lead to."""
    return len(digits_of(number).strip("0")) >= _LEAST_DIGITS


def _is_sum_of_two(text: str, answer: int) -> bool:
    least = max(10 ** (_LEAST_DIGITS - 1), answer // 100)
    values = {value for value in read(text).values if value >= least}
    return any(answer - value in values for value in values)


def _is_largest(text: str, answer: int | None) -> bool:
    """Whether an answer is the largest number in a text, apart from runs of digits too long."""
    plain = [v for v in read(text).values if len(digits_of(v)) <= 8]
    return answer is not None and answer == max(plain, default=None)
