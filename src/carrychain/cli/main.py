"""The command `carrychain`: its commands, imported when called, and its exit status."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from carrychain import __version__
from carrychain.cli import EXIT_BAD_INPUT, EXIT_INTERRUPTED
from carrychain.errors import CarrychainError, nearest

COMMANDS = {
    "evaluate": "measure a prompt on addition: accuracy, error, cost",
    "compare": "compare two saved evaluations on the same problems",
    "next-token": "show the next token's distribution before and after each parameter",
    "prompts": "list the shipped prompts, each with the idea behind it",
    "models": "list the models; fetch one, or check that it obeys every parameter",
    "demo": "single digits are easy, seven are hard, a good prompt wins: one table, one picture",
}


class LazyGroup(click.Group):
    """A group whose commands live in a module of their name and are imported when called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"carrychain.cli.{name}"), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"there is no command {args[0]!r}{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
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
