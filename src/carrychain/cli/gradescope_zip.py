"""`carrychain gradescope-zip`: an autograder, ready to upload."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from carrychain.cli.console import note, results
from carrychain.errors import InvalidInput
from carrychain.grading import gradescope
from carrychain.grading.rubric import load_rubric
from carrychain.io import check_writable

SECRET = "secret"
_SEED_BITS = 62


@click.command("gradescope-zip")
@click.argument("out", type=click.Path(path_type=Path), metavar="OUT.zip")
@click.option(
    "--seed",
    default=SECRET,
    show_default=True,
    metavar="N",
    help="Draws the instances; `secret` takes one that nobody knows.",
)
@click.option("--model", help="The model; see `carrychain models`.  [default: the rubric's]")
@click.option("--runs", type=int, help="Ask each instance so often.  [default: the rubric's]")
@click.option(
    "--rubric",
    "rubric_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rules to grade by.  [default: the package's own]",
)
def gradescope_zip(
    out: Path, seed: str, model: str | None, runs: int | None, rubric_path: Path | None
) -> None:
    """Write a Gradescope autograder to OUT.zip.

    Upload it under "Configure Autograder". It holds this package as a wheel, the versions that it
    runs with here, the rubric and the seed, so keep it to yourself.
    """
    check_writable(out)
    if runs is not None and runs < 1:
        raise InvalidInput(f"runs is {runs}; it must be at least 1")
    rubric = load_rubric(rubric_path)
    settings = gradescope.Settings(
        model=model or rubric.model,
        seed=secrets.randbits(_SEED_BITS) if seed == SECRET else _number(seed),
        runs=rubric.runs if runs is None else runs,
    )
    gradescope.write_zip(out, settings, rubric_path)
    results.print(f"{out} is ready to upload", soft_wrap=True)
    note(
        f"the seed is in its {gradescope.SETTINGS}: keep the zip to yourself, and give the same "
        "seed to `carrychain grade` to see the same instances"
    )


def _number(seed: str) -> int:
    if not (seed.isascii() and seed.isdecimal()):
        raise InvalidInput(f"--seed is {seed!r}; give a whole number of at least 0, or {SECRET}")
    return int(seed)
