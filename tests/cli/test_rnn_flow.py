"""`carrychain rnn flow`: what scripts read in its JSON, what a person reads, what it refuses."""

import json
import math

import numpy as np
import pytest

from carrychain.cli import console


@pytest.fixture
def flow(carrychain):
    def call(*flags):
        result = carrychain("rnn", "flow", *flags, "--json", "-")
        assert result.status == 0, result.err
        return json.loads(result.out)

    return call


SMALL = ("--hidden", "8", "--steps", "12")


@pytest.mark.parametrize(("cell", "numbers"), [("rnn", 8), ("gru", 8), ("lstm", 16)])
def test_json_holds_the_whole_matrix_its_certificate_and_the_spectrum(flow, cell, numbers):
    data = flow("--cell", cell, *SMALL)
    for name in ("log_norms", "certificate"):
        rows = data[name]
        assert [len(row) for row in rows] == [13] * 13
        for t, row in enumerate(rows):
            assert row[t] == 0
            assert row[t + 1 :] == [None] * (12 - t)
            assert None not in row[:t]
    assert max(max(row[: t + 1]) for t, row in enumerate(data["certificate"])) < 1e-4
    assert len(data["lyapunov"]) == len(data["lyapunov_error"]) == numbers
    assert data["lyapunov"] == sorted(data["lyapunov"], reverse=True)
    assert len(data["shares"]) == len(data["log_per_step_terms"]) == 12
    assert sum(data["shares"]) == pytest.approx(1)
    assert data["settings"] == {
        "cell": cell,
        "nonlinearity": "tanh" if cell == "rnn" else None,
        "hidden": 8,
        "steps": 12,
        "init": "gaussian",
        "scale": 1,
        "s_max": None,
        "input_std": 0.3,
        "seed": 0,
    }
    assert data["regime"]


def test_halving_every_step_halves_every_norm(flow):
    # relu with W_hh = I / 2 and no input is linear where h_0 is positive.
    flags = ("--nonlinearity", "relu", "--init", "identity", "--scale", "0.5", "--input-std", "0")
    data = flow(*SMALL, *flags)
    for t, row in enumerate(data["log_norms"]):
        expected = [(t - i) * math.log(0.5) for i in range(t + 1)]
        np.testing.assert_allclose(row[: t + 1], expected, atol=1e-12)
    assert data["slope"] == pytest.approx(math.log(0.5))
    assert data["s_max"] == 0.5


@pytest.mark.parametrize(("init", "slope"), [("gaussian", -0.155), ("orthogonal", 0.14)])
def test_the_same_s_max_vanishes_for_one_matrix_and_explodes_for_another(flow, init, slope):
    data = flow("--hidden", "128", "--s-max", "2", "--init", init)
    assert data["s_max"] == pytest.approx(2)
    assert data["slope"] == pytest.approx(slope, abs=0.04)
    assert "above 1" in data["regime"]
    assert ("vanished" if slope < 0 else "exploded") in data["regime"]


def test_s_max_below_1_must_vanish(flow):
    data = flow(*SMALL, "--s-max", "0.9")
    assert "below 1" in data["regime"]
    assert "must vanish" in data["regime"]
    for t, row in enumerate(data["log_norms"]):
        for i, norm in enumerate(row[:t]):
            assert norm <= (t - i) * math.log(0.9) + 1e-9


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_s_max_scales_the_gates_of_a_cell_together(flow, cell):
    assert flow(*SMALL, "--cell", cell, "--s-max", "1.5")["s_max"] == pytest.approx(1.5)


def test_the_sentence_and_the_slope_agree(flow):
    data = flow(*SMALL)
    assert f"factor of {math.exp(data['slope']):.3g} a step" in data["regime"]


def test_a_seed_repeats_another_differs_and_a_longer_run_goes_on(flow):
    first, again = flow(*SMALL, "--seed", "3"), flow(*SMALL, "--seed", "3")
    assert first == again
    assert flow(*SMALL, "--seed", "4")["log_norms"] != first["log_norms"]
    longer = flow("--hidden", "8", "--steps", "20", "--seed", "3")
    for short, row in zip(first["log_norms"], longer["log_norms"], strict=False):
        known = [norm for norm in short if norm is not None]
        np.testing.assert_allclose(row[: len(known)], known, rtol=1e-6, atol=1e-9)


def test_a_norm_of_exactly_0_is_null_and_said(flow, carrychain):
    flags = (*SMALL, "--scale", "0")
    data = flow(*flags)
    assert data["log_norms"][5] == [None] * 5 + [0] + [None] * 7
    assert data["certificate"][5][:6] == [0] * 6
    assert data["slope"] is None
    shown = carrychain("rnn", "flow", *flags)
    assert shown.status == 0
    assert "exactly 0 for every i < T" in " ".join(shown.out.split())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_a_terminal_of_60_columns_shows_everything(carrychain, monkeypatch, cell):
    monkeypatch.setattr(console.results, "width", 60)
    result = carrychain("rnn", "flow", "--cell", cell, "--hidden", "8", "--steps", "37")
    assert result.status == 0
    assert result.err == ""
    assert all(len(line) <= 60 for line in result.out.splitlines())
    table = result.out.split("t - i")[1].split("\n\n")[0].splitlines()[1:]
    assert [row.split()[0] for row in table] == ["1", "2", "5", "10", "20", "37"]
    for part in ("certified", "Lyapunov", "±", "from the last step", "norm"):
        assert part in result.out
    assert ("s_max^lag" in result.out) == (cell == "rnn")


def test_one_step_is_a_sequence_too(carrychain):
    result = carrychain("rnn", "flow", "--hidden", "3", "--steps", "1")
    assert result.status == 0
    assert "100% from the last step" in result.out


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml")])
def test_plot_writes_a_picture_and_says_where(carrychain, tmp_path, name, begins):
    result = carrychain("rnn", "flow", *SMALL, "--plot", name)
    assert result.status == 0
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert str(tmp_path / name) in result.out
    assert [path.name for path in tmp_path.iterdir()] == [name]


BAD = {
    "relu LSTM": (["--cell", "lstm", "--nonlinearity", "relu"], ["relu", "lstm"]),
    "scale and s_max": (["--scale", "2", "--s-max", "1"], ["--scale 2", "--s-max 1"]),
    "s_max 0": (["--s-max", "0"], ["s_max is 0", "above 0"]),
    "s_max NaN": (["--s-max", "nan"], ["s_max is nan"]),
    "negative scale": (["--scale", "-1"], ["scale is -1"]),
    "infinite input": (["--input-std", "inf"], ["input_std is inf"]),
    "no units": (["--hidden", "0"], ["--hidden", "0"]),
    "no steps": (["--steps", "0"], ["--steps", "0"]),
    "unknown cell": (["--cell", "transformer"], ["transformer", "lstm"]),
    "picture's suffix": (["--plot", "a.gif"], ["a.gif", ".svg"]),
    "picture's folder": (["--plot", "no/a.png"], ["no/a.png", "folder"]),
    "overflow": (["--nonlinearity", "relu", "--scale", "1e30"], ["overflows at step"]),
    "memory": (["--cell", "lstm", "--hidden", "1024", "--steps", "10000"], ["GB", "10,000"]),
}


@pytest.mark.parametrize(("flags", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_sentence_and_status_2(carrychain, tmp_path, flags, said):
    result = carrychain("rnn", "flow", *flags)
    assert result.status == 2
    assert result.out == ""
    message = result.err.splitlines()[0]
    assert message.startswith("carrychain: ")
    for part in said:
        assert part in message
    assert list(tmp_path.iterdir()) == []
