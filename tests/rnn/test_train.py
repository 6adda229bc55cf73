"""Training is repeatable, resumable, and what is said of it follows from its numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from carrychain.errors import InvalidInput
from carrychain.rnn.findings import findings, gradient_fate, outcome, power
from carrychain.rnn.monitor import Record
from carrychain.rnn.tasks import Adding, Characters, zen
from carrychain.rnn.train import DEFAULTS, Recipe, Run, comparison, train

SMALL = Recipe(hidden=8, length=6, steps=24, batch=4)


class Interrupted(Exception):
    pass


# --- tasks ----------------------------------------------------------------------------------------


def test_the_answer_is_the_sum_of_the_marked_numbers_one_in_each_half():
    x, answers = Adding(11).batch(seed=3, step=7, size=500)
    values, marks = x.unbind(-1)
    assert torch.equal((values * marks).sum(1), answers)
    assert torch.equal(marks[:, :5].sum(1), torch.ones(500))
    assert torch.equal(marks[:, 5:].sum(1), torch.ones(500))
    assert 0 <= values.min() < 0.01
    assert 0.99 < values.max() < 1


def test_the_baseline_of_adding_is_what_answering_1_costs():
    task = Adding(20)
    _, answers = task.batch(seed=0, step=0, size=200_000)
    assert float(((answers - 1) ** 2).mean()) == pytest.approx(task.baseline, rel=0.01)


def test_adding_is_examined_on_the_last_output():
    task = Adding(4)
    outputs = torch.full((3, 4, 1), 9.0)
    answers = torch.tensor([0.5, 1.0, 1.5])
    outputs[:, -1, 0] = torch.tensor([0.5, 1.07, 1.6])
    assert float(task.loss(outputs, answers)) == pytest.approx((0.07**2 + 0.1**2) / 3, rel=1e-5)
    assert task.accuracy(outputs, answers) == pytest.approx(2 / 3)


def test_the_text_is_the_zen_of_python_and_nothing_is_printed(capsys):
    assert zen().startswith("The Zen of Python, by Tim Peters\n\nBeautiful is better than ugly.")
    assert zen().endswith("let's do more of those!")
    assert len(zen()) == 856
    assert capsys.readouterr().out == ""


def test_characters_asks_for_the_next_character_at_every_step():
    task = Characters(20)
    known = sorted(set(zen()))
    x, answers = task.batch(seed=1, step=2, size=3)
    for sequence, following in zip(x, answers, strict=True):
        shown = "".join(known[i] for i in sequence.argmax(-1))
        asked = "".join(known[i] for i in following)
        assert shown[1:] == asked[:-1]
        assert shown + asked[-1] in zen()


def test_the_baseline_of_characters_is_the_loss_of_constant_frequencies():
    task = Characters(20)
    known = sorted(set(zen()))
    shares = torch.tensor([zen().count(c) / len(zen()) for c in known])
    answers = torch.tensor([[known.index(c) for c in zen()]])
    outputs = shares.log().expand(1, len(zen()), -1)
    assert float(task.loss(outputs, answers)) == pytest.approx(task.baseline, rel=1e-5)


def test_a_batch_depends_on_seed_and_step_alone():
    for task in (Adding(9), Characters(9)):
        x, answers = task.batch(1, 2, 4)
        again, same = task.batch(1, 2, 4)
        assert torch.equal(x, again)
        assert torch.equal(answers, same)
        assert not torch.equal(x, task.batch(1, 3, 4)[0])
        assert not torch.equal(x, task.batch(2, 2, 4)[0])


# --- training -------------------------------------------------------------------------------------


def same(a: Run, b: Run) -> bool:
    """Whether two runs are equal in everything but time."""
    return replace(a, seconds=0, resumed=False) == replace(b, seconds=0, resumed=False)


def interrupted_at(recipe, folder, step):
    def stop(done, loss):
        if done == step:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(recipe, folder, stop)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("task", ["adding", "characters"])
def test_an_interrupted_run_ends_as_if_it_had_not_been(tmp_path, task, cell):
    recipe = replace(SMALL, task=task, cell=cell, init="orthogonal", clip=0.5, steps=170)
    whole = train(recipe)
    interrupted_at(recipe, tmp_path, 1)
    interrupted_at(recipe, tmp_path, 71)
    resumed = train(recipe, tmp_path)
    assert resumed.resumed
    assert same(resumed, whole)
    assert [record.step for record in whole.records] == list(range(0, 170, 2))


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = train(SMALL, tmp_path)

    def never(done, loss):
        raise AssertionError

    again = train(SMALL, tmp_path, never)
    assert same(first, again)
    assert again.seconds == first.seconds


def test_another_recipe_has_another_checkpoint(tmp_path):
    for recipe in [*comparison(SMALL), replace(SMALL, lr=0.1), replace(SMALL, seed=1)]:
        assert not train(recipe, tmp_path).resumed
    assert len(list(tmp_path.iterdir())) == 8


def test_the_seed_decides_and_torchs_own_random_numbers_stay():
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    first = train(SMALL)
    assert torch.equal(torch.rand(3), expected)
    assert same(first, train(SMALL))
    assert first.loss != train(replace(SMALL, seed=1)).loss


def test_all_networks_of_the_comparison_differ_from_the_first_in_what_they_are_named_for():
    recipes = comparison(DEFAULTS["adding"])
    assert [(r.cell, r.init, r.clip) for r in recipes] == [
        ("rnn", "default", None),
        ("rnn", "default", 0.1),
        ("rnn", "orthogonal", None),
        ("rnn", "orthogonal", 0.1),
        ("gru", "default", None),
        ("lstm", "default", None),
    ]
    assert len({replace(r, cell="rnn", init="default", clip=None) for r in recipes}) == 1


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_orthogonal_networks_start_with_all_singular_values_of_each_gate_at_1(cell):
    run = train(replace(SMALL, cell=cell, init="orthogonal", steps=1))
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    np.testing.assert_allclose(run.records[0].singular_values, math.sqrt(gates), rtol=1e-5)


def test_a_network_learns_a_short_sum():
    run = train(Recipe(cell="gru", hidden=16, length=2, steps=400, lr=0.1))
    assert run.loss < 0.1 * run.baseline
    assert outcome(run) == "learnt"
    assert run.losses[-1] < run.losses[0]


def test_a_run_that_diverges_stops_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Adding, "loss", lambda self, outputs, answers: outputs.sum() * math.inf)
    run = train(SMALL, tmp_path)
    assert run.diverged
    assert run.steps == len(run.losses) == len(run.records) == 1
    assert outcome(run) == "diverged at step 1"
    assert train(SMALL, tmp_path).resumed


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / SMALL.file).write_bytes(b"PK no checkpoint")
    with pytest.raises(InvalidInput, match=f"{SMALL.file} is no checkpoint"):
        train(SMALL, tmp_path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"cell": "grus"}, "no cell 'grus'; did you mean gru"),
        ({"task": "sum"}, "no task 'sum'"),
        ({"init": "identity"}, "no init 'identity'"),
        ({"hidden": 0}, "hidden is 0; it must be at least 1"),
        ({"steps": 0}, "steps is 0"),
        ({"lr": 0.0}, "lr is 0.0; it must be above 0 and at most 10\\^6"),
        ({"lr": math.nan}, "lr is nan"),
        ({"lr": 1e38}, "lr is 1e\\+38"),
        ({"clip": -1.0}, "clip is -1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"length": 1}, "length is 1; the adding problem marks two steps"),
        ({"task": "characters", "length": 856}, "the text has 856 characters"),
    ],
)
def test_a_recipe_that_is_none_is_refused(settings, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        Recipe(**settings)


# --- what is said ---------------------------------------------------------------------------------


def run_of(loss, log10_reach, norm=0.5, **settings):
    """A run whose numbers are made up."""
    record = Record(0, 3, (1, 2), ((0.0, log10_reach * math.log(10)),), (), ((1.0,),), (), norm)
    recipe = replace(SMALL, **settings)
    steps = recipe.steps if math.isfinite(loss) else 7
    return Run(recipe, loss, 0.5, 1 / 6, steps, 1.0, (loss,), (record,))


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (0.166, "at the baseline"),
        (0.17, "at the baseline"),
        (0.10, "learnt in part"),
        (0.01, "learnt"),
        (0.4, "worse than the baseline"),
        (math.nan, "diverged at step 7"),
    ],
)
def test_the_outcome_follows_from_the_loss(loss, said):
    assert outcome(run_of(loss, 0)) == said


@pytest.mark.parametrize(
    ("log10", "norm", "said"),
    [
        (-7, 1, "vanished"),
        (-math.inf, 1, "vanished"),
        (-1, 1, "got through"),
        (5, 1, "exploded"),
        (-9, 1e4, "exploded"),
        (math.nan, math.nan, "exploded"),
    ],
)
def test_the_gradients_fate_follows_from_its_norms(log10, norm, said):
    assert gradient_fate(run_of(0.1, log10, norm)) == said


def test_findings_turn_with_the_numbers():
    plain = run_of(0.166, -7)
    better = run_of(0.01, -0.2, init="orthogonal")
    worse = run_of(0.3, -9, init="orthogonal")
    assert "the loss is lower (0.1660 to 0.0100)" in findings([plain, better])[1]
    assert "the loss is higher (0.1660 to 0.3000)" in findings([plain, worse])[1]
    alike = findings([plain, run_of(0.1601, -7, norm=8.0, clip=1.0)])[1]
    assert "about the same" in alike
    assert "Clipping cut 1 of 1 recorded gradients." in alike
    assert "the gradient's norm at most 8." in alike
    assert "diverged instead of 0.1660" in findings([plain, run_of(math.nan, 0, cell="gru")])[1]


def test_each_network_is_held_against_its_nearest():
    runs = [run_of(0.1, -1, cell=r.cell, init=r.init, clip=r.clip) for r in comparison(SMALL)]
    against = [sentence.split(":")[0] for sentence in findings(runs)]
    assert against == [
        "plain RNN",
        "plain RNN, clipped at 0.1 against plain RNN",
        "plain RNN, orthogonal against plain RNN",
        "plain RNN, orthogonal, clipped at 0.1 against plain RNN, orthogonal",
        "GRU against plain RNN",
        "LSTM against plain RNN",
    ]


def test_numbers_of_any_size_are_written():
    assert [power(x) for x in (-400.0, math.nan, 2.0)] == ["10^-400.0", "not finite", "1e+02"]
