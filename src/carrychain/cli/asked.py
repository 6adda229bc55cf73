"""Options that say what is asked, the prompt and the problems, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from carrychain import io
from carrychain.addition.extraction import EXTRACTIONS
from carrychain.addition.problems import load_pairs
from carrychain.addition.prompts import PRE_PROCESSING, Prompt, ShippedPrompt, shipped
from carrychain.api import Origin, drawn, listed
from carrychain.cli.options import typed
from carrychain.errors import InvalidInput

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

_PROMPT = (
    click.option(
        "--prompt",
        "prompt_name",
        help="A shipped prompt, see `carrychain prompts`.  [default: zero-shot]",
    ),
    click.option(
        "--prefix", help=r"Text before the problem; \n and \t are taken as the characters."
    ),
    click.option("--suffix", help="Text after the problem."),
    click.option(
        "--prompt-file",
        type=click.Path(path_type=Path),
        help="A file with {problem} in it, as written.",
    ),
    click.option(
        "--pre-processing",
        type=click.Choice(list(PRE_PROCESSING)),
        help="Rewrite the problem before it is shown.",
    ),
)
_PROBLEMS = (
    click.option(
        "--digits", type=int, help="Digits of each operand; 1 means 1 to 10.  [default: 7]"
    ),
    click.option("--low", type=int, help="Lower bound of the operands, with --high."),
    click.option("--high", type=int, help="Upper bound of the operands, with --low."),
    click.option(
        "--pairs", type=click.Path(path_type=Path), help="A file of problems, `a,b` a line."
    ),
    click.option("-n", "n", type=int, help="Number of problems.  [default: 30]"),
)


def prompt_options(command: F) -> F:
    """Add the options that `prompt_from` reads, and --pre-processing."""
    for option in reversed(_PROMPT):
        command = option(command)
    return command


def problem_options(command: F) -> F:
    """Add the options that `origin_from` reads, but for --seed, which fixes sampling as well."""
    for option in reversed(_PROBLEMS):
        command = option(command)
    return command


extract_option = click.option(
    "--extract",
    help=f"How to read the answer: {', '.join(EXTRACTIONS)}, after:TEXT.  [default: first-integer]",
)


def prompt_from(given: dict[str, Any]) -> ShippedPrompt:
    """Return the prompt that was asked for, with what it carries; an own one carries nothing."""
    prefix, suffix = given["prefix"], given["suffix"]
    written = prefix is not None or suffix is not None
    if (given["prompt_name"] is not None) + (given["prompt_file"] is not None) + written > 1:
        raise InvalidInput(
            "--prompt, --prompt-file and --prefix/--suffix each give the prompt; use one of them"
        )
    if given["prompt_file"]:
        return ShippedPrompt("", _read(given["prompt_file"], Prompt.from_template), idea="")
    if written:
        prompt = Prompt(typed(prefix or "", "--prefix"), typed(suffix or "", "--suffix"))
        return ShippedPrompt("", prompt, idea="")
    return shipped(given["prompt_name"] or "zero-shot")


def origin_from(given: dict[str, Any]) -> Origin:
    """Return where the problems come from, drawn or listed."""
    if given["pairs"]:
        for other in ("digits", "low", "high", "n"):
            if given[other] is not None:
                flag = "-n" if other == "n" else f"--{other}"
                raise InvalidInput(f"--pairs lists the problems; leave out {flag}")
        return listed(_read(given["pairs"], load_pairs))
    if given["digits"] is not None and (given["low"] is not None or given["high"] is not None):
        raise InvalidInput("--digits and --low/--high both give the range of the operands; use one")
    n = 30 if given["n"] is None else given["n"]
    digits = 7 if given["digits"] is None else given["digits"]
    return drawn(digits=digits, low=given["low"], high=given["high"], n=n, seed=given["seed"])


def _read(path: Path, parse: Callable[[str], T]) -> T:
    """Parse a file's text; an error names the file."""
    text = io.read_text(path)
    try:
        return parse(text)
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error
