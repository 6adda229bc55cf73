"""Gradescope: results.json of one submission, and the zip of an autograder that writes it.

The formats are those of Gradescope's autograder documentation
(https://gradescope-autograders.readthedocs.io/en/latest/specs/). What a student sees is the score,
what each test says, and the leaderboard; never an instance, an answer, or the seed: the text of an
exception or a value that comes back could carry them, so neither is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from carrychain import __version__
from carrychain.engines import registry
from carrychain.errors import InvalidInput, nearest
from carrychain.grading.grader import Grade, Test
from carrychain.grading.inbox import HandIn, in_tree
from carrychain.grading.merit import coarse
from carrychain.grading.rubric import CREDIT_TESTS, Rubric, load_rubric
from carrychain.io import Json, StrPath, read_text, write_bytes
from carrychain.wheel import make_wheel, pack

ROOT = Path("/autograder")
"""Where Gradescope lays source, submission and results."""

SETTINGS = "autograder.json"
RUBRIC = "rubric.toml"
CONSTRAINTS = "constraints.txt"
_SCRIPTS = ("setup.sh", "run_autograder")


class Settings(BaseModel):
    """What an autograder was made with, beside its rubric.

    Args:
        model: name of the engine.
        seed: draws the instances; it stays with the instructor.
        runs: how often each instance is asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    model: str = Field(min_length=1)
    seed: int = Field(ge=0)
    runs: int = Field(ge=1)


def submitted(root: Path) -> HandIn:
    """Return what a student handed in; its `problem` says what is wrong if there is nothing."""
    return in_tree("the submission", root / "submission")


def load_autograder(root: Path) -> tuple[Settings, Rubric]:
    """Read what the zip's maker chose.

    Raises:
        InvalidInput: a file is missing or is not what `write_zip` writes.
    """
    path = root / "source" / SETTINGS
    try:
        settings = Settings.model_validate_json(read_text(path))
    except ValidationError as error:
        raise InvalidInput(
            f"{path} is not what gradescope-zip writes; make the zip again"
        ) from error
    return settings, load_rubric(root / "source" / RUBRIC)


def results(grade: Grade, rubric: Rubric) -> dict[str, Json]:
    """Return results.json of a grade, with nothing in it that a student must not see.

    The mean absolute error is told to two digits: your_post_processing sees what the model says of
    the operands, and could spell them in answers that a more exact mean would give away. So could
    the lines at which calls fail: only the first is told.
    """
    return {
        "score": grade.score,
        "execution_time": round(grade.seconds),
        "output": "\n".join(_said(grade, rubric)),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [
            {
                "name": test.name,
                "score": test.points,
                "max_score": test.max_points,
                "status": "passed" if test.passed else "failed",
                "output": _output(test, rubric),
                "visibility": "visible",
            }
            for test in grade.tests
        ],
        "leaderboard": [] if grade.integrity.verdict == "flagged" else _leaderboard(grade),
        "extra_data": {"carrychain": __version__, "sandbox": grade.sandbox.tier},
    }


def _said(grade: Grade, rubric: Rubric) -> Iterator[str]:
    mae = "beyond every number" if grade.mae is None else f"about {coarse(grade.mae):,.10g}"
    yield f"accuracy {grade.acc:.2f}, mean absolute error {mae}"
    verdict = grade.integrity.verdict
    if verdict == "flagged" or (verdict == "review" and rubric.integrity.review == "shown"):
        experiments = dict.fromkeys(reason.experiment for reason in grade.integrity.reasons)
        yield (
            f"integrity: {verdict} ({', '.join(experiments)}); `carrychain grade submission.py` on "
            "your own machine shows the inputs, and what came back"
        )
    lines_told = 0
    for finding in grade.findings:
        if finding.line is not None:
            lines_told += 1
        if finding.line is None or lines_told == 1:
            yield f"{finding.severity}: {finding.message}"


def _output(test: Test, rubric: Rubric) -> str:
    """Return what a test says; one of the answers says what it needs, and not their exact error."""
    if test.name not in CREDIT_TESTS or not test.ran:
        return test.output
    credit = rubric.tests.credit(test.name)
    needs = f"an accuracy above {credit.acc_above:g} or an error below {credit.mae_below:,.10g}"
    taken = "; no points, because the submission is flagged" * (test.passed and not test.points)
    return f"it needs {needs}{taken}"


def _leaderboard(grade: Grade) -> list[Json]:
    lines: list[Json] = [{"name": "accuracy", "value": round(grade.acc, 3)}]
    for name, value in (
        ("mean absolute error", grade.mae),
        ("prompt length", grade.rendered_length),
    ):
        shown = "–" if value is None else coarse(value)
        lines.append({"name": name, "value": shown, "order": "asc"})
    return lines


def nothing_to_grade(problem: str) -> dict[str, Json]:
    """Return results.json where there is no submission: no points, and what to do."""
    return {
        "score": 0.0,
        "output": f"Nothing could be graded: {problem}. Hand in your submission.py again, and "
        "prompt.txt beside it if you use one.",
        "visibility": "visible",
        "stdout_visibility": "hidden",
    }


def write_zip(path: StrPath, settings: Settings, rubric: StrPath | None = None) -> None:
    """Write the autograder: scripts, this package as a wheel, pinned requirements, seed, rubric.

    Args:
        path: the zip.
        settings: model, seed and runs.
        rubric: a file of rules; None for the package's own.

    Raises:
        InvalidInput: the rubric is none, there is no such model, or the zip can't be written.
        CarrychainError: carrychain is not installed, so there is nothing to make a wheel of.
    """
    load_rubric(rubric)
    names = [entry.name for entry in registry.available()]
    if settings.model not in names and not settings.model.startswith(("hf:", "openai:")):
        raise InvalidInput(
            f"there is no model {settings.model!r} to load{nearest(settings.model, names)}"
        )
    here = files("carrychain.grading")
    rules = here.joinpath(RUBRIC).read_text("utf-8") if rubric is None else read_text(rubric)
    name, wheel = make_wheel()
    content = {
        **{script: here.joinpath("autograder", script).read_bytes() for script in _SCRIPTS},
        name: wheel,
        CONSTRAINTS: "".join(f"{line}\n" for line in constraints()).encode(),
        SETTINGS: settings.model_dump_json(indent=1).encode() + b"\n",
        RUBRIC: rules.encode(),
    }
    write_bytes(path, pack(content, executable=_SCRIPTS))


def constraints() -> list[str]:
    """Return `name==version` for every package that carrychain needs, as they are installed here.

    torch is its CPU build, whatever is here. Requirements of extras are passed over; those of
    another system or Python stay in, where they are installed: a constraint installs nothing.
    """
    pinned: dict[str, str] = {}
    waiting = ["carrychain"]
    while waiting:
        for requirement in distribution(waiting.pop()).requires or ():
            name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
            if "extra ==" in requirement or name in pinned:
                continue
            try:
                pinned[name] = distribution(name).version
            except PackageNotFoundError:
                continue
            waiting.append(name)
    pinned["torch"] = pinned["torch"].partition("+")[0] + "+cpu"
    return [f"{name}=={version}" for name, version in sorted(pinned.items())]
