"""A derivation is right or wrong whatever its arrangement, and a mistake is told by its name."""

import ast
import math
import re
from importlib.resources import files
from itertools import combinations, zip_longest

import numpy as np
import pytest

from carrychain.errors import InvalidInput
from carrychain.rnn import checker
from carrychain.rnn.bound_mistakes import BOUNDS
from carrychain.rnn.cases import bound_cases, random_cases
from carrychain.rnn.mistakes import DERIVATIVES
from carrychain.sandbox.child import Limits

TEMPLATE = files("carrychain").joinpath("handout", "derivation.py").read_text("utf-8")

RIGHT = """
import numpy as np

def ds(a):
    return 1 - np.tanh(a) ** 2

def s_max(A):
    return np.linalg.norm(A, 2)

def loss(y, p):
    return -np.sum(y * np.log(p))

def immediate_partial(W_hh, a, h, i, m, n):
    v = np.zeros(len(W_hh))
    v[m] = ds(a[i, m]) * h[i - 1, n]
    return v

def product(J, t, i):
    P = np.eye(J.shape[1])
    for j in range(i, t):
        P = J[j] @ P
    return P

def jacobian(W_hh, a, h, i):
    return np.diag(ds(a[i + 1])) @ W_hh

def step_bound(W_hh, a, i):
    return ds(a[i]).max() * s_max(W_hh)

def bound(W_hh, a, t, i):
    return np.prod([ds(a[j]).max() * s_max(W_hh) for j in range(i + 1, t + 1)])
"""

NAMES = ("loss", "immediate_partial", "product", "jacobian", "step_bound", "bound")
SIGNATURES = {
    "loss": "y, p",
    "immediate_partial": "W_hh, a, h, i, m, n",
    "product": "J, t, i",
    "jacobian": "W_hh, a, h, i",
    "step_bound": "W_hh, a, i",
    "bound": "W_hh, a, t, i",
}


@pytest.fixture
def check(tmp_path):
    """Check a source and return its checks by name."""

    def run(source, seed=0, **options):
        path = tmp_path / "derivation.py"
        path.write_text(source, "utf-8")
        return {each.name: each for each in checker.check(path, seed, **options).checks}

    return run


def with_body(name, body):
    """Return the helpers, and one function of the right file with another body."""
    helpers = RIGHT[: RIGHT.index("def loss")]
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"{helpers}def {name}({SIGNATURES[name]}):\n{lines}\n"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_right_derivation_passes_whatever_the_networks(check, seed):
    checks = check(RIGHT, seed)
    assert tuple(checks) == NAMES
    assert all(each.passed for each in checks.values())
    assert all(each.recognised == () for each in checks.values())


OTHER_ARRANGEMENTS = {
    "the label's entry": ("loss", "return -np.log(p[np.argmax(y)])"),
    "a plain sum": ("loss", "import math\nreturn -sum(u * math.log(v) for u, v in zip(y, p))"),
    "the log of a sum": ("loss", "return np.array([np.log(1 / (y @ p))])"),
    "from h": (
        "immediate_partial",
        "e = np.eye(len(W_hh))[:, m]\nreturn e * (1 - h[i] ** 2) * h[i - 1, n]",
    ),
    "a column": (
        "immediate_partial",
        "v = np.zeros((len(W_hh), 1))\nv[m] = (1 - h[i, m] ** 2) * h[i - 1, n]\nreturn v",
    ),
    "a list": (
        "immediate_partial",
        "return [float(k == m) * ds(a[i, m]) * h[i - 1, n] for k in range(len(W_hh))]",
    ),
    "einsum": ("jacobian", "return np.einsum('m,mn->mn', ds(a[i + 1]), W_hh)"),
    "loops": (
        "jacobian",
        "s = 1 - h[i + 1] ** 2\n"
        "return [[s[m] * W_hh[m, n] for n in range(len(s))] for m in range(len(s))]",
    ),
    "columns of a transpose": ("jacobian", "return (W_hh.T * ds(a[i + 1])).T"),
    "cosh": ("jacobian", "return W_hh / np.cosh(a[i + 1])[:, None] ** 2"),
    "multi_dot": (
        "product",
        "from functools import reduce\nreturn reduce(np.dot, J[i:t][::-1], np.eye(len(J[0])))",
    ),
    "recursion": (
        "product",
        "return np.eye(len(J[0])) if t == i else product(J, t, i + 1) @ J[i]",
    ),
    "left to right": (
        "product",
        "P = np.eye(len(J[0]))\nfor j in range(t - 1, i - 1, -1):\n    P = P @ J[j]\nreturn P",
    ),
    "eigenvalues of W^T W": (
        "step_bound",
        "return max(ds(a[i])) * max(np.linalg.eigvalsh(W_hh.T @ W_hh)) ** .5",
    ),
    "logs": (
        "bound",
        "return np.exp(sum(np.log(max(ds(a[j])) * s_max(W_hh)) for j in range(i + 1, t + 1)))",
    ),
}


@pytest.mark.parametrize(
    ("name", "body"), OTHER_ARRANGEMENTS.values(), ids=OTHER_ARRANGEMENTS.keys()
)
def test_another_arrangement_passes(check, name, body):
    got = check(with_body(name, body))[name]
    assert got.passed, got.explanation
    assert got.recognised == ()


def test_the_other_layout_passes_where_it_is_stated(check):
    body = {
        "jacobian": "return W_hh.T * (1 - h[i + 1] ** 2)",
        "product": "P = np.eye(len(J[0]))\nfor j in range(i, t):\n    P = P @ J[j]\nreturn P",
    }
    source = "".join(with_body(*each) for each in body.items())
    stated = check(f"LAYOUT = 'denominator'\n{source}")
    assert stated["jacobian"].passed
    assert stated["product"].passed
    silent = check(source)
    assert silent["jacobian"].recognised == ("transposed",)
    assert "LAYOUT" in silent["jacobian"].explanation
    assert not silent["product"].passed


def test_mistakes_are_recognised_in_the_other_layout_too(check):
    checks = check(f"LAYOUT = 'denominator'\n{with_body('jacobian', 'return W_hh.T')}")
    assert checks["jacobian"].recognised == ("missing sigma'",)


@pytest.mark.parametrize("of", ["loss", "jacobian"])
def test_rough_numbers_pass_with_a_remark(check, of):
    body = {
        "loss": "return -np.log(y @ p + 1e-7)",
        "jacobian": "return (ds(a[i + 1])[:, None] * W_hh).astype(np.float32)",
    }
    got = check(with_body(of, body[of]))[of]
    assert got.passed
    assert "few digits" in got.explanation


# --- mistakes -------------------------------------------------------------------------------------

E = "e = np.eye(len(W_hh))\n"
CHAIN = "for j in range({0}):\n    P = {1}\nreturn P"
MISTAKES = {
    ("loss", "missing minus"): "return np.sum(y * np.log(p))",
    ("loss", "logarithm to base 2"): "return -np.sum(y * np.log2(p))",
    ("loss", "logarithm to base 10"): "return -np.log10(p[y.argmax()])",
    ("loss", "squared error"): "return np.sum((p - y) ** 2)",
    ("loss", "half the squared error"): "return 0.5 * np.linalg.norm(p - y) ** 2",
    ("loss", "mean squared error"): "return np.mean((p - y) ** 2)",
    ("loss", "binary cross-entropy added over the classes"): (
        "return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))"
    ),
    ("loss", "mean over the classes"): "return -np.mean(y * np.log(p))",
    ("loss", "y left out"): "return -np.log(p).sum()",
    ("loss", "not summed over the classes"): "return -y * np.log(p)",
    ("loss", "the predicted class for the label"): "return -np.log(max(p))",
    ("loss", "softmax a second time"): "q = np.exp(p) / np.exp(p).sum()\nreturn -np.log(q @ y)",
    ("loss", "y and p the wrong way round"): (
        "with np.errstate(all='ignore'):\n    return -np.sum(p * np.log(y))"
    ),
    ("loss", "the derivative for the loss"): "return p - y",
    ("immediate_partial", "missing sigma'"): f"{E}return e[m] * h[i - 1, n]",
    ("immediate_partial", "h_i for h_{i-1}"): f"{E}return e[m] * ds(a[i, m]) * h[i, n]",
    ("immediate_partial", "sigma for sigma'"): f"{E}return e[m] * np.tanh(a[i, m]) * h[i - 1, n]",
    ("immediate_partial", "sigma' of the wrong unit (a_i[n] for a_i[m])"): (
        f"{E}return e[m] * ds(a[i, n]) * h[i - 1, n]"
    ),
    ("immediate_partial", "the wrong unit (e_n for e_m)"): (
        f"{E}return e[n] * ds(a[i, m]) * h[i - 1, n]"
    ),
    ("immediate_partial", "m and n the wrong way round"): (
        f"{E}return e[n] * ds(a[i, n]) * h[i - 1, m]"
    ),
    ("immediate_partial", "h_{i-1}[m] for h_{i-1}[n]"): (
        f"{E}return e[m] * ds(a[i, m]) * h[i - 1, m]"
    ),
    ("immediate_partial", "sigma' at the wrong step (a_{i-1} for a_i)"): (
        f"{E}return e[m] * ds(a[i - 1, m]) * h[i - 1, n]"
    ),
    ("immediate_partial", "a number for a vector"): "return ds(a[i, m]) * h[i - 1, n]",
    ("immediate_partial", "every unit moved, not the m-th alone"): "return ds(a[i]) * h[i - 1, n]",
    ("immediate_partial", "two vectors multiplied entry by entry"): "return ds(a[i]) * h[i - 1]",
    ("immediate_partial", "all weights at once"): "return np.outer(ds(a[i]), h[i - 1])",
    ("immediate_partial", "the whole derivative, not the immediate one"): (
        "v = np.zeros(len(W_hh))\n"
        "for j in range(1, i + 1):\n"
        "    v = ds(a[j]) * (W_hh @ v + np.eye(len(W_hh))[m] * h[j - 1, n])\n"
        "return v"
    ),
    ("immediate_partial", "the weight kept as a factor"): (
        f"{E}return e[m] * ds(a[i, m]) * W_hh[m, n] * h[i - 1, n]"
    ),
    ("jacobian", "missing sigma'"): "return W_hh",
    ("jacobian", "transposed W_hh"): "return ds(a[i + 1])[:, None] * W_hh.T",
    ("jacobian", "sigma' on the wrong side"): "return W_hh @ np.diag(ds(a[i + 1]))",
    ("jacobian", "sigma' at the wrong step (a_i for a_{i+1})"): "return ds(a[i])[:, None] * W_hh",
    ("jacobian", "sigma for sigma'"): "return h[i + 1][:, None] * W_hh",
    ("jacobian", "1 - a^2 for sigma'"): "return (1 - a[i + 1] ** 2)[:, None] * W_hh",
    ("jacobian", "sigma' of h, not of a"): "return ds(h[i + 1])[:, None] * W_hh",
    ("jacobian", "1 - tanh(a), the square forgotten"): "return (1 - h[i + 1])[:, None] * W_hh",
    ("jacobian", "h (1 - h) for sigma'"): "s = h[i + 1]\nreturn (s * (1 - s))[:, None] * W_hh",
    ("jacobian", "missing W_hh"): "return np.diag(ds(a[i + 1]))",
    ("jacobian", "only the diagonal kept"): "return np.diag(ds(a[i + 1])) * W_hh",
    ("jacobian", "sigma' as a vector times W_hh"): "return ds(a[i + 1]) @ W_hh",
    ("jacobian", "sigma' averaged over the units"): "return ds(a[i + 1]).mean() * W_hh",
    ("jacobian", "sigma' at W_hh h_i alone"): "return ds(W_hh @ h[i])[:, None] * W_hh",
    ("product", "product in the wrong order"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("i, t", "P @ J[j]")
    ),
    ("product", "one factor too many (J[t])"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("i, min(t + 1, len(J))", "J[j] @ P")
    ),
    ("product", "one factor too few (J[t-1] is missing)"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("i, t - 1", "J[j] @ P")
    ),
    ("product", "one factor too few (J[i] is missing)"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("i + 1, t", "J[j] @ P")
    ),
    ("product", "one factor too many (J[i-1])"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("max(i - 1, 0), t", "J[j] @ P")
    ),
    ("product", "sum instead of product"): "return J[i:t].sum(0)",
    ("product", "multiplied entry by entry"): "return np.prod(J[i:t], axis=0)",
    ("product", "a power of J[i]"): "return np.linalg.matrix_power(J[i], t - i)",
    ("product", "only J[i]"): "return J[i]",
    ("product", "the chain from h_0, not from h_i"): (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("t", "J[j] @ P")
    ),
    ("product", "started from 0"): "P = np.zeros_like(J[0])\n" + CHAIN.format("i, t", "J[j] @ P"),
    ("step_bound", "spectral radius for s_max"): (
        "return max(ds(a[i])) * max(abs(np.linalg.eigvals(W_hh)))"
    ),
    ("step_bound", "min for max of sigma'"): "return min(ds(a[i])) * s_max(W_hh)",
    ("step_bound", "mean for max of sigma'"): "return np.mean(ds(a[i])) * s_max(W_hh)",
    ("step_bound", "missing W_hh"): "return max(ds(a[i]))",
    ("step_bound", "the square root of lambda_max forgotten"): (
        "return max(ds(a[i])) * max(np.linalg.eigvalsh(W_hh.T @ W_hh))"
    ),
    ("step_bound", "sigma' at the wrong step (a_{i+1} for a_i)"): (
        "return max(ds(a[min(i + 1, len(a) - 1)])) * s_max(W_hh)"
    ),
    ("step_bound", "smallest singular value for s_max"): (
        "return max(ds(a[i])) * np.linalg.svd(W_hh)[1][-1]"
    ),
    ("step_bound", "sum instead of product of the norms"): "return max(ds(a[i])) + s_max(W_hh)",
    ("bound", "exponent off by one (t-i+1)"): (
        "return np.prod(ds(a[i + 1 : t + 1]).max(1)) * s_max(W_hh) ** (t - i + 1)"
    ),
    ("bound", "exponent off by one (t-i-1)"): (
        "return np.prod(ds(a[i + 1 : t + 1]).max(1)) * s_max(W_hh) ** (t - i - 1)"
    ),
    ("bound", "min for max of sigma'"): (
        "return np.prod(ds(a[i + 1 : t + 1]).min(1)) * s_max(W_hh) ** (t - i)"
    ),
    ("bound", "the norm of a power for the power of the norm"): (
        "return s_max(np.linalg.matrix_power(W_hh, t - i))"
    ),
    ("bound", "sum instead of product"): "return (t - i) * s_max(W_hh)",
    ("bound", "sigma' a step early (a_i..a_{t-1} for a_{i+1}..a_t)"): (
        "return np.prod(ds(a[max(i, 1) : t]).max(1)) * s_max(W_hh) ** (t - i)"
    ),
}


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory):
    """Check every mistake, in as few files as can be: one holds a mistake of each function."""
    path = tmp_path_factory.mktemp("mistakes") / "derivation.py"
    columns = [[key for key in MISTAKES if key[0] == name] for name in NAMES]
    checks = {}
    for row in zip_longest(*columns):
        keys = [key for key in row if key is not None]
        path.write_text("".join(with_body(key[0], MISTAKES[key]) for key in keys), "utf-8")
        by_name = {each.name: each for each in checker.check(path).checks}
        checks |= {key: by_name[key[0]] for key in keys}
    return checks


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_mistake_is_told_by_its_name(mistaken, name, mistake):
    got = mistaken[name, mistake]
    assert not got.passed
    assert got.recognised == (mistake,)
    assert f"{mistake}: " in got.explanation
    assert "Right is " in got.explanation


TWO_MISTAKES = {
    "jacobian": ("return W_hh.T", {"missing sigma'", "transposed W_hh"}),
    "loss": ("return np.sum(y * np.log2(p))", {"missing minus", "logarithm to base 2"}),
    "immediate_partial": (f"{E}return e[m] * h[i, n]", {"missing sigma'", "h_i for h_{i-1}"}),
    "bound": (
        "return s_max(W_hh) ** (t - i + 1)",
        {"sigma' replaced by 1", "exponent off by one (t-i+1)"},
    ),
    "product": (
        "P = np.eye(len(J[0]))\n" + CHAIN.format("i, min(t + 1, len(J))", "P @ J[j]"),
        {"product in the wrong order", "one factor too many (J[t])"},
    ),
}


@pytest.mark.parametrize("name", TWO_MISTAKES)
def test_two_mistakes_are_told_apart(check, name):
    body, mistakes = TWO_MISTAKES[name]
    assert set(check(with_body(name, body))[name].recognised) == mistakes


# --- bounds ---------------------------------------------------------------------------------------

LOOSE = {
    ("step_bound", "sigma' replaced by 1"): "return s_max(W_hh)",
    ("step_bound", "Frobenius norm for s_max"): "return max(ds(a[i])) * np.linalg.norm(W_hh)",
    ("step_bound", "the norm itself"): "return s_max(ds(a[i])[:, None] * W_hh)",
    ("bound", "sigma' replaced by 1"): "return s_max(W_hh) ** (t - i)",
    ("bound", "sum for max of sigma'"): (
        "return np.prod(ds(a[i + 1 : t + 1]).sum(1)) * s_max(W_hh) ** (t - i)"
    ),
}


@pytest.mark.parametrize(("name", "remark"), LOOSE)
def test_a_bound_that_holds_and_is_loose_passes_with_a_remark(check, name, remark):
    got = check(with_body(name, LOOSE[name, remark]))[name]
    assert got.passed
    assert got.recognised == (remark,)


def test_it_is_said_how_loose_a_bound_is(check):
    body = "return 1.5 * np.prod([max(ds(a[j])) * s_max(W_hh) for j in range(i + 1, t + 1)])"
    got = check(with_body("bound", body))["bound"]
    assert got.passed
    assert "up to 1.5 times closer" in got.explanation


def test_a_broken_bound_shows_a_counter_example_that_can_be_done_by_hand(check):
    body = "return max(ds(a[i])) * max(abs(np.linalg.eigvals(W_hh)))"
    said = check(with_body("step_bound", body))["step_bound"].explanation
    norm, claimed = map(
        float, re.findall(r"the norm is (\S+), and yours says at most (\S+),", said)[0]
    )
    W_hh = np.array(ast.literal_eval(re.findall(r"W_hh = (\[\[.*?\]\])", said)[0]))
    a_i = np.array(ast.literal_eval(re.findall(r"a_\d = (\[.*?\])", said)[0]))
    s = 1 - np.tanh(a_i) ** 2
    assert np.linalg.svd(np.diag(s) @ W_hh)[1][0] == pytest.approx(norm, rel=1e-3)
    assert s.max() * max(abs(np.linalg.eigvals(W_hh))) == pytest.approx(claimed, rel=1e-3)
    assert claimed < norm


@pytest.mark.parametrize(
    "body",
    ["return 1e9", "return 1e9 * s_max(W_hh)", "return 1000 * s_max(W_hh) ** (t - i)"],
)
def test_a_bound_that_says_nothing_does_not_pass(check, body):
    got = check(with_body("bound", body))["bound"]
    assert not got.passed
    assert "says nothing" in got.explanation


@pytest.mark.parametrize("value", ["np.inf", "np.nan", "np.ones(3)", "W_hh"])
def test_a_bound_must_be_a_finite_number(check, value):
    got = check(with_body("bound", f"return {value}"))["bound"]
    assert not got.passed
    assert "finite number" in got.explanation


# --- what has no name -----------------------------------------------------------------------------


def test_unknown_numbers_are_shown_beside_the_right_ones(check):
    body = "return ds(a[i + 1])[:, None] * W_hh + 0.25"
    said = check(with_body("jacobian", body))["jacobian"].explanation
    assert "no mistake that is known" in said
    W_hh = np.array(ast.literal_eval(re.findall(r"W_hh = (\[\[.*?\]\])", said)[0]))
    a = np.array(ast.literal_eval(re.findall(r"a_\d = (\[.*?\])", said)[0]))
    yours = np.array(ast.literal_eval(re.findall(r"yours is (\[\[.*?\]\])", said)[0]))
    right = np.array(ast.literal_eval(re.findall(r"right is (\[\[.*?\]\])", said)[0]))
    expected = np.diag(1 / np.cosh(a) ** 2) @ W_hh
    assert right == pytest.approx(expected, abs=1e-3)
    assert yours == pytest.approx(expected + 0.25, abs=1e-3)


def test_a_common_factor_is_told(check):
    got = check(with_body("jacobian", "return -2 * ds(a[i + 1])[:, None] * W_hh"))["jacobian"]
    assert "Every number is -2 times the right one" in got.explanation


def test_a_wrong_shape_is_told(check):
    got = check(with_body("jacobian", "return np.ones((2, 7))"))["jacobian"]
    assert "shape (2, 7)" in got.explanation
    assert "(2, 2)" in got.explanation


def test_reading_a_0_is_told(check):
    got = check(with_body("jacobian", "return ds(a[0])[:, None] * W_hh"))["jacobian"]
    assert "there is no a_0" in got.explanation


def test_the_empty_product_is_asked_for(check):
    body = "P = J[i]\nfor j in range(i + 1, t):\n    P = J[j] @ P\nreturn P"
    got = check(with_body("product", body))["product"]
    assert not got.passed
    assert "not at its ends" in got.explanation
    assert "right is [[1, 0], [0, 1]]" in got.explanation


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("pass", "returned nothing (None)"),
        ("return 'x'", "type str"),
        ("return [[1, 2], [3]]", "type list"),
        ("return np.ones((2, 2)) * 1j", "complex128"),
        ("return undefined_name", "line 11 (return undefined_name): NameError"),
        ("return W_hh @ np.ones(99)", "ValueError"),
        ("open('answers.txt', 'w')", "tried to write to 'answers.txt'"),
        ("while True: pass", "was not done after 3 s"),
    ],
)
def test_a_function_that_gives_no_numbers_fails_alone(check, body, said):
    source = with_body("jacobian", body) + RIGHT[RIGHT.index("def step_bound") :]
    checks = check(source, limits=Limits(seconds=3) if "while" in body else None)
    assert not checks["jacobian"].passed
    assert said in checks["jacobian"].explanation
    assert checks["step_bound"].passed


def test_a_function_with_other_arguments_is_told_how_it_is_called(check):
    got = check("def product(J): return J")["product"]
    assert "called as product(J, t, i)" in got.explanation


def test_numbers_that_lie_about_themselves_gain_nothing(check):
    source = """
import numpy as np
class Yes(np.ndarray):
    def __eq__(self, other): return True
    def __sub__(self, other): return np.zeros(self.shape)
    def __array_ufunc__(self, *a, **k): return np.zeros(self.shape)
class One(float):
    def __lt__(self, other): return False
    def __sub__(self, other): return 0.0
def jacobian(W_hh, a, h, i): return np.ones(W_hh.shape).view(Yes)
def loss(y, p): return One(7)
def bound(W_hh, a, t, i): return One(0.001)
"""
    checks = check(source)
    assert not any(checks[name].passed for name in ("jacobian", "loss", "bound"))


# --- the template, and files that can't be checked ------------------------------------------------


def test_the_template_is_all_unwritten(check):
    checks = check(TEMPLATE)
    assert tuple(checks) == NAMES
    assert {each.recognised for each in checks.values()} == {("not written yet",)}
    assert not any(each.passed for each in checks.values())


def test_the_template_has_every_function_with_a_docstring_and_the_checked_signature():
    functions = {
        node.name: node for node in ast.parse(TEMPLATE).body if isinstance(node, ast.FunctionDef)
    }
    for question in (*DERIVATIVES, *BOUNDS):
        node = functions[question.name]
        assert ast.get_docstring(node)
        arguments = ", ".join(each.arg for each in node.args.args)
        assert question.signature == f"{question.name}({arguments})"


def test_the_template_filled_in_passes(check):
    source = TEMPLATE
    for name in NAMES:
        body = RIGHT[RIGHT.index(f"def {name}(") :].split("\n\n")[0].split("\n", 1)[1]
        body = body.replace("ds(", "dsigma(").replace("s_max(W_hh)", "np.linalg.norm(W_hh, 2)")
        start = source.index("    raise NotImplementedError", source.index(f"def {name}("))
        source = source[:start] + body + source[start + len("    raise NotImplementedError") :]
    assert all(each.passed for each in check(source).values())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import numpy as np\nx = 1 / 0\n", r"can't be run: line 2 \(x = 1 / 0\): ZeroDivision"),
        ("def loss(y, p:\n", r"can't be run: line 1 .*SyntaxError"),
        ("while True: pass\n", r"can't be run: line 1 .*was not done after 2 s"),
        ("open('x', 'w')\n", r"can't be run: line 1 .*tried to write to 'x'"),
        ("def helper(): pass\n", r"has none of the functions loss, immediate_partial.*--template"),
        ("LAYOUT = 'rows'\n", r"LAYOUT in .* is 'rows'; it must be 'numerator' or 'denominator'"),
    ],
)
def test_a_file_that_cannot_be_run_is_one_sentence(check, source, said):
    with pytest.raises(InvalidInput, match=said) as raised:
        check(source, limits=Limits(seconds=2))
    assert "\n" not in str(raised.value)


def test_a_negative_seed_is_refused(check):
    with pytest.raises(InvalidInput, match="seed is -1"):
        check(RIGHT, seed=-1)


# --- the table ------------------------------------------------------------------------------------


def same(x, y):
    if x.shape != y.shape:
        return False
    return bool(np.allclose(x, y, rtol=1e-7, atol=1e-12, equal_nan=True))


def cases_of(question, seed):
    return random_cases(seed) if question.norm is None else bound_cases(seed)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("question", [*DERIVATIVES, *BOUNDS], ids=lambda q: q.name)
def test_no_two_formulas_of_the_table_agree_on_the_networks(question, seed):
    cases = cases_of(question, seed)
    right = [question.right(case) for case in cases]
    assert all(same(question.wrong((), case), r) for case, r in zip(cases, right, strict=True))
    known = [[question.wrong((each,), case) for case in cases] for each in question.mistakes]
    for one, other in combinations([right, *known], 2):
        assert not all(same(x, y) for x, y in zip(one, other, strict=True))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("question", BOUNDS, ids=lambda q: q.name)
def test_what_the_table_calls_loose_holds_and_the_rest_is_broken_by_an_example(question, seed):
    chains = [chain for case in bound_cases(seed) for chain in question.edges(case)]
    for each in question.mistakes:
        broken = False
        for chain in chains:
            try:
                claimed = float(question.wrong((each,), chain))
            except (IndexError, ValueError):  # it asks for a step that does not exist there
                continue
            broken |= claimed < question.norm(chain) * (1 - 1e-9)
        if each.name != "sum instead of product of the norms":  # true, if for no reason
            assert broken != each.loose, each.name


def test_the_networks_are_networks():
    """What is asked are the states of a network, whatever pre-activations were chosen."""
    for case in bound_cases(0):
        h = case.h
        a = h[:-1] @ case.W_hh.T + case.passed.x @ case.network.W_ih.T + case.network.b_h
        assert case.a[1:] == pytest.approx(a, abs=1e-14)
        assert h[1:] == pytest.approx(np.tanh(a), abs=1e-14)
        assert math.isnan(case.a[0, 0])
        assert case.p.sum() == pytest.approx(1)
