"""`carrychain rnn check`: a derivation, checked and explained."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from textwrap import TextWrapper

import click
from rich.text import Text

from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.errors import InvalidInput
from carrychain.io import write_text
from carrychain.rnn import checker
from carrychain.rnn.checker import Check

_INDENT = " " * 7
_LINES_SHOWN = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.py", required=False)
@click.option("--seed", default=0, show_default=True, help="Fixes the random networks.")
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the file to fill in instead; one that exists is left alone.",
)
@json_option
def check(file: Path | None, seed: int, template: Path | None, json_path: str | None) -> int:
    """Check a derivation of the gradient: which step is wrong, and why.

    FILE.py holds your results as NumPy functions; --template writes one to fill in. Each is tried
    on small networks, in a child process with limits on time, memory and files. The status is 1 if
    one is wrong or not written yet, 2 if the file can't be run.
    """
    if (file is None) == (template is None):
        raise click.UsageError("give a FILE.py to check, or --template FILE to start one")
    if template is not None:
        _write_template(template)
        return 0
    assert file is not None
    check_output(json_path)
    report = checker.check(file, seed)
    if report.printed:
        note(f"{file} printed:\n{_printable(report.printed)}")
    put_json(report.as_dict(), json_path)
    if json_path != "-":
        for each in report.checks:
            _show(each)
        passed = sum(each.passed for each in report.checks)
        results.print(f"{passed} of {len(report.checks)} right", soft_wrap=True)
        note(f"sandbox tier: {report.tier}")
    return 0 if report.passed else 1


def _write_template(path: Path) -> None:
    if path.exists():
        raise InvalidInput(f"{path} exists and is left alone; name another file for the template")
    source = files("carrychain").joinpath("handout", "derivation.py").read_text("utf-8")
    write_text(path, source)
    results.print(f"{path} is yours to fill in; then:  carrychain rnn check {path}", soft_wrap=True)


def _show(check: Check) -> None:
    verdict = Text("right", "green") if check.passed else Text("WRONG", "bold red")
    if check.recognised == (checker.UNWRITTEN,):
        verdict = Text("open ", "yellow")
    results.print(Text.assemble(verdict, "  ", (check.name, "bold"), f", {check.question}"))
    wrapper = TextWrapper(
        width=min(results.width, 100),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
    for paragraph in check.explanation.splitlines():
        results.print(wrapper.fill(paragraph), markup=False, soft_wrap=True)
    results.print()


def _printable(text: str) -> str:
    """Return the first of what a stranger printed, and nothing that a terminal would obey."""
    shown = "\n".join(text.splitlines()[:_LINES_SHOWN])[: 100 * _LINES_SHOWN]
    safe = "".join(
        c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in shown
    )
    return f"{safe}\n..." if len(shown) < len(text.rstrip()) else safe
