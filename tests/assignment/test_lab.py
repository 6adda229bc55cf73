"""Each evaluation is made once, kept, and gone on with where it was broken off."""

import json
from dataclasses import replace

import pytest

from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Plan, Question, ask_shipped
from carrychain.assignment.lab import Lab, distinct
from carrychain.engines.base import EngineInfo
from carrychain.errors import GenerationFailed, InvalidInput

PLAN = Plan(n=3)


def test_an_evaluation_that_two_questions_need_is_made_once(adder, questions):
    experiments = list(Lab(adder).run(questions, PLAN))
    assert [e.question.name for e in experiments] == ["Q1a", "Q2b"]
    assert len(adder.asked) == 3 + 3 + 2
    first, second = (e.evaluations["eight tokens"] for e in experiments)
    assert first is second
    assert sum(ask.answers for ask in distinct(questions, PLAN)) == 6


def test_a_follow_up_is_asked_and_seen(adder, questions):
    *_, last = Lab(adder).run(questions, PLAN)
    assert last.evaluations["again"].runs == 2


def test_progress_counts_every_answer_and_grows_with_a_follow_up(adder, questions):
    seen = []
    list(Lab(adder).run(questions, PLAN, seen.append))
    assert [p.done for p in seen] == list(range(1, 9))
    assert [p.total for p in seen] == [6] * 6 + [8] * 2
    assert [p.question for p in seen] == ["Q1a"] * 6 + ["Q2b"] * 2


def test_files_have_readable_names_and_load_as_evaluations(adder, questions, tmp_path):
    experiments = list(Lab(adder, folder=tmp_path).run(questions, PLAN))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "q1a-eight-tokens.json",
        "q1a-fifty-tokens.json",
        "q2b-again.json",
    ]
    for experiment in experiments:
        for name, file in experiment.files.items():
            assert Evaluation.load(tmp_path / file).rows == experiment.evaluations[name].rows


def test_names_that_differ_only_in_what_a_file_cannot_hold_stay_apart(adder, tmp_path):
    def asks(plan):
        return {
            "a b": ask_shipped("zero-shot", plan.problems()),
            "A/b": ask_shipped("few-shot", plan.problems()),
        }

    def nothing(context):
        return None

    question = Question("Q1a", "", "", asks, nothing)
    (experiment,) = Lab(adder, folder=tmp_path).run([question], PLAN)
    assert experiment.files == {"a b": "q1a-a-b.json", "A/b": "q1a-a-b-2.json"}


@pytest.mark.parametrize("breaks_at", range(8))
@pytest.mark.parametrize("error", [KeyboardInterrupt, lambda: GenerationFailed("it broke")])
def test_after_a_break_only_what_is_missing_is_asked(
    make_adder, questions, tmp_path, breaks_at, error
):
    whole = list(Lab(make_adder()).run(questions, PLAN))
    broken = make_adder(breaks_at=breaks_at, break_with=error)
    with pytest.raises((KeyboardInterrupt, GenerationFailed)):
        list(Lab(broken, folder=tmp_path).run(questions, PLAN))
    later = make_adder()
    seen = []
    experiments = list(Lab(later, folder=tmp_path).run(questions, PLAN, seen.append))
    assert len(broken.asked) == breaks_at
    assert len(later.asked) == 8 - breaks_at
    assert seen[-1].done == seen[-1].total == 8
    for before, after in zip(whole, experiments, strict=True):
        assert {k: e.rows for k, e in before.evaluations.items()} == {
            k: e.rows for k, e in after.evaluations.items()
        }


@pytest.mark.parametrize(
    "change",
    [
        {"plan": Plan(n=2)},
        {"seed": 1},
        {"info": EngineInfo("adder", "adder (scripted)", "v2", {"slots": 4})},
        {"info": EngineInfo("adder", "adder (scripted)", "v1", {"slots": 4, "dtype": "bfloat16"})},
    ],
)
def test_a_kept_evaluation_of_other_settings_is_not_mixed_in(
    make_adder, questions, tmp_path, change
):
    list(Lab(make_adder(), folder=tmp_path).run(questions[:1], PLAN))
    later = make_adder(**({"info": change["info"]} if "info" in change else {}))
    plan, seed = change.get("plan", PLAN), change.get("seed", 0)
    experiments = list(Lab(later, folder=tmp_path, seed=seed).run(questions[:1], plan))
    made = experiments[0].evaluations.values()
    assert len(later.asked) == sum(e.asked for e in made)
    assert all(e.seed == seed and e.model == later.info for e in made)


def test_a_model_that_went_on_with_fewer_rows_keeps_what_is_complete(
    make_adder, questions, tmp_path
):
    list(Lab(make_adder(), folder=tmp_path).run(questions, PLAN))
    fewer = make_adder(info=replace(make_adder().info, settings={"slots": 2}))
    list(Lab(fewer, folder=tmp_path).run(questions, PLAN))
    assert fewer.asked == []


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"rows": 3}'])
def test_a_damaged_file_is_asked_again_and_replaced(make_adder, questions, tmp_path, content):
    list(Lab(make_adder(), folder=tmp_path).run(questions, PLAN))
    (tmp_path / "q1a-eight-tokens.json").write_text(content)
    later = make_adder()
    list(Lab(later, folder=tmp_path).run(questions, PLAN))
    assert len(later.asked) == 3
    assert json.loads((tmp_path / "q1a-eight-tokens.json").read_text())["complete"] is True


def test_a_second_model_is_asked_what_is_for_it(make_adder, questions):
    one, two = make_adder(), make_adder(info=EngineInfo("two", "two"))
    experiments = list(Lab(one, two).run(questions, Plan(n=3, second=True)))
    assert len(two.asked) == 3
    assert experiments[0].evaluations["second"].model.name == "two"


def test_a_prompt_that_does_not_fit_names_the_question(make_adder, questions):
    adder = make_adder(breaks_at=0, break_with=lambda: InvalidInput("the prompt is too long"))
    with pytest.raises(InvalidInput, match=r"^Q1a: the prompt is too long"):
        list(Lab(adder).run(questions, PLAN))
