"""Run what the pages show: every `console` block, and put what it prints now beneath it.

    python docs/consoles.py            write the outputs into the pages
    python docs/consoles.py --check    say what differs, and write nothing; the status is then 1

A line after `$` is a command; the rest is what it prints, errors and notes included. The blocks of
a page are run in their order, in one empty folder, on a machine that has downloaded nothing.
`carrychain` runs inside this process, which loads a model once; everything else runs in bash.
"""

from __future__ import annotations

import argparse
import difflib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

PAGES = Path(__file__).parent
WIDTH = 80
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
FOLDER = "/home/you/sums"
"""What the pages call the folder that the commands run in."""

DECIMAL = re.compile(r"\d*\.\d+(?:e[+-]\d+)?")
VOLATILE = [  # what is another thing each time, and how it is written to be compared
    (re.compile(r"[\d.,]+ s, [\d.,]+ problems a second"), "_ s, _ problems a second"),
    (re.compile(r"^ *[\d,]+(?=  [\w.-]+$)", re.M), "_"),  # bytes of a file
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d"), "_"),
    (re.compile(r"(?<=tier )(?:process|limits|confined|isolated)"), "_"),
]


def main() -> int:
    """Refresh or check the pages that are named, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", nargs="*", type=Path, help="Markdown files (default: all)")
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    options = parser.parse_args()
    differing = 0
    for page in options.pages or sorted(PAGES.glob("*.md")):
        before = page.read_text("utf-8")
        after = refreshed(before)
        if before == after:
            continue
        differing += 1
        if options.check:
            shown, printed = (text.splitlines(keepends=True) for text in (before, after))
            sys.stdout.writelines(
                difflib.unified_diff(shown, printed, str(page), "what the commands print")
            )
        else:
            page.write_text(after, "utf-8")
            print(f"{page} is refreshed")
    return 1 if options.check and differing else 0


def refreshed(text: str) -> str:
    """Return a page with the outputs that differ replaced by what the commands print now."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        return BLOCK.sub(lambda block: f"```console\n{_rerun(block[1])}```", text)


def _rerun(block: str) -> str:
    parts: list[str] = []
    for command, shown in transcript(block):
        printed = run(command)
        parts += [command, shown if same(shown, printed) else printed]
    return "".join(parts)


def transcript(block: str) -> list[tuple[str, str]]:
    r"""Return a block's commands, each with what it printed; a `\` at an end continues a command.

    Example:
        >>> transcript("$ echo 1\n1\n$ echo \\\n  2\n2\n")
        [('$ echo 1\n', '1\n'), ('$ echo \\\n  2\n', '2\n')]
    """
    command = r"^\$ (?:.*\\\n)*.*\n"
    pieces = re.split(f"({command})", block, flags=re.M)
    if pieces[0]:
        raise SystemExit(f"a console block begins with {pieces[0]!r}, not with a command")
    return list(zip(pieces[1::2], pieces[2::2], strict=True))


def run(command: str) -> str:
    """Return what a command prints, as the pages show it."""
    line = command.removeprefix("$ ").replace("\\\n", " ").strip()
    ours, _, others = line.partition(" | ")
    words = shlex.split(ours, comments=True)
    printed = _carrychain(words[1:], others) if words[0] == "carrychain" else _bash(line)
    lines = printed.replace(str(Path.cwd()), FOLDER).splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _carrychain(words: list[str], others: str) -> str:
    """Call the command line here, and what stands behind a pipe in bash."""
    from carrychain.cli.main import main

    said, printed = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["carrychain", *words]
    try:
        with redirect_stdout(printed if others else said), redirect_stderr(said):
            main()
    except SystemExit:
        pass
    finally:
        sys.argv = before
    return said.getvalue() + (_bash(others, printed.getvalue()) if others else "")


def _bash(line: str, given: str = "") -> str:
    done = subprocess.run(
        ["bash", "-c", line],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def same(shown: str, printed: str) -> bool:
    """Whether two outputs say the same.

    Another processor rounds otherwise: a number with decimals may differ by one in the last place.
    """
    for pattern, replacement in VOLATILE:
        shown, printed = (pattern.sub(replacement, text) for text in (shown, printed))
    if DECIMAL.sub("_", shown) != DECIMAL.sub("_", printed):
        return False
    return all(map(_close, DECIMAL.findall(shown), DECIMAL.findall(printed)))


def _close(a: str, b: str) -> bool:
    places, other = (len(re.sub(r"e.*", "", number).partition(".")[2]) for number in (a, b))
    last = 10.0 ** (int(a.partition("e")[2] or 0) - places)
    return places == other and abs(float(a) - float(b)) < 1.5 * last


if __name__ == "__main__":
    # Before carrychain is imported: the width, and a machine on which nothing was downloaded.
    with tempfile.TemporaryDirectory() as nothing:
        os.environ |= {"COLUMNS": str(WIDTH), "OMP_NUM_THREADS": "1"}
        os.environ |= {"CARRYCHAIN_CACHE": nothing, "HF_HOME": nothing}
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        sys.exit(main())
