"""What README tells a reader to type exists, and what it shows is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from carrychain.cli.main import cli

CHECKOUT = Path(__file__).resolve().parents[1]
README = CHECKOUT / "README.md"

FENCE = re.compile(r"^(?P<fence>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=fence)`*$", re.M | re.S)
LINK = re.compile(r"\]\(<?([^)>\s]+)|(?:src|href|srcset)=\"([^\"\s]+)")
SHELL = {"sh", "bash", "shell", "console"}
BETWEEN_COMMANDS = {"|", "||", "&&", ";", "&"}


def shell_commands(markdown: str) -> Iterator[list[str]]:
    """Yield each command of the fenced shell blocks as its words.

    In a console block only the lines after a `$` are commands; the rest is output.
    """
    for block in FENCE.finditer(markdown):
        info = block["info"].split()
        if not info or info[0] not in SHELL:
            continue
        for line in block["body"].replace("\\\n", " ").splitlines():
            if info[0] == "console":
                if not line.startswith("$ "):
                    continue
                line = line[2:]
            yield from split_command(line)


def split_command(line: str) -> Iterator[list[str]]:
    """Yield the simple commands of one shell line, without settings before and redirects after."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    for word in [*lexer, ";"]:
        if word not in BETWEEN_COMMANDS:
            command.append(word)
            continue
        while command and re.fullmatch(r"[A-Z_]+=.*", command[0], re.S):
            command.pop(0)
        redirect = next((i for i, w in enumerate(command) if re.fullmatch("[<>]+", w)), None)
        if command[:redirect]:
            yield command[:redirect]
        command = []


def defect(command: list[str]) -> str | None:
    """Return what is wrong with a command, or None. Commands that are not ours are passed."""
    program, *words = command
    match Path(program).name:
        case "carrychain":
            return defect_of_carrychain(cli, words)
        case "make":
            return defect_of_make(words)
        case name if re.fullmatch(r"python[\d.]*|py", name):
            return defect_of_python(words)
        case _:
            return None


def defect_of_carrychain(command: click.Command, words: list[str]) -> str | None:
    context = click.Context(command, info_name=command.name)
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return error.format_message()
    if {"-h", "--help"} & set(words) or not isinstance(command, click.Group):
        return defect_of_values(command, given)
    if not rest:
        return None if command.invoke_without_command else "a command is missing"
    below = command.get_command(context, rest[0])
    return defect_of_carrychain(below, rest[1:]) if below else f"there is no command {rest[0]}"


def defect_of_values(command: click.Command, given: dict[str, object]) -> str | None:
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if isinstance(parameter.type, click.Choice) and isinstance(value, str):
            try:
                parameter.type.convert(value, parameter, None)
            except click.BadParameter as error:
                return error.format_message()
    return None


def defect_of_make(words: list[str]) -> str | None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (CHECKOUT / "Makefile").read_text("utf-8"), re.M))
    asked = [word for word in words if "=" not in word and not word.startswith("-")]
    return next((f"there is no target {word}" for word in asked if word not in targets), None)


def defect_of_python(words: list[str]) -> str | None:
    match words:
        case ["-m", "carrychain", *rest]:
            return defect_of_carrychain(cli, rest)
        case ["-m", module, *_]:
            try:
                found = find_spec(module)
            except ModuleNotFoundError:
                found = None
            return None if found else f"there is no module {module}"
        case [script, *_] if script.endswith(".py"):
            return None if (CHECKOUT / script).is_file() else f"there is no file {script}"
        case _:
            return None


def broken_links(markdown: str, folder: Path) -> list[str]:
    """Return the relative links and pictures, outside code, that lead to no file."""
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", markdown))
    links = [link or source for link, source in LINK.findall(prose)]
    local = [link for link in links if not re.match(r"[a-z][a-z+.-]*:|//|#", link)]
    return [link for link in local if not (folder / link.partition("#")[0]).exists()]


def test_every_command_in_readme_exists() -> None:
    commands = list(shell_commands(README.read_text("utf-8")))
    assert ["make", "demo"] in commands
    assert ["make", "test"] in commands
    defects = {" ".join(command): defect(command) for command in commands}
    assert {command: what for command, what in defects.items() if what} == {}


def test_every_link_and_picture_in_readme_leads_to_a_file() -> None:
    assert broken_links(README.read_text("utf-8"), CHECKOUT) == []


@pytest.mark.parametrize(
    "line",
    [
        "carrychain evaluat",
        "carrychain evaluate --no-such-flag 3",
        "carrychain evaluate --prompt zero-shot | carrychain nothing",
        "carrychain --no-such-flag",
        "carrychain",
        "cd somewhere && .venv/bin/carrychain nothing",
        "SEED=1 python -m carrychain nothing",
        "python -m carrychain.nothing",
        "python -m nothing.at_all",
        "python benchmarks/nothing.py",
        "make nothing",
        "make test nothing",
    ],
)
def test_a_command_that_does_not_exist_is_found(line: str) -> None:
    commands = list(shell_commands(f"Text.\n\n```sh\n{line}\n```\n"))
    assert any(defect(command) for command in commands)


@pytest.mark.parametrize(
    "line",
    [
        "carrychain --help",
        "carrychain evaluate --help",
        "carrychain evaluate \\\n  --prefix '--' -n 30 > result.txt  # a comment",
        "make test PYTHON=python3.13 UV=1",
        "python3 -m venv .venv",
        "python benchmarks/startup.py",
        "git clone somewhere",
    ],
)
def test_a_command_that_exists_is_passed(line: str) -> None:
    (command,) = shell_commands(f"```console\n$ {line}\nits output\n```\n")
    assert defect(command) is None


def test_a_link_to_nothing_is_found_and_one_to_the_web_is_passed() -> None:
    text = '![a](no.png) [b](pyproject.toml#x) [c](https://x.org/y) <img src="no.svg"> `[d](e)`'
    assert broken_links(text, CHECKOUT) == ["no.png", "no.svg"]
