"""A student's derivation, checked on small networks, and what is wrong with it by name.

    report = check("derivation.py")
    for each in report.checks:
        print(each.name, each.passed, each.explanation)

The student's functions run in the sandbox. Their numbers are compared with the right ones, and,
where they differ, with what each known mistake would give: one that agrees on every network is the
one that was made. A bound is not compared but tried: it must not be below the norm on any chain.
"""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

import numpy as np

from carrychain.errors import InvalidInput
from carrychain.rnn.bound_mistakes import BOUNDS
from carrychain.rnn.bounds import largest_singular_value
from carrychain.rnn.cases import Case, bound_cases, random_cases
from carrychain.rnn.mistakes import DERIVATIVES
from carrychain.rnn.model import Array
from carrychain.rnn.questions import Mistake, Question
from carrychain.sandbox.child import Answer, Failure, Limits, Sandbox
from carrychain.sandbox.protocol import Kind

LAYOUTS = ("numerator", "denominator")
TOLERANCE = 1e-9
ROUGH_TOLERANCE = 1e-5  # float32 passes, and every known mistake is further off

UNWRITTEN = "not written yet"
MISSING = "no such function"

_LIMITS = Limits(seconds=5.0)


@dataclass(frozen=True, slots=True)
class Check:
    """What became of one function.

    Args:
        name: the function's name.
        question: where the assignment asks for it.
        passed: whether it is right; a bound that is true and loose passes.
        explanation: what is right or wrong, and why; a paragraph a line.
        recognised: the names of what is wrong, or makes a bound loose, where it is known.
    """

    name: str
    question: str
    passed: bool
    explanation: str
    recognised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """A derivation, checked.

    Args:
        checks: a function each, in the order of the template.
        tier: how far the sandbox kept the file in.
        printed: what the file printed meanwhile.
    """

    checks: tuple[Check, ...]
    tier: str
    printed: str

    @property
    def passed(self) -> bool:
        """Whether every function is right."""
        return all(check.passed for check in self.checks)

    def as_dict(self) -> dict[str, object]:
        """Return what `--json` writes."""
        checks = [asdict(check) for check in self.checks]
        return {"passed": self.passed, "checks": checks, "sandbox": {"tier": self.tier}}


def check(path: str | os.PathLike[str], seed: int = 0, limits: Limits | None = None) -> Report:
    """Check the functions of a student's file.

    Args:
        path: the file, made from the template that `carrychain rnn check --template` writes.
        seed: fixes the random networks, at least 0.
        limits: what the file may use; five seconds a call where left out.

    Raises:
        InvalidInput: the file can't be read or run, or has none of the functions.
    """
    if seed < 0:
        raise InvalidInput(f"seed is {seed}; it must be at least 0")
    with Sandbox(path, limits or _LIMITS) as child:
        failure = child.load()
        if failure is not None:
            raise InvalidInput(f"{path} can't be run: {failure}")
        student = _Student(child, _layout(child, path))
        checks = tuple(_check(question, student, seed) for question in (*DERIVATIVES, *BOUNDS))
    if all(MISSING in check.recognised for check in checks):
        names = ", ".join(check.name for check in checks)
        raise InvalidInput(
            f"{path} has none of the functions {names}; start from the template that "
            "`carrychain rnn check --template FILE` writes"
        )
    return Report(checks, child.tier.value, child.printed)


def _layout(child: Sandbox, path: str | os.PathLike[str]) -> str:
    stated = child.get("LAYOUT")
    if isinstance(stated, Failure):
        return LAYOUTS[0]
    if not isinstance(stated.value, str) or stated.value not in LAYOUTS:
        raise InvalidInput(
            f"LAYOUT in {path} is {reprlib.repr(stated.value)}; it must be "
            f"{' or '.join(map(repr, LAYOUTS))}"
        )
    return stated.value


# --- asking ---------------------------------------------------------------------------------------


class _NoAnswer(Exception):
    """A function gave no numbers; the message is the explanation, `name` what happened."""

    def __init__(self, explanation: str, name: str) -> None:
        super().__init__(explanation)
        self.name = name


class _Student:
    """The student's functions, their matrices turned into numerator layout where need be."""

    def __init__(self, child: Sandbox, layout: str) -> None:
        self._child = child
        self._transposed = layout == "denominator"

    def answers(
        self, question: Question, cases: Sequence[Case], right: Sequence[Array]
    ) -> list[Array]:
        """Return what the function says of each case, or raise _NoAnswer."""
        return [
            _shaped_like(expected, self._answer(question, case))
            for case, expected in zip(cases, right, strict=True)
        ]

    def _answer(self, question: Question, case: Case) -> Array:
        arguments = [self._in_layout(argument) for argument in question.arguments(case)]
        outcome = self._child.call(question.name, *arguments)
        if isinstance(outcome, Failure):
            raise _no_answer(question, outcome)
        numbers = _numbers(question, outcome)
        return numbers.T if self._transposed else numbers

    def _in_layout(self, argument: object) -> object:
        if not isinstance(argument, np.ndarray):
            return argument
        array = cast(Array, argument)
        return array.swapaxes(1, 2) if self._transposed and array.ndim == 3 else array  # J


def _no_answer(question: Question, failure: Failure) -> _NoAnswer:
    if failure.kind is Kind.MISSING:
        return _NoAnswer(f"There is no function {question.signature} in the file.", MISSING)
    if failure.exception == "NotImplementedError":
        return _NoAnswer(f"Not written yet: {question.asks}.", UNWRITTEN)
    if failure.kind is Kind.VALUE:
        return _NoAnswer(
            f"It returned {failure.message}; needed is {question.shape}.", "no numbers"
        )
    if failure.exception == "TypeError" and failure.line is None:
        return _NoAnswer(
            f"It is called as {question.signature}, but {failure.message}.", "wrong arguments"
        )
    return _NoAnswer(f"It failed: {failure}.", failure.kind.value)


def _numbers(question: Question, answer: Answer) -> Array:
    if answer.value is None:
        raise _NoAnswer("It returned nothing (None): is a return missing?", "no numbers")
    try:
        array = np.asarray(float(answer.value) if type(answer.value) is int else answer.value)
        if array.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError, OverflowError):
        what = type(answer.value).__name__
        raise _NoAnswer(
            f"It returned something of type {what}; needed is {question.shape}.", "no numbers"
        ) from None
    return array.astype(np.float64)


def _check(question: Question, student: _Student, seed: int) -> Check:
    try:
        if question.norm is None:
            return _check_equal(question, student, random_cases(seed))
        return _check_bound(question, student, bound_cases(seed), question.norm)
    except _NoAnswer as reason:
        return Check(question.name, question.place, False, str(reason), (reason.name,))


def _passed(question: Question, explanation: str, remarks: Sequence[Mistake] = ()) -> Check:
    names = tuple(each.name for each in remarks)
    return Check(question.name, question.place, True, explanation, names)


def _failed(question: Question, explanation: str, mistakes: Sequence[Mistake] = ()) -> Check:
    names = tuple(each.name for each in mistakes)
    explanation = f"{explanation}\nRight is {question.answer}."
    return Check(question.name, question.place, False, explanation, names)


def _recognised(
    question: Question, cases: Sequence[Case], got: Sequence[Array]
) -> tuple[Mistake, ...]:
    """Return the mistakes that give these numbers on every network; none if none do."""
    for mistakes in question.known():
        wrong = (question.wrong(mistakes, case) for case in cases)
        if all(_same(answer, other) for answer, other in zip(got, wrong, strict=True)):
            return mistakes
    return ()


def _reasons(mistakes: Sequence[Mistake]) -> str:
    return "\n".join(f"{each.name}: {each.why}" for each in mistakes)


# --- answers that must be equal -------------------------------------------------------------------


def _check_equal(question: Question, student: _Student, cases: Sequence[Case]) -> Check:
    right = [question.right(case) for case in cases]
    got = student.answers(question, cases, right)
    if not _all_same(got, right, ROUGH_TOLERANCE):
        mistakes = _recognised(question, cases, got)
        found = _reasons(mistakes) if mistakes else _difference(question, cases, got, right)
        return _failed(question, found, mistakes)
    edges = [edge for case in cases for edge in question.edges(case)]
    right_there = [question.right(edge) for edge in edges]
    but = "Right inside the sequence, but not at its ends."
    try:
        got_there = student.answers(question, edges, right_there)
    except _NoAnswer as reason:
        raise _NoAnswer(f"{but} {reason}", reason.name) from None
    if not _all_same(got_there, right_there, ROUGH_TOLERANCE):
        return _failed(question, f"{but} {_example(question, edges, got_there, right_there)}")
    if not _all_same([*got, *got_there], [*right, *right_there], TOLERANCE):
        return _passed(
            question,
            "Right, but to a few digits only: is there float32, or a small number added inside a "
            "logarithm?",
        )
    return _passed(question, f"Right on {len(cases) + len(edges)} examples.")


def _difference(
    question: Question, cases: Sequence[Case], got: Sequence[Array], right: Sequence[Array]
) -> str:
    """Say what can be said of wrong answers that no known mistake gives."""
    example = _example(question, cases, got, right)
    if any(answer.shape != expected.shape for answer, expected in zip(got, right, strict=True)):
        return example
    if any(np.isnan(answer).any() for answer in got):
        return f"NaN came back: a[0] is NaN, for there is no a_0; is it read? {example}"
    factor = _common_factor(got, right)
    if factor is not None:
        return f"Every number is {factor:.6g} times the right one. {example}"
    return f"These numbers come from no mistake that is known here. {example}"


def _example(
    question: Question, cases: Sequence[Case], got: Sequence[Array], right: Sequence[Array]
) -> str:
    """Show the first wrong answer; the networks come smallest first."""
    case, answer, expected = next(
        each for each in zip(cases, got, right, strict=True) if not _same(each[1], each[2])
    )
    if answer.shape != expected.shape:
        return (
            f"The answer has the shape {answer.shape}; needed is {question.shape}, here "
            f"{expected.shape}."
        )
    return (
        f"For {_shown(question.shows(case))}\nyours is {_text(answer)},\n"
        f"right is {_text(expected)}."
    )


def _common_factor(got: Sequence[Array], right: Sequence[Array]) -> float | None:
    """Return what every answer is a multiple of the right one by, if that is one number."""
    x, y = (np.concatenate([array.ravel() for array in arrays]) for arrays in (got, right))
    factor = float(x @ y / (y @ y))
    return factor if _same(x, factor * y) else None


# --- bounds, which must hold ----------------------------------------------------------------------


@dataclass(frozen=True)
class _Claim:
    """What a bound says of one chain.

    Args:
        case: the chain.
        claimed: what the norm is said not to exceed.
        norm: what it is.
        tight: the bound by max sigma' and s_max at each step.
        steps: how long the chain is.
    """

    case: Case
    claimed: float
    norm: float
    tight: float
    steps: int

    @property
    def broken(self) -> bool:
        return self.claimed < self.norm * (1 - TOLERANCE)

    @property
    def empty(self) -> bool:
        """Whether it says nothing: it exceeds (d' max(1, s_max))^steps, as no inequality does."""
        most = len(self.case.W_hh) * max(1.0, largest_singular_value(self.case.W_hh))
        return self.steps > 0 and self.claimed > most**self.steps


def _check_bound(
    question: Question, student: _Student, cases: Sequence[Case], norm: Callable[[Case], float]
) -> Check:
    claims = _claims(question, student, cases, norm)
    got = student.answers(question, cases, [question.right(case) for case in cases])
    mistakes = _recognised(question, cases, got)
    broken = [claim for claim in claims if claim.broken]
    if broken:
        found = [_counter_example(question, broken), _reasons(mistakes)]
        return _failed(question, "\n".join(filter(None, found)), mistakes)
    if not all(each.loose for each in mistakes):
        return _failed(question, f"No example breaks it, but\n{_reasons(mistakes)}", mistakes)
    if not mistakes and (empty := next((claim for claim in claims if claim.empty), None)):
        return _failed(
            question,
            f"True, but it says nothing: at most {empty.claimed:.4g}, where the norm is "
            f"{empty.norm:.4g}, for {_shown(question.shows(empty.case))}. No norm inequality is so "
            "far off.",
        )
    true = f"Right: it holds on {len(claims)} examples"
    ratio = max(claim.claimed / claim.tight for claim in claims)
    if ratio <= 1 + TOLERANCE:
        return _passed(question, f"{true}.\n{_reasons(mistakes)}".rstrip(), mistakes)
    loose = f"{true}. With max sigma' s_max for each step it is up to {ratio:.3g} times closer."
    return _passed(question, f"{loose}\n{_reasons(mistakes)}".rstrip(), mistakes)


def _claims(
    question: Question, student: _Student, cases: Sequence[Case], norm: Callable[[Case], float]
) -> list[_Claim]:
    chains = [chain for case in cases for chain in question.edges(case)]
    tight = [question.right(chain) for chain in chains]
    claims: list[_Claim] = []
    for chain, claimed, closest in zip(
        chains, student.answers(question, chains, tight), tight, strict=True
    ):
        if claimed.shape != () or not np.isfinite(claimed):
            raise _NoAnswer(
                f"It returned {_text(claimed)}; needed is a finite number.", "no numbers"
            )
        steps = cast(int, question.parts["exponent"](chain))
        claims.append(_Claim(chain, float(claimed), norm(chain), float(closest), steps))
    return claims


def _counter_example(question: Question, broken: Sequence[_Claim]) -> str:
    """Show a chain that breaks the bound: of the smallest network, the shortest, the worst."""

    def simplicity(claim: _Claim) -> tuple[bool, int, int, float]:
        return claim.steps == 0, len(claim.case.W_hh), claim.steps, claim.claimed / claim.norm

    worst = min(broken, key=simplicity)
    return (
        f"No bound: the norm is {worst.norm:.4g}, and yours says at most {worst.claimed:.4g}, for "
        f"{_shown(question.shows(worst.case))}."
    )


# --- comparing and showing ------------------------------------------------------------------------


def _same(x: Array, y: Array, tolerance: float = TOLERANCE) -> bool:
    """Whether two arrays agree, to `tolerance` of y's largest finite entry."""
    if x.shape != y.shape:
        return False
    finite = np.isfinite(y)
    if not np.array_equal(x[~finite], y[~finite]):
        return False
    scale = np.abs(y[finite]).max(initial=0.0)
    return bool((np.abs(x[finite] - y[finite]) <= tolerance * scale).all())


def _all_same(got: Sequence[Array], right: Sequence[Array], tolerance: float) -> bool:
    return all(_same(x, y, tolerance) for x, y in zip(got, right, strict=True))


def _shaped_like(other: Array, array: Array) -> Array:
    """Return an array in another's shape, if they differ by axes of length 1 alone."""
    same = array.squeeze().shape == other.squeeze().shape
    return array.reshape(other.shape) if same else array


def _shown(inputs: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {_text(value)}" for name, value in inputs.items())


def _text(value: object) -> str:
    """Write a number or an array on one line, four digits each."""
    if isinstance(value, np.ndarray) and value.ndim:
        return f"[{', '.join(_text(item) for item in cast(Array, value))}]"
    return f"{cast(float, value):.4g}"
