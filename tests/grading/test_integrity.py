"""Is the sum the model's own? Honest submissions stay clean, those that compute are flagged."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import random
import re
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from carrychain.grading.integrity.digits import read
from carrychain.grading.integrity.hints import hints
from carrychain.sandbox.outcome import Failure
from carrychain.sandbox.protocol import Kind

spec = importlib.util.spec_from_file_location(
    "integrity_cases", Path(__file__).with_name("integrity_cases.py")
)
assert spec is not None
assert spec.loader is not None
cases = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = cases
spec.loader.exec_module(cases)


def pairs(listed):
    return [
        pytest.param(post, run, id=f"{getattr(post, '__name__', '')}-{run}")
        for post, runs in listed
        for run in runs
    ]


def post_verdict(post, run, seed=0):
    base, outputs = cases.outputs_of(run)
    return cases.verdict_of(post, base, seed=seed, outputs=outputs)


def examined(make, run="few-shot"):
    base, outputs = cases.outputs_of(run)
    submission = cases.InProcess(make, *cases.prompt_of(base))
    return cases.examined(submission, base, outputs=outputs)


# --- post-processing -----------------------------------------------------------------------------


@pytest.mark.parametrize(("post", "run"), pairs(cases.HONEST))
def test_an_honest_reader_is_clean(post, run):
    integrity = post_verdict(post, run)
    assert (integrity.verdict, integrity.reasons) == ("clean", ())


@pytest.mark.parametrize(("post", "run"), pairs(cases.PERHAPS_REVIEW))
def test_what_reads_strangely_but_adds_nothing_is_not_flagged(post, run):
    assert post_verdict(post, run).verdict != "flagged"


@pytest.mark.parametrize(
    ("name", "run"), [(name, run) for name, (_, runs) in cases.CHEATS.items() for run in runs]
)
def test_a_sum_worked_out_in_post_processing_is_flagged(name, run):
    post, _ = cases.CHEATS[name]
    integrity = post_verdict(post, run)
    assert integrity.verdict == "flagged"
    for reason in integrity.reasons:
        assert reason.function == "your_post_processing"
        assert str(post(reason.given)) == reason.returned
        assert reason.returned != reason.expected


def test_a_constant_answer_is_for_review():
    assert post_verdict(lambda output: 11_000_000, "few-shot").verdict == "review"
    assert post_verdict(lambda output: 0, "few-shot").verdict == "review"


def test_a_guess_in_place_of_a_missing_answer_is_for_review():
    def post(output):
        found = re.search(r"\d{7,8}", output)
        return int(found[0]) if found else 11_000_000

    assert post_verdict(post, "zero-shot").verdict == "review"


def test_the_sum_of_an_output_that_has_not_its_digits_is_flagged_though_nothing_else_is_asked():
    """Whoever knows the graded outputs, and only those, still shows in the graded answers."""
    known = dict(zip(cases.RUNS["one-shot-7-digit"]["outputs"], map(sum, cases.PAIRS), strict=True))
    wrong = [o for o, s in known.items() if cases._first(o) != s]
    assert wrong
    verdict = post_verdict(lambda o: known.get(o) or cases._first(o), "one-shot-7-digit")
    assert verdict.verdict == "flagged"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("run", ["few-shot", "echo"])
def test_the_sum_is_found_when_only_one_pair_in_ten_is_added(run, seed):
    post, _ = cases.CHEATS["adds with one in ten"]
    assert post_verdict(post, run, seed).verdict == "flagged"


# --- pre-processing ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", cases.HONEST_PRE)
def test_writing_each_operand_in_its_own_way_is_clean(name):
    verdict = cases.verdict_of(cases._first, "few-shot", cases.HONEST_PRE[name])
    assert (verdict.verdict, verdict.reasons) == ("clean", ())


@pytest.mark.parametrize("name", cases.SORTING_PRE)
def test_sorting_the_operands_is_for_review(name):
    verdict = cases.verdict_of(cases._first, "few-shot", cases.SORTING_PRE[name])
    assert verdict.verdict == "review"


@pytest.mark.parametrize("name", cases.CHEATING_PRE)
def test_a_hint_of_the_sum_in_the_prompt_is_flagged(name):
    pre = cases.CHEATING_PRE[name]
    verdict = cases.verdict_of(cases._first, "few-shot", pre)
    assert verdict.verdict == "flagged"
    reason = verdict.reasons[0]
    assert reason.function == "your_pre_processing"
    assert pre(reason.given) == reason.returned != reason.expected


def test_the_expected_text_is_what_the_pre_processing_would_write_without_its_hint():
    pre = cases._told(lambda a, b: "even" if (a + b) % 2 == 0 else "odd.")
    reason = cases.verdict_of(cases._first, "few-shot", pre).reasons[0]
    assert reason.expected.startswith(f"{reason.given} ")


# --- state and history ---------------------------------------------------------------------------


def last_problem():
    seen = [0]

    def pre(problem):
        seen[0] = eval(problem)
        return problem

    return pre, lambda output: seen[0] or cases._first(output)


def queue():
    seen = []

    def pre(problem):
        seen.append(eval(problem))
        return problem

    return pre, lambda output: seen.pop(0) if seen else cases._first(output)


def near_only():
    seen = []

    def pre(problem):
        seen.append(eval(problem))
        return problem

    def post(output):
        found = cases._first(output)
        return next((s for s in seen if abs(s - found) < s // 20), found)

    return pre, post


@pytest.mark.parametrize("make", [last_problem, queue, near_only])
def test_operands_that_pass_from_pre_to_post_are_flagged(make):
    integrity = examined(make)
    assert integrity.verdict == "flagged"
    assert integrity.reasons[0].experiment == "state"


def where_it_is_graded(answer):
    """Return functions that cheat in a child whose first call was about the first problem."""

    def make():
        first = []

        def post(output):
            numbers = [int(n) for n in re.findall(r"\d+", output)]
            first.append(tuple(numbers[:2]))
            if len(numbers) < 3:
                return numbers[-1] if numbers else 0
            return answer(*numbers) if first[0] == cases.PAIRS[0] else numbers[2]

        return cases.same, post

    return make


def test_a_sum_that_is_returned_for_grading_alone_is_flagged():
    integrity = examined(where_it_is_graded(lambda a, b, *_: a + b), "echo")
    assert integrity.verdict == "flagged"
    assert "state" in {reason.experiment for reason in integrity.reasons}


def test_a_choice_by_the_sum_that_is_made_for_grading_alone_is_flagged():
    right = lambda a, b, x, *y: y[0] if y and y[0] == a + b else x  # noqa: E731
    integrity = examined(where_it_is_graded(right), "two")
    assert integrity.verdict == "flagged"
    assert "selection" in {reason.experiment for reason in integrity.reasons}


def test_a_choice_by_place_that_is_made_for_grading_alone_is_for_review():
    second = lambda a, b, x, *y: y[0] if y else x  # noqa: E731
    assert examined(where_it_is_graded(second), "two").verdict == "review"


def test_a_hint_that_is_given_for_grading_alone_is_flagged():
    def make():
        calls = []

        def pre(problem):
            calls.append(problem)
            told = calls[0] == "{}+{}".format(*cases.PAIRS[0])
            return cases.CHEATING_PRE["letters"](problem) if told else problem

        return pre, cases._first

    integrity = examined(make)
    assert integrity.verdict == "flagged"
    assert integrity.reasons[0].experiment == "rectangles"


def numbered():
    calls = itertools.count(1)
    return (lambda problem: f"{next(calls)}) {problem}"), cases._first


def after_the_last():
    calls = [""]

    def pre(problem):
        calls.append(problem)
        return f"{problem}, after {calls[-2]}"

    return pre, cases._first


@pytest.mark.parametrize("make", [numbered, after_the_last])
def test_pre_processing_that_counts_or_remembers_is_for_review(make):
    assert examined(make).verdict == "review"


def counting():
    calls = itertools.count()
    return cases.same, lambda output: cases._first(output) if next(calls) < 30 else 0


def by_chance():
    return cases.same, lambda output: cases._first(output) if random.random() < 0.8 else 0


def by_time():
    return cases.same, lambda output: cases._first(output) + time.perf_counter_ns() % 10


@pytest.mark.parametrize("make", [counting, by_chance, by_time])
def test_an_answer_that_depends_on_order_chance_or_time_is_not_clean(make):
    integrity = examined(make)
    assert integrity.verdict != "clean"


def test_pre_processing_that_depends_on_chance_is_for_review():
    pre = lambda problem: f"{random.choice(['Add', 'Sum'])} {problem}"  # noqa: E731
    assert examined(lambda: (pre, cases._first)).verdict == "review"


@pytest.mark.parametrize("kind", [Kind.TIME, Kind.DIED, Kind.OUTPUT, Kind.FORBIDDEN])
def test_what_cannot_be_examined_to_the_end_is_for_review(kind):
    def post(output):
        return cases._first(output) if output in shown else Failure(kind, "gone")

    shown = set(cases.RUNS["few-shot"]["outputs"])
    integrity = examined(lambda: (cases.same, post))
    assert integrity.verdict == "review"
    assert "to the end" in {reason.experiment for reason in integrity.reasons}


def test_a_sum_seen_before_the_examination_broke_off_is_flagged_all_the_same():
    post, _ = cases.CHEATS["adds with int"]
    calls = itertools.count()

    def tiring(output):
        return post(output) if next(calls) < 600 else Failure(Kind.TIME, "was not done")

    assert examined(lambda: (cases.same, tiring), "echo").verdict == "flagged"


# --- what it costs, and that it repeats ----------------------------------------------------------


@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize(("post", "run"), [(cases._first, "few-shot"), (cases._columns, "best")])
def test_an_examination_stays_within_its_calls_and_children(post, run, runs):
    submission = cases.InProcess(lambda: (cases.same, post), *cases.prompt_of(run))
    outputs = [f"{output}{' ' * i}" for i in range(runs) for output in cases.RUNS[run]["outputs"]]
    assert cases.examined(submission, run, outputs=outputs).verdict == "clean"
    assert submission.calls["post"] < 1600
    assert submission.calls["pre"] < 1000
    assert submission.calls["children"] <= 24


def test_the_same_seed_gives_the_same_reasons():
    post, _ = cases.CHEATS["equal to the sum"]
    assert post_verdict(post, "candidates", 5) == post_verdict(post, "candidates", 5)


# --- hints ---------------------------------------------------------------------------------------


def test_the_handouts_own_rule_is_a_hint_and_not_the_verdict():
    source = (
        "def your_post_processing(output):\n"
        "    digits = ''\n"
        "    for c in output:\n"
        "        digits = digits + c\n"
    )
    submission = cases.InProcess(lambda: (cases.same, cases._by_hand), text=source)
    integrity = cases.examined(submission, "few-shot")
    assert integrity.verdict == "clean"
    assert integrity.hints == ("line 4: the hand-out's rule: + in your_post_processing (ast.Add)",)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("x = eval('1+1')", "line 1: eval() is called"),
        ("x = sum([1, 2])", "line 1: sum() is called"),
        ("import os, re", "line 1: os is imported"),
        ("from operator import add", "line 1: operator is imported"),
        ("x = int('1') + int('2')", "line 1: + is used on what int() returned"),
        ("x = -(-a - b)", "line 1: - is used"),
        ("x = a ^ b", "line 1: ^ is used"),
    ],
)
def test_a_hint_names_its_line(code, hint):
    assert hint in hints(ast.parse(code))


def test_ordinary_code_gives_no_hint():
    code = "import re, json\nx = 'a%d' % 3\ny = int(re.findall('[0-9]+', z)[0][::-1])\n"
    assert hints(ast.parse(code)) == ()
    assert hints(None) == ()


# --- random readers and random cheats ------------------------------------------------------------


@st.composite
def readers(draw):
    """Compose an honest reader of texts, filters, choices, slices and reversals."""
    before = draw(
        st.sampled_from(
            [
                lambda s: s,
                lambda s: s.replace(",", ""),
                lambda s: s.split("\n")[0],
                lambda s: s.partition("Answer:")[2] or s,
                lambda s: s[:40],
                lambda s: s[::-1],
                lambda s: re.sub(r"[^\d\n]", " ", s),
                lambda s: s.replace(" ", ""),
            ]
        )
    )
    pattern = draw(st.sampled_from([r"\d+", r"\d{7,8}", r"\d", r"\d{2,}", r"=(\d+)", r"1?\d{7}"]))
    keep = draw(
        st.sampled_from(
            [
                lambda n: True,
                lambda n: len(n) > 1,
                lambda n: n[0] != "0",
                lambda n: len(n) in (7, 8),
                lambda n: n != n[::-1],
            ]
        )
    )
    choose = draw(
        st.sampled_from(
            [
                lambda found: found[0],
                lambda found: found[-1],
                lambda found: max(found, key=len),
                lambda found: max(found, key=found.count),
                lambda found: "".join(found)[:30],
                lambda found: "".join(n[-1] for n in found)[:8],
                lambda found: found[len(found) // 2],
            ]
        )
    )
    cut = draw(
        st.sampled_from(
            [slice(None), slice(None, None, -1), slice(0, 8), slice(-8, None), slice(1, None)]
        )
    )

    def read_number(output):
        found = [n for n in re.findall(pattern, before(output)) if keep(n)]
        return int(choose(found)[cut] or 0) if found else 0

    return read_number


NEARLY = ["noise", "rounded", "leading", "millions"]
EXACT = [name for name in cases.ADDERS if name not in NEARLY]
RUN_NAMES = st.sampled_from(
    ["few-shot", "zero-shot", "best", "worded", "echo", "two", "ramble", "spaced"]
)
SLOW = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@SLOW
@given(readers(), RUN_NAMES, st.integers(0, 1000))
def test_no_random_honest_reader_is_flagged(reader, run, seed):
    integrity = post_verdict(reader, run, seed)
    assert integrity.verdict != "flagged", integrity.reasons


@SLOW
@given(
    readers(),
    st.one_of(
        st.tuples(st.sampled_from(EXACT), st.integers(1, 4)),
        st.tuples(st.sampled_from(NEARLY), st.just(1)),
    ),
    st.sampled_from(["echo", "ramble"]),
    st.integers(0, 1000),
)
@example(cases._last, ("noise", 1), "echo", 0)
def test_every_random_cheat_that_changes_a_graded_answer_is_flagged(reader, cheat, run, seed):
    """It adds every k-th pair; one that adds only nearly right adds all of them."""
    add, k = cheat

    def post(output):
        pair = cases.operands(output)
        if pair and sum(map(int, str(pair[0]))) % k == 0:
            return cases.ADDERS[add](*pair)
        return reader(output)

    outputs = cases.outputs_of(run)[1]
    sums = [a + b for a, b in cases.PAIRS]
    changed = [
        abs(post(output) - total) < total // 10 and post(output) != reader(output)
        for output, total in zip(outputs, sums, strict=True)
    ]
    if any(changed):
        assert post_verdict(post, run, seed).verdict == "flagged"


# --- digits --------------------------------------------------------------------------------------


def test_redrawn_digits_keep_what_a_reader_may_rely_on():
    output = "Step 1: 5+7+0=12, write 2\nStep 2: 9+4+1=14, write 4\nStep 3: 13033938 ok 13033938"
    new = read(output).redrawn(random.Random(3))
    assert re.sub(r"\d", "#", new) == re.sub(r"\d", "#", output)
    assert [int(n) for n in re.findall(r"Step (\d)", new)] == [1, 2, 3]
    assert all(c in "01" for c in re.findall(r"\+(\d)=", new))
    first, second = re.findall(r"\d{8}", new)
    assert first == second != "13033938"
    assert first[0] == "1"


def test_digits_are_read_and_written_full_width_and_as_words():
    digits = read("１2 Seven")
    assert digits.stream == "127"
    assert digits.changed({0: 4, 1: 5, 2: 6}) == "４5 Six"


@given(st.integers(0, 10**40), st.text(alphabet="ab ,.\n", max_size=3))
def test_a_number_is_a_copy_forwards_and_backwards_whatever_parts_its_digits(number, between):
    text = between.join(str(number))
    assert read(f"x{text}").copies(number)
    assert read(text[::-1]).copies(number)
