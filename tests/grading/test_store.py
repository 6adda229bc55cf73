"""Grades survive a kill, many write at once, and the ranking is the course's."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading import schema
from carrychain.grading.deadlines import Late, Policy
from carrychain.grading.findings import Finding
from carrychain.grading.grader import Test
from carrychain.grading.inbox import HandIn
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.rulings import Ruling
from carrychain.grading.store import Store, as_net_id

TOKEN = "hf_" + "AbCdEfGhIjKlMnOp"
NOON = datetime(2026, 4, 1, 12, tzinfo=UTC)
FLAGGED = Integrity("flagged", (), ())


@pytest.fixture
def put(a_grade):
    """Keep a grade with these fields as that of a student's submission."""

    def put(store, name, net_id=None, at=NOON, **fields):
        key = f"{name} {len(fields)} {at}"
        store.add(key, replace(a_grade, **fields))
        store.belongs(HandIn(name, name.encode(), handed_in=at), key, [net_id or name])

    return put


@pytest.fixture
def path(tmp_path):
    return tmp_path / "grades.sqlite"


def sql(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def ruling(**fields):
    return Ruling(
        **{"verdict": None, "score": None, "reason": "I looked", "by": "me", "at": NOON} | fields
    )


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
    rows = sql(path, "SELECT sentence, verdict FROM reason JOIN grade USING (key)")
    assert rows == [("0", "flagged"), ("1", "flagged")]
    ((record,),) = sql(path, "SELECT record FROM grade")
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
        store.belongs(HandIn(TOKEN), "k", [TOKEN])
        (attempt,) = store.attempts()
        store.decide(attempt.net_id, ruling(verdict="clean", reason=TOKEN, by=TOKEN))
        found = store.find("k")
    assert found is not None
    assert len(found.net_id) == len(TOKEN)
    for file in path.parent.iterdir():
        assert TOKEN.encode() not in file.read_bytes()


def test_what_no_database_can_hold_ends_no_class(path, a_grade):
    with Store(path) as store:
        store.add("k", replace(a_grade, net_id="\ud800x\0y"))
        store.belongs(HandIn("\ud800\0"), "k", ["\ud800x\0y" * 100])
        found = store.find("k")
        (net_id,) = store.students()
    assert found is not None
    assert found.net_id == "?x\0y" or found.net_id == "?x\ufffdy"
    assert len(net_id) == schema.NET_ID_LENGTH


def test_the_same_key_added_twice_has_one_grade_and_one_set_of_reasons(path, a_grade):
    grade = replace(a_grade, integrity=Integrity("review", (Reason("a", "b", "", "", "", ""),), ()))
    with Store(path) as store:
        for name in ("one", "two"):
            store.add("k", grade)
            store.belongs(HandIn(name), "k", [name])
    assert sql(path, "SELECT count(*) FROM grade") == [(1,)]
    assert sql(path, "SELECT count(*) FROM reason") == [(1,)]
    assert sql(path, "SELECT count(*) FROM submission") == [(2,)]


# --- the leaderboard ------------------------------------------------------------------------------


def test_the_leaderboard_ranks_by_score_accuracy_error_and_length_and_ties_share_a_rank(path, put):
    with Store(path) as store:
        put(store, "poor", score=3.0, acc=0.9)
        put(store, "long", rendered_length=50.0, prompt_length=1)
        put(store, "best", acc=0.6)
        put(store, "short")
        put(store, "wrong", mae=11.0)
        put(store, "endless", mae=None)
        put(store, "as short")
        put(store, "unsure", score=1.0, integrity=Integrity("review", (), ()))
        put(store, "cheat", acc=1.0, integrity=FLAGGED)
        page = store.leaderboard()
    assert page.after is None
    assert sorted((place.rank, place.name) for place in page.places) == [
        (1, "best"),
        (2, "as short"),
        (2, "short"),
        (4, "long"),
        (5, "wrong"),
        (6, "endless"),
        (7, "poor"),
        (8, "unsure"),
    ]
    assert page.places[-1].verdict == "review"


def test_pages_join_to_the_whole_also_where_a_tie_lies_across_them(path, put):
    with Store(path) as store:
        for number in range(23):
            put(store, f"s{number}", score=float(number // 5))
        whole = store.leaderboard().places
        pages, after = [], None
        while True:
            page = store.leaderboard(3, after)
            pages += page.places
            after = page.after
            if after is None:
                break
        assert list(whole) == pages == list(store.everyone_ranked())
        for place in whole:
            assert place.rank == 1 + sum(other.score > place.score for other in whole)
            assert store.rank(place.net_id) == place.rank
        for wrong in ("x", "1.2", "3.3.no-such"):
            with pytest.raises(InvalidInput):
                store.leaderboard(after=wrong)
        with pytest.raises(InvalidInput, match="limit is 0"):
            store.leaderboard(0)


def test_every_attempt_is_kept_and_the_best_or_the_latest_counts(path, put):
    with Store(path) as store:
        put(store, "1", "ab1234", NOON, score=20.0)
        put(store, "2", "AB1234 ", NOON + timedelta(hours=1), score=28.0)
        put(store, "3", "ab1234", NOON + timedelta(hours=2), score=5.0)
        put(store, "other", score=22.0)
        assert [(p.name, p.attempts) for p in store.leaderboard().places] == [
            ("2", 3),
            ("other", 1),
        ]
        assert [(a.name, a.counts) for a in store.history("AB1234")] == [
            ("1", False),
            ("2", True),
            ("3", False),
        ]
        store.set_policy(Policy(counts="latest"))
        assert [p.name for p in store.leaderboard().places] == ["other", "3"]
        assert [a.counts for a in store.history("ab1234")] == [False, False, True]


def test_a_flagged_attempt_is_set_aside_and_an_earlier_clean_one_is_ranked(path, put):
    with Store(path) as store:
        put(store, "honest", "a", NOON, score=10.0)
        put(store, "cheat", "a", NOON + timedelta(1), score=28.0, integrity=FLAGGED)
        put(store, "only", "b", score=30.0, integrity=FLAGGED)
        assert [(p.rank, p.name) for p in store.leaderboard().places] == [(1, "honest")]
        assert [a.standing for a in store.history("a")] == ["ranked", "flagged"]
        assert store.history("b")[0].counts
        assert store.rank("b") is None


def test_the_same_files_again_are_no_new_attempt_and_changed_ones_are(path, a_grade):
    with Store(path) as store:
        for key, score in (("a", 3.0), ("b", 30.0), ("a, other rules", 4.0)):
            store.add(key, replace(a_grade, score=score))
        first, second = HandIn("x.py", b"a"), HandIn("x.py", b"b")
        for hand_in, key in [(first, "a"), (first, "a"), (first, "a, other rules"), (second, "b")]:
            store.belongs(hand_in, key, ["s"])
        assert [a.key for a in store.history("s")] == ["a, other rules", "b"]
        store.belongs(first, "a", ["s"])  # handed in once more after the second
        assert [a.key for a in store.history("s")] == ["a, other rules", "b", "a"]


def test_attempts_beyond_the_days_number_are_kept_and_not_ranked(path, put):
    with Store(path) as store:
        store.set_policy(Policy(attempts_a_day=2))
        for hour in range(4):
            put(store, f"{hour}", "a", NOON + timedelta(hours=hour), score=float(hour))
        assert [a.standing for a in store.history("a")] == ["ranked", "ranked", "beyond", "beyond"]
        assert [p.name for p in store.leaderboard().places] == ["1"]


def test_new_rules_judge_those_who_are_there_already(path, put):
    with Store(path) as store:
        put(store, "late", at=NOON + timedelta(hours=3), score=30.0)
        put(store, "early", at=NOON - timedelta(hours=3), score=10.0)
        half = Late.model_validate({"steps": [{"hours": 24, "keeps": 0.2}], "after": 0.0})
        store.set_policy(Policy(deadline=NOON, late=half))
        board = store.leaderboard().places
        assert [(p.name, p.score) for p in board] == [("early", 10.0), ("late", 6.0)]
        assert [p.late for p in board] == [timedelta(0), timedelta(hours=3)]
        store.set_policy(Policy(deadline=NOON, extensions={"late": NOON + timedelta(hours=4)}))
        assert [p.name for p in store.leaderboard().places] == ["late", "early"]
        assert store.policy.deadline == NOON


# --- public names ---------------------------------------------------------------------------------


def test_public_names_differ_stay_and_say_nothing_of_who_it_is(tmp_path, put, a_grade):
    names = {}
    for run in range(2):
        with Store(tmp_path / f"{run}.sqlite", secret="of the class") as store:
            store.add("k", a_grade)
            for number in range(60):
                store.belongs(HandIn(f"{number}"), "k", [f"student{number}"])
            names[run] = store.students()
        with Store(tmp_path / f"{run}.sqlite") as store:
            assert store.students() == names[run]
    assert names[0] == names[1]
    assert len(set(names[0].values())) == 60
    with Store(tmp_path / "other.sqlite") as store:
        put(store, "student0")
        assert store.students()["student0"] != names[0]["student0"]


def test_public_names_run_out_for_nobody(path, a_grade, monkeypatch):
    monkeypatch.setattr("carrychain.grading.aliases._FIRST", ["grey"])
    monkeypatch.setattr("carrychain.grading.aliases._SECOND", ["owl"])
    with Store(path) as store:
        store.add("k", a_grade)
        for number in range(40):
            store.belongs(HandIn(f"{number}"), "k", [f"student{number}"])
        assert len(set(store.students().values())) == 40


def test_the_public_line_has_no_name_no_net_id_and_no_exact_error(path, put):
    with Store(path) as store:
        put(store, "secret.py", "ab1234", mae=12345.678, acc=1 / 3, rendered_length=123.4)
        (place,) = store.leaderboard().places
    public = place.public(review=True)
    assert public["mean absolute error"] == 12000
    assert public["accuracy"] == 0.333
    assert public["prompt length"] == 120
    assert public["review"] is False
    assert "ab1234" not in str(public)
    assert "secret" not in str(public)


def test_the_public_line_has_the_figures_of_gradescopes_leaderboard(path, put, a_grade):
    from carrychain.grading.gradescope import results
    from carrychain.grading.rubric import load_rubric

    with Store(path) as store:
        put(store, "a")
        (place,) = store.leaderboard().places
    there = {line["name"]: line["value"] for line in results(a_grade, load_rubric())["leaderboard"]}
    ours = place.public(review=False)
    assert there == {name: ours[name] for name in there}
    assert len(there) == 3


# --- an instructor's word -------------------------------------------------------------------------

TESTS = (
    Test("test_config_size", True, 0, 3, ""),
    Test("test_no_addition_hack", False, 0, 2, ""),
    Test("test_partial_credit1", True, 0, 10, ""),
    Test("test_full_score", False, 0, 15, ""),
)


def test_a_cleared_submission_gets_what_being_flagged_had_taken_and_its_verdict_stays_visible(
    path, put
):
    with Store(path) as store:
        put(store, "x", "a", score=0.0, tests=TESTS, integrity=FLAGGED)
        now = store.decide("a", ruling(verdict="clean", by="Prof. M."))
        assert (now.graded_verdict, now.graded_score) == ("flagged", 0.0)
        assert (now.verdict, now.score, now.standing) == ("clean", 15.0, "ranked")
        assert store.rank("a") == 1
        assert [(word.by, word.reason) for word in now.rulings] == [("Prof. M.", "I looked")]
        again = store.decide("a", ruling(score=12.5, reason="as agreed"))
        assert (again.verdict, again.score) == ("clean", 12.5)
        back = store.decide("a", ruling(verdict="flagged", reason="after all"))
        assert (back.verdict, back.score, back.standing) == ("flagged", 0.0, "flagged")
        assert [word.reason for word in back.rulings] == ["I looked", "as agreed", "after all"]
        assert store.find(back.key).integrity.verdict == "flagged"


def test_a_submission_that_is_flagged_by_a_person_loses_what_the_rubric_takes(path, put):
    tests = tuple(replace(test, passed=True, points=test.max_points) for test in TESTS)
    with Store(path) as store:
        put(store, "x", "a", score=30.0, tests=tests, integrity=Integrity("review", (), ()))
        rules = store.policy.integrity.model_copy(update={"flagged": "one-test"})
        store.set_policy(Policy(integrity=rules))
        assert store.decide("a", ruling(verdict="flagged")).score == 28.0
        assert store.leaderboard().places == ()


@pytest.mark.parametrize(
    ("net_id", "fields", "said"),
    [
        ("nobody", {"verdict": "clean"}, "no student here is called 'nobody'"),
        ("two", {"verdict": "clean"}, "two made 2 attempts; say which: "),
        ("a", {"score": 31.0}, "the score is 31; it must be 0 to 30"),
        ("a", {"score": -1.0}, "the score is -1"),
        ("a", {"score": float("nan")}, "the score is nan"),
        ("a", {}, "nothing is decided"),
        ("a", {"verdict": "clean", "reason": " "}, "needs a reason"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_and_not_kept(path, put, net_id, fields, said):
    with Store(path) as store:
        put(store, "x", "a")
        put(store, "1", "two")
        put(store, "2", "two")
        with pytest.raises(InvalidInput, match=said):
            store.decide(net_id, ruling(**fields))
        with pytest.raises(InvalidInput, match="has no submission 'y'"):
            store.decide("a", ruling(verdict="clean"), "y")
        assert not any(attempt.rulings for attempt in store.attempts())


# --- files, servers, versions ---------------------------------------------------------------------

WRITER = """
import sys
from dataclasses import replace
from pydantic import TypeAdapter
from carrychain.grading.inbox import HandIn
from carrychain.grading.store import Grade, Store
where, record, writer, count = sys.argv[1:]
grade = TypeAdapter(Grade).validate_json(record)
with Store(where) as store:
    for number in range(int(count)):
        key = f"{writer}-{number}"
        store.add("shared", grade)
        store.add(key, replace(grade, score=float(number)))
        store.belongs(HandIn(key, key.encode()), key, [f"own{writer}", "everyone"])
    print("done", flush=True)
"""


def test_eight_processes_write_at_once_and_nothing_is_lost(path, a_grade):
    record = json.dumps(a_grade.as_dict())
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), record, f"{k}", "12"])
        for k in range(8)
    ]
    assert [process.wait(120) for process in processes] == [0] * 8
    with Store(path) as store:
        everyone = store.history("everyone")
        assert len(everyone) == 96
        assert {a.name for a in everyone} == {f"{w}-{n}" for w in range(8) for n in range(12)}
        assert all(len(store.history(f"own{writer}")) == 12 for writer in range(8))
        assert {p.net_id: (p.attempts, p.score) for p in store.leaderboard().places} == {
            **{f"own{writer}": (12, 11.0) for writer in range(8)},
            "everyone": (96, 11.0),
        }
    assert sql(path, "SELECT count(*) FROM grade") == [(97,)]


def test_what_was_added_survives_a_kill_and_half_a_transaction_leaves_nothing(path, a_grade):
    program = """
import os, signal, sys
from pydantic import TypeAdapter
from carrychain.grading.inbox import HandIn
from carrychain.grading.store import Grade, Store
grade = TypeAdapter(Grade).validate_json(sys.argv[2])
store = Store(sys.argv[1])
store.add("a", grade)
store.belongs(HandIn("a"), "a", ["a"])
store._judge = lambda writing, net_id: os.kill(os.getpid(), signal.SIGKILL)
store.belongs(HandIn("half"), "a", ["half"])
"""
    command = [sys.executable, "-c", program, str(path), json.dumps(a_grade.as_dict())]
    done = subprocess.run(command, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        assert store.students().keys() == {"a"}
        assert store.find("a") == a_grade


def test_others_may_read_while_it_is_written(path, put):
    with Store(path) as store:
        put(store, "a")
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        assert reader.execute("SELECT name, rank FROM leaderboard").fetchall() == [("a", 1)]
        put(store, "b")
        assert len(reader.execute("SELECT name FROM leaderboard").fetchall()) == 2
        reader.close()


VERSION_1 = """
CREATE TABLE grade (key TEXT PRIMARY KEY, net_id TEXT NOT NULL, acc REAL, mae REAL, res REAL,
    prompt_length INTEGER, score REAL NOT NULL, max_score REAL NOT NULL, verdict TEXT NOT NULL,
    tier TEXT NOT NULL, model TEXT NOT NULL, seconds REAL NOT NULL, graded_at TEXT NOT NULL,
    record TEXT NOT NULL);
CREATE TABLE reason (key TEXT NOT NULL REFERENCES grade, experiment TEXT NOT NULL,
    sentence TEXT NOT NULL, function TEXT NOT NULL, given TEXT NOT NULL, returned TEXT NOT NULL,
    expected TEXT NOT NULL);
CREATE TABLE submission (name TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES grade);
CREATE VIEW leaderboard AS SELECT name FROM submission JOIN grade USING (key);
PRAGMA user_version = 1;
"""


@pytest.fixture
def version_1(path, a_grade):
    """Write a database as the first release did."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
        for key, net_id in (("k1", "a"), ("k2", "b"), ("k3", "")):
            grade = replace(a_grade, net_id=net_id)
            values = (key, net_id, 0.5, 10.0, 0.001, 40, 30.0, 30.0, "clean", "limits", "mini", 1.5)
            moment = "2026-03-01T12:00:00+00:00"
            db.execute(
                f"INSERT INTO grade VALUES ({', '.join('?' * 14)})",
                (*values, moment, json.dumps(grade.as_dict())),
            )
        db.execute("INSERT INTO reason VALUES ('k1', 'a', 'b', 'c', 'd', 'e', 'f')")
        db.executemany(
            "INSERT INTO submission VALUES (?, ?)", [("a.py", "k1"), ("b.py", "k2"), ("c", "k3")]
        )
        db.commit()
    return path


def test_grades_of_the_first_version_are_moved_over(version_1, a_grade):
    for _ in range(2):  # the second time there is nothing to move
        with Store(version_1) as store:
            assert store.find("k1") == replace(a_grade, net_id="a")
            assert [p.name for p in store.leaderboard().places if p.rank == 1] != []
            assert store.students().keys() == {"a", "b", "c"}
            (attempt,) = store.history("a")
            assert attempt.handed_in == datetime(2026, 3, 1, 12, tzinfo=UTC)
            assert attempt.rendered_length == 41.5
            store.belongs(HandIn("a.py", b"the file"), "k1", ["a"])
            assert len(store.history("a")) == 1
    assert sql(version_1, "SELECT count(*) FROM reason") == [(1,)]


def test_a_move_that_was_killed_midway_is_finished_by_the_next(version_1):
    program = """
import os, signal, sys
from carrychain.grading import store
store.Store._judge = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
store.Store(sys.argv[1])
"""
    killed = subprocess.run([sys.executable, "-c", program, str(version_1)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with Store(version_1) as store:
        assert store.students().keys() == {"a", "b", "c"}


def test_another_version_is_refused_in_one_sentence(path):
    Store(path).__exit__(None, None, None)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE about SET value = '3' WHERE name = 'version'")
        db.commit()
    with pytest.raises(InvalidInput, match=r"holds grades of version 3, and .* keeps version 2"):
        Store(path)


def test_a_file_that_is_no_database_of_grades_is_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("my notes, which are longer than a header of SQLite" * 10)
    with pytest.raises(InvalidInput, match=r"notes\.txt can't keep grades"):
        Store(text)
    assert text.read_text().startswith("my notes")
    other = tmp_path / "other.sqlite"
    with contextlib.closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE mine (x)")
    before = other.read_bytes()
    with pytest.raises(InvalidInput, match="is no database of grades"):
        Store(other)
    assert other.read_bytes() == before
    with pytest.raises(InvalidInput, match="can't keep grades"):
        Store(tmp_path / "none" / "grades.sqlite")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/class", "can't keep grades: connection"),
        ("postgresql://me:s3cret@127.0.0.1:port/class", "URL can't be read"),
        ("postgresql://me:s3@cret@127.0.0.1/class", "URL can't be read"),
        ("postgresql://127.0.0.1:1/class?password=s3cret&user=me", "can't keep grades"),
        ("nothing://me:s3cret@host/class", "knows no database 'nothing'"),
        ("://s3cret", "URL can't be read"),
    ],
)
def test_a_url_that_is_wrong_is_one_sentence_without_the_password(url, said):
    with pytest.raises(InvalidInput) as error:
        Store(url)
    message = str(error.value)
    assert said in message
    assert "s3cret" not in message
    assert "cret@" not in message
    assert "\n" not in message


def test_a_grade_that_cannot_be_written_is_an_error_of_ours(path, a_grade, monkeypatch):
    monkeypatch.setattr(schema, "_PATIENCE", 0.01)
    with Store(path) as store:
        with contextlib.closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(CarrychainError, match="can't keep a grade: database is locked"):
                store.add("k", a_grade)
            other.rollback()
        store.add("k", a_grade)
        assert store.find("k") == a_grade


@pytest.mark.parametrize(
    ("given", "kept"), [(" AB1234\n", "ab1234"), ("ß", "ß"), ("x" * 120, "x" * 120)]
)
def test_a_net_id_is_kept_in_small_letters(given, kept):
    assert as_net_id(given) == kept


def test_long_net_ids_that_begin_alike_stay_apart():
    one, two = as_net_id("x" * 200 + "1"), as_net_id("x" * 200 + "2")
    assert one != two
    assert len(one) == len(two) == 120
