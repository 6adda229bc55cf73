"""A report of the questions that were asked: as data, Markdown, one HTML file and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from carrychain import io
from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Column, Experiment, Picture, Plan, Table
from carrychain.assignment.folder import EVALUATIONS, Folder, Sitting
from carrychain.engines.base import EngineInfo, SamplingParams
from carrychain.io import Json, jsonable
from carrychain.text import interval, share

MOST_OF_A_PROMPT = 80


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked, of whom, and what came of it.

    Args:
        model: the model.
        other: the second model, if one was asked.
        plan: how much was asked.
        sitting: when and where it was begun.
        experiments: the questions, in the assignment's order.
        with_answers: whether the instructor's written answers are part of it.
    """

    model: EngineInfo
    other: EngineInfo | None
    plan: Plan
    sitting: Sitting
    experiments: tuple[Experiment, ...]
    with_answers: bool = False

    @property
    def evaluations(self) -> list[Evaluation]:
        """What was asked, each evaluation once."""
        every = (e for each in self.experiments for e in each.evaluations.values())
        return list({id(evaluation): evaluation for evaluation in every}.values())

    @property
    def answers(self) -> int:
        """How many answers were given."""
        return sum(len(evaluation.rows) for evaluation in self.evaluations)

    @property
    def seconds(self) -> float:
        """How long the models took, all sittings together; loading them is left out."""
        return sum(evaluation.timing.seconds for evaluation in self.evaluations)

    @property
    def versions(self) -> dict[str, str]:
        """Versions of carrychain and what it computed with."""
        found: dict[str, dict[str, None]] = {}
        for evaluation in self.evaluations:
            for name, version in evaluation.versions.items():
                found.setdefault(name, {})[version] = None
        return {name: " and ".join(versions) for name, versions in found.items()}

    @property
    def title(self) -> str:
        """What stands above everything."""
        whose = " (instructor's copy, with written answers)" if self.with_answers else ""
        return f"Prompting for addition, measured on {self.model.title}{whose}"

    @property
    def facts(self) -> dict[str, str]:
        """What a reader needs to judge and repeat it, by headings."""
        precision = self.model.settings.get("dtype")
        facts = {
            "Model": self.model.title + (f", {precision}" if precision else ""),
            "Second model": self.other.title if self.other else "",
            "Problems a setting": f"n = {self.plan.n}, drawn as the hand-out draws them",
            "Seed": str(self.plan.seed),
            "Answers": f"{self.answers:,} in {_duration(self.seconds)}",
            "Begun": self.sitting.started,
            "Machine": self.sitting.machine,
            "Versions": ", ".join(f"{name} {v}" for name, v in self.versions.items()),
        }
        return {name: fact for name, fact in facts.items() if fact}

    def as_dict(self) -> dict[str, Json]:
        """Return everything for JSON; a number that is not finite is None."""
        return {
            "model": jsonable(asdict(self.model)),
            "compare_with": jsonable(asdict(self.other)) if self.other else None,
            "n": self.plan.n,
            "seed": self.plan.seed,
            "started": self.sitting.started,
            "machine": self.sitting.machine,
            "versions": jsonable(self.versions),
            "timing": {"answers": self.answers, "seconds": self.seconds},
            "experiments": [self._experiment(each) for each in self.experiments],
        }

    def _experiment(self, experiment: Experiment) -> dict[str, Json]:
        question, result = experiment.question, experiment.result
        data: dict[str, Json] = {
            "name": question.name,
            "title": question.title,
            "text": question.text,
            "metrics": jsonable(result.metrics),
            "runs": [
                _run(name, evaluation, experiment.files.get(name))
                for name, evaluation in experiment.evaluations.items()
            ],
            "findings": list(result.findings),
            "tables": [_table(table) for table in result.tables],
            "pictures": [{"name": p.name, "title": p.title, "alt": p.alt} for p in result.pictures],
        }
        return {**data, "answer": list(result.answer)} if self.with_answers else data


def pictures(report: Report) -> Iterator[tuple[str, Picture]]:
    """Yield each picture with its file's name, without ending."""
    for experiment in report.experiments:
        for picture in experiment.result.pictures:
            yield figure_name(experiment, picture), picture


def figure_name(experiment: Experiment, picture: Picture) -> str:
    """Return the name of a picture's file, without ending."""
    return f"{experiment.question.name.lower()}-{picture.name}"


def write(report: Report, folder: Folder) -> None:
    """Write report.md, report.html, report.json and the pictures.

    Raises:
        InvalidInput: a file can't be written.
    """
    from carrychain.assignment.markdown import markdown
    from carrychain.assignment.page import page
    from carrychain.assignment.pictures import DARK, LIGHT, draw

    drawn = {name: (draw(p, LIGHT), draw(p, DARK)) for name, p in pictures(report)}
    for name, (light, dark) in drawn.items():
        for end, drawing in (("", light), ("-dark", dark)):
            io.write_bytes(folder.figures / f"{name}{end}.svg", drawing.svg)
            io.write_bytes(folder.figures / f"{name}{end}.png", drawing.png)
    io.write_text(folder.path / "report.md", markdown(report))
    io.write_text(folder.path / "report.html", page(report, drawn))
    io.write_json(folder.path / "report.json", report.as_dict())


def asked(report: Report) -> Table:
    """Return the table of everything that was asked, each evaluation once."""
    rows: dict[int, tuple[Evaluation, str, dict[str, None]]] = {}
    for each in report.experiments:
        for name, evaluation in each.evaluations.items():
            file = each.files.get(name, "not kept").removesuffix(".json")
            _, _, by = rows.setdefault(id(evaluation), (evaluation, file, {}))
            by[each.question.name] = None
    texts = ("file", "for", *(["model"] if report.other else []), "prompt", "decoding", "read")
    numbers = ("problems", "runs", "accuracy", "95% interval")
    return Table(
        name="asked",
        title=f"Everything that was asked, each evaluation once, in {EVALUATIONS}/FILE.json",
        columns=(*(Column(text, numeric=False) for text in texts), *map(Column, numbers)),
        rows=tuple(
            (
                file,
                ", ".join(by),
                *([evaluation.model.title] if report.other else []),
                _prompt(evaluation),
                _decoding(evaluation.sampling),
                evaluation.extract,
                str(evaluation.asked // evaluation.runs),
                str(evaluation.runs),
                share(evaluation.metrics.acc),
                interval(evaluation.metrics.acc_ci),
            )
            for evaluation, file, by in rows.values()
        ),
        note=f"Where nothing else is said, {_all(SamplingParams())}. "
        "`carrychain compare` takes two of the files.",
    )


def _prompt(evaluation: Evaluation) -> str:
    """Write the name of a shipped prompt, else the beginning of an own one."""
    prompt = evaluation.prompt
    text = f"{prompt.prefix}a+b{prompt.suffix}"
    shown = text if len(text) <= MOST_OF_A_PROMPT else f"{text[:MOST_OF_A_PROMPT]}…"
    return prompt.name or f"own, {prompt.length} characters: {shown}"


def _decoding(sampling: SamplingParams) -> str:
    """Write max_tokens, and what else is not the hand-out's."""
    usual = SamplingParams().as_dict()
    unusual = {
        name: value
        for name, value in sampling.as_dict().items()
        if name == "max_tokens" or value != usual[name]
    }
    return ", ".join(f"{name} {_value(value)}" for name, value in unusual.items())


def _all(sampling: SamplingParams) -> str:
    values = sampling.as_dict().items()
    return ", ".join(f"{name} {_value(value)}" for name, value in values if name != "max_tokens")


def _value(value: float | list[str]) -> str:
    if isinstance(value, list):
        return " ".join(map(repr, value)) or "none"
    return f"{value:g}"


def _run(name: str, evaluation: Evaluation, file: str | None) -> dict[str, Json]:
    metrics = evaluation.metrics.as_dict()
    return {
        "name": name,
        "file": f"{EVALUATIONS}/{file}" if file else None,
        "model": evaluation.model.title,
        "prompt": evaluation.prompt.as_dict(),
        "sampling": jsonable(evaluation.sampling.as_dict()),
        "extract": evaluation.extract,
        "answers": metrics.pop("n"),
        "n": evaluation.asked // evaluation.runs,
        "runs": evaluation.runs,
        **metrics,
    }


def _table(table: Table) -> dict[str, Json]:
    return {
        "name": table.name,
        "title": table.title,
        "columns": [column.title for column in table.columns],
        "rows": [list(row) for row in table.rows],
        "note": table.note,
    }


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
