"""A grade: the hand-out's seven tests on thirty instances, the same wherever it is computed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files

import pytest
from pydantic import TypeAdapter

from carrychain import engines
from carrychain.errors import GenerationFailed, InvalidInput
from carrychain.grading import grade
from carrychain.grading.grader import Grade, Grader
from carrychain.grading.handout import handout_results
from carrychain.grading.instances import graded_problems
from carrychain.grading.integrity import Integrity, Reason
from carrychain.grading.rubric import CREDIT_TESTS, TESTS, load_rubric
from carrychain.grading.submission import check

SHORT = (
    "def your_config():\n    return {'max_tokens': 50, 'temperature': 0.7, 'top_k': 50, "
    "'top_p': 0.6, 'repetition_penalty': 1, 'stop': ['\\n']}"
)


def adds(a, b):
    return str(a + b)


@pytest.fixture
def verdict(monkeypatch):
    """Make every examination end alike."""

    def make(verdict):
        reason = Reason("a test", "It was seen.", "your_post_processing", "1", "2", "3")
        integrity = Integrity(verdict, () if verdict == "clean" else (reason,))
        monkeypatch.setattr("carrychain.grading.grader.examine", lambda *given: integrity)

    return make


@pytest.fixture
def grader(workshop, scripted, verdict):
    """Make a grader of a scripted engine whose examinations end as `clean`."""
    verdict("clean")

    def make(answer=adds, rubric=None, **options):
        return Grader(scripted(answer), workshop, rubric, **options)

    return make


def rubric_with(**integrity):
    rubric = load_rubric()
    rules = rubric.integrity.model_copy(update=integrity)
    return rubric.model_copy(update={"integrity": rules})


def passed(given):
    return [test.name for test in given.tests if test.passed]


def points(given):
    return [test.points for test in given.tests]


# --- scores --------------------------------------------------------------------------------------


def test_a_model_that_adds_gets_everything(grader, write):
    given = grader().grade(write())
    assert (given.score, given.max_score) == (30, 30)
    assert (given.acc, given.mae) == (1, 0)
    assert given.res == pytest.approx(1 / 28)
    assert passed(given) == list(TESTS)
    assert given.net_id == "ab1234"
    assert given.submission == "submission.py"
    assert given.findings == ()


def test_acc_and_mae_are_the_hand_outs_over_thirty_instances(grader, write):
    problems = graded_problems(load_rubric().instances, 5)
    known = {(p.a, p.b) for p in problems[:6]}
    given = grader(lambda a, b: str(a + b + 17 * ((a, b) not in known)), seed=5).grade(write())
    assert given.acc == 6 / 30
    assert given.mae == pytest.approx(17 * 24 / 30)
    assert [(row.a, row.b) for row in given.rows] == [(p.a, p.b) for p in problems]
    assert passed(given) == list(TESTS)  # the error is small enough


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (lambda a, b: "none", []),
        (lambda a, b: str(a + b + 999_999), ["test_partial_credit1"]),
        (lambda a, b: str(a + b + 299_999), ["test_partial_credit1", "test_partial_credit2"]),
        (lambda a, b: str(a + b + 99_999), list(CREDIT_TESTS)),
    ],
)
def test_credit_is_partial_by_the_error(grader, write, answer, names):
    given = grader(answer).grade(write())
    assert [name for name in passed(given) if name in CREDIT_TESTS] == names
    assert given.score == 5 + sum([5, 5, 15][: len(names)])


def test_runs_ask_every_instance_again_and_are_averaged(grader, write):
    asked = []

    def every_other(a, b):
        asked.append((a, b))
        return str(a + b) if asked.count((a, b)) == 1 else "0"

    given = grader(every_other, runs=2).grade(write())
    assert len(given.rows) == 60
    assert given.acc == 0.5
    assert given.mae == pytest.approx(sum(row.answer for row in given.rows) / 120)


def test_numbers_beyond_every_float_are_no_obstacle(grader, write):
    given = grader(lambda a, b: "9" * 400).grade(write())
    assert (given.acc, given.mae, given.res) == (0, None, 0)
    assert given.rows[0].response == 10**400 - 1
    json.dumps(given.as_dict(), allow_nan=False)


def test_a_lying_integer_is_only_its_value(grader, write):
    post = (
        "class Right(int):\n    __eq__ = lambda self, other: True\n    __hash__ = int.__hash__\n"
        "    __sub__ = __rsub__ = lambda self, other: 0\n"
        "def your_post_processing(s): return Right(5)"
    )
    given = grader().grade(write(post=post))
    assert given.acc == 0
    assert given.mae > 10**6


# --- what fails ----------------------------------------------------------------------------------


def test_an_instance_on_which_pre_fails_is_unanswered(grader, write):
    pre = "def your_pre_processing(s):\n    assert not s.startswith('9'), 'no nines'\n    return s"
    given = grader().grade(write(pre=pre))
    problems = graded_problems(load_rubric().instances, 0)
    nines = [p for p in problems if str(p).startswith("9")]
    assert len(given.rows) == 30 - len(nines)
    assert given.acc == pytest.approx(1 - len(nines) / 30)
    assert given.mae == pytest.approx(sum(p.answer for p in nines) / 30)
    (finding,) = given.findings
    assert finding.code == "exception"
    assert f"on {len(nines)} of 30 problems" in finding.message
    assert "AssertionError" in finding.message


def test_an_output_on_which_post_fails_counts_as_zero(grader, write):
    post = "def your_post_processing(s):\n    return int(s) if int(s) % 2 else s.splitlines()[1]"
    given = grader().grade(write(post=post))
    even = [row for row in given.rows if row.answer % 2 == 0]
    assert all(row.response is None and not row.correct for row in even)
    assert given.acc == pytest.approx(1 - len(even) / 30)
    assert given.mae == pytest.approx(sum(row.answer for row in even) / 30)
    assert [finding.code for finding in given.findings] == ["exception"]


def test_pre_that_fails_on_unusual_operands_alone_costs_nothing(grader, write):
    pre = "def your_pre_processing(s):\n    assert len(s) == 15\n    return s"
    given = grader().grade(write(pre=pre))
    assert given.acc == 1
    assert given.findings == ()


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"prompt": "def your_prompt(): return 'x' * 2000, ''"}, "prompt-does-not-fit"),
        ({"pre": "def your_pre_processing(s): return s + 'x' * 2000"}, "prompt-does-not-fit"),
        (
            {
                "prompt": "def your_prompt(): return '', ''",
                "pre": "def your_pre_processing(s): return ''",
            },
            "prompt-does-not-fit",
        ),
        ({"pre": "def your_pre_processing(s): raise KeyError"}, "exception"),
        ({"imports": "import no_such_module"}, "import-failed"),
        ({"prompt": ""}, "missing-function"),
        ({"post": ""}, "missing-function"),
        ({"config": "def your_config(): return {}"}, "missing-key"),
    ],
)
def test_a_submission_that_cannot_be_asked_still_ends_in_a_grade(grader, write, parts, code):
    given = grader().grade(write(**parts))
    assert code in [finding.code for finding in given.findings]
    assert given.acc == 0
    assert given.mae == pytest.approx(
        sum(p.answer for p in graded_problems(load_rubric().instances, 0)) / 30
    )
    assert [test.name for test in given.tests] == list(TESTS)
    assert given.score <= 5
    assert given.rows == ()
    assert given.integrity.verdict == "review"
    assert all(test.output for test in given.tests)


def test_prompts_that_a_server_refuses_end_in_a_grade(grader, write):
    def refuses(a, b):
        raise InvalidInput("the server takes 10 tokens")

    given = grader(refuses).grade(write())
    assert [finding.code for finding in given.findings] == ["prompt-refused"]
    assert given.score == 5


def test_an_engine_that_breaks_down_is_not_the_submissions_fault(grader, write):
    def breaks(a, b):
        raise GenerationFailed("the server is gone")

    with pytest.raises(GenerationFailed, match="the server is gone"):
        grader(breaks).grade(write())


def test_ctrl_c_ends_the_grade(grader, write):
    def interrupts(a, b):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grader(interrupts).grade(write())


def test_wrong_arguments_are_refused(grader, write, tmp_path):
    with pytest.raises(InvalidInput, match="seed is -1"):
        grader(seed=-1)
    with pytest.raises(InvalidInput, match="runs is 0"):
        grader(runs=0)
    with pytest.raises(InvalidInput, match=r"no\.py can't be read"):
        grader().grade(tmp_path / "no.py")


# --- the config's tests --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ("{**c, 'seed': 1}", ["test_config_only_fixed_keys", "test_config_size"]),
        ("{**c, 'max_tokens': 49}", ["test_config_tokens_min"]),
        ("{k: c[k] for k in c if k != 'stop'}", ["test_config_size"]),
        ("{'max_token' if k == 'max_tokens' else k: c[k] for k in c}", None),
    ],
)
def test_the_config_has_three_tests_of_its_own(grader, write, change, failed):
    config = (
        "def your_config():\n    c = {'max_tokens': 50, 'temperature': 0.7, 'top_k': 50, "
        f"'top_p': 0.6, 'repetition_penalty': 1, 'stop': []}}\n    return {change}"
    )
    given = grader().grade(write(config=config))
    config_tests = [test.name for test in given.tests[:3] if not test.passed]
    assert config_tests == (failed or ["test_config_only_fixed_keys", "test_config_tokens_min"])


# --- the verdict ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "left"),
    [
        ("no-credit", [0, 0, 0, 0, 0, 0, 0]),
        ("no-answers", [1, 1, 1, 0, 0, 0, 0]),
        ("one-test", [1, 1, 1, 0, 5, 5, 15]),
    ],
)
def test_a_flagged_submission_gets_what_the_rubric_says(grader, verdict, write, rule, left):
    verdict_of = grader(rubric=rubric_with(flagged=rule))
    verdict("flagged")
    given = verdict_of.grade(write())
    assert points(given) == left
    assert given.score == sum(left)
    assert "test_no_addition_hack" not in passed(given)
    assert given.as_dict()["integrity"]["reasons"][0]["sentence"] == "It was seen."


@pytest.mark.parametrize(("rule", "told"), [("shown", True), ("hidden", False)])
def test_review_takes_no_points_and_is_told_as_the_rubric_says(grader, verdict, write, rule, told):
    one = grader(rubric=rubric_with(review=rule))
    verdict("review")
    given = one.grade(write())
    assert given.score == 30
    assert ("a person will look" in given.tests[3].output) is told


def test_a_sum_that_pre_computes_is_flagged_and_an_honest_reader_is_clean(
    workshop, scripted, write
):
    one = Grader(scripted(lambda a, b: f"{a + b - b % 2}\nQuestion: What is 3+4?"), workshop)
    pre = "def your_pre_processing(s): return s + '=' + str(sum(map(int, s.split('+'))))"
    honest, cheat = one.grade(write()), one.grade(write(pre=pre))
    assert honest.integrity.verdict == "clean"
    assert cheat.integrity.verdict == "flagged"
    assert (honest.score, cheat.score) == (30, 0)


def test_nothing_passes_from_the_operands_to_the_answer_but_through_the_model(grader, write):
    pre = "sums = []\ndef your_pre_processing(s):\n    sums.append(eval(s))\n    return s"
    post = "def your_post_processing(s): return sums.pop(0) if sums else 0"
    assert grader().grade(write(pre=pre, post=post)).acc == 0


# --- the same grade everywhere -------------------------------------------------------------------


def without_time(given):
    return {name: value for name, value in given.as_dict().items() if name != "seconds"}


def test_a_seed_decides_the_grade_and_another_seed_asks_other_instances(
    mini, workshop, write, verdict
):
    verdict("clean")
    rubric = load_rubric()
    few = rubric.instances.model_copy(update={"manual": {}, "drawn": 6})
    rubric = rubric.model_copy(update={"instances": few})
    path = write(config=SHORT)
    first, again, other = (Grader(mini, workshop, rubric, seed).grade(path) for seed in (3, 3, 4))
    assert without_time(first) == without_time(again)
    asked = [{(row.a, row.b) for row in given.rows} for given in (first, other)]
    assert asked[0].isdisjoint(asked[1])
    assert len(first.rows) == 6


def test_several_threads_give_the_grades_of_one(grader, write):
    one = grader(lambda a, b: str(a + b - b % 3))
    paths = [write(f"s{k}.py", net_id=f"def your_netid(): return 's{k}'") for k in range(6)]
    alone = [without_time(one.grade(path)) for path in paths]
    with ThreadPoolExecutor(3) as pool:
        assert [without_time(given) for given in pool.map(one.grade, paths)] == alone


def test_a_grade_is_read_back_from_its_json(grader, verdict, write):
    one = grader()
    verdict("review")
    given = one.grade(write(pre="def your_pre_processing(s): return s if s[0] != '9' else 5"))
    text = json.dumps(given.as_dict(), allow_nan=False)
    assert TypeAdapter(Grade).validate_json(text) == given
    fields = {"submission", "net_id", "acc", "mae", "res", "prompt_length", "score", "max_score"}
    assert fields | {"tests", "integrity", "sandbox", "findings"} <= json.loads(text).keys()


def test_run_tests_gives_the_students_the_instructors_grade(write, tmp_path, mini, workshop):
    path = write(config=SHORT)
    handout = files("carrychain").joinpath("handout")
    script = tmp_path / "run_tests.py"
    script.write_text(handout.joinpath("run_tests.py").read_text("utf-8"))
    done = subprocess.run(
        [sys.executable, str(script), "--seed", "7"],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "60"},
        cwd="/",
    )
    instructors = Grader(mini, workshop, seed=7).grade(path)
    written = json.loads((tmp_path / "results" / "results.json").read_text())
    expected = handout_results(instructors)
    assert done.stderr == ""
    assert {**written, "date": ""} == {**expected, "date": ""}
    assert done.returncode == 0
    assert f"score {instructors.score:g} of 30" in done.stdout
    assert all(name in done.stdout for name in TESTS)
    assert max(map(len, done.stdout.splitlines())) <= 60


def test_run_tests_ends_in_one_sentence_where_there_is_nothing_to_grade(tmp_path):
    source = files("carrychain").joinpath("handout", "run_tests.py").read_text("utf-8")
    (tmp_path / "run_tests.py").write_text(source)
    command = [sys.executable, "run_tests.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("run_tests.py: ")
    assert "submission.py can't be read" in line


def test_results_have_the_hand_outs_shape(grader, write):
    whole = handout_results(grader().grade(write()))
    assert list(whole) == [
        *("date", "num_tests", "failures", "errors"),
        *("skipped", "successful", "details"),
    ]
    assert list(whole.values())[1:-1] == [7, 0, 0, 0, 7]
    assert [detail["name"] for detail in whole["details"]] == list(TESTS)
    wrong = handout_results(grader(lambda a, b: "0").grade(write()))
    assert list(wrong.values())[1:-1] == [7, 3, 0, 0, 4]
    broken = handout_results(grader().grade(write(imports="import no_such_module")))
    assert list(broken.values())[1:-1] == [7, 0, 7, 0, 0]


def test_the_template_is_complete_but_for_net_id_and_token(workshop):
    template = files("carrychain").joinpath("handout", "submission.py")
    submission = check(str(template), workshop)
    assert [f.code for f in submission.findings] == ["empty-net-id", "empty-token"]
    assert submission.runnable


def test_the_function_grades_a_file_on_the_rubrics_model(grader, scripted, write, monkeypatch):
    monkeypatch.setattr(engines, "load", lambda name: {"mini": scripted(adds)}[name])
    path = write()
    assert without_time(grade(path)) == without_time(grader().grade(path))
    assert grade(path, model="mini", seed=2, runs=2).runs == 2


# --- what is never shown -------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["hf_" + "Qq7" * 11, "my-own-kind-of-secret"])
def test_a_planted_token_is_in_no_grade(workshop, write, scripted, monkeypatch, secret):
    reason = Reason("a test", secret, "your_post_processing", secret, secret, secret)
    integrity = Integrity("review", (reason,), (secret,))
    monkeypatch.setattr("carrychain.grading.grader.examine", lambda *given: integrity)
    parts = {
        "token": f"SECRET = {secret!r}\ndef your_hf_token(): return {secret!r}",
        "net_id": "def your_netid(): return SECRET",
        "prompt": "def your_prompt(): return SECRET + ' ', '?\\n' + SECRET",
        "pre": "def your_pre_processing(s):\n    print(SECRET)\n"
        "    if s[0] == '9': raise ValueError(SECRET)\n    return s if s[0] != '8' else SECRET + s",
        "post": f"def your_post_processing(s):\n"
        f"    if s[0] == '1': raise type(SECRET, (Exception,), {{}})(SECRET)  # {secret}\n"
        "    return len(s) if s[0] == '2' else SECRET",
    }
    one = Grader(scripted(lambda a, b: f"{a + b} {secret}"), workshop)
    given = one.grade(write(**parts))
    assert len(given.rows) > 0
    assert len(given.findings) > 2
    for text in (json.dumps(given.as_dict()), repr(given), json.dumps(handout_results(given))):
        assert secret not in text
    assert given.prompt_length == 2 * len(secret) + 3


def test_what_a_student_may_see_holds_no_instance(grader, write):
    pre = (
        "def your_pre_processing(s):\n"
        "    if s[0] in '12': raise type('S' + s, (Exception,), {})(s)\n"
        "    return s if s[0] != '3' else 5"
    )
    post = "def your_post_processing(s):\n    print(s)\n    return s"
    given = grader(lambda a, b: f"{a}+{b}={a + b}", seed=8).grade(write(pre=pre, post=post))
    assert len(given.findings) > 2
    seen = " ".join([t.output for t in given.tests] + [f.message for f in given.findings])
    for problem in graded_problems(load_rubric().instances, 8):
        for number in (problem.a, problem.b, problem.answer):
            assert str(number) not in seen
