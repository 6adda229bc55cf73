from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from itertools import pairwise

import optuna
import pytest

from carrychain.addition.scoring import score
from carrychain.errors import GenerationFailed, InvalidInput
from carrychain.search.afterwards import Final, ablate, importance, verify
from carrychain.search.race import RUNGS, Entrant, Race, p_worse, readings_of
from carrychain.search.report import Found, findings, markdown
from carrychain.search.search import Budget, Search, Settings, locked
from carrychain.search.space import Blocks, candidate

FEW = Settings(budget=Budget(answers=3000), seed=3)


def entrant(search: Search, number: int, right: int, n: int, metric: str = "acc") -> Entrant:
    """Return an entrant that is right on the first so many problems."""
    problems = search.problems[:n]
    outputs = tuple(str(p.answer - (i >= right)) for i, p in enumerate(problems))
    choice = dict.fromkeys(Blocks().as_dict(), 0)
    made = candidate(Blocks(), choice)
    readings = readings_of(("first-integer",))
    return Entrant(number, choice, made, problems, outputs, 100, readings, metric)


def test_a_search_finds_what_the_model_needs(pupil) -> None:
    search = Search(pupil, FEW)
    best = search.run()
    blocks = FEW.blocks
    assert blocks.examples[best.choice["examples"]] >= 3
    assert best.candidate.sampling.temperature <= 0.5
    assert search.spent.answers == pupil.asked <= 3000


def test_the_final_figures_are_on_problems_that_the_search_never_saw(pupil) -> None:
    search = Search(pupil, FEW)
    best = search.run()
    final = verify(search, best, 200)
    asked = {(row.a, row.b) for row in final.evaluation.rows}
    assert len(asked) == 200
    assert not asked & {(p.a, p.b) for p in search.problems}
    assert final.metrics.acc == sum(r.correct for r in final.evaluation.rows) / 200
    assert final.gap == pytest.approx(best.metrics.acc - final.metrics.acc)


def test_removing_what_helps_is_seen_to_hurt_and_nothing_else(pupil) -> None:
    search = Search(pupil, FEW)
    best = search.run()
    final = verify(search, best, 100)
    ablations = tuple(ablate(search, best, 100))
    found = Found(search, best, final, ablations, importance(search))
    of = {each.part: each.comparison for each in ablations}
    assert of["examples"] is not None
    assert of["examples"].acc_difference_ci[1] < 0
    others = [c for part, c in of.items() if c and "example" not in part and part != "temperature"]
    assert all(c.acc_difference_ci[0] <= 0 <= c.acc_difference_ci[1] for c in others)
    assert any("examples" in sentence and "falls" in sentence for sentence in findings(found))
    assert "| examples |" in markdown(found, "A prompt")


def test_importance_names_the_choices_that_decide(pupil) -> None:
    blocks = Blocks(formats=("plain",), temperatures=(0.0,))
    settings = replace(FEW, blocks=blocks, sampler="random", budget=Budget(answers=1800))
    search = Search(pupil, replace(settings, rungs=(6,)))
    search.run()
    found = importance(search)
    assert found is not None
    assert max(found, key=lambda name: found[name]) == "examples"


def test_the_same_seed_tries_the_same(pupil) -> None:
    first, second = Search(pupil, FEW), Search(pupil, FEW)
    assert first.run().choice == second.run().choice
    numbers = [[e.choice for e in s.race.entrants] for s in (first, second)]
    assert numbers[0] == numbers[1]


def test_candidates_are_asked_at_the_same_time_and_taken_in_in_their_order(pupil) -> None:
    together, generate = threading.Barrier(3), pupil.generate

    def waits_for_the_others(*args):
        if pupil.asked == 0:
            together.wait(timeout=20)
        return generate(*args)

    pupil.generate = waits_for_the_others
    first = Search(pupil, FEW, at_once=3)
    best = first.run()
    pupil.generate = generate
    again = Search(pupil, FEW, at_once=3)
    again.run()
    assert [e.outputs for e in first.race.entrants] == [e.outputs for e in again.race.entrants]
    assert first.spent.answers <= 3000
    assert FEW.blocks.examples[best.choice["examples"]] >= 3


def test_an_interrupted_search_goes_on_and_asks_nothing_twice(pupil, tmp_path) -> None:
    storage = tmp_path / "search.db"
    first = Search(pupil, replace(FEW, budget=Budget(answers=600)), storage)
    first.run()
    again = Search(pupil, replace(FEW, budget=Budget(answers=1200)), storage)
    assert again.spent.answers == first.spent.answers
    assert [e.outputs for e in again.race.entrants] == [e.outputs for e in first.race.entrants]
    before = pupil.asked
    again.run()
    assert pupil.asked - before == again.spent.answers - first.spent.answers


def test_a_broken_engine_loses_only_its_rung(pupil, tmp_path) -> None:
    storage = tmp_path / "search.db"
    generate = pupil.generate

    def breaks(*args):
        if pupil.asked > 200:
            raise GenerationFailed("the server is gone")
        return generate(*args)

    pupil.generate = breaks
    settings = replace(FEW, budget=Budget(answers=600))
    with pytest.raises(GenerationFailed, match="gone"):
        Search(pupil, replace(settings, budget=Budget(answers=400)), storage).run()
    pupil.generate = generate
    again = Search(pupil, settings, storage)
    assert again.spent.answers >= 190
    assert again.run().metrics.acc > 0.5


# --- the race ---


def test_who_does_badly_on_few_problems_is_not_asked_the_many(pupil) -> None:
    search = Search(pupil, FEW)
    search.run()
    by_rung = [sum(len(e.outputs) >= size for e in search.race.entrants) for size in RUNGS]
    assert all(above <= below / 2 for below, above in pairwise(by_rung[:3]))


def test_whoever_was_right_on_all_rises_at_once_but_for_res_a_shorter_prompt_may_come(
    pupil,
) -> None:
    search = Search(pupil, FEW)
    for metric, rises in (("acc", True), ("mae", True), ("res", False)):
        race = Race()
        race.arrive(entrant(search, 0, 4, 4, metric))
        assert (race.next_up() is not None) == rises


def test_nobody_rises_before_there_are_enough_to_compare(pupil) -> None:
    search, race = Search(pupil, FEW), Race()
    race.arrive(entrant(search, 0, 3, 4))
    for number in (1, 2):
        race.arrive(entrant(search, number, 0, 4))
    assert race.next_up() is None
    race.arrive(entrant(search, 3, 0, 4))
    rising = race.next_up()
    assert rising is not None
    assert rising.number == 0


def test_a_paired_test_keeps_down_who_is_surely_worse(pupil) -> None:
    search, race = Search(pupil, FEW), Race()
    for number, right in enumerate([64, 20, *[0] * 6]):
        race.arrive(entrant(search, number, right, 64))
    risen = race.next_up()
    assert risen is not None
    race.arrive(entrant(search, risen.number, 192, 192))
    assert race.next_up() is None  # the second has 20 of 64, where the best has all


@pytest.mark.parametrize("metric", ["acc", "mae", "res"])
def test_p_worse_is_small_for_the_worse_and_not_for_the_equal(pupil, metric: str) -> None:
    search = Search(pupil, FEW)
    best, worse = (entrant(search, i, n, 54, metric) for i, n in enumerate((50, 20)))
    assert p_worse(worse, best) < 0.01
    assert p_worse(best, best) >= 0.5
    assert p_worse(best, worse) > 0.5


def test_p_worse_of_acc_is_the_sign_test(pupil) -> None:
    search = Search(pupil, FEW)
    best, worse = entrant(search, 0, 6, 6), entrant(search, 1, 1, 6)
    assert p_worse(worse, best) == 1 / 2**5


# --- bad input ---


@pytest.mark.parametrize("text", ["", "10", "m", "-3m", "0p", "ten m", "5x", "nanp", "infm"])
def test_a_budget_that_is_none_is_explained(text: str) -> None:
    with pytest.raises(InvalidInput, match="as in 10m, 5000p or 2000000t"):
        Budget.parse(text)


def test_a_budget_too_small_for_one_trial_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one candidate alone is asked 4"):
        Settings(budget=Budget(answers=3))


def test_a_budget_that_ends_within_the_first_trial_is_explained(pupil) -> None:
    with pytest.raises(InvalidInput, match="before one candidate was measured"):
        Search(pupil, Settings(budget=Budget(seconds=1e-9))).run()


def test_another_search_in_the_file_is_not_mixed_in(pupil, tmp_path) -> None:
    storage = tmp_path / "search.db"
    Search(pupil, replace(FEW, budget=Budget(answers=60)), storage).run()
    with pytest.raises(InvalidInput, match="another model, metric, seed"):
        Search(pupil, replace(FEW, metric="mae"), storage)


def test_a_file_of_another_version_is_refused(pupil, tmp_path) -> None:
    storage = tmp_path / "search.db"
    Search(pupil, replace(FEW, budget=Budget(answers=60)), storage).run()
    study = optuna.load_study(study_name="carrychain", storage=f"sqlite:///{storage}")
    study.set_user_attr("carrychain", {"version": 0})
    with pytest.raises(InvalidInput, match="another version"):
        Search(pupil, FEW, storage)


def test_a_file_that_is_no_search_is_refused(pupil, tmp_path) -> None:
    text = tmp_path / "notes.db"
    text.write_text("not a database, and long enough to be taken for a damaged one " * 20)
    with pytest.raises(InvalidInput, match="can't keep a search"):
        Search(pupil, FEW, text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE version_info (x)")
    db.close()
    with pytest.raises(InvalidInput, match="can't keep a search"):
        Search(pupil, FEW, other)


def test_two_searches_on_one_file_are_kept_apart(tmp_path) -> None:
    storage = tmp_path / "search.db"
    with (
        locked(storage),
        pytest.raises(InvalidInput, match="another search is using"),
        locked(storage),
    ):
        pass
    with locked(storage):
        pass


def test_prompts_that_the_model_cannot_take_are_left_out(pupil) -> None:
    long = Blocks(instructions=("x" * 1900 + "\n", ""), examples=(0, 6))
    search = Search(pupil, replace(FEW, blocks=long, budget=Budget(answers=300)))
    search.run()
    assert all(len(e.candidate.prompt.prefix) < 2000 for e in search.race.entrants)
    with pytest.raises(InvalidInput, match="could take none"):
        Search(pupil, replace(FEW, blocks=Blocks(instructions=("x" * 2000,)))).run()


@pytest.mark.parametrize(
    ("right", "says"), [(299, "within what chance"), (150, "more than chance")]
)
def test_a_gap_is_called_chance_only_where_both_samples_allow_it(
    pupil, right: int, says: str
) -> None:
    search = Search(pupil, FEW)
    best = entrant(search, 0, 192, 192)
    problems = FEW.problems(1, 300)
    metrics = score(
        [p.answer for p in problems],
        [p.answer - (i >= right) for i, p in enumerate(problems)],
        prompt_length=10,
    )
    evaluation = search.evaluate(best.candidate, problems[:1], 0, reading=best.reading)
    found = Found(search, best, Final(evaluation, metrics, 1.0, metrics.acc), (), None)
    assert any(says in sentence for sentence in findings(found))
