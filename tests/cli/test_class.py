"""`carrychain class` and `carrychain leaderboard`, from the folder to the report."""

import csv
import json
import threading
from importlib.resources import files
from pathlib import Path

import pytest

TOKEN = "hf_" + "QwErTyUiOpAsDfGh"
PROGRAM = r"""
import re
def your_netid():
    return "NET_ID"
def your_hf_token():
    return "TOKEN"
def your_prompt():
    return "Question: What is ", "?\nAnswer: "
def your_config():
    return {"max_tokens": 50, "temperature": 0.7, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1.0, "stop": ["\n"]}
def your_pre_processing(s):
    return s
def your_post_processing(output):
    found = re.search(r"\d+", output)
    return int(found[0]) if found else 0
""".replace("TOKEN", TOKEN)


def write(name, net_id, more=""):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PROGRAM.replace("NET_ID", net_id) + more)
    return str(path)


@pytest.fixture
def room(carrychain):
    """Make a class that asks for two instances in place of thirty."""
    rules = files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")
    start, end = rules.index("[instances.manual]"), rules.index("# --- what it is worth")
    manual = '[instances.manual]\nequal_operands = ["7777777+7777777"]\n\n'
    Path("quick.toml").write_text(
        (rules[:start] + manual + rules[end:]).replace("drawn = 16", "drawn = 1")
    )
    result = carrychain("class", "new", "hw3", "--rubric", "quick.toml")
    assert result.status == 0
    return Path("hw3")


def data_of(result):
    return json.loads(result.out)


def test_a_class_from_its_folder_to_its_report(carrychain, room):
    write("in/a.py", "ab1234")
    write("in/b.py", "cd5678", "def extra(s): return 1\n")
    added = carrychain("class", "add", "hw3", "in", "--json", "-")
    assert [each["submission"] for each in data_of(added)["added"]] == ["a-1", "b-1"]
    graded = carrychain("class", "run", "hw3", "--json", "-")
    assert graded.status == 0
    assert [each["net_id"] for each in data_of(graded)["grades"]] == ["ab1234", "cd5678"]
    assert "graded before" not in graded.err

    write("in/a.py", "ab1234", "# my second attempt\n")
    assert (
        data_of(carrychain("class", "add", "hw3", "in", "--json", "-"))["added"][1]["new"] is False
    )
    again = carrychain("class", "run", "hw3")
    assert sorted(line.split()[0] for line in again.err.splitlines() if "before" in line) == [
        "a-1",
        "b-1",
    ]

    decided = carrychain(
        *("class", "decide", "hw3", "cd5678", "--score", "7", "--reason", "agreed", "--by", "me"),
        *("--json", "-"),
    )
    assert data_of(decided)["score"] == 7
    assert data_of(decided)["decisions"][0]["reason"] == "agreed"

    marks = Path("hw3/marks.csv")
    marks.write_text(marks.read_text().replace("cd5678" + "," * 14, "cd5678" + ",1" * 14))
    report = carrychain("class", "report", "hw3", "--json", "-")
    assert report.status == 0
    students = {each["net_id"]: each for each in data_of(report)["students"]}
    assert students["cd5678"]["total"] == 14 + 7
    assert students["ab1234"]["total"] is None
    assert students["ab1234"]["attempts"] == 2
    rows = list(csv.DictReader(Path("hw3/report/grades.csv").read_text().splitlines()))
    assert {row["net_id"]: row["total"] for row in rows} == {"ab1234": "", "cd5678": "21.0"}
    assert Path("hw3/report/report.html").is_file()

    board = data_of(carrychain("leaderboard", "hw3", "--json", "-"))
    assert [place["rank"] for place in board["places"]] == [1, 2]
    history = data_of(carrychain("leaderboard", "hw3", "--student", "AB1234", "--json", "-"))
    assert [each["submission"] for each in history["attempts"]] == ["a-1", "a-2"]
    public = carrychain("leaderboard", "hw3", "--public", "--csv", "public.csv")
    for text in (public.out, Path("public.csv").read_text()):
        assert "ab1234" not in text
        assert history["alias"] in text

    seed = (room / "seed").read_text().strip()
    for result in (added, graded, again, decided, report, public):
        assert seed not in result.out + result.err
        assert TOKEN not in result.out + result.err
    for path in room.rglob("*"):
        if path.is_file() and path.name != "seed":
            assert seed.encode() not in path.read_bytes()


def test_a_submission_added_to_a_running_class_is_graded_too(carrychain, room, monkeypatch):
    write("in/a.py", "ab1234")
    late = write("late.py", "cd5678")
    carrychain("class", "add", "hw3", "in")
    from carrychain.grading import inbox
    from carrychain.grading.class_folder import ClassFolder
    from carrychain.grading.grader import Grader

    real, once = Grader.grade, threading.Event()

    def grade(self, path):
        if not once.is_set():
            once.set()
            list(ClassFolder.open("hw3").add(inbox.find([late])))
        return real(self, path)

    monkeypatch.setattr(Grader, "grade", grade)
    result = carrychain("class", "run", "hw3", "--json", "-")
    assert [each["net_id"] for each in data_of(result)["grades"]] == ["ab1234", "cd5678"]


def test_an_export_says_whose_it_is_whatever_the_file_says(carrychain, room):
    write("export/submission_1/submission.py", "someone-else")
    Path("export/submission_1/notes").write_text("")
    Path("export/submission_metadata.yml").write_text(
        "submission_1:\n  :submitters:\n  - :name: Ada\n    :email: ada1@example.edu\n"
        "  :created_at: 2026-04-26 17:34:00 Z\n"
    )
    carrychain("class", "add", "hw3", "export")
    carrychain("class", "run", "hw3")
    history = data_of(carrychain("leaderboard", "hw3", "--student", "ada1", "--json", "-"))
    (attempt,) = history["attempts"]
    assert attempt["handed_in"] == "2026-04-26T17:34:00+00:00"
    assert attempt["time_from"] == "export"
    report = carrychain("class", "report", "hw3")
    assert report.status == 0
    said = Path("hw3/report/report.md").read_text()
    assert "is ada1's, and says that it is someone-else's" in said


def test_what_has_nothing_to_grade_is_told_and_has_status_1(carrychain, room):
    write("in/a.py", "ab1234")
    Path("in/empty").mkdir()
    Path("in/empty/notes.txt").write_text("x")
    added = carrychain("class", "add", "hw3", "in")
    assert added.status == 1
    assert "nothing to grade: there is no submission.py" in added.out
    assert carrychain("class", "run", "hw3").status == 1
    report = carrychain("class", "report", "hw3", "--json", "-")
    assert data_of(report)["not_graded"] == [
        {"submission": "empty-1", "problem": "there is no submission.py"}
    ]


def test_grade_keeps_grades_where_store_says(carrychain, room):
    path = write("a.py", "ab1234")
    url = f"sqlite:///{Path.cwd()}/shared.sqlite"
    for _ in range(2):
        result = carrychain("grade", path, "--rubric", "quick.toml", "--store", url, "--json", "-")
        assert result.status == 0
    board = data_of(carrychain("leaderboard", url, "--json", "-"))
    assert [(place["net_id"], place["attempts"]) for place in board["places"]] == [("ab1234", 1)]
    assert not Path("results").exists()


def test_a_leaderboard_goes_on_after_a_page(carrychain, room):
    for number in range(3):
        write(f"class/s{number}.py", f"student{number}")
    carrychain("grade", "class", "--rubric", "quick.toml")
    first = data_of(carrychain("leaderboard", "results", "--limit", "2", "--json", "-"))
    said = carrychain("leaderboard", "results", "--limit", "2")
    assert f"--after {first['after']}" in said.err
    second = data_of(carrychain("leaderboard", "results", "--after", first["after"], "--json", "-"))
    assert len(first["places"]) == 2
    assert len(second["places"]) == 1
    assert second["after"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["class", "new", "hw3"], "is there already"),
        (["class", "new", "x", "--time-zone", "Mars"], "time_zone is 'Mars'"),
        (["class", "new", "x", "--deadline", "soon"], "Invalid value for '--deadline'"),
        (["class", "new", "x", "--attempts-a-day", "0"], "Invalid value for '--attempts-a-day'"),
        (["class", "add", "hw3", "none"], "no such file or folder"),
        (["class", "add", "none", "quick.toml"], "none is no folder of a class"),
        (["class", "run", "hw3"], "holds no submission yet"),
        (["class", "decide", "hw3", "x", "--clean", "--reason", "y"], "nothing was graded yet"),
        (["class", "decide", "hw3", "x", "--clean"], "Missing option '--reason'"),
        (["class", "report", "none"], "none is no folder of a class"),
        (["class", "rum"], "did you mean run?"),
        (["leaderboard"], "say where the grades are"),
        (["leaderboard", "none"], "there are no grades"),
        (["leaderboard", "quick.toml"], "can't keep grades: file is not a database"),
        (["leaderboard", "hw3", "--limit", "0"], "limit is 0"),
        (["leaderboard", "hw3", "--after", "x"], "is no place to go on after"),
        (["leaderboard", "hw3", "--student", "x", "--public"], "--student takes no --public"),
        (["leaderboard", "postgresql://u:s3cret@127.0.0.1:1/d"], "can't keep grades: connection"),
        (["grade", "quick.toml", "--store", "x://u:s3cret@h/d"], "no submission"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(carrychain, room, arguments, said):
    result = carrychain(*arguments)
    assert result.status == 2
    assert said in result.err.splitlines()[0]
    assert "s3cret" not in result.err
    assert "Traceback" not in result.err


def test_a_class_without_its_seed_is_one_sentence_in_every_command(carrychain, room):
    (room / "seed").unlink()
    write("a.py", "x")
    for arguments in (
        ["add", "hw3", "a.py"],
        ["run", "hw3"],
        ["decide", "hw3", "x", "--clean", "--reason", "y"],
        ["report", "hw3"],
    ):
        result = carrychain("class", *arguments)
        assert result.status == 2
        assert "hw3 has no seed" in result.err
