"""Jacobians, norms and per-step terms of torch's own cells are those that autograd finds."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from carrychain.errors import InvalidInput
from carrychain.rnn.cells import gradient_flow

D_IN, D, T, B = 3, 5, 7, 4

KINDS = {
    "tanh RNN": lambda **given: nn.RNN(D_IN, D, **given),
    "relu RNN": lambda **given: nn.RNN(D_IN, D, nonlinearity="relu", **given),
    "GRU": lambda **given: nn.GRU(D_IN, D, **given),
    "LSTM": lambda **given: nn.LSTM(D_IN, D, **given),
}
CELLS = {
    "tanh RNNCell": lambda **given: nn.RNNCell(D_IN, D, **given),
    "relu RNNCell": lambda **given: nn.RNNCell(D_IN, D, nonlinearity="relu", **given),
    "GRUCell": lambda **given: nn.GRUCell(D_IN, D, **given),
    "LSTMCell": lambda **given: nn.LSTMCell(D_IN, D, **given),
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
every_cell = pytest.mark.parametrize("make", CELLS.values(), ids=CELLS.keys())


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(5)


def strong(module):
    """A module in float64 whose gates are far from their middle."""
    module = module.double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(2)
    return module


def random_state(module, *shape):
    h = torch.randn(*shape, dtype=torch.float64)
    return (h, torch.randn_like(h)) if isinstance(module, nn.LSTM | nn.LSTMCell) else h


def parts(module):
    return 2 if isinstance(module, nn.LSTM | nn.LSTMCell) else 1


def one_step(module, x):
    """The step of a module on its joint state, (n,) to (n,), by torch's own code."""

    def step(s):
        s = s.reshape(module.num_layers, parts(module), D)
        h, c = s[:, 0].contiguous(), s[:, -1].contiguous()
        _, new = module(x[None], (h, c) if parts(module) == 2 else h)
        return torch.stack(new if parts(module) == 2 else (new,), dim=1).flatten()

    return step


@every_kind
@pytest.mark.parametrize("layers", [1, 3])
def test_states_and_jacobians_are_those_of_torch(make, layers):
    module = strong(make(num_layers=layers))
    x = torch.randn(T, D_IN, dtype=torch.float64)
    h0 = random_state(module, layers, D)
    flow = gradient_flow(module, x, h0)
    assert flow.states.shape == (T + 1, layers * parts(module) * D)
    output, _ = module(x, h0)
    top = flow.states.reshape(T + 1, layers, parts(module), D)[1:, -1, 0]
    np.testing.assert_allclose(top, output.detach(), atol=1e-13)
    for t in range(T):
        step = one_step(module, x[t])
        s = torch.tensor(flow.states[t])
        np.testing.assert_allclose(flow.states[t + 1], step(s).detach(), atol=1e-13)
        J = torch.autograd.functional.jacobian(step, s)
        np.testing.assert_allclose(flow.jacobians[t], J, atol=1e-12)


@every_kind
def test_closed_forms_equal_the_step_function_route(make):
    module = strong(make())
    x = torch.randn(T, D_IN, dtype=torch.float64)
    h0 = random_state(module, 1, D)
    flow = gradient_flow(module, x, h0)

    def step(s, x_t):
        return one_step(module, x_t)(s)

    by_step = gradient_flow(step, x, torch.cat(h0, 1)[0] if parts(module) == 2 else h0[0])
    np.testing.assert_allclose(by_step.states, flow.states, atol=1e-12)
    np.testing.assert_allclose(by_step.jacobians, flow.jacobians, atol=1e-10)


@every_kind
def test_norms_are_those_of_the_whole_network_differentiated(make):
    module = strong(make(num_layers=2))
    x = torch.randn(T, D_IN, dtype=torch.float64)
    flow = gradient_flow(module, x)
    for i, t in [(0, 7), (2, 6), (6, 7), (3, 3)]:

        def later(s, i=i, t=t):
            for x_t in x[i:t]:
                s = one_step(module, x_t)(s)
            return s.clone()

        J = torch.autograd.functional.jacobian(later, torch.tensor(flow.states[i])).numpy()
        norm = np.linalg.norm(J, 2)
        assert np.exp(flow.log_norms[t, i]) == pytest.approx(norm, rel=1e-9)
    assert (flow.certificate < 1e-4).all()


def unrolled(module, x, weights):
    """The output h_T of cells, layer over layer, with the recurrent weights of each step apart."""
    layers = module.num_layers
    kind = {nn.GRU: nn.GRUCell, nn.LSTM: nn.LSTMCell, nn.RNN: nn.RNNCell}[type(module)]
    h = [torch.zeros(1, D, dtype=torch.float64) for _ in range(layers)]
    c = [torch.zeros(1, D, dtype=torch.float64) for _ in range(layers)]
    for t, x_t in enumerate(x):
        below = x_t[None]
        for k in range(layers):
            own = {"nonlinearity": module.nonlinearity} if kind is nn.RNNCell else {}
            cell = kind(below.shape[1], D, dtype=torch.float64, **own)
            given = {
                "weight_ih": getattr(module, f"weight_ih_l{k}"),
                "bias_ih": getattr(module, f"bias_ih_l{k}"),
                "bias_hh": getattr(module, f"bias_hh_l{k}"),
                "weight_hh": weights[t][k],
            }
            state = (h[k], c[k]) if kind is nn.LSTMCell else h[k]
            new = torch.func.functional_call(cell, given, (below, state))
            h[k], c[k] = new if kind is nn.LSTMCell else (new, c[k])
            below = h[k]
    return h[-1][0]


@every_kind
@pytest.mark.parametrize("layers", [1, 2])
def test_per_step_terms_are_autograds_for_one_weight_matrix_a_step(make, layers):
    module = strong(make(num_layers=layers))
    x = torch.randn(T, D_IN, dtype=torch.float64)
    flow = gradient_flow(module, x)
    weights = [
        [
            getattr(module, f"weight_hh_l{k}").detach().clone().requires_grad_()
            for k in range(layers)
        ]
        for _ in range(T)
    ]
    output = unrolled(module, x, weights)
    assert torch.allclose(output, module(x)[0][-1])
    squares = np.zeros(T)
    for value in output:
        of_steps = [w for step in weights for w in step]
        grads = torch.autograd.grad(value, of_steps, retain_graph=True)
        squares += np.array([g.square().sum() for g in grads]).reshape(T, layers).sum(1)
    np.testing.assert_allclose(flow.per_step_terms, np.sqrt(squares), rtol=1e-10)
    assert flow.per_step_terms[0] == 0  # h_0 is 0, and the term is a multiple of it
    np.testing.assert_allclose(flow.shares, np.sqrt(squares) / np.sqrt(squares).sum(), rtol=1e-10)


@every_kind
def test_a_layers_own_flow_is_that_of_the_layer_alone(make):
    module = strong(make(num_layers=2))
    x = torch.randn(T, D_IN, dtype=torch.float64)
    flow = gradient_flow(module, x)
    first, second = (strong(type(module)(size, D)) for size in (D_IN, D))
    for k, alone in enumerate((first, second)):
        if isinstance(module, nn.RNN):
            alone.mode, alone.nonlinearity = module.mode, module.nonlinearity
        for name, weight in alone.named_parameters():
            weight.data = getattr(module, name.replace("_l0", f"_l{k}")).data
    alone = gradient_flow(first, x), gradient_flow(second, first(x)[0])
    for own, expected in zip(flow.layers, alone, strict=True):
        np.testing.assert_allclose(own.jacobians, expected.jacobians, atol=1e-13)
        np.testing.assert_allclose(own.log_norms, expected.log_norms, atol=1e-9)
        np.testing.assert_allclose(own.shares, expected.shares, atol=1e-12)
    assert alone[0].layers == (alone[0],)


@every_cell
@pytest.mark.parametrize("bias", [True, False])
def test_a_cell_flows_as_its_module(make, bias):
    cell = strong(make(bias=bias))
    own = {"nonlinearity": cell.nonlinearity} if isinstance(cell, nn.RNNCell) else {}
    kind = {nn.RNNCell: nn.RNN, nn.GRUCell: nn.GRU, nn.LSTMCell: nn.LSTM}[type(cell)]
    module = kind(D_IN, D, bias=bias, **own).double()
    for name, weight in cell.named_parameters():
        getattr(module, f"{name}_l0").data = weight.data
    x = torch.randn(T, B, D_IN, dtype=torch.float64)
    h0 = random_state(cell, B, D)
    one_layer = tuple(part[None] for part in h0) if isinstance(h0, tuple) else h0[None]
    by_cell, by_module = gradient_flow(cell, x, h0), gradient_flow(module, x, one_layer)
    np.testing.assert_array_equal(by_cell.jacobians, by_module.jacobians)
    np.testing.assert_array_equal(by_cell.log_per_step_terms, by_module.log_per_step_terms)


@every_kind
@pytest.mark.parametrize("batch_first", [True, False])
def test_a_batch_gives_each_sequence_its_own_flow(make, batch_first):
    module = strong(make(num_layers=2, batch_first=batch_first))
    x = torch.randn(B, T, D_IN, dtype=torch.float64)
    h0 = random_state(module, 2, B, D)
    batch = gradient_flow(module, x if batch_first else x.transpose(0, 1), h0)
    n = 2 * parts(module) * D
    assert batch.states.shape == (B, T + 1, n)
    assert batch.jacobians.shape == (B, T, n, n)
    assert batch.log_norms.shape == batch.certificate.shape == (B, T + 1, T + 1)
    assert batch.lyapunov.shape == batch.lyapunov_error.shape == (B, n)
    assert batch.log_per_step_terms.shape == batch.shares.shape == (B, T)
    for b in range(B):
        own = tuple(part[:, b] for part in h0) if isinstance(h0, tuple) else h0[:, b]
        alone = gradient_flow(module, x[b], own)
        for name in ("states", "jacobians", "lyapunov", "log_per_step_terms"):
            np.testing.assert_allclose(getattr(batch, name)[b], getattr(alone, name), atol=1e-10)
        lower = np.tril_indices(T + 1)
        np.testing.assert_allclose(batch.log_norms[b][lower], alone.log_norms[lower], atol=1e-9)
        np.testing.assert_allclose(
            batch.layers[1].jacobians[b], alone.layers[1].jacobians, atol=1e-12
        )


@every_kind
def test_the_module_is_left_as_it_was(make):
    module = make(num_layers=2, dropout=0.5).eval()
    before = copy.deepcopy(module)
    x = torch.randn(T, D_IN, requires_grad=True)
    gradient_flow(module, x)
    assert module.training == before.training
    assert x.grad is None
    for weight, old in zip(module.parameters(), before.parameters(), strict=True):
        assert torch.equal(weight, old)
        assert weight.grad is None
        assert weight.requires_grad
        assert weight.dtype is torch.float32


def test_float32_weights_are_taken_exactly_and_computed_in_float64():
    module = nn.GRU(D_IN, D)
    x = torch.randn(T, D_IN)
    single = gradient_flow(module, x)
    double = gradient_flow(copy.deepcopy(module).double(), x.double())
    assert single.jacobians.dtype == np.float64
    np.testing.assert_array_equal(single.jacobians, double.jacobians)


def test_an_orthogonal_linear_step_gives_exact_powers():
    Q = torch.linalg.qr(torch.randn(D, D, dtype=torch.float64))[0]
    flow = gradient_flow(lambda h, x: 0.5 * Q @ h + x, torch.randn(T, D), torch.zeros(D).double())
    t, i = np.tril_indices(T + 1)
    np.testing.assert_allclose(flow.log_norms[t, i], (t - i) * np.log(0.5), atol=1e-12)
    np.testing.assert_allclose(flow.lyapunov, np.log(0.5), atol=1e-12)
    # Nothing is known of a step's weights: its terms are ||dh_T/dh_i||_F.
    np.testing.assert_allclose(flow.per_step_terms, np.sqrt(D) * 0.5 ** np.arange(T - 1, -1, -1.0))
    assert flow.layers == (flow,)


@pytest.mark.parametrize("scale", [0.01, 2.0])
def test_terms_of_long_sequences_neither_vanish_nor_overflow_in_logs(scale):
    steps = 1000
    module = nn.RNN(1, D, nonlinearity="relu", bias=False).double()
    with torch.no_grad():
        module.weight_hh_l0.copy_(scale * torch.eye(D, dtype=torch.float64))
        module.weight_ih_l0.fill_(1)
    flow = gradient_flow(module, torch.ones(steps, 1))
    # h_i = 1 + scale + ... + scale^(i-1) in every unit, and dh_T/da_i = scale^(T-i) I.
    i = np.arange(1, steps)  # after the first, whose h_0 is 0
    h = np.log(np.abs(scale**i - 1) / abs(scale - 1)) + np.log(D) / 2
    onwards = (steps - 1 - i) * np.log(scale) + np.log(D) / 2
    np.testing.assert_allclose(flow.log_per_step_terms[1:], h + onwards, rtol=1e-12)
    assert flow.log_per_step_terms[0] == -np.inf
    assert flow.shares.sum() == pytest.approx(1)


def test_a_gradient_that_is_exactly_0_has_no_shares():
    module = nn.RNN(D, D)
    with torch.no_grad():
        module.weight_hh_l0.zero_()
        module.weight_ih_l0.zero_()
        module.bias_ih_l0.zero_()
        module.bias_hh_l0.zero_()
    flow = gradient_flow(module, torch.zeros(T, D))
    assert (flow.log_per_step_terms == -np.inf).all()
    assert (flow.per_step_terms == 0).all()
    assert (flow.shares == 0).all()


@every_kind
def test_one_step_is_enough(make):
    flow = gradient_flow(make(), torch.randn(1, D_IN))
    assert flow.log_norms.shape == (2, 2)
    assert flow.log_norms[1, 0] == pytest.approx(np.log(np.linalg.norm(flow.jacobians[0], 2)))
    assert flow.shares.shape == (1,)


def test_a_step_may_be_a_module_with_weights_and_branch_on_its_state():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.W = nn.Linear(D, D)

        def forward(self, h, x):
            return torch.tanh(self.W(h)) if h.sum() > x else h.mul_(0.5)

    cell, h0 = Cell(), torch.ones(D)
    flow = gradient_flow(cell, torch.tensor([0.0, 100.0]), h0)
    h1 = torch.tanh(cell.W(torch.ones(D)))
    expected = (1 - h1**2)[:, None] * cell.W.weight
    np.testing.assert_allclose(flow.jacobians[0], expected.detach(), atol=1e-6)
    np.testing.assert_array_equal(flow.jacobians[1], 0.5 * np.eye(D))
    np.testing.assert_allclose(flow.states[1], h1.detach(), atol=1e-6)
    assert torch.equal(h0, torch.ones(D))
    assert cell.W.weight.grad is None


def test_orthogonal_weights_by_a_parametrization_are_read():
    module = nn.utils.parametrizations.orthogonal(nn.RNN(D_IN, D), "weight_hh_l0")
    flow = gradient_flow(module, torch.zeros(T, D_IN), torch.zeros(1, D))
    gain = flow.jacobians[0] @ flow.jacobians[0].T
    slope = 1 - flow.states[1] ** 2
    np.testing.assert_allclose(gain, np.diag(slope**2), atol=1e-6)


class Scaled(nn.GRU):
    def forward(self, x, h=None):
        return super().forward(2 * x, h)


def poisoned(value):
    module = nn.LSTM(D_IN, D)
    with torch.no_grad():
        module.weight_hh_l0[3, 1] = value
    return module


def exploding():
    module = nn.RNN(D_IN, D, nonlinearity="relu")
    with torch.no_grad():
        module.weight_hh_l0.fill_(1e37)
        module.bias_hh_l0.fill_(1)
    return module


X = torch.zeros(T, D_IN)
NAN = X.clone()
NAN[2, 1] = torch.nan
H = torch.zeros(D)

BAD = {
    "half precision": ((nn.RNN(D_IN, D).half(), X), ["RNN", "float16", ".float()"]),
    "bfloat16": ((nn.LSTM(D_IN, D).bfloat16(), X), ["LSTM", "bfloat16"]),
    "bidirectional": ((nn.LSTM(D_IN, D, bidirectional=True), X), ["bidirectional", "the end"]),
    "projected": ((nn.LSTM(D_IN, D, proj_size=2), X), ["proj_size 2", "units"]),
    "dropout": ((nn.GRU(D_IN, D, num_layers=2, dropout=0.1), X), ["dropout 0.1", ".eval()"]),
    "own forward": ((Scaled(D_IN, D), X), ["Scaled", "step(h, x)"]),
    "meta": ((nn.GRU(D_IN, D, device="meta"), X), ["weight_ih_l0", "meta"]),
    "input size": ((nn.RNN(D_IN, D), torch.zeros(T, 4)), ["(7, 4)", "(steps, 3)"]),
    "batch first": (
        (nn.RNN(D_IN, D, batch_first=True), torch.zeros(2, T, 4)),
        ["(2, 7, 4)", "(batch, steps, 3)"],
    ),
    "one axis": ((nn.RNN(D_IN, D), torch.zeros(3)), ["(3,)", "(steps, 3)"]),
    "no step": ((nn.RNN(D_IN, D), torch.zeros(0, 3)), ["(0, 3)", "at least one step"]),
    "NaN input": ((nn.RNN(D_IN, D), NAN), ["inputs[2, 1] is nan"]),
    "NaN weight": ((poisoned(torch.nan), X), ["weight_hh_l0[3, 1] is nan"]),
    "Inf weight": ((poisoned(torch.inf), X), ["weight_hh_l0[3, 1] is inf"]),
    "overflow": ((exploding(), X.expand(30, -1, -1).reshape(-1, D_IN)), ["overflows at step"]),
    "h0's shape": ((nn.RNN(D_IN, D), X, H), ["h0", "(5,)", "(1, 5)"]),
    "a batch's h0": ((nn.GRU(D_IN, D), X[:, None], H[None]), ["h0", "(1, 5)", "(1, 1, 5)"]),
    "c0's shape": ((nn.LSTM(D_IN, D), X, (H[None], H)), ["c0", "(5,)", "(1, 5)"]),
    "LSTM without c0": ((nn.LSTM(D_IN, D), X, H[None]), ["(h0, c0)"]),
    "pair for a GRU": ((nn.GRU(D_IN, D), X, (H[None], H[None])), ["one tensor"]),
    "packed": ((nn.RNN(D_IN, D), nn.utils.rnn.pack_sequence([X])), ["inputs", "PackedSequence"]),
    "words": ((nn.RNN(D_IN, D), ["to be"]), ["inputs", "list"]),
    "complex": ((nn.RNN(D_IN, D), X.to(torch.complex64)), ["inputs", "complex"]),
    "unknown": (("lstm", X), ["str", "torch.nn.RNN"]),
    "memory": (
        (nn.RNN(1, 4096), torch.zeros(1, 1).expand(2_000_000, 1)),
        ["2,000,000", "4,096", "GB"],
    ),
    "step without h0": ((lambda h, x: h, X), ["h0"]),
    "step in half": ((lambda h, x: h, X, H.half()), ["float16", "float32"]),
    "step of a matrix": ((lambda h, x: h, X, H[None]), ["(1, 5)", "vector"]),
    "step of nothing": ((lambda h, x: h, X[:0], H), ["(0, 3)"]),
    "another shape": ((lambda h, x: torch.cat((h, x)), X, H), ["(5,)", "(8,)"]),
    "no tensor": ((lambda h, x: (h, x), X, H), ["tuple"]),
    "failing step": ((lambda h, x: h @ x, X, H), ["step 1", "RuntimeError"]),
    "NaN step": ((lambda h, x: h / 0, X, H), ["NaN or Inf", "step 1 of 7"]),
    "no step function": ((nn.Linear(D, D), X, H), ["step 1", "TypeError"]),
}


@pytest.mark.parametrize(("given", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_sentence(given, said):
    with pytest.raises(InvalidInput) as raised:
        gradient_flow(*given)
    message = str(raised.value)
    assert "\n" not in message
    for part in said:
        assert part in message
