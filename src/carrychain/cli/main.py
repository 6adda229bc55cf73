"""The command `carrychain`: its commands, imported when called, and its exit status."""

from __future__ import annotations

import logging
import os
import sys

import click

from carrychain import __version__
from carrychain.cli import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from carrychain.cli.lazy import lazy_group
from carrychain.errors import CarrychainError

COMMANDS = {
    "evaluate": "measure a prompt on addition: accuracy, error, cost",
    "compare": "compare two saved evaluations on the same problems",
    "next-token": "show the next token's distribution before and after each parameter",
    "prompts": "list the shipped prompts, each with the idea behind it",
    "models": "list the models; fetch one, or check that it obeys every parameter",
    "assignment": "ask the assignment's questions: tables, pictures, a report",
    "handout": "write the folder that a student receives, or the instructor's with answers",
    "search": "find a prompt that makes a model add, and write it as a submission",
    "grade": "grade submissions: safely, with partial credit, and is the sum the model's own?",
    "class": "run a class: its folder, its deadline, its grades, decisions, marks and report",
    "leaderboard": "show who did best, or every attempt of a student",
    "gradescope-zip": "write the autograder that Gradescope runs",
    "export": "write the task for other evaluators, such as lm-evaluation-harness",
    "rnn": "where a recurrent network's gradient goes: flow, check a derivation, train",
    "serve": "open the lab in the browser: prompts, next tokens, gradients, grades",
    "demo": "single digits are easy, seven are hard, a good prompt wins: one table, one picture",
}

EXTRAS = {"optuna": "search", **dict.fromkeys(("fastapi", "jinja2", "starlette", "uvicorn"), "web")}
"""Packages that a command may lack, and the extra that brings each."""


@click.group(
    cls=lazy_group("carrychain.cli", COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  carrychain evaluate --prompt one-shot-7-digit",
)
@click.version_option(__version__, prog_name="carrychain")
def cli() -> None:
    """Teach a language model to add, by prompting alone, and measure how well it does.

    Results go to standard output, progress and notes to standard error. Every command that
    produces a result takes --json FILE (or -).
    """


def main() -> None:
    """Run the command line; errors end in one sentence and a status, never in a traceback."""
    logging.getLogger("carrychain").handlers[:] = [_Note()]
    try:
        status = cli.main(prog_name="carrychain", standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        _say(error.format_message())
        if isinstance(error, click.UsageError) and error.ctx:
            click.echo(f"See: {error.ctx.command_path} --help", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except CarrychainError as error:
        _say(str(error))
        sys.exit(EXIT_BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        _say(f"this needs {error.name}, which is not installed: pip install 'carrychain[{extra}]'")
        sys.exit(EXIT_BAD_INPUT)
    except BrokenPipeError:  # the reader left, as in `carrychain prompts | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


class _Note(logging.Handler):
    """Shows what the library says about its work."""

    def emit(self, record: logging.LogRecord) -> None:
        from carrychain.cli.console import note

        note(record.getMessage())


def _say(message: str) -> None:
    click.echo(f"carrychain: {message}", err=True)
