"""The report: all is escaped, no network is asked, and it is the same each time."""

import json
import re
from html.parser import HTMLParser

import pytest

from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Plan
from carrychain.assignment.folder import Folder, Sitting
from carrychain.assignment.lab import Lab
from carrychain.assignment.report import Report, write
from carrychain.assignment.visible import visible
from carrychain.engines.base import EngineInfo
from carrychain.errors import InvalidInput

MAY_STAND_ALONE = {"meta", "link", "img", "source", "br", "hr"}


class Outline(HTMLParser):
    """What a document is made of; a tag that is not closed in its place is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in MAY_STAND_ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(folder) -> Outline:
    return Outline((folder / "report.html").read_text("utf-8"))


@pytest.mark.parametrize("copy", ["students", "instructors"])
def test_the_page_has_no_script_and_loads_nothing_from_outside(copy, request):
    folder = request.getfixturevalue(copy)
    outline = page(folder)
    assert outline.all("script") == []
    for tag, attributes in outline.tags:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "srcset", "href", "action", "poster", "data"):
            address = attributes.get(name)
            inside = address is None or address.startswith(("#", "data:"))
            assert inside or tag == "a", (tag, address)  # a link waits until it is followed
    text = (folder / "report.html").read_text("utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in outline.all("meta")[1]["content"]


def test_what_a_model_wrote_is_shown_and_does_not_act(students):
    outline = page(students)
    nasty = '<script>alert(1)</script> & "quoted" | `code` *star*↵␛[2J\\u202e'
    assert outline.texts.count(nasty) == 4  # a finding and a cell of two questions
    assert all("\x1b" not in text and "\u202e" not in text for text in outline.texts)
    markdown = (students / "report.md").read_text("utf-8")
    assert "<script" not in markdown
    assert "&lt;script&gt;" in markdown
    assert "\\*star\\*" in markdown
    assert "\\`code\\`" in markdown
    assert not set("\x1b\u202e") & set(markdown)


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head(students):
    lines = (students / "report.md").read_text("utf-8").splitlines()
    for place, line in enumerate(lines):
        if line.startswith("|") and lines[place - 1].startswith("|"):
            cells = [len(re.split(r"(?<!\\)\|", each)) for each in (lines[place - 1], line)]
            assert cells[0] == cells[1], line


def test_the_page_is_a_document_that_a_screen_reader_can_walk(students):
    outline = page(students)
    assert outline.all("html")[0]["lang"] == "en-GB"
    assert [a["aria-label"] for a in outline.all("nav")] == ["Questions"]
    links = [a["href"] for a in outline.all("a")]
    ids = [attributes["id"] for _, attributes in outline.tags if attributes.get("id")]
    assert links == ["#q1a", "#q2b", "#asked"]
    assert {link[1:] for link in links} <= set(ids)
    assert len(ids) == len(set(ids))
    assert len(outline.all("h1")) == 1
    assert len(outline.all("caption")) == len(outline.all("table")) == 3
    assert all(a["scope"] in ("col", "row") for a in outline.all("th"))
    assert all(a["alt"].startswith("A curve. It falls") for a in outline.all("img"))


def test_pictures_follow_the_scheme_of_the_page(students):
    outline = page(students)
    assert {a["media"] for a in outline.all("source")} == {
        "screen and (prefers-color-scheme: dark)"
    }
    markdown = (students / "report.md").read_text("utf-8")
    for name in re.findall(r'(?:src|srcset)="([^"]+)"', markdown):
        assert (students / name).read_bytes().startswith(b"<?xml")
    assert (students / "figures" / "q1a-curve-dark.png").read_bytes().startswith(b"\x89PNG")


def test_recorded_figures_are_told_from_ours(students):
    rows = [a for a in page(students).all("tr") if a.get("class") == "recorded"]
    assert len(rows) == 2
    assert "recorded, Llama-2" in (students / "report.md").read_text("utf-8")


def test_the_head_says_what_is_needed_to_judge_and_repeat(students, sitting):
    said = " ".join(page(students).texts)
    for part in ("adder (scripted)", "n = 3", sitting.started, sitting.machine, "carrychain 0"):
        assert part in said
        assert part in (students / "report.md").read_text("utf-8")


def test_written_answers_are_the_instructors_and_left_out_by_default(students, instructors):
    for name in ("report.html", "report.md", "report.json"):
        student = (students / name).read_text("utf-8")
        instructor = (instructors / name).read_text("utf-8")
        assert "Because of" not in student
        assert "Because of" in instructor
    outline = page(instructors)
    assert "carries" in outline.texts
    assert any("instructor's copy" in text for text in outline.texts)
    assert len(outline.all("img")) == 2  # no picture from an answer


def test_the_same_answers_give_the_same_bytes(write_report, tmp_path):
    folder = write_report(tmp_path)
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "run.json"]
    before = {path: path.read_bytes() for path in files}
    write_report(tmp_path, overwrite=True)
    assert {path: path.read_bytes() for path in files} == before


def test_the_json_has_what_programs_rely_on(students):
    data = json.loads((students / "report.json").read_text("utf-8"))
    assert data["model"]["title"] == "adder (scripted)"
    first = data["experiments"][0]
    assert {"name", "title", "metrics", "runs", "findings", "tables"} <= first.keys()
    assert first["metrics"] == {"right": 3, "nothing": None}
    run = first["runs"][0]
    assert run["name"] == "eight tokens"
    assert {
        "model",
        "prompt",
        "sampling",
        "extract",
        "n",
        "runs",
        "acc",
        "acc_ci",
        "mae",
    } <= run.keys()
    assert (run["n"], run["runs"], run["answers"], run["correct"]) == (3, 1, 3, 3)
    assert Evaluation.load(students / run["file"]).metrics.correct == 3


# --- the folder -------------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InvalidInput, match=r"not empty: it holds thesis\.tex; .*--overwrite"):
        Folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_foreign_run_file_does_not_make_a_folder_ours(tmp_path):
    (tmp_path / "run.json").write_text('{"finished": false}')
    with pytest.raises(InvalidInput, match="not empty"):
        Folder(tmp_path)


def test_a_finished_report_is_refused(tmp_path):
    folder = Folder(tmp_path / "new" / "deep")
    folder.finish({"n": 1}, folder.start({"n": 1}))
    with pytest.raises(InvalidInput, match="finished report"):
        Folder(folder.path)


def test_an_unfinished_run_is_gone_on_with_and_keeps_its_beginning(tmp_path, monkeypatch, sitting):
    monkeypatch.setattr(Sitting, "now", classmethod(lambda cls: sitting))
    first = Folder(tmp_path)
    first.start({"n": 1})
    monkeypatch.setattr(Sitting, "now", classmethod(lambda cls: Sitting("later", "elsewhere")))
    second = Folder(tmp_path)
    assert second.start({"n": 1}) == sitting
    assert (first.goes_on, second.goes_on) == (False, True)


def test_an_unfinished_run_of_other_settings_is_refused_by_name(tmp_path):
    Folder(tmp_path).start({"-n": 100, "the questions": ["Q1a", "Q1b"]})
    with pytest.raises(InvalidInput, match="the questions was Q1a Q1b and is Q2d"):
        Folder(tmp_path).start({"-n": 100, "the questions": ["Q2d"]})
    again = Folder(tmp_path, overwrite=True)
    again.start({"-n": 100, "the questions": ["Q2d"]})
    assert not again.goes_on


def test_a_file_in_the_folders_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="file can't be written to"):
        Folder(tmp_path / "file")
    with pytest.raises(InvalidInput, match="can't be"):
        Folder(tmp_path / "file" / "deeper").start({})


# --- text that may hold anything ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\nb\tc", "a␍↵b⇥c"),
        ("\x00\x1b\x7f", "␀␛␡"),
        ("\u202e\u200b\ud800\x85", "\\u202e\\u200b\\ud800\\u0085"),
        ("a\u00a0b\u2009c é 10³¹ −", "a b c é 10³¹ −"),
    ],
)
def test_nothing_acts_and_everything_is_seen(text, shown):
    assert visible(text) == shown
    assert visible(shown) == shown


def test_the_second_model_stands_in_the_head_and_in_the_table(
    make_adder, questions, tmp_path, sitting
):
    one, two = make_adder(), make_adder(info=EngineInfo("two", "another model"))
    folder = Folder(tmp_path)
    folder.start({})
    plan = Plan(n=3, second=True)
    experiments = tuple(Lab(one, two, folder.evaluations).run(questions, plan))
    write(Report(one.info, two.info, plan, sitting, experiments), folder)
    assert page(tmp_path).texts.count("another model") >= 2
