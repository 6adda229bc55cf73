"""One submission to its grade: thirty instances, seven tests, and whether the sum is the model's.

>>> with Workshop() as workshop:  # doctest: +SKIP
...     grade = Grader(engines.load("mini"), workshop).grade("submission.py")
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from carrychain.addition.evaluation import INTERRUPTED, Row
from carrychain.addition.scoring import Metrics, score
from carrychain.engines.base import Engine
from carrychain.errors import GenerationFailed, InvalidInput
from carrychain.grading.asking import Asked, ask, hidden
from carrychain.grading.contract import KEYS, LEAST_TOKENS, enough_tokens
from carrychain.grading.findings import Finding
from carrychain.grading.instances import graded_problems
from carrychain.grading.integrity import Graded, Integrity, Reason, examine
from carrychain.grading.rubric import (
    CONFIG_TESTS,
    CREDIT_TESTS,
    INTEGRITY_TEST,
    TESTS,
    Rubric,
    load_rubric,
)
from carrychain.grading.submission import Submission, load
from carrychain.io import Json, StrPath, jsonable
from carrychain.sandbox import Workshop
from carrychain.text import number


@dataclass(frozen=True, slots=True)
class Test:
    """One of the hand-out's tests.

    Args:
        name: the hand-out's name for it.
        passed: whether the submission did.
        points, max_points: what it gets, of how many.
        output: one sentence why; it tells neither instances nor answers.
        ran: whether it could be carried out.
    """

    __test__ = False  # pytest collects no class by this name

    name: str
    passed: bool
    points: float
    max_points: float
    output: str
    ran: bool = True


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """How far the submission was kept in."""

    tier: str


@dataclass(frozen=True, slots=True)
class Grade:
    """What a submission is worth, and why.

    Args:
        submission: the file's name.
        net_id: whose it says it is, "" where it does not say.
        model: the engine's name.
        runs: how often each instance was asked.
        acc, acc_ci: share of exact answers, with its 95% interval.
        mae: mean absolute error; None beyond every float.
        res: acc * (1 / prompt_length) * (1 - mae / 5e6); None at length 0, or where mae is None.
        prompt_length: characters of prefix and suffix.
        rendered_length: characters of the prompts as the model saw them, less those of the
            problems, on average: what your_pre_processing adds counts. None where none was asked.
        score, max_score: points.
        tests: the hand-out's seven.
        integrity: whether the sum is the model's own.
        sandbox: how far the submission was kept in.
        findings: what is wrong with the submission.
        rows: the answers, for the instructor.
        seconds: how long it took.
    """

    submission: str
    net_id: str
    model: str
    runs: int
    acc: float
    acc_ci: tuple[float, float]
    mae: float | None
    res: float | None
    prompt_length: int
    rendered_length: float | None
    score: float
    max_score: float
    tests: tuple[Test, ...]
    integrity: Integrity
    sandbox: Sandboxed
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    seconds: float

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {name: jsonable(value) for name, value in asdict(self).items()}


class Grader:
    """Grades submissions with one model and one workshop.

    Several threads may grade at once if the engine may be asked by several.

    Args:
        engine: what is asked.
        workshop: where submissions run.
        rubric: the rules; the package's own where left out.
        seed: draws instances and fixes sampling, at least 0; a class keeps it secret.
        runs: how often each instance is asked, at least 1; the rubric's number where left out.

    Raises:
        InvalidInput: a value is outside its range.
    """

    def __init__(
        self,
        engine: Engine,
        workshop: Workshop,
        rubric: Rubric | None = None,
        seed: int = 0,
        runs: int | None = None,
    ) -> None:
        self.rubric = rubric or load_rubric()
        self.runs = self.rubric.runs if runs is None else runs
        if self.runs < 1:
            raise InvalidInput(f"runs is {runs}; it must be at least 1")
        self._engine = engine
        self._workshop = workshop
        self._seed = seed
        self._problems = graded_problems(self.rubric.instances, seed)

    def grade(self, path: StrPath, on_row: Callable[[Row], None] | None = None) -> Grade:
        """Grade a file.

        Args:
            path: the file.
            on_row: called with each row as the model finishes it, before its output is read.

        Raises:
            InvalidInput: there is no such file, or no permission to read it.
            GenerationFailed: the engine broke down: that is not the submission's fault.
        """
        started = time.perf_counter()
        submission = load(path, self._workshop)
        asked = self._ask(submission, on_row)
        submission = submission.with_findings(asked.findings)
        metrics = self._metrics(submission, asked)
        integrity = self._integrity(submission, asked)
        tests = self._tests(submission, metrics, integrity)
        evaluation = asked.evaluation and hidden(asked.evaluation, submission)
        return Grade(
            submission=submission.path.name,
            net_id=submission.net_id,
            model=self._engine.info.name,
            runs=self.runs,
            acc=metrics.acc,
            acc_ci=metrics.acc_ci,
            mae=_finite(metrics.mae),
            res=_finite(metrics.res),
            prompt_length=metrics.prompt_length,
            rendered_length=_rendered_length(asked),
            score=sum(test.points for test in tests),
            max_score=self.rubric.max_score,
            tests=tests,
            integrity=integrity,
            sandbox=Sandboxed(str(self._workshop.tier)),
            findings=submission.findings,
            rows=evaluation.rows if evaluation else (),
            seconds=time.perf_counter() - started,
        )

    def _ask(self, submission: Submission, on_row: Callable[[Row], None] | None) -> Asked:
        if not submission.runnable:
            return Asked(None, (), tuple(self._problems), {}, ())
        try:
            asked = ask(
                submission,
                self._engine,
                self._problems,
                seed=self._seed,
                runs=self.runs,
                on_row=on_row,
            )
        except InvalidInput as error:  # from a server, which alone knows how much it takes
            refused = Finding(
                "prompt-refused", "the model does not take the prompts", detail=str(error)
            )
            return Asked(None, (), tuple(self._problems), {}, (refused,))
        if asked.evaluation and asked.evaluation.interruption == INTERRUPTED:
            raise KeyboardInterrupt
        if asked.evaluation and not asked.evaluation.complete:
            raise GenerationFailed(asked.evaluation.interruption)
        return asked

    def _metrics(self, submission: Submission, asked: Asked) -> Metrics:
        """Score the answers; an instance that could not be asked is one that could not be read."""
        rows = asked.evaluation.rows if asked.evaluation else ()
        missing = [problem for problem in asked.unasked for _ in range(self.runs)]
        place = {problem: index for index, problem in enumerate(self._problems)}
        return score(
            [*(row.answer for row in rows), *(problem.answer for problem in missing)],
            [*(row.response for row in rows), *(None for _ in missing)],
            submission.prompt.length,
            groups=[
                *(place[asked.problems[row.index]] for row in rows),
                *(place[problem] for problem in missing),
            ],
        )

    def _integrity(self, submission: Submission, asked: Asked) -> Integrity:
        if asked.evaluation is None:
            return _unexamined("The submission answered no instance, so nothing can be examined.")
        graded = [
            Graded(
                a=row.a,
                b=row.b,
                problem=f"{row.a}+{row.b}",
                rendered=asked.written[f"{row.a}+{row.b}"],
                output=row.output,
                answer=row.response,
            )
            for row in asked.evaluation.rows
        ]
        return _hidden(examine(submission, graded, self._seed), submission)

    def _tests(
        self, submission: Submission, metrics: Metrics, integrity: Integrity
    ) -> tuple[Test, ...]:
        ran = submission.runnable
        can_not = "" if ran else f"{_why_not(submission)}, so no instance could be asked"
        results = {
            **_config_tests(submission),
            INTEGRITY_TEST: (
                ran and integrity.verdict != "flagged",
                can_not or self._said_of(integrity),
                ran,
            ),
        }
        for name in CREDIT_TESTS:
            credit = self.rubric.tests.credit(name)
            bounds = (
                f"it needs an accuracy above {credit.acc_above:g} or a mean absolute error "
                f"below {number(credit.mae_below)}"
            )
            output = can_not or f"{_said_of_answers(metrics)}; {bounds}"
            results[name] = (ran and credit.given_to(metrics), output, ran)
        tests: list[Test] = []
        for name in TESTS:
            passed, output, ran = results[name]
            worth = self.rubric.tests.worth(name).points
            tests.append(Test(name, passed, worth if passed else 0, worth, output, ran))
        if integrity.verdict == "flagged":
            tests = [self._flagged(test) for test in tests]
        return tuple(tests)

    def _said_of(self, integrity: Integrity) -> str:
        if integrity.verdict == "flagged":
            return "the experiments show that the answers are not the model's own"
        if integrity.verdict == "review" and self.rubric.integrity.review == "shown":
            return "the experiments do not settle it: a person will look at this submission"
        return "no experiment shows that the answers are not the model's own"

    def _flagged(self, test: Test) -> Test:
        """Take what the rubric takes from a flagged submission."""
        if test.name not in self.rubric.integrity.taken or not test.points:
            return test
        return replace(test, points=0, output=f"{test.output}; no points, because it is flagged")


def _config_tests(submission: Submission) -> dict[str, tuple[bool, str, bool]]:
    """Return of each test of your_config whether it is passed, why, and whether it ran."""
    config = submission.config
    if config is None:
        return dict.fromkeys(CONFIG_TESTS, (False, _why_not(submission), False))
    only_fixed, size, tokens = CONFIG_TESTS
    others = sum(key not in KEYS for key in config)
    enough = enough_tokens(config)
    keys = ", ".join(KEYS)
    return {
        only_fixed: (not others, f"{others or 'no'} keys are other than {keys}", True),
        size: (len(config) == len(KEYS), f"{len(config)} keys of the {len(KEYS)}", True),
        tokens: (enough, f"max_tokens is {'' if enough else 'not '}at least {LEAST_TOKENS}", True),
    }


def _why_not(submission: Submission) -> str:
    """Return the first error that keeps a model from being asked."""
    return next(f.message for f in submission.findings if f.severity == "error")


def _said_of_answers(metrics: Metrics) -> str:
    return (
        f"accuracy {metrics.acc:.3g} ({metrics.correct} of {metrics.n}), "
        f"mean absolute error {number(metrics.mae)}"
    )


def _unexamined(sentence: str) -> Integrity:
    reason = Reason("examination", sentence, function="", given="", returned="", expected="")
    return Integrity("review", (reason,), ())


def _hidden(integrity: Integrity, submission: Submission) -> Integrity:
    """Hide tokens in what the reasons quote."""
    reasons = tuple(
        Reason(**{name: submission.redact(text) for name, text in asdict(reason).items()})
        for reason in integrity.reasons
    )
    hints = tuple(map(submission.redact, integrity.hints))
    return replace(integrity, reasons=reasons, hints=hints)


def _rendered_length(asked: Asked) -> float | None:
    if asked.evaluation is None:
        return None
    rows = asked.evaluation.rows
    return sum(len(row.prompt) - len(f"{row.a}+{row.b}") for row in rows) / len(rows)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
