"""An evaluation asks each problem once a run, keeps what is finished, and can be gone on with."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from carrychain.addition.evaluation import Evaluation, evaluate, request_seed
from carrychain.addition.problems import Problem, handout_pairs
from carrychain.addition.prompts import Prompt
from carrychain.addition.results import Timing
from carrychain.engines.base import SamplingParams
from carrychain.errors import GenerationFailed, InvalidInput

PROMPT = Prompt("Question: What is ", "?\nAnswer: ")
PROBLEMS = handout_pairs(0, 1_000_000, 9_999_999, 10)
ORIGIN = {"digits": 7, "seed": 0, "n": 10}


def adds(a, b, seed):
    return f"{a + b + seed % 2}\nQuestion"


def ask(engine, **changed):
    arguments = {
        "prompt": PROMPT,
        "engine": engine,
        "problems": PROBLEMS,
        "sampling": SamplingParams(),
        "seed": 3,
        "runs": 2,
        "origin": ORIGIN,
    }
    return evaluate(**{**arguments, **changed})


def test_rows_stand_in_the_order_of_problems_then_runs_whatever_finishes_first(scripted):
    evaluation = ask(scripted(adds))
    assert [(r.index, r.run) for r in evaluation.rows] == [
        (i, r) for i in range(10) for r in (0, 1)
    ]
    first = evaluation.rows[0]
    assert (first.a, first.b, first.answer) == (6732655, 3428081, 10160736)
    assert first.prompt == "Question: What is 6732655+3428081?\nAnswer: "
    assert first.seed == request_seed(3, 0, 0)
    for row in evaluation.rows:
        assert row.output == adds(row.a, row.b, row.seed)
        assert row.response == row.answer + row.seed % 2
        assert row.correct == (row.seed % 2 == 0)
    assert evaluation.complete
    assert evaluation.interruption is None
    assert evaluation.metrics.correct == sum(row.correct for row in evaluation.rows)


def test_every_request_has_its_own_seed_and_keeps_it_when_n_or_runs_grow(scripted):
    few = ask(scripted(adds), problems=PROBLEMS[:4], runs=1)
    many = ask(scripted(adds))
    by_place = {(r.index, r.run): r.seed for r in many.rows}
    assert len(set(by_place.values())) == 20
    assert all(by_place[row.index, row.run] == row.seed for row in few.rows)
    assert all(0 <= seed < 2**64 for seed in by_place.values())
    assert {r.seed for r in ask(scripted(adds), seed=4).rows}.isdisjoint(by_place.values())


def test_the_seed_is_split_mix_64():
    state = 0
    for part in (9, 4, 1):
        state = reference_split_mix((state + part) % 2**64)
    assert request_seed(9, 4, 1) == state
    # what its authors' code prints first from this state
    assert reference_split_mix(1234567) == 6457827717110365317


def reference_split_mix(state):
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def test_rows_are_told_as_they_finish(scripted):
    told = []
    evaluation = ask(scripted(adds), on_row=told.append)
    assert told == list(reversed(evaluation.rows))


def test_pre_processing_changes_what_the_model_sees_and_not_the_problem(scripted):
    evaluation = ask(scripted(adds), problems=[Problem(12, 345)], runs=1, pre_processing="padded")
    (row,) = evaluation.rows
    assert row.prompt == "Question: What is 00000012+00000345?\nAnswer: "
    assert (row.a, row.b, row.answer) == (12, 345, 357)
    assert evaluation.metrics.prompt_length == 28


def test_the_named_extraction_reads_the_output(scripted):
    engine = scripted(lambda a, b, seed: f"{a} and {b} make {a + b}")
    assert ask(engine).metrics.acc == 0
    assert ask(engine, extract="last-integer").metrics.acc == 1


@pytest.mark.parametrize("error", [GenerationFailed("the server is gone"), KeyboardInterrupt()])
def test_what_was_finished_before_a_break_is_kept_and_the_rest_is_unscored(scripted, error):
    whole = ask(scripted(adds))
    part = ask(scripted(adds, fail_after=7, error=error))
    assert not part.complete
    assert part.interruption
    assert part.rows == whole.rows[-7:]
    assert (part.metrics.n, part.metrics.unscored) == (7, 13)
    assert part.metrics.acc == sum(row.correct for row in whole.rows[-7:]) / 7


def test_ctrl_c_while_a_row_is_told_keeps_that_row(scripted):
    def stop(row):
        raise KeyboardInterrupt

    part = ask(scripted(adds), on_row=stop)
    assert len(part.rows) == 1
    assert not part.complete


@pytest.mark.parametrize("finished", [0, 1, 7, 19])
def test_an_evaluation_that_is_gone_on_with_has_the_rows_of_an_uninterrupted_one(
    scripted, finished, tmp_path
):
    whole = ask(scripted(adds))
    part = ask(scripted(adds, fail_after=finished, error=KeyboardInterrupt()))
    part.save(tmp_path / "part.json")
    engine = scripted(adds)
    done = ask(engine, resume=Evaluation.load(tmp_path / "part.json"))
    assert done.rows == whole.rows
    assert done.complete
    assert done.metrics == whole.metrics
    assert len(engine.asked[0]) == 20 - finished


def test_a_complete_evaluation_is_not_asked_again(scripted):
    whole = ask(scripted(adds))
    engine = scripted(adds)
    assert ask(engine, resume=whole).rows == whole.rows
    assert engine.asked == []


def test_time_adds_up_over_sittings(scripted):
    part = ask(scripted(adds, fail_after=5, error=KeyboardInterrupt()))
    part = replace(part, timing=Timing(100.0, 0.05))
    done = ask(scripted(adds), resume=part)
    assert done.timing.seconds > 100
    assert done.timing.problems_per_second == pytest.approx(20 / done.timing.seconds)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"prompt": Prompt("Q: ", "?\nAnswer: ")}, "prefix"),
        ({"sampling": SamplingParams(temperature=0)}, "temperature was 0.7 and is 0"),
        ({"sampling": SamplingParams(stop=("\n",))}, "stop"),
        ({"seed": 4}, "seed was 3 and is 4"),
        ({"runs": 3}, "runs was 2 and is 3"),
        ({"extract": "last-integer"}, "extract"),
        ({"mae_scale": 1e4}, "mae_scale"),
        ({"origin": {"digits": 6}}, "origin"),
        ({"problems": [*PROBLEMS[:9], Problem(1, 2)]}, "problem 10"),
        ({"pre_processing": "spaced"}, "pre_processing"),
    ],
)
def test_another_evaluation_is_not_gone_on_with_and_the_difference_is_named(
    scripted, changed, named
):
    part = ask(scripted(adds, fail_after=5, error=KeyboardInterrupt()))
    with pytest.raises(InvalidInput, match=named):
        ask(scripted(adds), resume=part, **changed)
    with pytest.raises(InvalidInput, match="model was 'scripted' and is 'other'"):
        ask(scripted(adds, name="other"), resume=part)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"problems": []}, "no problems"),
        ({"runs": 0}, "runs is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"mae_scale": 0}, "mae_scale"),
        ({"extract": "first"}, "first-integer"),
        ({"pre_processing": "space"}, "spaced"),
    ],
)
def test_a_wrong_setting_is_refused_before_the_engine_is_asked(scripted, changed, named):
    engine = scripted(adds)
    with pytest.raises(InvalidInput, match=named):
        ask(engine, **changed)
    assert engine.asked == []


def test_a_saved_evaluation_is_read_back_the_same(scripted, tmp_path):
    path = tmp_path / "result.json"
    evaluation = ask(scripted(lambda a, b, seed: f"{a}{b}" * 3), prompt_name="own")
    assert evaluation.rows[0].response > 10**31
    evaluation.save(path)
    again = Evaluation.load(path)
    assert again == evaluation
    assert again.metrics == evaluation.metrics
    assert again.anatomy == evaluation.anatomy
    written = json.loads(path.read_text("utf-8"))
    assert written["rows"][0]["response"] == evaluation.rows[0].response
    fields = {"res", "acc", "acc_ci", "mae", "prompt_length", "unparsed"}
    assert fields <= written["metrics"].keys()
    assert written["prompt"]["length"] == 28
    assert written["origin"] == ORIGIN
    assert written["model"]["title"] == "scripted (a script)"
    assert written["sampling"] == SamplingParams().as_dict()


def test_a_number_beyond_every_float_is_null_in_the_file(scripted, tmp_path):
    path = tmp_path / "result.json"
    ask(scripted(lambda a, b, seed: "9" * 400)).save(path)
    assert json.loads(path.read_text("utf-8"))["metrics"]["mae"] is None
    assert Evaluation.load(path).metrics.acc == 0


def damaged(data, place, value):
    *path, last = place
    inner = data
    for key in path:
        inner = inner[key]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (["rows"], None, "rows"),
        (["seed"], "many", "seed"),
        (["rows", 3, "output"], None, "rows.3.output"),
        (["rows", 3, "answer"], 17, "is not 17"),
        (["rows", 3, "response"], 17, "correct"),
        (["sampling", "top_p"], 7, "top_p"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(scripted, tmp_path, place, value, named):
    path = tmp_path / "result.json"
    data = ask(scripted(lambda a, b, seed: str(a + b))).as_dict()
    path.write_text(json.dumps(damaged(data, place, value)))
    with pytest.raises(InvalidInput, match=named) as error:
        Evaluation.load(path)
    assert str(path) in str(error.value)
