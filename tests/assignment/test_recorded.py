"""What the package says was recorded is what the recorded notebooks hold, row by row."""

import json
from pathlib import Path

import pytest

from carrychain.addition.scoring import score
from carrychain.assignment.recorded import OWN_READING, RUNS

TRUTH = {
    run["id"]: run
    for run in json.loads(
        (Path(__file__).parents[1] / "data" / "recorded_runs.json").read_text("utf-8")
    )["runs"]
}


@pytest.mark.parametrize("run", [*RUNS, OWN_READING], ids=lambda run: run.id)
def test_every_recorded_figure_and_row_is_the_notebooks(run):
    truth = TRUTH[run.id]
    rows = truth["rows"]
    assert truth["model"].endswith(run.model)
    assert (run.max_tokens, run.n) == (truth["max_tokens"], len(rows))
    assert (run.acc, run.mae) == (truth["reported"]["acc"], truth["reported"]["mae"])
    assert run.prompt_length == truth["reported"]["prompt_length"]
    assert [(p.a, p.b) for p in run.problems] == [(row["a"], row["b"]) for row in rows]
    assert list(run.responses) == [row["response"] for row in rows]
    assert run.right == [row["correct"] for row in rows]
    assert sum(run.right) == run.correct


@pytest.mark.parametrize("run", [*RUNS, OWN_READING], ids=lambda run: run.id)
def test_the_rows_give_the_printed_mean_error(run):
    answers = [p.answer for p in run.problems]
    assert score(answers, run.responses, run.prompt_length).mae == pytest.approx(run.mae, rel=1e-15)
