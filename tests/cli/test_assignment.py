"""`carrychain assignment`: questions to a terminal, to JSON and to a folder that can be resumed."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from rich.console import Console

from carrychain import engines
from carrychain.assignment import questions as registry
from carrychain.assignment.experiment import (
    Axis,
    Column,
    Panel,
    Picture,
    Point,
    Question,
    Result,
    Series,
    Table,
    ask_shipped,
)
from carrychain.cli import console
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.errors import GenerationFailed

NASTY = "<script>[red]\n\x1b[2J"


@dataclass
class Adder:
    """An engine that adds; it may break off before an answer."""

    name: str = "adder"
    asked: list[str] = field(default_factory=list)
    breaks: dict[int, BaseException] = field(default_factory=dict)
    context: int | None = None

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(self.name, f"{self.name} (scripted)", "v1")

    def count_tokens(self, text: str) -> int | None:
        return len(text)

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        for index, prompt in enumerate(prompts):
            if (error := self.breaks.pop(len(self.asked), None)) is not None:
                raise error
            self.asked.append(prompt)
            a, b = map(int, re.findall(r"(\d+)\+(\d+)", prompt)[-1])
            yield Completion(index, f"{a + b}{NASTY}", 8, 9, FinishReason.LENGTH)


def question(name: str, second: bool = False) -> Question:
    def asks(plan):
        asked = {"seven": ask_shipped("zero-shot", plan.problems())}
        asked["own"] = ask_shipped("few-shot", plan.problems(), SamplingParams(top_k=len(name)))
        if second and plan.second:
            asked["second"] = ask_shipped("zero-shot", plan.problems(), second=True)
        return asked

    def analyse(context):
        columns = (Column("setting", numeric=False), Column("right"), Column("a long heading"))
        series = Series("s", (Point(1, 0.5, 0.4, 0.6),))
        return Result(
            metrics={"right": context.evaluations["seven"].metrics.correct},
            tables=(Table("t", "A table", columns, (("ours", "3", NASTY * 3),), "A note."),),
            pictures=(
                Picture("p", "A picture", "alt", (Panel("", Axis("x"), Axis("y"), (series,)),)),
            ),
            findings=(f"{name} finds {NASTY}", "And more."),
            answer=("Because.",),
        )

    return Question(name, f"title of {name}", "What?", asks, analyse)


@pytest.fixture
def models(monkeypatch):
    """Scripted questions and engines in place of the real ones."""
    found = {name: Adder(name) for name in ("mini", "adder2")}
    monkeypatch.setattr(engines, "load", lambda name, **settings: found[name])
    scripted = (question("Q1a"), question("Q1c", second=True))
    monkeypatch.setattr(registry, "QUESTIONS", scripted)
    return found


def test_without_out_tables_and_findings_are_printed_and_nothing_is_kept(
    carrychain, models, tmp_path
):
    result = carrychain("assignment", "q1A", "-n", "3")
    assert result.status == 0
    for part in ("Q1a  title of Q1a", "mini (scripted)", "And more.", "A table", "A note."):
        assert part in result.out
    assert "<script>[red]↵␛[2J" in result.out
    assert "Q1c" not in result.out
    assert "Because" not in result.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [30, 60, 200])
def test_a_narrow_terminal_keeps_every_word(carrychain, models, monkeypatch, width):
    monkeypatch.setattr(console, "results", Console(width=width, highlight=False))
    out = "".join(carrychain("assignment", "Q1a", "-n", "3").out.split())
    for part in ("a long heading", "<script>[red]↵␛[2J" * 3, "ours", "A note."):
        assert "".join(part.split()) in out


def test_json_has_the_fields_that_programs_rely_on(carrychain, models):
    result = carrychain("assignment", "-n", "3", "--json", "-")
    data = json.loads(result.out)
    assert data["model"]["title"] == "mini (scripted)"
    assert [e["name"] for e in data["experiments"]] == ["Q1a", "Q1c"]
    for experiment in data["experiments"]:
        assert experiment["metrics"] == {"right": 3}
        assert experiment["findings"][1] == "And more."
        assert experiment["tables"][0]["rows"][0][0] == "ours"
        assert "answer" not in experiment
        for run in experiment["runs"]:
            assert {"name", "model", "prompt", "sampling", "extract", "n", "runs"} <= run.keys()
            assert run["acc"] == 1
            assert run["file"] is None
    assert len(models["mini"].asked) == 6  # what both questions ask is asked once


def test_out_writes_a_report_and_evaluations_that_compare_reads(carrychain, models, tmp_path):
    result = carrychain("assignment", "-n", "3", "--out", "deep/report")
    assert result.status == 0
    folder = tmp_path / "deep" / "report"
    assert f"report: {folder / 'report.html'}" in result.out
    assert "Q1c finds" in result.out
    assert "And more." not in result.out  # it stands in the report
    assert sorted(p.name for p in folder.iterdir()) == [
        *("evaluations", "figures"),
        *("report.html", "report.json", "report.md", "run.json"),
    ]
    assert not list(folder.rglob(".carrychain-*"))
    a, b = (str(folder / "evaluations" / f"q1a-{name}.json") for name in ("seven", "own"))
    assert json.loads(carrychain("compare", a, b, "--json", "-").out)["n_pairs"] == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (GenerationFailed("the server went away"), "the server went away"),
    ],
)
def test_a_break_keeps_what_is_done_and_says_how_to_go_on(
    carrychain, models, tmp_path, error, said
):
    models["mini"].breaks = {4: error}
    arguments = ("assignment", "q1a", "-n", "3", "--seed", "5", "--out", "a folder")
    broken = carrychain(*arguments)
    assert broken.status == 130
    assert broken.err.strip() == (
        f"{said}; 4 of 6 answers are kept in a folder; go on with: "
        "carrychain assignment q1a --out 'a folder' -n 3 --seed 5"
    )
    assert not (tmp_path / "a folder" / "report.html").exists()
    models["mini"].asked.clear()
    resumed = carrychain(*arguments)
    assert resumed.status == 0
    assert "gone on with" in resumed.err
    assert len(models["mini"].asked) == 2
    assert (tmp_path / "a folder" / "report.html").exists()


def test_a_break_without_out_shows_what_is_done(carrychain, models):
    models["mini"].breaks = {7: KeyboardInterrupt()}
    result = carrychain("assignment", "-n", "3")
    assert result.status == 0, "both questions ask the same two evaluations"
    models["mini"].asked.clear()
    registry.QUESTIONS = (registry.QUESTIONS[0], question("Q2aa"))
    result = carrychain("assignment", "-n", "3")
    assert result.status == 130
    assert "Q1a finds" in result.out
    assert "Q2aa finds" not in result.out
    assert "nothing is kept" in result.err


def test_other_settings_do_not_go_on_with_an_unfinished_run(carrychain, models):
    models["mini"].breaks = {4: KeyboardInterrupt()}
    assert carrychain("assignment", "-n", "3", "--out", "report").status == 130
    for arguments, said in (
        (("-n", "4"), "-n was 3 and is 4"),
        (("-n", "3", "--seed", "1"), "--seed was 0 and is 1"),
        (("-n", "3", "Q1a"), "the questions was Q1a Q1c and is Q1a"),
        (("-n", "3", "--model", "adder2"), "--model was mini v1 and is adder2 v1"),
    ):
        refused = carrychain("assignment", "--out", "report", *arguments)
        assert refused.status == 2
        assert said in refused.err
        assert "--overwrite" in refused.err


def test_a_finished_report_is_refused_without_overwrite_and_nothing_is_deleted(
    carrychain, models, tmp_path
):
    carrychain("assignment", "-n", "3", "--out", "report")
    folder = tmp_path / "report"
    (folder / "mine.txt").write_text("mine")
    (folder / "evaluations" / "mine.json").write_text("mine")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    refused = carrychain("assignment", "-n", "2", "--out", "report")
    assert refused.status == 2
    assert "finished report" in refused.err
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before
    again = carrychain("assignment", "-n", "2", "--out", "report", "--overwrite")
    assert again.status == 0
    assert before.keys() == {p for p in folder.rglob("*") if p.is_file()}
    assert (folder / "mine.txt").read_text() == "mine"
    assert json.loads((folder / "report.json").read_text())["n"] == 2


def test_the_written_answers_are_added_to_a_finished_report_without_asking_again(
    carrychain, models, tmp_path
):
    carrychain("assignment", "-n", "3", "--out", "report")
    assert "Because." not in (tmp_path / "report" / "report.md").read_text()
    models["mini"].asked.clear()
    carrychain("assignment", "-n", "3", "--out", "report", "--overwrite", "--with-answers")
    assert models["mini"].asked == []
    assert "Because." in (tmp_path / "report" / "report.md").read_text()
    assert "Because." in carrychain("assignment", "-n", "3", "--with-answers").out


def test_a_foreign_folder_is_refused_before_a_model_is_loaded(carrychain, tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "load", lambda *_, **__: pytest.fail("loaded"))
    (tmp_path / "thesis.tex").write_text("mine")
    result = carrychain("assignment", "Q1a", "--out", ".")
    assert result.status == 2
    assert "thesis.tex" in result.err


def test_a_second_model_is_asked_where_a_question_compares(carrychain, models):
    data = json.loads(
        carrychain("assignment", "-n", "3", "--compare-with", "adder2", "--json", "-").out
    )
    assert data["compare_with"]["title"] == "adder2 (scripted)"
    assert len(models["adder2"].asked) == 3


def test_a_second_model_that_no_question_asks_is_not_loaded_and_that_is_said(carrychain, models):
    result = carrychain("assignment", "Q1a", "-n", "3", "--compare-with", "nowhere")
    assert result.status == 0
    assert "nowhere: no second model plays a part in Q1a" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Q3a"], ["no question 'Q3a'", "Q1a", "Q2a"]),
        (["Q1a", "2b"], ["no question '2b'", "Q2b"]),
        (["-n", "0"], ["-n", "0"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--model", "mimi"], ["mimi", "mini"]),
        (["Q1c", "--compare-with", "mimi"], ["mimi", "mini"]),
        (["--json", "no/x.json"], ["no/x.json", "folder"]),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(carrychain, arguments, said):
    result = carrychain("assignment", *arguments)
    assert result.status == 2
    assert result.out == ""
    assert all(part in result.err.splitlines()[0] for part in said)
    assert "Traceback" not in result.err


def test_the_registry_has_the_assignments_questions_in_its_order():
    names = [q.name for q in registry.QUESTIONS]
    assert names == ["Q1a", "Q1b", "Q1c", "Q1d", "Q2a", "Q2b", "Q2c", "Q2d"]
    assert [q.name for q in registry.find(["q2B", "Q1a", "q1A"])] == ["Q1a", "Q2b"]
    assert registry.find([]) == registry.QUESTIONS


def test_a_real_question_on_mini_says_whose_figures_they_are(carrychain):
    result = carrychain("assignment", "Q2a", "-n", "3")
    assert result.status == 0
    assert "mini (embedded teaching model)" in result.out
    assert "recorded, Llama-2" in result.out
