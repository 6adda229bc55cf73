"""Pictures show the numbers that they are given, and are told apart without colour."""

import numpy as np
import pytest
import torch
from torch import nn

from carrychain.errors import InvalidInput
from carrychain.rnn import plots
from carrychain.rnn.cells import gradient_flow

T = 12
STEPS = np.arange(T + 1)
LAG = STEPS[:, None] - STEPS
HALVING = np.where(LAG >= 0, -LAG * np.log(2.0), -np.inf)  # every norm is 2^-(t-i)
SURE = np.zeros((T + 1, T + 1))


def lines(figure):
    return {line.get_label(): line for line in figure.axes[0].lines}


def test_the_map_shows_norms_in_powers_of_10_and_nothing_above_the_diagonal():
    image = plots.lag_norm_map(HALVING, SURE).axes[0].images[0]
    shown = image.get_array()
    assert shown.mask[LAG < 0].all()
    assert not shown.mask[LAG >= 0].any()
    np.testing.assert_allclose(shown[LAG >= 0], -LAG[LAG >= 0] * np.log10(2))
    assert image.get_cmap().name == "cividis"


def test_the_map_marks_zeros_and_what_has_no_certificate():
    log_norms, certificate = HALVING.copy(), SURE.copy()
    log_norms[9:, :3] = -np.inf
    certificate[6:8, :2] = np.inf
    sure = plots.lag_norm_map(log_norms, SURE)
    marked = plots.lag_norm_map(log_norms, certificate)
    image = marked.axes[0].images[0]
    assert (image.get_array()[9:, :3] < image.norm.vmin).all()
    assert tuple(image.get_cmap().get_under()) == (0, 0, 0, 1)
    assert [c.hatches for c in marked.axes[0].collections] == [["xxxx"]]
    assert not sure.axes[0].collections
    assert "no certificate" in marked.axes[0].texts[0].get_text()
    assert "0" in marked.axes[1].get_ylabel()


@pytest.mark.parametrize("log_norms", [np.array([[0, -np.inf], [-np.inf, 0]]), np.tril(SURE) + 0.0])
def test_the_map_stands_a_flow_without_any_range(log_norms):
    above = np.triu(np.ones_like(log_norms), 1) > 0
    figure = plots.lag_norm_map(np.where(above, -np.inf, log_norms), np.zeros_like(log_norms))
    assert plots.render(figure, "png")


def test_norms_by_lag_are_medians_over_starts_beside_their_bounds():
    rng = np.random.default_rng(0)
    noisy = HALVING + np.where(LAG > 0, rng.normal(size=HALVING.shape), 0)
    bounds = {"first": HALVING + 3 * (LAG > 0), "second": HALVING, "third": HALVING}
    drawn = lines(plots.norms_by_lag(noisy, bounds))
    of_lag_4 = np.sort(noisy[LAG == 4])
    assert drawn["norm, median"].get_ydata()[4] == pytest.approx(of_lag_4[4] / np.log(10))
    assert drawn["first"].get_ydata()[2] == pytest.approx((3 - 2 * np.log(2)) / np.log(10))
    assert len({(line.get_linestyle(), line.get_marker()) for line in drawn.values()}) == 4


def test_a_norm_of_0_leaves_a_gap():
    drawn = lines(plots.norms_by_lag(np.where(LAG > 2, -np.inf, HALVING), {}))
    assert np.isnan(drawn["norm, median"].get_ydata()[3:]).all()


def test_shares_are_shown_as_far_back_as_they_matter():
    shares = 0.5 ** np.arange(200, 0, -1.0)
    figure = plots.step_shares(shares / shares.sum())
    each, summed = figure.axes
    assert each.get_xlim() == (179.5, 200.5)
    drawn = each.patches[0].get_data()
    np.testing.assert_array_equal(drawn.values, shares / shares.sum())
    assert drawn.edges[-1] == 200.5
    assert summed.lines[0].get_xdata()[-1] == 200
    assert summed.lines[0].get_ydata()[-2] == pytest.approx(0.75, abs=1e-6)


def test_training_shows_the_ends_and_middle_of_each_spectrum():
    figure = plots.spectra_over_training([0, 50], [np.array([0.0, -1, -5]), np.array([2.0, 1, 0])])
    drawn = lines(figure)
    np.testing.assert_array_equal(drawn["largest"].get_ydata(), [0, 2])
    np.testing.assert_array_equal(drawn["median"].get_ydata(), [-1, 1])


@pytest.mark.parametrize(
    ("steps", "spectra"), [([0], []), ([], []), ([0, 1], [np.zeros(3), np.zeros(2)])]
)
def test_spectra_that_do_not_fit_their_steps_are_refused(steps, spectra):
    with pytest.raises(InvalidInput, match="spectra"):
        plots.spectra_over_training(steps, spectra)


@pytest.mark.parametrize(
    ("name", "begins"),
    [("flow.png", b"\x89PNG"), ("flow.SVG", b"<?xml"), ("a.b/flow.pdf", b"%PDF")],
)
def test_the_whole_picture_is_written_in_the_format_of_its_name(name, begins):
    torch.manual_seed(0)
    flow = gradient_flow(nn.LSTM(3, 4), torch.randn(T, 3))
    figure = plots.flow_picture(flow, {"a bound": flow.log_norms + 1}, "an LSTM")
    assert plots.render(figure, plots.picture_format(name)).startswith(begins)
    titles = [axes.get_title() for axes in figure.axes]
    assert [t for t in titles if t] == [
        "norm of every product",
        "norm against lag",
        "where the gradient comes from",
        "spectrum, with standard errors",
    ]


@pytest.mark.parametrize("name", ["flow.jpg", "flow", ".png", "png"])
def test_another_suffix_is_refused_with_those_that_work(name):
    with pytest.raises(InvalidInput, match=r"\.png, \.svg or \.pdf") as raised:
        plots.picture_format(name)
    assert name in str(raised.value)
