"""Grades survive a kill, tokens do not get in, and the leaderboard ranks as the course does."""

import json
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading.findings import Finding
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.store import Store

TOKEN = "hf_" + "AbCdEfGhIjKlMnOp"


@pytest.fixture
def put(a_grade):
    """Keep a grade with these fields as that of a submission."""

    def put(store, name, **fields):
        store.add(name, replace(a_grade, **fields))
        store.belongs(name, name)

    return put


@pytest.fixture
def path(tmp_path):
    return tmp_path / "grades.sqlite"


def test_a_grade_comes_back_as_it_was(path, a_grade):
    reason = Reason("copied", "It computes.", "your_post_processing", "1", "2", "1")
    grade = replace(
        a_grade,
        integrity=Integrity("flagged", (reason,), ("ast",)),
        findings=(Finding("wrong-key", "a key", "warning", "detail", 3),),
        mae=None,
        res=None,
    )
    with Store(path) as store:
        store.add("k", grade)
        assert store.find("other") is None
    with Store(path) as store:
        assert store.find("k") == grade


def test_the_evidence_can_be_asked_for_in_sql(path, put):
    reasons = tuple(Reason("state", f"{i}", "f", "1", "2", "3") for i in range(2))
    with Store(path) as store:
        put(store, "k", integrity=Integrity("flagged", reasons, ()))
    db = sqlite3.connect(path)
    rows = db.execute("SELECT sentence, verdict FROM reason JOIN grade USING (key)").fetchall()
    assert rows == [("0", "flagged"), ("1", "flagged")]
    (record,) = db.execute("SELECT record FROM grade").fetchone()
    db.close()
    assert json.loads(record)["tests"][0]["name"] == "test_config_size"


def test_no_token_gets_in(path, a_grade):
    reason = Reason("state", TOKEN, TOKEN, TOKEN, TOKEN, TOKEN)
    grade = replace(
        a_grade,
        net_id=TOKEN,
        integrity=Integrity("review", (reason,), (TOKEN,)),
        findings=(Finding("exception", TOKEN, "error", TOKEN),),
    )
    with Store(path) as store:
        store.add("k", grade)
        found = store.find("k")
    assert found is not None
    assert len(found.net_id) == len(TOKEN)
    for file in path.parent.iterdir():
        assert TOKEN.encode() not in file.read_bytes()


def test_half_a_surrogate_pair_ends_no_class(path, a_grade):
    with Store(path) as store:
        store.add("k", replace(a_grade, net_id="\ud800x"))
        found = store.find("k")
    assert found is not None
    assert found.net_id == "?x"


def test_the_same_key_added_twice_has_one_grade_and_one_set_of_reasons(path, a_grade):
    grade = replace(a_grade, integrity=Integrity("review", (Reason("a", "b", "", "", "", ""),), ()))
    with Store(path) as store:
        store.add("k", grade)
        store.add("k", grade)
        store.belongs("one", "k")
        store.belongs("two", "k")
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM grade").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM reason").fetchone() == (1,)
    db.close()


def test_the_leaderboard_ranks_by_score_accuracy_error_and_length(path, put):
    with Store(path) as store:
        put(store, "poor", score=3.0, acc=0.9)
        put(store, "long", prompt_length=50)
        put(store, "best", acc=0.6)
        put(store, "short")
        put(store, "wrong", mae=11.0)
        put(store, "endless", mae=None)
        put(store, "as short")
        put(store, "cheat", acc=1.0, integrity=Integrity("flagged", (), ()))
        places = [(place.rank, place.name) for place in store.leaderboard()]
    assert places == [
        (1, "best"),
        (2, "as short"),
        (2, "short"),
        (4, "long"),
        (5, "wrong"),
        (6, "endless"),
        (7, "poor"),
    ]


def test_a_submission_that_was_changed_has_its_new_grade(path, a_grade):
    with Store(path) as store:
        store.add("old", replace(a_grade, score=3.0))
        store.add("new", replace(a_grade, score=30.0))
        store.belongs("a.py", "old")
        store.belongs("a.py", "new")
        (place,) = store.leaderboard()
    assert place.score == 30.0


def test_what_was_added_survives_a_kill(path, a_grade):
    program = """
import os, signal, sys
from pydantic import TypeAdapter
from carrychain.grading.store import Grade, Store
grade = TypeAdapter(Grade).validate_json(sys.argv[2])
store = Store(sys.argv[1])
store.add("a", grade)
store.belongs("a", "a")
store._db.execute("INSERT INTO submission VALUES ('half', 'a')")
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", program, str(path), json.dumps(a_grade.as_dict())]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert [place.name for place in store.leaderboard()] == ["a"]
        assert store.find("a") == a_grade


def test_others_may_read_while_it_is_written(path, put):
    with Store(path) as store:
        put(store, "a")
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert reader.execute("SELECT name FROM leaderboard").fetchall() == [("a",)]
        put(store, "b")
        assert len(reader.execute("SELECT name FROM leaderboard").fetchall()) == 2
        reader.close()


def test_a_file_that_is_no_database_of_grades_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("my notes, which are longer than a header of SQLite" * 10)
    with pytest.raises(InvalidInput, match=r"notes\.txt can't keep grades"):
        Store(text)
    assert text.read_text().startswith("my notes")
    other = tmp_path / "other.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(InvalidInput, match="is no database of grades"):
        Store(other)
    with pytest.raises(InvalidInput, match="can't keep grades"):
        Store(tmp_path / "none" / "grades.sqlite")


def test_a_grade_that_cannot_be_written_is_an_error_of_ours(path, a_grade):
    with Store(path) as store:
        store._db.execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CarrychainError, match="can't keep a grade"):
            store.add("k", a_grade)
        other.rollback()
        other.close()
        store.add("k", a_grade)
        assert store.find("k") == a_grade
