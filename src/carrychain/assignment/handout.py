"""What a student receives: the folder's files, and how they get into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from carrychain.assignment import myst
from carrychain.assignment.myst import Cell
from carrychain.errors import InvalidInput
from carrychain.io import check_writable, write_bytes
from carrychain.wheel import make_wheel

PART_1, PART_2 = "rnn_gradients", "addition_prompting"
"""The notebooks: sources end in .md, what is handed out in .ipynb."""

REQUIREMENTS = "requirements.txt"
COPIED = ("README.md", "derivation.py", "submission.py", "prompt.txt", "run_tests.py")

_INSTRUCTOR = "instructor"
_HOW_TO_INSTALL = "# Install these in this folder:  pip install -r requirements.txt\n"


def source(name: str) -> str:
    """Return a file of the hand-out as the package holds it."""
    return files("carrychain").joinpath("handout", name).read_text("utf-8")


def instructors_source(name: str) -> str:
    """Return a file with answers.

    Raises:
        InvalidInput: this copy of the package was handed out, and has none.
    """
    try:
        return source(f"{_INSTRUCTOR}/{name}")
    except FileNotFoundError as error:
        raise InvalidInput(
            "this copy of carrychain came with a hand-out and has no answers; install carrychain "
            "from its own source"
        ) from error


def notebook(name: str) -> list[Cell]:
    """Return a notebook's cells, with room for answers."""
    return myst.read(source(f"{name}.md"))


def students_files() -> dict[str, bytes]:
    """Return the files of the student's folder by name.

    The package is not published, so its wheel is one of them, without the answers.

    Raises:
        CarrychainError: carrychain is not installed, so there is nothing to make a wheel of.
    """
    texts = {name: source(name) for name in COPIED}
    texts |= {f"{name}.ipynb": myst.to_ipynb(notebook(name)) for name in (PART_1, PART_2)}
    wheel, content = make_wheel(without=[f"handout/{_INSTRUCTOR}"])
    texts[REQUIREMENTS] = f"{_HOW_TO_INSTALL}./{wheel}\n{source(REQUIREMENTS)}"
    return {**{name: text.encode() for name, text in texts.items()}, wheel: content}


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Raise InvalidInput if files can't be written into the folder, or it has some already.

    Args:
        folder: it need not be there.
        overwrite: whether files that are there may be replaced.
    """
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise InvalidInput(f"{folder} can't be read: {error.strerror or error}") from error
    if taken and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file; name a folder")
    if taken and not overwrite:
        raise InvalidInput(
            f"{folder} is not empty; name another folder, or give --overwrite to replace the "
            "hand-out's own files in it (others stay)"
        )


def write_folder(folder: Path, content: Mapping[str, bytes], *, overwrite: bool = False) -> None:
    """Write files into a folder, which is made if need be; what else is in it stays.

    Raises:
        InvalidInput: see `check_folder`; or one can't be written, and then none was if that could
            be told before.
    """
    check_folder(folder, overwrite=overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror or error}") from error
    for name in content:
        check_writable(folder / name)
    for name, data in content.items():
        write_bytes(folder / name, data)
