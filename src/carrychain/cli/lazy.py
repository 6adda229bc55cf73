"""Groups of commands that are imported only when they are called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from keyword import iskeyword

import click

from carrychain.errors import nearest


def lazy_group(package: str, commands: Mapping[str, str]) -> type[click.Group]:
    """Return the class of a group whose commands live in a package, in modules of their names.

    Args:
        package: where the modules are; each holds its command under its own name (class_ for
            `class`, which Python keeps for itself).
        commands: each command's name and what the group's help says of it.
    """

    class LazyGroup(click.Group):
        def list_commands(self, ctx: click.Context) -> list[str]:
            return list(commands)

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            if cmd_name not in commands:
                return None
            name = cmd_name.replace("-", "_") + "_" * iskeyword(cmd_name)
            command = getattr(importlib.import_module(f"{package}.{name}"), name)
            assert isinstance(command, click.Command)
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            with formatter.section("Commands"):
                formatter.write_dl(list(commands.items()))

        def resolve_command(
            self, ctx: click.Context, args: list[str]
        ) -> tuple[str | None, click.Command | None, list[str]]:
            if args and args[0] not in commands and not args[0].startswith("-"):
                raise click.UsageError(
                    f"there is no command {args[0]!r}{nearest(args[0], commands)}"
                )
            return super().resolve_command(ctx, args)

    return LazyGroup
