"""`carrychain prompts`: what is shipped."""

from __future__ import annotations

import click
from rich.text import Text

from carrychain.addition.prompts import SHIPPED
from carrychain.cli.console import check_output, json_option, put_json, results


@click.command()
@json_option
def prompts(json_path: str | None) -> None:
    """List the shipped prompts, each with the idea behind it and the settings that it carries."""
    check_output(json_path)
    put_json({"prompts": [prompt.as_dict() for prompt in SHIPPED.values()]}, json_path)
    if json_path == "-":
        return
    for entry in SHIPPED.values():
        carried = [
            f"{name.replace('_', ' ')} {value!r}"
            for name, value in entry.as_dict().items()
            if name in ("extract", "max_tokens", "stop", "pre_processing") and value
        ]
        results.print(Text(entry.name, style="bold"))
        results.print(Text(f"  {entry.idea}"))
        results.print(
            Text(
                f"  {entry.prompt.length} characters" + "".join(f", {c}" for c in carried),
                style="dim",
            )
        )
