"""What a question of the assignment needs to be asked, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from carrychain.addition.evaluation import Evaluation
from carrychain.addition.problems import Problem, bounds_of_digits, handout_pairs
from carrychain.addition.prompts import Prompt, shipped
from carrychain.engines.base import Engine, SamplingParams
from carrychain.io import Json


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked.

    Args:
        n: problems a setting, at least 1.
        seed: fixes problems and sampling, at least 0.
        second: whether there is a second model to compare with.
    """

    n: int = 100
    seed: int = 0
    second: bool = False

    def problems(self, digits: int = 7) -> tuple[Problem, ...]:
        """Return the first n pairs that the hand-out draws for operands of so many digits."""
        return tuple(handout_pairs(self.seed, *bounds_of_digits(digits), self.n))


@dataclass(frozen=True, slots=True)
class Ask:
    """One evaluation. Equal ones, of one question or several, are made once.

    Args:
        prompt: what stands before and after each problem.
        problems: at least one.
        sampling: decoding parameters; the hand-out's where left out.
        prompt_name: name of a shipped prompt.
        extract: how the number is read, see `addition.extraction`.
        pre_processing: how the problem is written, a name in `PRE_PROCESSING`.
        runs: how often each problem is asked, at least 1.
        second: whether the second model is asked.
    """

    prompt: Prompt
    problems: tuple[Problem, ...]
    sampling: SamplingParams = field(default_factory=SamplingParams)
    prompt_name: str | None = None
    extract: str = "first-integer"
    pre_processing: str = "none"
    runs: int = 1
    second: bool = False

    @property
    def answers(self) -> int:
        """How many answers it asks for."""
        return len(self.problems) * self.runs


def ask_shipped(
    name: str,
    problems: tuple[Problem, ...],
    sampling: SamplingParams | None = None,
    *,
    extract: str | None = None,
    runs: int = 1,
    second: bool = False,
) -> Ask:
    """Ask with a shipped prompt: its own settings, but for what is given."""
    own = shipped(name)
    return Ask(
        prompt=own.prompt,
        problems=problems,
        sampling=sampling or SamplingParams(**own.sampling),
        prompt_name=name,
        extract=extract or own.extract,
        pre_processing=own.pre_processing,
        runs=runs,
        second=second,
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column; numbers are set to the right."""

    title: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table as people read it.

    Args:
        name: its file's name without ending, unique in the question.
        title: what it shows, with n.
        columns: one a cell of a row.
        rows: cells as text; what was recorded says so in its first cell.
        note: what a reader needs to know below it.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a picture, with its 95% interval where it has one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one kind.

    Args:
        label: what the legend says.
        points: in the order of x.
        recorded: figures that were recorded elsewhere are hollow marks.
        joined: whether a line joins the points; bars are never joined.
    """

    label: str
    points: tuple[Point, ...]
    recorded: bool = False
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it measures, in which unit, and how.

    Args:
        label: quantity and unit.
        scale: "linear", "log" or "symlog" (linear around 0, then logarithmic).
        low, high: its ends, where they are not the data's.
        categories: names of the places 0, 1, 2 and so on, in place of numbers.
    """

    label: str
    scale: str = "linear"
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes; `bars` draws series as bars side by side, not as points."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Panels side by side.

    Args:
        name: its file's name without ending, unique in the question.
        title: what it shows: model, n, what the bars are.
        alt: what is to be seen, in a sentence computed from the numbers, for who can't look.
        panels: one or more.
    """

    name: str
    title: str
    alt: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """What the numbers of a question say.

    Args:
        metrics: numbers by name, for programs.
        tables: for people.
        pictures: for people who would rather look.
        findings: sentences computed from the numbers, the answer first.
        answer: the instructor's written answer in paragraphs of Markdown: causes and explanations,
            each claim tied to a number of this result or to a citation.
    """

    metrics: dict[str, Json]
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    findings: tuple[str, ...]
    answer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What a question's analysis may look at.

    Args:
        plan: how much was asked.
        evaluations: by the names that the question gave.
        engine: the model.
        other: the second model, if there is one.
    """

    plan: Plan
    evaluations: Mapping[str, Evaluation]
    engine: Engine
    other: Engine | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question of Part 2 as an experiment.

    Args:
        name: as in the assignment, "Q1a".
        title: its subject in a few words.
        text: what is asked, in a sentence or two.
        asks: from the plan to the evaluations that it needs, by name.
        analyse: from those to what they say.
        follow_up: from their rows to evaluations that only they can name, such as of the problem
            with the largest error; `analyse` sees both.
    """

    name: str
    title: str
    text: str
    asks: Callable[[Plan], dict[str, Ask]]
    analyse: Callable[[Context], Result]
    follow_up: Callable[[Context], dict[str, Ask]] | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """A question that was asked: what it needed and what came of it.

    Args:
        question: what was asked.
        model: the model's title.
        evaluations: by the names that the question gave.
        result: what they say.
        files: names of the files that they are kept in, by the same names; none where none is.
    """

    question: Question
    model: str
    evaluations: Mapping[str, Evaluation]
    result: Result
    files: Mapping[str, str] = field(default_factory=dict[str, str])
