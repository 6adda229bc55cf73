"""The monitor tells what autograd computes, and leaves the training as it is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from carrychain.errors import InvalidInput
from carrychain.rnn.cells import gradient_flow
from carrychain.rnn.monitor import load_records, monitor

KINDS = {
    "tanh": lambda *size, **more: nn.RNN(*size, **more),
    "relu": lambda *size, **more: nn.RNN(*size, nonlinearity="relu", **more),
    "gru": nn.GRU,
    "lstm": nn.LSTM,
}
T, B, D_IN, D = 13, 3, 4, 6


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def network(kind, layers=1, dtype=torch.float64, seed=0, **more):
    torch.manual_seed(seed)
    rnn = KINDS[kind](D_IN, D, layers, batch_first=True, dtype=dtype, **more)
    for weight in rnn.parameters():
        weight.data *= 1.5
    return rnn


def step(rnn, kind, layer, x, state):
    """One step of one layer in torch's own primitive functions; a state is (h,) or (h, c)."""
    names = [f"weight_ih_l{layer}", f"weight_hh_l{layer}", f"bias_ih_l{layer}", f"bias_hh_l{layer}"]
    weights = [getattr(rnn, name, None) for name in names]
    if kind == "lstm":
        return torch.lstm_cell(x, state, *weights)
    cell = {"tanh": torch.rnn_tanh_cell, "relu": torch.rnn_relu_cell, "gru": torch.gru_cell}[kind]
    return (cell(x, state[0], *weights),)


def unrolled(rnn, kind, x, s0):
    """Return outputs (B, T, D), last states and every layer's states (B, S D), leaves of autograd.

    Each state is joined to one vector, which is what the next step and the layer above read.
    """
    below, states, last = list(x.unbind(1)), [], []
    for layer in range(rnn.num_layers):
        s = torch.cat([part[layer] for part in s0], -1)
        own, above = [], []
        for x_t in below:
            s = torch.cat(step(rnn, kind, layer, x_t, s.split(D, -1)), -1)
            s.retain_grad()
            own.append(s)
            above.append(s[:, :D])
        below = above
        states.append(own)
        last.append(s)
    return torch.stack(below, 1), last, states


def zero_state(rnn, kind, batch=B):
    return [
        torch.zeros(rnn.num_layers, batch, D, dtype=torch.float64)
        for _ in range(1 + (kind == "lstm"))
    ]


def loss_of(outputs, last_h):
    """A loss that reads every output, the last one most, and the last states."""
    weights = torch.linspace(0.1, 1, outputs.shape[1], dtype=outputs.dtype)
    return (outputs.sin().sum((0, 2)) * weights).sum() + (last_h**2).sum()


@pytest.mark.parametrize("layers", [1, 3])
def test_the_loss_reaches_each_step_as_autograd_says(kind, layers):
    rnn = network(kind, layers)
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=1, sequences=B) as flow:
        outputs, last = rnn(x)
        loss_of(outputs, last[0] if kind == "lstm" else last).backward()
    outputs, last, states = unrolled(rnn, kind, x, zero_state(rnn, kind))
    loss_of(outputs, torch.stack([s[:, :D] for s in last])).backward()
    expected = [
        [math.log(s.grad.norm(dim=1).square().mean().sqrt()) for s in own] for own in states
    ]
    np.testing.assert_allclose(flow.records[0].log_gradients, expected, rtol=0, atol=1e-10)


def test_lag_norms_are_those_of_autograds_jacobians(kind):
    rnn = network(kind)
    x = torch.randn(1, T, D_IN, dtype=torch.float64)
    s0 = [part + 0.3 for part in zero_state(rnn, kind, batch=1)]
    lags = (1, 2, 5, T - 1)
    with monitor(rnn, every=1, lags=(T - 1, 5, 2, 1, 5, 99)) as flow:
        rnn(x, tuple(s0) if kind == "lstm" else s0[0])[0].sum().backward()
    _, _, [states] = unrolled(rnn, kind, x, s0)
    expected = []
    for lag in lags:
        rows = [
            torch.autograd.grad(part, states[T - 1 - lag], retain_graph=True)[0][0]
            for part in states[-1][0]
        ]
        expected.append(math.log(torch.linalg.matrix_norm(torch.stack(rows), 2)))
    record = flow.records[0]
    assert record.lags == lags
    np.testing.assert_allclose(record.log_norms, [expected], rtol=0, atol=1e-10)


def test_a_stack_is_followed_along_each_layers_own_path(kind):
    rnn = network(kind, layers=3)
    x = torch.randn(1, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=1) as flow:
        rnn(x)[0].sum().backward()
    record = flow.records[0]
    layers = gradient_flow(rnn, x[0]).layers
    expected = [[layer.log_norms[T, T - lag] for lag in record.lags] for layer in layers]
    np.testing.assert_allclose(record.log_norms, expected, rtol=0, atol=1e-8)


def test_several_sequences_give_the_root_mean_square(kind):
    rnn = network(kind)
    x = torch.randn(B, T, D_IN, dtype=torch.float64)

    def record(x, sequences):
        with monitor(rnn, every=1, sequences=sequences) as flow:
            rnn(x)[0].sum().backward()
        return flow.records[0]

    each = [record(x[i : i + 1], 1) for i in range(B)]
    for name in ("log_norms", "log_gradients"):
        squares = np.mean([np.exp(2 * np.array(getattr(one, name))) for one in each], axis=0)
        together = getattr(record(x, 99), name)
        np.testing.assert_allclose(together, np.log(squares) / 2, rtol=0, atol=1e-10)


def test_time_first_unbatched_and_without_bias_are_the_same_sequence(kind):
    torch.manual_seed(1)
    x = torch.randn(T, D_IN)
    records = []
    for batch_first, batched in ((True, True), (False, True), (False, False)):
        torch.manual_seed(2)
        rnn = KINDS[kind](D_IN, D, batch_first=batch_first, bias=False)
        inputs = x[None] if batch_first else x[:, None] if batched else x
        with monitor(rnn, every=1) as flow:
            rnn(input=inputs)[0].sum().backward()
        records.append(flow.records[0])
    for record in records[1:]:
        np.testing.assert_allclose(record.log_norms, records[0].log_norms, atol=1e-6)
        np.testing.assert_allclose(record.log_gradients, records[0].log_gradients, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_of_packed_sequences_the_longest_is_followed(kind, layers):
    rnn = network(kind, layers)
    x = torch.randn(3, T, D_IN, dtype=torch.float64)
    s0 = [torch.randn(layers, 3, D, dtype=torch.float64) for _ in range(1 + (kind == "lstm"))]
    packed = nn.utils.rnn.pack_padded_sequence(
        x, torch.tensor([4, T, 7]), batch_first=True, enforce_sorted=False
    )

    def record(inputs, s0):
        with monitor(rnn, every=1, sequences=2) as flow:
            _, last = rnn(inputs, tuple(s0) if kind == "lstm" else s0[0])
            (last[0] if kind == "lstm" else last).sum().backward()
        return flow.records[0]

    one, alone = record(packed, s0), record(x[1:2], [part[:, 1:2].contiguous() for part in s0])
    assert one.length == T
    np.testing.assert_allclose(one.log_norms, alone.log_norms, rtol=0, atol=1e-10)
    np.testing.assert_allclose(one.log_gradients, alone.log_gradients, rtol=0, atol=1e-10)


def test_float32_is_as_good_as_its_format(kind):
    rnn = network(kind, dtype=torch.float32)
    x = torch.randn(1, 60, D_IN)
    with monitor(rnn, every=1) as flow:
        rnn(x)[0].sum().backward()
    record = flow.records[0]
    expected = gradient_flow(rnn, x[0]).log_norms
    for lag, log_norm in zip(record.lags, record.log_norms[0], strict=True):
        assert log_norm == pytest.approx(expected[60, 60 - lag], abs=1e-3)


def test_norms_far_outside_of_float32_are_told():
    torch.manual_seed(0)
    for gain in (0.01, 100.0):
        rnn = nn.RNN(1, 8, nonlinearity="relu", batch_first=True, bias=False)
        rnn.weight_hh_l0.data = gain * torch.eye(8)
        rnn.weight_ih_l0.data.fill_(1)
        x = torch.ones(1, 15, 1)
        with monitor(rnn, every=1, lags=[14]) as flow:
            rnn(x)[0].sum().backward()
        assert flow.records[0].log_norms[0][0] == pytest.approx(14 * math.log(gain), rel=1e-6)
    rnn.weight_hh_l0.data = 1e4 * torch.eye(8)
    x = torch.ones(1, 15, 1) * 1e-36
    with monitor(rnn, every=1, lags=[14]) as flow:
        rnn(x)[0][:, 0].sum().backward()
    assert flow.records[0].log_norms[0][0] == pytest.approx(14 * math.log(1e4), rel=1e-6)


def test_a_gradient_that_vanished_is_minus_infinity():
    rnn = network("relu", dtype=torch.float32)
    for bias in (rnn.bias_ih_l0, rnn.bias_hh_l0):
        bias.data.fill_(-100)
    with monitor(rnn, every=1) as flow:
        rnn(torch.randn(1, 5, D_IN))[0].sum().backward()
    record = flow.records[0]
    assert record.log_norms == ((-math.inf,) * 3,)
    assert record.saturation == ((1.0,),)


def test_saturation_is_the_share_of_flat_activations_of_each_gate():
    rnn = network("lstm")
    rnn.bias_ih_l0.data[D : 2 * D] = 50  # the forget gate always open
    rnn.bias_ih_l0.data[3 * D :] = -50  # the output gate always closed
    rnn.weight_ih_l0.data *= 0.1
    rnn.weight_hh_l0.data *= 0.1
    with monitor(rnn, every=1) as flow:
        rnn(torch.randn(1, T, D_IN, dtype=torch.float64))[0].sum().backward()
    assert flow.records[0].saturation == ((0, 1, 0, 1),)


def test_singular_values_are_those_of_the_weights_of_that_step(kind):
    rnn = network(kind, layers=2)
    before = [rnn.weight_hh_l0.detach().clone(), rnn.weight_hh_l1.detach().clone()]
    with monitor(rnn, every=1) as flow:
        rnn(torch.randn(1, T, D_IN, dtype=torch.float64))[0].sum().backward()
        for weight in rnn.parameters():
            weight.data.zero_()
    for found, s_max, W in zip(
        flow.records[0].singular_values, flow.records[0].s_max, before, strict=True
    ):
        np.testing.assert_allclose(found, np.linalg.svd(W.numpy(), compute_uv=False))
        assert s_max == found[0]


# --- in a training loop ---------------------------------------------------------------------------


class Model(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embed = nn.Embedding(7, D_IN, sparse=False)
        self.rnn = KINDS[kind](D_IN, D, 2, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(D, 7)

    def forward(self, tokens):
        return self.head(self.drop(self.rnn(self.embed(tokens))[0]))


def train(kind, watch, steps=12, clip=0.05):
    torch.manual_seed(5)
    model = Model(kind)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    losses, norms = [], []

    def loop():
        for _ in range(steps):
            tokens = torch.randint(7, (4, 9))
            loss = nn.functional.cross_entropy(model(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:])
            optimiser.zero_grad()
            loss.backward()
            norms.append(float(nn.utils.clip_grad_norm_(model.parameters(), clip)))
            optimiser.step()
            losses.append(loss.item())

    flow = None
    if watch:
        with monitor(model, every=watch) as flow:
            loop()
    else:
        loop()
    return losses, norms, [p.detach().clone() for p in model.parameters()], flow


def test_training_is_the_same_to_the_last_bit(kind):
    losses, _, weights, _ = train(kind, watch=None)
    watched_losses, _, watched_weights, flow = train(kind, watch=2)
    assert losses == watched_losses
    assert all(torch.equal(a, b) for a, b in zip(weights, watched_weights, strict=True))
    assert len(flow.records) == 6


def test_the_gradients_norm_is_the_one_before_clipping(kind):
    _, norms, _, flow = train(kind, watch=3)
    assert [record.step for record in flow.records] == [0, 3, 6, 9]
    assert max(norms) > 0.05
    for record in flow.records:
        assert record.gradient_norm == pytest.approx(norms[record.step], rel=1e-6)


def hooks_of(module):
    """Return the number of hooks on a module and on its weights."""
    return len(module._forward_hooks) + sum(
        len(p._backward_hooks or ()) + len(p._post_accumulate_grad_hooks or ())
        for p in module.parameters()
    )


def test_all_hooks_go_at_the_end_and_between_recorded_steps():
    rnn = network("gru")
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=2) as flow:
        assert hooks_of(rnn) == 1
        rnn(x)[0].sum().backward()
        rnn(x)[0].sum().backward()
        assert hooks_of(rnn) == 1
        rnn(x)
    assert hooks_of(rnn) == 0
    rnn(x)[0].sum().backward()
    assert [record.step for record in flow.records] == [0]


def test_after_an_exception_the_hooks_are_gone_and_the_records_kept():
    rnn = network("lstm")
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    flow = monitor(rnn, every=1)

    def loop():
        with flow:
            rnn(x)[0].sum().backward()
            rnn(x)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    assert hooks_of(rnn) == 0
    assert len(flow.records) == 1


def test_without_with_it_runs_until_closed():
    rnn = network("tanh")
    flow = monitor(rnn, every=1)
    rnn(torch.randn(B, T, D_IN, dtype=torch.float64))[0].sum().backward()
    assert len(flow.records) == 1
    flow.close()
    assert hooks_of(rnn) == 0


def test_evaluation_and_passes_without_a_backward_do_not_count():
    rnn = network("tanh")
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=1) as flow:
        with torch.no_grad():
            rnn(x)
        rnn.eval()
        rnn(x)[0].sum().backward()
        rnn.train()
        rnn(x)
        rnn(x)[0].sum().backward()
    assert [record.step for record in flow.records] == [1]


def test_a_resumed_training_goes_on_counting():
    rnn = network("tanh")
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=4, start=6) as flow:
        for _ in range(8):
            rnn(x)[0].sum().backward()
    assert [record.step for record in flow.records] == [8, 12]
    assert flow.steps == 14


def test_a_diverged_training_goes_on_and_is_told():
    rnn = network("gru")
    rnn.weight_hh_l0.data.fill_(math.nan)
    with monitor(rnn, every=1) as flow:
        rnn(torch.randn(B, T, D_IN, dtype=torch.float64))[0].sum().backward()
    record = flow.records[0]
    assert np.isnan(record.log_norms).all()
    assert np.isnan(record.singular_values).all()
    assert math.isnan(record.gradient_norm)


def test_one_time_step_has_a_gradient_and_no_lag():
    rnn = network("lstm")
    with monitor(rnn, every=1) as flow:
        rnn(torch.randn(B, 1, D_IN, dtype=torch.float64))[0].sum().backward()
    record = flow.records[0]
    assert record.lags == ()
    assert record.log_norms == ((),)
    assert len(record.log_gradients[0]) == 1


def test_two_backward_passes_of_one_step_add_up():
    rnn = network("gru")
    x = torch.randn(1, T, D_IN, dtype=torch.float64)
    with monitor(rnn, every=1) as flow:
        outputs, _ = rnn(x)
        outputs[:, 3].sum().backward(retain_graph=True)
        outputs[:, 9].sum().backward()
    with monitor(rnn, every=1) as together:
        outputs, _ = rnn(x)
        (outputs[:, 3].sum() + outputs[:, 9].sum()).backward()
    np.testing.assert_allclose(
        flow.records[0].log_gradients, together.records[0].log_gradients, atol=1e-12
    )


def test_records_are_saved_and_read_back(tmp_path):
    *_, flow = train("lstm", watch=5)
    flow.save(tmp_path / "flow.json")
    assert load_records(tmp_path / "flow.json") == flow.records


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (lambda: nn.Linear(2, 2), "holds no torch.nn.RNN"),
        (lambda: nn.LSTMCell(2, 2), "single cells"),
        (
            lambda: nn.ModuleDict({"a": nn.RNN(2, 2), "b": nn.GRU(2, 2)}),
            "2 recurrent networks, a, b",
        ),
        (lambda: nn.GRU(2, 2, bidirectional=True), "bidirectional"),
        (lambda: nn.LSTM(2, 4, proj_size=2), "proj_size=2"),
        (lambda: nn.GRU(2, 2, num_layers=2, dropout=0.5), "drops out between its layers"),
        (lambda: nn.RNN(2, 2, dtype=torch.bfloat16), "weights in bfloat16"),
    ],
)
def test_what_is_not_followed_is_refused_with_the_reason(module, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        monitor(module())


@pytest.mark.parametrize("more", [{"every": 0}, {"sequences": 0}, {"start": -1}, {"lags": [0]}])
def test_numbers_out_of_range_are_refused(more):
    with pytest.raises(InvalidInput, match="at least 1"):
        monitor(nn.RNN(2, 2), **more)


def test_autocast_is_refused_in_a_sentence():
    rnn = nn.LSTM(D_IN, D)
    with (
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.raises(InvalidInput, match="autocast"),
        monitor(rnn),
    ):
        rnn(torch.randn(T, B, D_IN))


@pytest.mark.parametrize("text", ['{"records": 3}', "{}", '{"records": [{"step": 1}]}'])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(InvalidInput, match="record"):
        load_records(tmp_path / "other.json")
