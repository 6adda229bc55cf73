"""A scripted engine and a scripted question, for what happens around the questions."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from carrychain.addition.problems import Problem
from carrychain.assignment.experiment import (
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
from carrychain.assignment.folder import Folder, Sitting
from carrychain.assignment.lab import Lab
from carrychain.assignment.report import Report, write
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams

NASTY = '<script>alert(1)</script> & "quoted" | `code` *star*\n\x1b[2J\u202e'


@dataclass
class Adder:
    """An engine that adds, and remembers what it was asked; it may break off at an answer."""

    info: EngineInfo = field(
        default_factory=lambda: EngineInfo("adder", "adder (scripted)", "v1", {"slots": 4})
    )
    context: int | None = None
    asked: list[str] = field(default_factory=list)
    breaks_at: int | None = None
    break_with: Callable[[], BaseException] = KeyboardInterrupt

    def count_tokens(self, text: str) -> int | None:
        return len(text)

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        for index, prompt in enumerate(prompts):
            if len(self.asked) == self.breaks_at:
                self.breaks_at = None
                raise self.break_with()
            self.asked.append(prompt)
            a, b = map(int, re.findall(r"(\d+)\+(\d+)", prompt)[-1])
            yield Completion(index, f"{a + b}\n<b>&", 8, 9, FinishReason.LENGTH)


def _asks(plan: Plan):
    eight = SamplingParams(max_tokens=8)
    asks = {
        "eight tokens": ask_shipped("zero-shot", plan.problems(), eight),
        "fifty/tokens": ask_shipped("zero-shot", plan.problems()),
    }
    if plan.second:
        asks["second"] = ask_shipped("zero-shot", plan.problems(), eight, second=True)
    return asks


def _follow_up(context: Context):
    row = context.evaluations["eight tokens"].rows[0]
    return {"again": ask_shipped("zero-shot", (Problem(row.a, row.b),), runs=2)}


def _analyse(context: Context) -> Result:
    right = context.evaluations["eight tokens"].metrics.correct
    points = tuple(Point(x, 1 / x, 0.5 / x, 1.0) for x in (1, 2, 7))
    recorded = Series("recorded, Llama-2", (Point(7, 0.2, 0.05, 0.5),), recorded=True)
    axes = Axis("digits of each operand"), Axis("share right", low=0, high=1)
    panel = Panel("by digits", *axes, (Series("adder", points), recorded))
    return Result(
        metrics={"right": right, "nothing": float("nan")},
        tables=(
            Table(
                "rows",
                f"Rows, n = {context.plan.n}",
                (Column("setting", numeric=False), Column("right"), Column("output")),
                (("ours", str(right), NASTY), ("recorded, Llama-2", "2", "7")),
                "A note.",
            ),
        ),
        pictures=(Picture("curve", "A curve", f"It falls, {NASTY}", (panel,)),),
        findings=(f"{right} are right.", NASTY),
        answer=("Because of **carries**, <b>see</b> ![x](http://127.0.0.1/x.png).",),
    )


@pytest.fixture
def adder():
    return Adder()


@pytest.fixture(scope="session")
def make_adder():
    return Adder


@pytest.fixture(scope="session")
def questions():
    """Two questions that share an evaluation; the second asks another one after it has seen it."""
    first = Question("Q1a", "the first", "What comes first?", _asks, _analyse)
    second = Question("Q2b", "the second", "And then?", _asks, _analyse, _follow_up)
    return first, second


@pytest.fixture(scope="session")
def sitting():
    """When and where a report was begun."""
    return Sitting("2026-01-02 03:04 UTC", "Linux x86_64, 2 cores")


@pytest.fixture(scope="session")
def write_report(make_adder, questions, sitting):
    """Write a report of scripted questions into a folder; return its path."""

    def make(path, with_answers=False, overwrite=False):
        folder = Folder(path, overwrite)
        folder.start({"n": 3})
        plan, adder = Plan(n=3), make_adder()
        experiments = tuple(Lab(adder, folder=folder.evaluations).run(questions, plan))
        write(Report(adder.info, None, plan, sitting, experiments, with_answers), folder)
        return path

    return make


@pytest.fixture(scope="session")
def students(write_report, tmp_path_factory):
    """The student's report."""
    return write_report(tmp_path_factory.mktemp("students"))


@pytest.fixture(scope="session")
def instructors(write_report, tmp_path_factory):
    """The report with the written answers."""
    return write_report(tmp_path_factory.mktemp("instructors"), with_answers=True)
