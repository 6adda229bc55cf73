"""The notebooks of the documentation run from top to bottom, and their assertions hold.

`make docs` runs them too, and prompting.md alone: it asks two thousand sums.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTEBOOKS = [
    path
    for path in sorted(DOCS.glob("*.md"))
    if "format_name: myst" in path.read_text() and path.stem != "prompting"
]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as `make docs` runs it
    read: Any = jupytext.read
    notebook = read(path)
    assert any(cell.cell_type == "code" for cell in notebook.cells)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)


def test_the_six_written_questions_are_answered_and_verified() -> None:
    read: Any = jupytext.read
    cells = read(DOCS / "part1.md").cells
    asked = ("Question 1", "Question 2a", "Question 2b", "Question 3")
    asked += ("Bounding, question 1", "Bounding, question 2")
    for question in asked:
        (at,) = (i for i, cell in enumerate(cells) if cell.source.startswith(f"## {question}:"))
        following = next(cell for cell in cells[at:] if cell.cell_type == "code")
        assert "assert " in following.source
