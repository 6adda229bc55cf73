"""Two evaluations are compared on the same problems, B less A, or refused."""

from __future__ import annotations

import pytest

from carrychain.addition.comparison import compare
from carrychain.addition.evaluation import evaluate
from carrychain.addition.problems import Problem, handout_pairs
from carrychain.addition.prompts import Prompt
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.stats import mcnemar_exact

PROBLEMS = handout_pairs(0, 1_000_000, 9_999_999, 30)


def run(scripted, wrong, problems=PROBLEMS, runs=1, error=5):
    """Answer the problems, the ones that are listed in `wrong` too high by `error`."""
    places = {(p.a, p.b): i for i, p in enumerate(problems)}
    engine = scripted(lambda a, b, seed: str(a + b + error * (places[a, b] in wrong)))
    prompt = Prompt("What is ", "? ")
    sampling = SamplingParams()
    return evaluate(prompt=prompt, engine=engine, problems=problems, sampling=sampling, runs=runs)


def test_a_difference_is_b_less_a(scripted):
    comparison = compare(run(scripted, range(10)), run(scripted, range(9, 12)))
    assert comparison.n_pairs == 30
    assert (comparison.only_a, comparison.only_b) == (2, 9)
    assert comparison.acc_difference == pytest.approx(7 / 30)
    assert comparison.mae_difference == pytest.approx(-35 / 30)
    assert comparison.mcnemar_p == mcnemar_exact(2, 9)
    low, high = comparison.acc_difference_ci
    assert 0 < low < 7 / 30 < high
    low, high = comparison.mae_difference_ci
    assert low < -35 / 30 < high < 0


def test_turned_round_it_changes_its_sign_and_not_its_p(scripted):
    a, b = run(scripted, range(10)), run(scripted, range(9, 12))
    there, back = compare(a, b), compare(b, a)
    assert there.acc_difference == -back.acc_difference
    assert there.mae_difference == -back.mae_difference
    assert there.mcnemar_p == back.mcnemar_p


def test_an_evaluation_does_not_differ_from_itself(scripted):
    evaluation = run(scripted, range(10))
    comparison = compare(evaluation, evaluation)
    assert comparison.acc_difference == comparison.mae_difference == 0
    assert comparison.acc_difference_ci == comparison.mae_difference_ci == (0, 0)
    assert comparison.mcnemar_p == 1


def test_with_several_runs_mcnemar_is_left_out_and_problems_are_the_unit(scripted):
    once = compare(run(scripted, range(10)), run(scripted, []))
    often = compare(run(scripted, range(10), runs=5), run(scripted, [], runs=5))
    assert often.mcnemar_p is None
    assert often.n_pairs == 30
    assert often.acc_difference_ci == once.acc_difference_ci
    assert (often.only_a, often.only_b) == (0, 10)


def test_other_problems_are_refused_with_the_number_that_is_shared(scripted):
    with pytest.raises(InvalidInput, match="30 and 20, of which 20 are shared"):
        compare(run(scripted, []), run(scripted, [], problems=PROBLEMS[:20]))
    with pytest.raises(InvalidInput, match="0 are shared"):
        compare(run(scripted, []), run(scripted, [], problems=[Problem(1, 2)]))


def test_an_interrupted_evaluation_is_compared_on_what_it_has(scripted):
    part = interrupted(scripted, 12)
    comparison = compare(run(scripted, range(20, 30)), part)
    assert comparison.n_pairs == 12
    assert comparison.only_b == 10
    with pytest.raises(InvalidInput, match="different problems"):
        compare(run(scripted, [], problems=PROBLEMS[:20]), part)


def interrupted(scripted, after):
    engine = scripted(lambda a, b, seed: str(a + b), fail_after=after, error=KeyboardInterrupt())
    prompt, sampling = Prompt("What is ", "? "), SamplingParams()
    return evaluate(prompt=prompt, engine=engine, problems=PROBLEMS, sampling=sampling)


def test_a_pair_that_occurs_twice_meets_its_own_occurrence(scripted):
    problems = [Problem(1, 2), Problem(3, 4), Problem(1, 2)]
    turned = [Problem(3, 4), Problem(1, 2), Problem(1, 2)]
    comparison = compare(run(scripted, [], problems=problems), run(scripted, [], problems=turned))
    assert comparison.n_pairs == 3


def test_errors_beyond_every_float_leave_the_interval_out(scripted):
    huge = run(scripted, [0], error=10**400)
    comparison = compare(run(scripted, []), huge)
    assert comparison.mae_difference_ci is None
    written = comparison.as_dict()
    assert written["mae_difference"] is None
    assert written["mae_difference_ci"] is None
    assert written["acc_difference"] == pytest.approx(-1 / 30)
