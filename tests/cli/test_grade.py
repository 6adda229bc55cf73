"""`carrychain grade`: one submission in full, a class that goes on where it was stopped."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import pytest

TOKEN = "hf_" + "QwErTyUiOpAsDfGh"

HONEST = r"""
import re
def your_netid():
    return "ab1234"
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

ATTACKS = {
    "crash": "import os\nos.kill(os.getpid(), 11)\n",
    "disk": "while True: open('more', 'ab').write(b'0' * 10**6)\n",
    "fork": "import os\nwhile True: os.fork()\n",
    "leave": "import os\nos._exit(0)\n",
}
FIELDS = {
    *("submission", "net_id", "acc", "mae", "res", "prompt_length", "score", "max_score"),
    *("tests", "integrity", "sandbox"),
}


@pytest.fixture
def quick(tmp_path):
    """Write rules that ask for four instances in place of thirty."""
    rules = files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")
    start, end = rules.index("[instances.manual]"), rules.index("# --- what it is worth")
    manual = '[instances.manual]\nequal_operands = ["7777777+7777777"]\n\n'
    path = tmp_path / "quick.toml"
    path.write_text((rules[:start] + manual + rules[end:]).replace("drawn = 16", "drawn = 3"))
    return str(path)


def write(name, text=HONEST):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return str(path)


def rows_of(path):
    return list(csv.DictReader(Path(path).read_text("utf-8").splitlines()))


def student(number):
    return HONEST.replace("ab1234", f"student{number}")


def test_one_submission_is_shown_in_full(carrychain, quick):
    result = carrychain("grade", write("submission.py"), "--rubric", quick)
    assert result.status == 0
    for shown in ("ab1234", "mini (embedded teaching model)", "test_full_score", "95% interval"):
        assert shown in result.out
    assert not Path("results").exists()


def test_one_submission_that_is_kept_has_the_handouts_results_too(carrychain, quick):
    write("submission.py")
    options = ("--rubric", quick, "--json", "out.json", "--results-dir", "kept")
    assert carrychain("grade", "submission.py", *options).status == 0
    tests = json.loads(Path("out.json").read_text())["grades"][0]["tests"]
    results = json.loads(Path("kept/results.json").read_text())
    assert (results["num_tests"], results["skipped"]) == (7, 0)
    assert [test["points"] for test in results["details"]] == [test["points"] for test in tests]


def test_the_json_has_what_others_rely_on(carrychain, quick):
    result = carrychain("grade", write("a.py"), "--rubric", quick, "--json", "-", "--seed", "3")
    data = json.loads(result.out)
    (grade,) = data["grades"]
    assert grade.keys() >= FIELDS
    assert grade["submission"] == "a.py"
    assert grade["integrity"]["verdict"] in ("clean", "flagged", "review")
    assert grade["score"] == sum(test["points"] for test in grade["tests"])
    assert len(grade["rows"]) == 4
    assert (data["seed"], data["model"]) == (3, "mini")


def test_a_class_is_graded_with_a_line_each_and_a_table(carrychain, quick):
    for number in range(3):
        write(f"class/s{number}.py", student(number))
    result = carrychain("grade", "class", "--rubric", quick)
    assert result.status == 0
    assert sorted(line.split()[1] for line in result.err.splitlines()) == [
        "student0",
        "student1",
        "student2",
    ]
    assert [line.split()[0] for line in result.out.splitlines()[1:4]] == ["s0.py", "s1.py", "s2.py"]
    assert result.out.splitlines()[-1].startswith("3 graded")
    data = json.loads(Path("results/grades.json").read_text())
    rows = rows_of("results/grades.csv")
    assert [row["net_id"] for row in rows] == [each["net_id"] for each in data["grades"]]
    assert all(float(row["max_score"]) == 30 for row in rows)


def test_a_second_run_grades_only_what_is_new(carrychain, quick):
    write("class/a.py", student(1))
    write("class/b.py", student(2))
    carrychain("grade", "class", "--rubric", quick)
    write("class/b.py", student(3))
    write("class/c.py", student(4))
    again = carrychain("grade", "class", "--rubric", quick)
    kept = [line.split()[0] for line in again.err.splitlines() if "graded before" in line]
    assert kept == ["class/a.py"]
    other = carrychain("grade", "class", "--rubric", quick, "--seed", "1")
    assert "graded before" not in other.err


def test_what_is_handed_in_while_a_class_is_graded_is_graded_too(carrychain, quick, monkeypatch):
    from carrychain.cli import grade

    write("class/first.py", student(1))
    write("class/second.py", student(2))
    say = grade.note

    def hand_in_late(message):
        write("class/late.py", student(3))
        say(message)

    monkeypatch.setattr(grade, "note", hand_in_late)
    done = carrychain("grade", "class", "--rubric", quick, "--json", "all.json")
    assert done.status == 0
    grades = json.loads(Path("all.json").read_text("utf-8"))["grades"]
    assert [Path(g["submission"]).name for g in grades] == ["first.py", "second.py", "late.py"]


def test_an_attack_costs_its_own_grade_and_no_others(carrychain, quick):
    for name, text in ATTACKS.items():
        write(f"class/{name}.py", text)
    write("class/honest.py")
    result = carrychain("grade", "class", "--rubric", quick, "--json", "-")
    assert result.status == 0
    grades = {Path(each["submission"]).stem: each for each in json.loads(result.out)["grades"]}
    assert grades.keys() == ATTACKS.keys() | {"honest"}
    assert all(grades[name]["score"] == 0 for name in ATTACKS)
    assert grades["honest"]["net_id"] == "ab1234"
    assert sorted(path.name for path in Path("class").iterdir()) == [
        f"{name}.py" for name in sorted(grades)
    ]


def test_what_cannot_be_graded_has_status_1_and_the_rest_a_grade(carrychain, quick):
    write("class/a/notes.txt")
    write("class/b/submission.py")
    result = carrychain("grade", "class", "--rubric", quick, "--csv", "out.csv")
    assert result.status == 1
    assert "there is no submission.py" in result.out
    assert "1 graded" in result.out
    rows = rows_of("out.csv")
    assert [row["problem"] for row in rows] == ["there is no submission.py", ""]


def test_an_export_of_gradescope_tells_who_is_who(carrychain, quick):
    write(
        "export/submission_metadata.yml",
        "submission_1:\n  :submitters:\n  - :name: Ada Lovelace\n    :email: ada@example.edu\n",
    )
    write("export/submission_1/submission.py")
    result = carrychain("grade", "export", "--rubric", quick, "--json", "-", "--csv", "out.csv")
    (grade,) = json.loads(result.out)["grades"]
    assert grade["students"] == [{"name": "Ada Lovelace", "email": "ada@example.edu", "sid": ""}]
    (row,) = rows_of("out.csv")
    assert row["students"] == "Ada Lovelace <ada@example.edu>"


def test_no_token_is_written_or_shown(carrychain, quick):
    leaky = HONEST.replace("    return s\n", f"    raise ValueError('{TOKEN}')\n")
    leaky = leaky.replace('"ab1234"', f'"{TOKEN}"')
    write("class/a.py", leaky)
    write("class/b.py", HONEST.replace('"Question', f'"{TOKEN} Question'))
    write("class/c.py", leaky + f"raise OSError('{TOKEN}')\n")
    result = carrychain("grade", "class", "--rubric", quick, "--json", "-", "--csv", "out.csv")
    checked = carrychain("grade", "class", "--check-only")
    for text in (result.out, result.err, checked.out, checked.err):
        assert TOKEN not in text
    written = [path for path in (*Path("results").rglob("*"), Path("out.csv")) if path.is_file()]
    assert len(written) >= 4
    assert all(TOKEN.encode() not in path.read_bytes() for path in written)


def test_a_net_id_is_no_formula_in_a_spreadsheet(carrychain, quick):
    path = write("a.py", HONEST.replace("ab1234", "=1+2"))
    carrychain("grade", path, "--rubric", quick, "--csv", "out.csv")
    (row,) = rows_of("out.csv")
    assert row["net_id"] == "'=1+2"


def test_a_narrow_terminal_is_kept_to(carrychain, quick, monkeypatch):
    monkeypatch.setattr("carrychain.cli.console.results.width", 60)
    write("class/a_name_that_is_longer_than_any_column.py")
    write("class/b.py", "def f(:\n")
    alone = carrychain("grade", "class/b.py", "--rubric", quick)
    together = carrychain("grade", "class", "--rubric", quick)
    checked = carrychain("grade", "class", "--check-only")
    explained = carrychain("grade", "--explain-sandbox")
    for result in (alone, together, checked, explained):
        assert result.out
        assert max(map(len, result.out.splitlines())) <= 60


@pytest.mark.parametrize("text", [HONEST, "raise SystemExit\n"], ids=["fine", "wrong"])
def test_a_check_needs_no_model(carrychain, monkeypatch, text):
    def load(*arguments, **named):
        raise AssertionError("a model was asked for")

    monkeypatch.setattr("carrychain.engines.load", load)
    result = carrychain("grade", write("a.py", text), "--check-only", "--json", "-")
    (check,) = json.loads(result.out)["checks"]
    assert check["submission"] == "a.py"
    assert check["passed"] is (text == HONEST)
    assert result.status == (0 if text == HONEST else 1)


def test_a_check_says_what_is_wrong(carrychain):
    write("class/a.py", HONEST.replace('"max_tokens": 50', '"max_tokens": 5'))
    write("class/b/notes.txt")
    result = carrychain("grade", "class", "--check-only")
    assert result.status == 1
    assert "max-tokens-below-50" in result.out
    assert "there is no submission.py" in result.out
    assert "0 of 2 fine" in result.out


def test_the_sandbox_explains_itself(carrychain):
    result = carrychain("grade", "--explain-sandbox")
    assert result.status == 0
    assert result.out.splitlines()[-1].startswith("tier: ")
    data = json.loads(carrychain("grade", "--explain-sandbox", "--json", "-").out)
    assert {"protection", "enforced", "sentence"} <= data["evidence"][0].keys()
    assert data["tier"] in result.out


def test_a_sandbox_that_is_required_and_not_there_grades_nothing(carrychain, monkeypatch, quick):
    monkeypatch.setenv("CARRYCHAIN_SANDBOX_WITHOUT", "user landlock seccomp")
    path = write("a.py", "open('ran', 'w')\n")
    result = carrychain("grade", path, "--require-sandbox", "--rubric", quick, "--json", "out.json")
    assert result.status == 2
    assert "is required" in result.err
    assert result.out == ""
    assert not Path("out.json").exists()


def start(quick):
    """Grade a class of many in a process of its own, and return it once one is graded."""
    for number in range(8):
        write(f"class/s{number:02}.py", student(number))
    command = [sys.executable, "-m", "carrychain", "grade", "class", "--rubric", quick]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "class/s" in process.stderr.readline()
    return process


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
def test_a_class_that_was_killed_goes_on(carrychain, quick):
    process = start(quick)
    process.kill()
    process.communicate()
    db = sqlite3.connect("results/grades.sqlite")
    finished = {name for (name,) in db.execute("SELECT name FROM submission")}
    db.close()
    assert 1 <= len(finished) < 8
    result = carrychain("grade", "class", "--rubric", quick)
    kept = {line.split()[0] for line in result.err.splitlines() if "graded before" in line}
    assert result.status == 0
    assert kept == finished
    assert "8 graded" in result.out


@pytest.mark.skipif(os.name == "nt", reason="signals are other ones there")
def test_ctrl_c_keeps_what_was_finished(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = start(quick)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "the same command goes on" in err
    graded = json.loads(Path("results/grades.json").read_text())["grades"]
    assert 1 <= len(graded) < 8
    assert f"{len(graded)} graded" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give a PATH to grade"),
        (["none.py"], "no such file or folder"),
        (["empty"], "holds no submission"),
        (["a.py", "--seed", "-1"], "seed is -1"),
        (["a.py", "--runs", "0"], "runs is 0"),
        (["a.py", "--model", "min"], "there is no model 'min'"),
        (["a.py", "--rubric", "a.py"], "is no TOML"),
        (["a.py", "--json", "no/x.json"], "there is no folder"),
        (["a.py", "--csv", "no/x.csv"], "there is no folder"),
        (["a.py", "a.py"], "given twice"),
        (["a.py", "--results-dir", "a.py/x"], "can't be made"),
        (["--gradescope", "empty"], "autograder.json can't be read"),
        (["--gradescope", "a", "b"], "takes one PATH"),
        (["--gradescope", "empty", "--seed", "3"], "--gradescope takes no --seed"),
        (["a.py", "--check-only", "--csv", "x.csv"], "--check-only takes no --csv"),
        (["--explain-sandbox", "a.py"], "--explain-sandbox takes no PATH"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(carrychain, arguments, said):
    write("a.py")
    Path("empty").mkdir()
    result = carrychain("grade", *arguments)
    assert result.status == 2
    assert result.out == ""
    assert said in result.err.splitlines()[0]
    assert "Traceback" not in result.err


def test_a_zip_for_gradescope_has_a_secret_seed_of_its_own(carrychain):
    seeds = set()
    for name in ("a.zip", "b.zip"):
        result = carrychain("gradescope-zip", name)
        assert result.status == 0
        with zipfile.ZipFile(name) as archive:
            seed = json.loads(archive.read("autograder.json"))["seed"]
        assert str(seed) not in result.out + result.err
        seeds.add(seed)
    assert len(seeds) == 2
    carrychain("gradescope-zip", "c.zip", "--seed", "7", "--runs", "2")
    with zipfile.ZipFile("c.zip") as archive:
        settings = json.loads(archive.read("autograder.json"))
    assert settings == {"model": "mini", "seed": 7, "runs": 2}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.zip", "--seed", "x"], "give a whole number"),
        (["a.zip", "--seed", "-1"], "give a whole number"),
        (["a.zip", "--runs", "0"], "runs is 0"),
        (["a.zip", "--model", "min"], "there is no model 'min'"),
        (["a.zip", "--rubric", "none.toml"], "none.toml can't be read"),
        (["no/a.zip"], "there is no folder"),
        ([], "Missing argument"),
    ],
)
def test_a_zip_that_cannot_be_made_is_one_sentence(carrychain, arguments, said):
    result = carrychain("gradescope-zip", *arguments)
    assert result.status == 2
    assert said in result.err.splitlines()[0]
    assert not Path("a.zip").exists()
