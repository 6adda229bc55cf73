"""The folder that a student receives, and the instructor's."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from carrychain import __version__
from carrychain.assignment import answers, myst
from carrychain.assignment.answers import SOLVED, instructors_files
from carrychain.assignment.experiment import Plan, Question, Result
from carrychain.assignment.handout import (
    PART_1,
    PART_2,
    instructors_source,
    notebook,
    source,
    students_files,
    write_folder,
)
from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading import grade
from carrychain.rnn import checker

jupytext_: Any = jupytext
nbformat_: Any = nbformat

PART_1_ROOM = ["1", "2a", "2b", "3", "bound 1", "bound 2"]
PART_2_ROOM = ["Q1a", "Q1b", "Q1c", "Q1d", "Q2a", "Q2b", "Q2c", "Q2d"]
HANDOUT = "carrychain/handout/"
WHEEL = f"carrychain-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student's folder."""
    path = tmp_path_factory.mktemp("handout") / "student"
    write_folder(path, students_files())
    return path


def read(path: Path) -> Any:
    return nbformat_.read(path, as_version=4)


def lines(text: str) -> set[str]:
    """Return the lines that say something, as they stand in a file or in a notebook's JSON."""
    words = {line.strip() for line in text.splitlines()}
    words |= {json.dumps(line, ensure_ascii=False)[1:-1] for line in words}
    return {line for line in words if len(line) > 12}


def run(loaded: Any, folder: Path) -> str:
    """Run a notebook in a folder and return all that it printed and showed."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(loaded, timeout=300, resources=resources).execute()
    outputs = [output for cell in loaded.cells for output in cell.get("outputs", ())]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


# --- the student's folder -------------------------------------------------------------------------


def test_the_folder_holds_what_the_assignment_needs_and_nothing_else(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [
            *("README.md", "requirements.txt", WHEEL),
            *("rnn_gradients.ipynb", "derivation.py"),
            *("addition_prompting.ipynb", "submission.py", "prompt.txt", "run_tests.py"),
        ]
    )


def test_the_readme_names_every_file(folder):
    readme = (folder / "README.md").read_text()
    for path in folder.iterdir():
        assert path.name in ("README.md", WHEEL) or f"`{path.name}`" in readme
    for part in (
        "venv",
        "conda",
        "lightning.ai",
        "/meta-llama/Llama-2-7b-chat-hf",
        "hf auth login",
    ):
        assert part in readme


def test_requirements_name_the_wheel_beside_them_and_what_the_notebooks_import(folder):
    lines = (folder / "requirements.txt").read_text().splitlines()
    (wheel,) = [line for line in lines if line.endswith(".whl")]
    assert wheel.startswith("./")
    assert zipfile.is_zipfile(folder / wheel)
    assert {"pandas", "jupyterlab", "nbconvert"} <= {re.split(r"\W", line)[0] for line in lines}


@pytest.mark.parametrize("name", [PART_1, PART_2])
def test_a_notebook_is_valid_and_has_no_outputs(folder, name):
    text = (folder / f"{name}.ipynb").read_text()
    raw = json.loads(text)
    assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
    nbformat_.validate(raw)
    assert len({cell["id"] for cell in raw["cells"]}) == len(raw["cells"])
    code = [cell for cell in raw["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert all(line == line.rstrip() for line in text.splitlines())
    assert students_files()[f"{name}.ipynb"].decode() == text


@pytest.mark.parametrize("name", [PART_1, PART_2])
@pytest.mark.parametrize("origin", [source, instructors_source])
def test_a_notebooks_source_is_read_as_jupytext_reads_it(name, origin):
    text = origin(f"{name}.md")
    theirs = jupytext_.reads(text, fmt="md:myst").cells
    ours = myst.read(text)
    assert [(c.kind, c.source, c.metadata) for c in ours] == [
        (c.cell_type, c.source, dict(c.metadata)) for c in theirs
    ]


def test_a_source_that_is_not_whole_is_refused():
    with pytest.raises(InvalidInput, match="the code cell at line 2 of the source does not end"):
        myst.read("Text\n```{code-cell} python\n1 + 1\n")
    with pytest.raises(InvalidInput, match="a line of \\+\\+\\+ holds '\\[1\\]'"):
        myst.read("+++ [1]\nText")


@pytest.mark.parametrize(("name", "room"), [(PART_1, PART_1_ROOM), (PART_2, PART_2_ROOM)])
def test_each_question_is_asked_in_order_with_room_below_it(folder, name, room):
    cells = read(folder / f"{name}.ipynb").cells
    places = [cell.metadata.get("answer") for cell in cells if cell.cell_type == "markdown"]
    assert [place for place in places if place] == room
    heading = ""
    for cell in cells:
        if cell.cell_type == "markdown" and (found := re.findall(r"^### (.+)", cell.source, re.M)):
            heading = found[-1]
        if cell.cell_type == "markdown" and (place := cell.metadata.get("answer")):
            assert heading.startswith((f"{place} ", f"Question {place.split()[-1]} "))
            assert "**Your answer" in cell.source


def test_the_points_are_the_assignments(folder):
    def points(name: str, pattern: str) -> list[int]:
        cells = read(folder / f"{name}.ipynb").cells
        return [int(p) for c in cells for p in re.findall(pattern, c.source, re.M)]

    assert points(PART_1, r"^### .*?\((\d+) points\)") == [4, 4, 6, 6, 5, 10]
    assert points(PART_2, r"^### Q.*?\((\d+) points\)") == [2, 3, 2, 3, 3, 7, 9, 6]
    assert points(PART_2, r"^## Q.*?\((\d+) points\)") == [10, 25, 30]


def test_part_2_runs_from_top_to_bottom_on_mini(folder):
    shown = run(read(folder / f"{PART_2}.ipynb"), folder)
    assert "mini (embedded teaching model)" in shown
    for pair in (
        ["7", "4"],
        ["6732655", "3428081"],
        ["1254878", "2118550"],
        ["6143768", "3896825"],
    ):
        assert re.search(rf"{pair[0]}\s+{pair[1]}", shown)  # Q1a, Q1a, and Q2c, where rng goes on
    assert len(re.findall(r"'prompt_length': \d+", shown)) == 11
    assert "2 of 10" in shown  # Llama-2, recorded


def test_part_1_runs_from_top_to_bottom_and_says_what_is_open(folder):
    shown = run(read(folder / f"{PART_1}.ipynb"), folder)
    assert "a step" in shown
    assert "0 of 6 right" in shown


def test_nothing_in_the_folder_is_an_answer(folder):
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(io.BytesIO(contents.pop(WHEEL))) as wheel:
        assert not any("instructor" in name for name in wheel.namelist())
        contents |= {n: wheel.read(n) for n in wheel.namelist() if n.startswith(HANDOUT)}
    given = {line for content in contents.values() for line in lines(content.decode())}
    answers = [instructors_source(name) for name in (*SOLVED, f"{PART_1}.md", f"{PART_2}.md")]
    students = [source(name) for name in (*SOLVED, f"{PART_1}.md", f"{PART_2}.md")]
    secret = {line for text in answers for line in lines(text)}
    secret -= {line for text in students for line in lines(text)}
    assert len(secret) > 100
    assert not secret & given


def test_a_copy_that_was_handed_out_has_no_answers_to_write(monkeypatch):
    def missing(name: str) -> str:
        raise FileNotFoundError(name)

    monkeypatch.setattr("carrychain.assignment.handout.source", missing)
    with pytest.raises(InvalidInput, match="came with a hand-out and has no answers"):
        answers.check_can_run()


# --- where it is written --------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        InvalidInput, match="is not empty; name another folder, or give --overwrite"
    ):
        write_folder(tmp_path, {"a": b"1"})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InvalidInput, match="is a file; name a folder"):
        write_folder(tmp_path / "mine.txt", {"a": b"1"}, overwrite=True)


def test_overwrite_replaces_own_files_and_leaves_others(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "a").write_text("0")
    write_folder(tmp_path, {"a": b"1", "b": b"2"}, overwrite=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "mine.txt": "mine",
        "a": "1",
        "b": "2",
    }


def test_where_one_file_cannot_be_written_none_is(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(InvalidInput, match="b is a folder; name a file"):
        write_folder(tmp_path, {"a": b"1", "b": b"2"}, overwrite=True)
    assert not (tmp_path / "a").exists()


# --- the instructor's folder ----------------------------------------------------------------------


def question(name: str) -> Question:
    """Return a question that asks nothing and finds something."""
    result = Result({}, (), (), (f"Found *for* {name}.",), (f"Meant by {name}.", "And more."))
    return Question(name, "title", "text", lambda plan: {}, lambda context: result)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The instructor's folder; what Part 2's questions measure is left to their own tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answers, "QUESTIONS", [question(name) for name in PART_2_ROOM])
        content = instructors_files(Plan(n=2))
    path = tmp_path_factory.mktemp("handout") / "instructor"
    write_folder(path, content)
    return path


def test_the_instructors_notebooks_are_answered_run_and_marked(solved):
    for name, room in ((PART_1, PART_1_ROOM), (PART_2, PART_2_ROOM)):
        loaded = read(solved / f"{name}.ipynb")
        nbformat_.validate(loaded)
        texts = [cell.source for cell in loaded.cells if cell.cell_type == "markdown"]
        assert "Not for students" in texts[0]
        assert not any("Your answer" in text for text in texts)
        assert sum("(instructor's)" in text for text in texts) == len(room)
        code = [cell for cell in loaded.cells if cell.cell_type == "code"]
        assert all(cell.execution_count for cell in code)
        assert sum(bool(cell.outputs) for cell in code) > len(code) / 2
    texts = [c.source for c in read(solved / f"{PART_2}.ipynb").cells]
    (q2c,) = [text for text in texts if "Answer to Q2c" in text]
    assert "2 problems a setting, seed 0" in q2c
    assert q2c.index(r"- Found \*for\* Q2c.") < q2c.index("\n\nMeant by Q2c.\n\nAnd more.")
    assert "Not for students" in (solved / "README.md").read_text()


def test_the_solved_files_are_right_and_worth_all_points(solved):
    assert checker.check(solved / "derivation.py").passed
    assert "6 of 6 right" in json.dumps(read(solved / f"{PART_1}.ipynb"))
    graded = grade(solved / "submission.py", seed=7)
    assert graded.score == graded.max_score
    assert graded.integrity.verdict == "clean"


def test_a_question_without_answer_and_an_answer_without_question_are_named():
    cells = notebook(PART_1)
    with pytest.raises(InvalidInput, match=r"there is no answer to 1$"):
        myst.answered(cells, [])
    extra = [myst.Cell("markdown", "x", {"answer": place}) for place in [*PART_1_ROOM, "9"]]
    with pytest.raises(InvalidInput, match="there is no question 9 to answer"):
        myst.answered(cells, extra)


def test_the_switches_are_set_to_the_instructors_models():
    cells = myst.with_values(notebook(PART_2), MODEL="llama2", SECOND_MODEL="qwen3")
    first = next(cell for cell in cells if cell.kind == "code")
    assert first.source.startswith('MODEL = "llama2"\nSECOND_MODEL = "qwen3"  # ')
    unset = myst.with_values(notebook(PART_2), MODEL="mini", SECOND_MODEL=None)
    assert unset == notebook(PART_2)


def test_a_notebook_that_fails_ends_in_one_sentence():
    broken = [myst.Cell("code", "1 / 0")]
    content = dict.fromkeys(SOLVED, b"")
    with pytest.raises(CarrychainError, match=r"x\.ipynb could not be run: ZeroDivisionError"):
        answers._run("x", broken, content)


def test_without_what_runs_notebooks_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setattr(answers, "find_spec", lambda name: None if name == "nbclient" else name)
    with pytest.raises(InvalidInput, match=r"pip install 'carrychain\[notebooks\]'"):
        answers.check_can_run()
