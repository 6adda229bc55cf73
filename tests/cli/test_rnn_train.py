"""`carrychain rnn train` as a user runs it, on networks that take a second."""

from __future__ import annotations

import json
import math

import pytest

from carrychain.cli import console
from carrychain.rnn.monitor import record_from
from carrychain.rnn.tasks import Adding

QUICK = ("rnn", "train", "--hidden", "8", "--length", "6", "--steps", "16")


def runs_of(result):
    """The runs that a call wrote to standard output, without the time that they took."""
    runs = json.loads(result.out)["runs"]
    for run in runs:
        del run["seconds"]
    return runs


def test_the_comparison_prints_a_table_findings_and_a_picture(carrychain, tmp_path, monkeypatch):
    monkeypatch.setattr(console.results, "_width", 60)
    result = carrychain(*QUICK, "--plot", "training.png", "--json", "training.json")
    assert result.status == 0
    assert max(map(len, result.out.splitlines())) <= 60
    for network in ("plain RNN", "GRU", "LSTM", "against plain RNN"):
        assert network in result.out
    assert (tmp_path / "training.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads((tmp_path / "training.json").read_text())
    assert [run["cell"] for run in data["runs"]] == ["rnn"] * 4 + ["gru", "lstm"]
    for run in data["runs"]:
        assert {"init", "clip", "loss", "baseline", "steps", "seconds", "outcome"} <= run.keys()
        assert [record_from(record).step for record in run["flow"]] == list(range(16))
    assert len(data["findings"]) == 6


def test_one_network_alone(carrychain):
    result = carrychain(
        *QUICK, "--cell", "lstm", "--init", "orthogonal", "--clip", "0.1", "--json", "-"
    )
    [run] = json.loads(result.out)["runs"]
    assert (run["cell"], run["init"], run["clip"]) == ("lstm", "orthogonal", 0.1)


def test_characters(carrychain):
    result = carrychain(*QUICK, "--task", "characters", "--cell", "gru")
    assert "cross-entropy, nats a character" in " ".join(result.out.split())


def test_a_network_that_diverges_is_a_result(carrychain, monkeypatch):
    monkeypatch.setattr(Adding, "loss", lambda self, outputs, answers: outputs.sum() * math.inf)
    result = carrychain(*QUICK, "--plot", "training.pdf")
    assert result.status == 0
    assert "diverged at step 1" in " ".join(result.out.split())
    data = json.loads(carrychain(*QUICK, "--cell", "rnn", "--json", "-").out)
    assert data["runs"][0]["loss"] is None


@pytest.mark.parametrize("finished", [0, 2])
def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(
    carrychain, monkeypatch, finished
):
    whole = runs_of(carrychain(*QUICK, "--out", "whole", "--json", "-"))
    loss, asked = Adding.loss, 0

    def interrupted(self, outputs, answers):
        nonlocal asked
        asked += 1
        if asked == 17 * finished + 11:  # 16 steps and the exam a run
            raise KeyboardInterrupt
        return loss(self, outputs, answers)

    monkeypatch.setattr(Adding, "loss", interrupted)
    first = carrychain(*QUICK, "--json", "-")
    monkeypatch.setattr(Adding, "loss", loss)
    assert first.status == 130
    assert runs_of(first) == whole[:finished]
    assert f"{finished} of 6 runs are finished" in " ".join(first.err.split())
    second = carrychain(*QUICK, "--json", "-")
    assert second.status == 0
    assert runs_of(second) == whole
    assert f"{finished + 1} of 6 runs were taken up" in second.err


def test_bad_input_is_one_sentence(carrychain, tmp_path):
    (tmp_path / "file").touch()
    for arguments, sentence in [
        (("--clip", "1"), "--clip is one network's"),
        (("--init", "orthogonal"), "--init is one network's"),
        (("--steps", "0"), "steps is 0; it must be at least 1"),
        (("--cell", "rnn", "--clip", "0"), "clip is 0.0; it must be above 0"),
        (("--plot", "picture.doc"), "let it end in .png, .svg or .pdf"),
        (("--plot", "nowhere/picture.png"), "there is no folder"),
        (("--out", "file/inside"), "file/inside can't be made"),
    ]:
        result = carrychain(*QUICK, *arguments)
        assert result.status == 2
        assert sentence in result.err
        assert "Traceback" not in result.err
