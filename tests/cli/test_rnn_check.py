"""`carrychain rnn check` says what is wrong, in any terminal; its status says whether any is."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

RIGHT = """
import numpy as np
def ds(a): return 1 - np.tanh(a) ** 2
def loss(y, p): return -np.log(y @ p)
def immediate_partial(W_hh, a, h, i, m, n): return np.eye(len(W_hh))[m] * ds(a[i, m]) * h[i - 1, n]
def product(J, t, i): return np.eye(len(J[0])) if t == i else J[t - 1] @ product(J, t - 1, i)
def jacobian(W_hh, a, h, i): return ds(a[i + 1])[:, None] * W_hh
def step_bound(W_hh, a, i): return ds(a[i]).max() * np.linalg.norm(W_hh, 2)
def bound(W_hh, a, t, i): return np.linalg.norm(W_hh, 2) ** (t - i)
"""
NAMES = ["loss", "immediate_partial", "product", "jacobian", "step_bound", "bound"]
WRONG = RIGHT.replace("ds(a[i + 1])[:, None] * W_hh", "ds(a[i + 1]) * W_hh")


@pytest.fixture
def source():
    """Write the file to be checked into the current folder."""

    def write(text, name="derivation.py"):
        Path(name).write_text(text, "utf-8")
        return name

    return write


def test_a_right_derivation_has_status_0(carrychain, source):
    result = carrychain("rnn", "check", source(RIGHT))
    assert result.status == 0
    assert result.out.splitlines()[-1] == "6 of 6 right"
    assert "sandbox tier:" in result.err


def test_a_wrong_one_has_status_1_and_its_mistake_is_named(carrychain, source):
    result = carrychain("rnn", "check", source(WRONG))
    assert result.status == 1
    assert "WRONG  jacobian, question 3" in result.out
    assert "sigma' on the wrong side: " in result.out
    assert "5 of 6 right" in result.out


def test_the_json_holds_every_check(carrychain, source):
    result = carrychain("rnn", "check", source(WRONG), "--json", "-", "--seed", "3")
    data = json.loads(result.out)
    assert result.status == 1
    assert [each["name"] for each in data["checks"]] == NAMES
    assert [each["passed"] for each in data["checks"]].count(False) == 1
    assert all(each["explanation"] for each in data["checks"])
    assert data["sandbox"]["tier"] in ("process", "limits", "confined", "isolated")


def test_the_json_goes_to_a_file_beside_the_text(carrychain, source):
    result = carrychain("rnn", "check", source(RIGHT), "--json", "out.json")
    assert result.status == 0
    assert "6 of 6 right" in result.out
    assert json.loads(Path("out.json").read_text())["passed"] is True


def test_a_narrow_terminal_is_kept_to(carrychain, source, monkeypatch):
    monkeypatch.setattr("carrychain.cli.console.results.width", 60)
    result = carrychain("rnn", "check", source(WRONG))
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 60
    assert all(line == line.rstrip() for line in lines)
    assert result.out.isascii()


def test_what_the_file_prints_stands_apart_and_commands_no_terminal(carrychain, source):
    file = source(RIGHT + "print('hello', chr(27) + '[2J')\nfor k in range(1000): print(k)\n")
    result = carrychain("rnn", "check", file, "--json", "-")
    assert json.loads(result.out)["passed"] is True
    assert "hello" in result.err
    assert "\x1b[2J" not in result.err
    assert len(result.err.splitlines()) < 40


def test_markup_in_a_message_is_shown_as_it_is(carrychain, source):
    text = RIGHT.replace(
        "def loss(y, p): ", "def loss(y, p): raise ValueError('[red]x[/nope]')  # "
    )
    result = carrychain("rnn", "check", source(text))
    assert result.status == 1
    assert "[red]x[/nope]" in result.out


def test_the_template_is_written_once_and_says_what_is_open(carrychain):
    assert carrychain("rnn", "check", "--template", "mine.py").status == 0
    template = files("carrychain").joinpath("handout", "derivation.py").read_text("utf-8")
    assert Path("mine.py").read_text("utf-8") == template
    result = carrychain("rnn", "check", "mine.py")
    assert result.status == 1
    assert result.out.count("open ") == 6
    assert "0 of 6 right" in result.out
    Path("mine.py").write_text("my work")
    again = carrychain("rnn", "check", "--template", "mine.py")
    assert again.status == 2
    assert "mine.py exists and is left alone" in again.err
    assert Path("mine.py").read_text() == "my work"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1 / 0\n", "can't be run: line 1 (x = 1 / 0): ZeroDivisionError: division by zero"),
        ("def f(:\n", "can't be run: line 1"),
        ("import no_such_module\n", "No module named 'no_such_module'"),
        ("while True: pass\n", "can't be run: line 1 (while True: pass): was not done after 5 s"),
        ("open('notes.txt', 'w')\n", "tried to write to 'notes.txt'"),
        ("", "has none of the functions"),
    ],
)
def test_a_file_that_cannot_be_run_is_one_sentence_and_status_2(carrychain, source, text, said):
    result = carrychain("rnn", "check", source(text))
    assert result.status == 2
    assert result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith("carrychain: derivation.py ")
    assert said in line
    assert not Path("notes.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.py"], "no.py can't be read: No such file"),
        (["."], "can't be read"),
        ([], "give a FILE.py to check, or --template FILE"),
        (["a.py", "--template", "b.py"], "give a FILE.py to check, or --template FILE"),
        (["derivation.py", "--seed", "-1"], "seed is -1"),
        (["derivation.py", "--json", "no/x.json"], "no/x.json"),
        (["--template", "no/x.py"], "no/x.py can't be written"),
    ],
)
def test_wrong_use_is_one_sentence_and_status_2(carrychain, source, arguments, said):
    source(RIGHT)
    result = carrychain("rnn", "check", *arguments)
    assert result.status == 2
    assert result.out == ""
    assert said in result.err.splitlines()[0]
    assert "Traceback" not in result.err
