"""What is measured of a random network: its settings, and the numbers that people read."""

import numpy as np
import pytest

from carrychain.errors import InvalidInput
from carrychain.rnn.flow import Settings, by_lag, measure

RIGHT = {
    "cell": "rnn",
    "nonlinearity": None,
    "hidden": 6,
    "steps": 9,
    "init": "gaussian",
    "scale": None,
    "s_max": None,
    "input_std": 0.3,
    "seed": 1,
}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cell": "lstm", "nonlinearity": "relu"}, "relu is for the cell rnn; a lstm has its own"),
        ({"scale": 2.0, "s_max": 1.0}, "scale 2 and s_max 1 both set the size of W_hh"),
        ({"s_max": -1.0}, "s_max is -1"),
        ({"input_std": float("nan")}, "input_std is nan"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_name(wrong, said):
    with pytest.raises(InvalidInput, match=said):
        Settings(**RIGHT | wrong)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_s_max_changes_the_size_of_the_weights_and_nothing_else_that_is_drawn(cell):
    small, large = (measure(Settings(**RIGHT | {"cell": cell, "s_max": s})) for s in (0.5, 4.0))
    np.testing.assert_allclose(8 * small.W_hh, large.W_hh, rtol=1e-12)
    np.testing.assert_array_equal(small.flow.states[0], large.flow.states[0])


def test_by_lag_gives_the_lowest_the_lower_middle_and_the_highest_of_each_diagonal():
    logs = np.full((4, 4), -np.inf)
    for t in range(4):
        logs[t, : t + 1] = [10 * (t - i) + i for i in range(t + 1)]
    np.testing.assert_array_equal(by_lag(logs), [[0, 10, 20, 30], [1, 11, 20, 30], [3, 12, 21, 30]])
    logs[2, 0] = -np.inf
    np.testing.assert_array_equal(by_lag(logs)[:, 2], [-np.inf, -np.inf, 21])
