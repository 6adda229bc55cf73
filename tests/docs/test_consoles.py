"""What the pages say that a command prints, it prints; and every command has its example."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from carrychain.cli.main import cli

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONSOLES = DOCS / "consoles.py"


def consoles(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CONSOLES), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def all_commands(group: click.Group, above: str = "carrychain") -> Iterator[str]:
    """Yield the commands that do something, each with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        words = f"{above} {name}"
        if not isinstance(command, click.Group):
            yield words
            continue
        if command.invoke_without_command:
            yield words
        yield from all_commands(command, words)


def test_every_page_shows_what_its_commands_print() -> None:
    checked = consoles("--check")
    assert checked.returncode == 0, f"{checked.stdout}{checked.stderr}\nmend: python {CONSOLES}"


@pytest.mark.parametrize("command", list(all_commands(cli)))
def test_every_command_is_shown_with_its_output(command: str) -> None:
    page = (DOCS / "commands.md").read_text("utf-8")
    shown = "".join(re.findall(r"^```console\n(.*?)^```$", page, re.M | re.S))
    followed = r"(?= -|$)" if command == "carrychain models" else r"\b"
    assert re.search(rf"^\$ {re.escape(command)}{followed}", shown, re.M)


SMALL = """Text.

```console
$ carrychain prompts | head -1
zero-shot
$ echo '24 of 30 in 0.5 s, 60 problems a second'; echo 1.234e-05 \\
  and 0.5678
24 of 30 in 12.3 s, 4,567 problems a second
1.234e-05 and 0.5678
```
"""


@pytest.mark.parametrize("rounded", ["0.5678", "0.5677"])
def test_a_page_that_says_what_is_printed_is_left_alone(tmp_path: Path, rounded: str) -> None:
    page = tmp_path / "page.md"
    head, _, tail = SMALL.rpartition("0.5678")
    page.write_text(before := head + rounded + tail)
    assert consoles(page, "--check").returncode == 0
    assert consoles(page).returncode == 0
    assert page.read_text() == before


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("0.5678", "0.5676"),
        ("0.5678", "0.568"),
        ("24 of 30", "25 of 30"),
        ("zero-shot", "one-shot"),
        ("1.234e-05 and 0.5678\n", ""),
    ],
)
def test_a_page_that_says_anything_else_is_found_and_refreshed(
    tmp_path: Path, true: str, false: str
) -> None:
    page = tmp_path / "page.md"
    head, _, tail = SMALL.rpartition(true)
    page.write_text(wrong := head + false + tail)
    checked = consoles(page, "--check")
    assert checked.returncode == 1
    assert re.search(rf"^\+.*{re.escape(true.rstrip())}", checked.stdout, re.M)
    assert page.read_text() == wrong
    assert consoles(page).returncode == 0
    assert consoles(page, "--check").returncode == 0
    assert true in page.read_text()


def test_a_block_that_begins_without_a_command_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\noutput of nothing\n```\n")
    checked = consoles(page, "--check")
    assert checked.returncode == 1
    assert "begins with 'output of nothing" in checked.stderr
