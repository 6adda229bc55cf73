"""The rules of a grade stand in one file; a wrong one is refused by the name of its key."""

from __future__ import annotations

from importlib.resources import files

import pytest

from carrychain.addition.problems import handout_pairs, longest_carry_chain
from carrychain.addition.scoring import score
from carrychain.errors import InvalidInput
from carrychain.grading.instances import graded_problems
from carrychain.grading.rubric import CREDIT_TESTS, TESTS, load_rubric

TEXT = files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")


def test_the_tests_are_the_hand_outs_by_name_and_worth_30_points():
    assert TESTS == (
        "test_config_only_fixed_keys",
        "test_config_size",
        "test_config_tokens_min",
        "test_no_addition_hack",
        "test_partial_credit1",
        "test_partial_credit2",
        "test_full_score",
    )
    rubric = load_rubric()
    assert rubric.max_score == 30
    assert (rubric.model, rubric.runs) == ("mini", 1)


@pytest.mark.parametrize(
    ("right", "off_by", "given"),
    [
        (6, 10**7, False),  # accuracy .2 is not above .2
        (7, 10**7, True),
        (0, 99_999, True),
        (0, 100_000, False),  # an error of 1e5 is not below 1e5
    ],
)
def test_full_credit_is_for_accuracy_above_a_fifth_or_error_below_1e5(right, off_by, given):
    answers = [10**7 + k for k in range(30)]
    responses = [a if k < right else a + off_by for k, a in enumerate(answers)]
    metrics = score(answers, responses, prompt_length=28)
    assert load_rubric().tests.test_full_score.given_to(metrics) is given


def test_partial_credits_ask_for_less_and_a_constant_answer_gets_none():
    rubric = load_rubric()
    credits = [rubric.tests.credit(name) for name in CREDIT_TESTS]
    assert credits == sorted(credits, key=lambda credit: credit.acc_above)
    assert credits == sorted(credits, key=lambda credit: -credit.mae_below)
    answers = [problem.answer for problem in graded_problems(rubric.instances, 0)]
    best_guess = sorted(answers)[len(answers) // 2]
    metrics = score(answers, [best_guess] * len(answers), prompt_length=28)
    assert not any(credit.given_to(metrics) for credit in credits)


def test_thirty_instances_are_public_hard_cases_and_a_seeds_own():
    instances = load_rubric().instances
    problems = graded_problems(instances, 0)
    assert len(problems) == len(set(problems)) == 30
    assert problems[: len(instances.public)] == instances.public
    manual = {
        name: [tuple(map(int, text.split("+"))) for text in texts]
        for name, texts in instances.manual.items()
    }
    assert all(longest_carry_chain(a, b) >= 6 for a, b in manual["long_carry_chains"])
    assert all(a == b for a, b in manual["equal_operands"])
    assert all(f"{a}{b}".count("0") >= 9 for a, b in manual["many_zeros"])
    assert {a + b for a, b in manual["sums_at_ten_million"]} >= {10**7 - 1, 10**7, 10**7 + 1}
    for problem in problems:
        assert 10**6 <= problem.a < 10**7
        assert 10**6 <= problem.b < 10**7


def test_a_seed_draws_its_own_instances_and_not_the_notebooks():
    instances = load_rubric().instances
    drawn = {seed: graded_problems(instances, seed)[-instances.drawn :] for seed in (0, 1, 2)}
    assert drawn[0] == graded_problems(instances, 0)[-instances.drawn :]
    everything = [problem for problems in drawn.values() for problem in problems]
    assert len(set(everything)) == 3 * instances.drawn
    notebooks = {p for seed in drawn for p in handout_pairs(seed, 1_000_000, 9_999_999, 100)}
    assert notebooks.isdisjoint(everything)
    with pytest.raises(InvalidInput, match="seed is -1"):
        graded_problems(instances, -1)


def test_a_copy_of_the_file_is_the_same_rubric_and_a_changed_one_another(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    assert load_rubric(path) == load_rubric()
    path.write_text(
        TEXT.replace('"no-credit"\n', '"one-test"\n').replace("drawn = 16", "drawn = 6")
    )
    assert load_rubric(path).integrity.flagged == "one-test"
    assert len(graded_problems(load_rubric(path).instances, 0)) == 20


@pytest.mark.parametrize(
    ("line", "wrong", "said"),
    [
        ("runs = 1 ", "", "runs is missing"),
        ("runs = 1 ", "runs = '1'", "runs is '1'"),
        ("runs = 1 ", "runs = 0", "runs is 0: should be greater than or equal to 1"),
        ("runs = 1 ", "runs = 1\nrun = 2 ", "run is no key of a rubric"),
        ("\nlow = 1_000_000", "\nlow = 99_999_999", "instances.low is 99999999"),
        ("high = 9_999_999", "high = 1e7", "instances.high is 10000000.0"),
        ("drawn = 16", "drawn = -1", "instances.drawn is -1"),
        ('"7777777+7777777"', '"7777777*2"', "instances.manual.equal_operands.1 is '7777777*2'"),
        ("points = 15", "points = -15", "tests.test_full_score.points is -15"),
        ("acc_above = 0.2", "acc_above = 20", "tests.test_full_score.acc_above is 20"),
        ("mae_below = 100_000", "", "tests.test_full_score.mae_below is missing"),
        ("mae_below = 100_000", "mae_below = inf", "tests.test_full_score.mae_below is inf"),
        ("[tests.test_full_score]", "[tests.test_full]", "tests.test_full_score is missing"),
        ('flagged = "no-credit"', 'flagged = "zero"', "integrity.flagged is 'zero'"),
        ('review = "shown"', "review = true", "integrity.review is True"),
        ("[integrity]", "[integrity", "is no TOML"),
    ],
)
def test_a_wrong_rubric_is_refused_by_the_name_of_its_key(tmp_path, line, wrong, said):
    assert TEXT.count(line) == 1
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace(line, wrong))
    with pytest.raises(InvalidInput) as error:
        load_rubric(path)
    assert said in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_rubric_without_an_instance_is_refused(tmp_path):
    manual = TEXT[TEXT.index("long_carry") : TEXT.index("# --- what it is worth")]
    path = tmp_path / "mine.toml"
    path.write_text(TEXT.replace(manual, "").replace("drawn = 16", "drawn = 0"))
    with pytest.raises(InvalidInput, match="at least 1 instance"):
        load_rubric(path)
    with pytest.raises(InvalidInput, match=r"no\.toml can't be read"):
        load_rubric(tmp_path / "no.toml")
