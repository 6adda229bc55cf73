"""The instructor's folder: the student's, with written answers and with notebooks that were run."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from carrychain import engines
from carrychain.assignment import handout, myst
from carrychain.assignment.experiment import Experiment, Plan
from carrychain.assignment.handout import PART_1, PART_2
from carrychain.assignment.lab import Lab, Progress
from carrychain.assignment.markdown import escaped
from carrychain.assignment.myst import Cell
from carrychain.assignment.questions import QUESTIONS
from carrychain.errors import CarrychainError, InvalidInput

SOLVED = ("derivation.py", "submission.py")
"""Files of the student's folder that are there in a solved version."""

_NEEDED = ("ipykernel", "ipywidgets", "nbclient", "nbformat", "pandas")
_BANNER = "> **Instructor's version, with answers. Not for students.**"
_CELL_SECONDS = 3600
_COLOURS = re.compile(r"\x1b\[[\d;]*m")


def check_can_run() -> None:
    """Raise InvalidInput if what runs a notebook is not installed, or the answers are not here."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"answers need notebooks that are run, and {', '.join(missing)} for that is not "
            "installed; do: pip install 'carrychain[notebooks]'"
        )
    handout.instructors_source(f"{PART_1}.md")


def instructors_files(
    plan: Plan,
    *,
    model: str = "mini",
    second: str | None = None,
    say: Callable[[str], None] = lambda step: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> dict[str, bytes]:
    """Return the files of the instructor's folder by name.

    Both notebooks are run. Then all questions of Part 2 are asked, and their answers written from
    what was measured; that is more than the notebooks sample, and other samples.

    Args:
        plan: how much is asked.
        model, second: names of the engines; without a second one, recorded runs stand in.
        say: called with a sentence before each of the two.
        on_progress: see `Lab.run`.

    Raises:
        InvalidInput: see `check_can_run`; or a prompt does not fit a model.
        CarrychainError: a notebook can't be run, because there is no such model, say; or a model
            can't be used here, or broke down.
    """
    check_can_run()
    content = handout.students_files()
    content |= {name: handout.instructors_source(name).encode() for name in SOLVED}
    say("running the notebooks")
    cells = {name: myst.answered(handout.notebook(name), _own(name)) for name in (PART_1, PART_2)}
    cells[PART_2] = myst.with_values(cells[PART_2], MODEL=model, SECOND_MODEL=second)
    # The models of a notebook are gone when it ends: a GPU need not hold them twice.
    notebooks = {name: _run(name, cells[name], content) for name in cells}
    say("asking the questions of Part 2")
    engine, other = engines.load(model), engines.load(second) if second else None
    experiments = Lab(engine, other, seed=plan.seed).run(QUESTIONS, plan, on_progress)
    written = {each.question.name: _written(each, plan) for each in experiments}
    content["README.md"] = f"{_BANNER}\n\n".encode() + content["README.md"]
    for name, notebook in notebooks.items():
        content[f"{name}.ipynb"] = _filled(notebook, written).encode()
    return content


def _own(name: str) -> list[Cell]:
    """Return the answers that the package holds, and places for those that are to be measured."""
    own = myst.read(handout.instructors_source(f"{name}.md"))
    measured = [question.name for question in QUESTIONS] if name == PART_2 else []
    return [*own, *(Cell("markdown", place, {myst.ANSWER: place}) for place in measured)]


def _written(experiment: Experiment, plan: Plan) -> str:
    """Return the answer to a question: what was measured, then what it means."""
    result = experiment.result
    head = (
        f"**Answer to {experiment.question.name} (instructor's).** Measured on "
        f"{escaped(experiment.model)}, {plan.n} problems a setting, seed {plan.seed}, unless it "
        "says recorded:"
    )
    findings = "\n".join(f"- {escaped(finding)}" for finding in result.findings)
    return "\n\n".join([head, findings, *result.answer])


def _run(name: str, cells: list[Cell], content: dict[str, bytes]) -> Any:
    """Run a notebook beside the files of its folder, marked as the instructor's, and return it."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    nbformat_: Any = nbformat
    text = myst.to_ipynb([Cell("markdown", _BANNER), *cells])
    notebook = nbformat_.reads(text, as_version=4)
    # Of kernels that may be called python3 too, none but this Python's own has this package.
    manager: Any = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    with tempfile.TemporaryDirectory(prefix="carrychain-") as folder:
        for file in SOLVED:
            Path(folder, file).write_bytes(content[file])
        client: Any = NotebookClient(
            notebook,
            km=manager,
            timeout=_CELL_SECONDS,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
        )
        try:
            client.execute(cleanup_kc=True)  # a manager of our own is not ended otherwise
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            reason = _COLOURS.sub("", str(error)).strip().splitlines()[-1]
            raise CarrychainError(f"{name}.ipynb could not be run: {reason}") from error
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when each cell was run
    return notebook


def _filled(notebook: Any, texts: Mapping[str, str]) -> str:
    """Write a notebook whose cells that name an answer have its text."""
    import nbformat

    nbformat_: Any = nbformat
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = texts.get(cell.metadata.get(myst.ANSWER), cell.source)
    return nbformat_.writes(notebook) + "\n"
