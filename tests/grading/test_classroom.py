"""A class is graded side by side, goes on where it was stopped, and no one in it stops it."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.errors import CarrychainError, GenerationFailed, InvalidInput
from carrychain.grading.classroom import OneAtATime, grade_class, key_of, whose
from carrychain.grading.inbox import HandIn, Student
from carrychain.grading.rubric import load_rubric
from carrychain.grading.store import Store


def digest(hand_in):
    return hand_in.digest


def hand_ins(*names):
    return [HandIn(name, name.encode()) for name in names]


class Grader:
    """Gives the file's text as net id, and does what the text says."""

    def __init__(self, grade):
        self.grade = grade
        self.graded = Counter()

    def __call__(self, path):
        text = path.read_text()
        self.graded[text] += 1
        if text == "broken":
            raise ZeroDivisionError("division by zero")
        if text == "no model":
            raise GenerationFailed("the server is gone")
        return replace(self.grade, net_id=text)


@pytest.fixture
def grader(a_grade):
    return Grader(a_grade)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "grades.sqlite") as store:
        yield store


def test_everyone_is_graded_in_the_order_of_handing_in(grader):
    names = [f"s{k:02}" for k in range(40)]
    seen = []
    results = grade_class(hand_ins(*names), grader, digest, on_result=seen.append)
    assert [each.grade.net_id for each in results] == names
    assert [each.grade.submission for each in results] == names
    assert sorted(each.hand_in.name for each in seen) == names


def test_submissions_are_graded_side_by_side(a_grade):
    together = threading.Barrier(3, timeout=30)

    def grade(path):
        together.wait()  # one after the other would never get past this
        return a_grade

    assert len(grade_class(hand_ins("a", "b", "c"), grade, digest, at_once=3)) == 3


def test_each_sees_its_own_two_files_and_no_other(a_grade):
    seen = {}

    def grade(path):
        seen[path.read_bytes()] = sorted((f.name, f.read_bytes()) for f in path.parent.iterdir())
        return a_grade

    grade_class([HandIn("a", b"a", b"p"), HandIn("b", b"b")], grade, digest)
    assert seen == {
        b"a": [("prompt.txt", b"p"), ("submission.py", b"a")],
        b"b": [("submission.py", b"b")],
    }


def test_what_goes_wrong_with_one_stays_with_it(store, grader):
    some = [*hand_ins("a", "broken", "no model", "b"), HandIn("empty", problem="no submission.py")]
    results = grade_class(some, grader, digest, store)
    assert [each.problem for each in results] == [
        "",
        "the grader itself failed: ZeroDivisionError: division by zero",
        "the server is gone",
        "",
        "no submission.py",
    ]
    assert {place.name for place in store.leaderboard().places} == {"a", "b"}


def test_a_second_run_grades_nothing_again(store, grader):
    grade_class(hand_ins("a", "b"), grader, digest, store)
    results = grade_class(hand_ins("a", "b", "c"), grader, digest, store)
    assert grader.graded == {"a": 1, "b": 1, "c": 1}
    assert [each.kept for each in results] == [True, True, False]
    assert [each.grade.net_id for each in results] == ["a", "b", "c"]


def test_a_run_that_is_interrupted_keeps_what_it_finished(store, grader):
    some = hand_ins("a", "b", "c", "d")

    def interrupt(result):
        if result.hand_in.name == "b":
            raise KeyboardInterrupt

    first = grade_class(some, grader, digest, store, at_once=1, on_result=interrupt)
    assert [each.hand_in.name for each in first] == ["a", "b"]
    assert [each.hand_in.name for each in grade_class(some, grader, digest, store)] == list("abcd")
    assert grader.graded["a"] == grader.graded["b"] == 1


def test_who_handed_in_the_same_is_graded_once(store, grader):
    twins = [HandIn("one", b"same"), HandIn("two", b"same"), HandIn("three", b"other")]
    results = grade_class(twins, grader, digest, store)
    assert grader.graded == {"same": 1, "other": 1}
    assert [each.grade.submission for each in results] == ["one", "two", "three"]
    assert len(store.attempts()) == 3


@pytest.mark.parametrize(
    ("students", "says", "net_ids"),
    [
        ([("Ada", "ab12@example.edu", "7")], "liar", ["ab12"]),
        ([("Ada", "", "7"), ("Bob", "", "")], "x", ["7", "Bob"]),
        ([], " cd34 ", ["cd34"]),
        ([], "", ["ef56"]),
        ([("", "", "")], "", ["ef56"]),
    ],
)
def test_an_export_is_believed_before_the_file_and_the_file_before_its_name(
    a_grade, students, says, net_ids
):
    hand_in = HandIn("class/ef56.py", students=tuple(Student(*each) for each in students))
    assert whose(hand_in, replace(a_grade, net_id=says)) == net_ids


def test_who_hands_in_together_has_one_grade_each(store, grader):
    pair = (Student("Ada", "ab12@x.edu", ""), Student("Bob", "cd34@x.edu", ""))
    grade_class([HandIn("s", b"s", students=pair)], grader, digest, store)
    assert store.students().keys() == {"ab12", "cd34"}
    assert grader.graded == {"s": 1}


def test_what_another_grader_finished_meanwhile_is_not_graded_again(store, a_grade):
    some = hand_ins("a", "b")

    def grade(path):
        assert path.read_text() == "a"
        store.add(some[1].digest, replace(a_grade, net_id="of the other"))
        return a_grade

    results = grade_class(some, grade, digest, store, at_once=1)
    assert [each.grade.net_id for each in results] == ["ab1234", "of the other"]


def test_a_grade_that_cannot_be_kept_ends_the_class(store, monkeypatch, grader):
    def full(key, grade):
        raise CarrychainError("the disk is full")

    monkeypatch.setattr(store, "add", full)
    with pytest.raises(CarrychainError, match="the disk is full"):
        grade_class(hand_ins("a", "b"), grader, digest, store)


def test_the_key_changes_with_everything_that_decides_a_grade():
    rubric = load_rubric()
    info = EngineInfo("mini", "mini", "1", {"slots": 4})
    base = {"hand_in": HandIn("a", b"x"), "engine": info, "seed": 0, "runs": 1}
    base["rubric"] = rubric
    same = key_of(**base | {"hand_in": HandIn("other name", b"x")})
    others = {
        key_of(**base | change)
        for change in (
            {"hand_in": HandIn("a", b"y")},
            {"hand_in": HandIn("a", b"x", b"prompt")},
            {"engine": replace(info, name="smollm2")},
            {"engine": replace(info, revision="2")},
            {"engine": replace(info, settings={"slots": 8})},
            {"rubric": rubric.model_copy(update={"runs": 2})},
            {"seed": 1},
            {"runs": 2},
        )
    }
    assert same == key_of(**base)
    assert len(others | {same}) == 9


class Engine:
    """Answers with its prompts, and notices if two threads ask at once."""

    info = EngineInfo("fake", "fake")
    context = 100

    def __init__(self):
        self.asking = 0

    def count_tokens(self, text):
        return len(text)

    def generate(self, prompts, params, seeds):
        self.asking += 1
        assert self.asking == 1
        for index, prompt in enumerate(prompts):
            yield Completion(index, prompt, 1, 1, FinishReason.EOS)
        self.asking -= 1


def texts(engine, prompt, n=50):
    return [c.text for c in engine.generate_sharing([prompt] * n, SamplingParams(), range(n), [])]


def test_one_engine_serves_many_threads_one_at_a_time():
    engine = OneAtATime(Engine())
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda prompt: texts(engine, prompt), "abcdefgh"))
    assert answers == [[prompt] * 50 for prompt in "abcdefgh"]
    assert (engine.info.name, engine.context, engine.count_tokens("abc")) == ("fake", 100, 3)


def test_an_engine_that_shares_prefixes_still_does():
    class Sharing(Engine):
        def generate_sharing(self, prompts, params, seeds, probes):
            assert probes == ["probe"]
            yield Completion(0, "shared", 1, 1, FinishReason.EOS)

    (answer,) = OneAtATime(Sharing()).generate_sharing(["x"], SamplingParams(), [0], ["probe"])
    assert answer.text == "shared"


def test_a_closed_engine_ends_what_is_being_generated():
    engine = OneAtATime(Engine())
    running = engine.generate(["a", "b"], SamplingParams(), [0, 1])
    assert next(running).text == "a"
    engine.close()
    with pytest.raises(GenerationFailed, match="interrupted"):
        next(running)


def test_an_engine_is_free_again_after_a_failure():
    class Failing(Engine):
        def generate(self, prompts, params, seeds):
            raise InvalidInput("too long")

    engine = OneAtATime(Failing())
    for _ in range(2):  # a lock that was kept would hang the second
        with pytest.raises(InvalidInput):
            texts(engine, "x")
