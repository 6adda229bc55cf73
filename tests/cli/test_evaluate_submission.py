"""`carrychain evaluate SUBMISSION.py` runs a submission through the sandbox, saved as any other."""

import json
from pathlib import Path

import pytest

SUBMISSION = """
import re
import numpy as np
def your_netid(): return 'ab1234'
def your_hf_token(): return 'hf_' + 'x' * 34
def your_prompt(): return open('prompt.txt').read(), '?\\nAnswer: '
def your_config():
    return {'max_tokens': 60, 'temperature': 0.5, 'top_k': 20, 'top_p': 0.9,
            'repetition_penalty': 1.0, 'stop': ['\\nQ']}
def your_pre_processing(s): return s.replace('+', ' + ')
def your_post_processing(s):
    digits = re.findall(r'\\d+', s)
    return np.int64(digits[0]) if digits else 0
"""
PROMPT = "Question: What is 1234567+1234567?\nAnswer: 2469134\nQuestion: What is "


@pytest.fixture
def submission():
    """Write a submission into the current folder."""

    def write(text=SUBMISSION, name="submission.py"):
        Path("prompt.txt").write_text(PROMPT)
        Path(name).write_text(text)
        return name

    return write


def evaluated(carrychain, *arguments):
    result = carrychain("evaluate", *arguments, "--json", "-")
    assert result.status == 0, result.err
    return json.loads(result.out)


def test_prompt_parameters_and_functions_are_the_submissions(carrychain, submission):
    data = evaluated(carrychain, submission(), "-n", "6", "--runs", "2")
    assert data["prompt"]["prefix"] == PROMPT
    assert data["prompt"]["suffix"] == "?\nAnswer: "
    assert data["prompt"]["length"] == len(PROMPT) + 10
    assert data["sampling"] == {
        **{"max_tokens": 60, "temperature": 0.5, "top_k": 20, "top_p": 0.9},
        **{"repetition_penalty": 1.0, "stop": ["\nQ"]},
    }
    assert data["extract"] == "your_post_processing"
    assert data["prompt"]["pre_processing"] == "your_pre_processing"
    assert len(data["rows"]) == 12
    for row in data["rows"]:
        assert row["prompt"] == f"{PROMPT}{row['a']} + {row['b']}?\nAnswer: "
        digits = [part for part in row["output"].replace(",", " ").split() if part.isdigit()]
        if row["output"][:1].isdigit():
            assert row["output"].startswith(str(row["response"]))
        assert row["response"] == 0 or digits or str(row["response"]) in row["output"]
        assert row["correct"] == (row["response"] == row["answer"])
    assert data["metrics"]["acc"] == sum(row["correct"] for row in data["rows"]) / 12


def test_it_gives_what_the_same_prompt_gives_without_a_sandbox(carrychain, submission):
    plain = SUBMISSION.replace("s.replace('+', ' + ')", "s")
    mine = evaluated(carrychain, submission(plain), "-n", "5")
    Path("plain.txt").write_text(PROMPT + "{problem}?\nAnswer: ")
    flags = ["--max-tokens", "60", "--temperature", "0.5", "--top-k", "20", "--top-p", "0.9"]
    theirs = evaluated(carrychain, "--prompt-file", "plain.txt", *flags, "--stop", "\nQ", "-n", "5")
    outputs = [[row["output"] for row in data["rows"]] for data in (mine, theirs)]
    assert outputs[0] == outputs[1]
    assert mine["metrics"]["acc"] == theirs["metrics"]["acc"]


def test_a_flag_wins_over_the_submissions_parameter(carrychain, submission):
    data = evaluated(carrychain, submission(), "-n", "1", "--max-tokens", "3", "--ignore-stop")
    assert data["sampling"]["max_tokens"] == 3
    assert data["sampling"]["temperature"] == 0.5
    assert data["sampling"]["stop"] == []


def test_it_is_compared_with_another_as_any_evaluation(carrychain, submission):
    carrychain("evaluate", submission(), "-n", "4", "--json", "a.json")
    carrychain("evaluate", "-n", "4", "--json", "b.json")
    assert carrychain("compare", "a.json", "b.json").status == 0


def test_an_interrupted_one_goes_on_with_its_file(carrychain, submission):
    whole = evaluated(carrychain, submission(), "-n", "6")
    Path("part.json").write_text(json.dumps({**whole, "rows": whole["rows"][:2]}))
    result = carrychain("evaluate", "submission.py", "--resume", "part.json")
    assert result.status == 0
    assert json.loads(Path("part.json").read_text())["rows"] == whole["rows"]
    alone = carrychain("evaluate", "--resume", "part.json")
    assert alone.status == 2
    assert "carrychain evaluate SUBMISSION.py --resume part.json" in alone.err
    carrychain("evaluate", "-n", "2", "--json", "other.json")
    other = carrychain("evaluate", "submission.py", "--resume", "other.json")
    assert other.status == 2
    assert "other.json is not of a submission" in other.err


def test_post_processing_that_fails_leaves_the_row_unparsed_and_says_so(carrychain, submission):
    text = SUBMISSION.replace("np.int64(digits[0]) if digits else 0", "digits[0]")
    name = submission(text)
    result = carrychain("evaluate", name, "-n", "3", "--json", "-")
    data = json.loads(result.out)
    assert [row["response"] for row in data["rows"]] == [None] * 3
    assert data["metrics"]["unparsed"] == 3
    assert "your_post_processing returned what is not an integer on 3 of 3 outputs" in result.err


def test_a_token_is_in_nothing_that_is_saved_or_said(carrychain, submission):
    secret = "hf_" + "Zz9" * 11
    text = SUBMISSION.replace("'hf_' + 'x' * 34", repr(secret))
    text = text.replace("open('prompt.txt').read()", repr(f"{secret} What is "))
    text = text.replace("np.int64(digits[0]) if digits else 0", f"int({secret!r})")
    result = carrychain(
        "evaluate", submission(text), "-n", "2", "--json", "o.json", "--csv", "o.csv"
    )
    assert result.status == 0
    saved = Path("o.json").read_text()
    for shown in (result.out, result.err, saved, Path("o.csv").read_text()):
        assert secret not in shown
    assert json.loads(saved)["prompt"]["length"] == len(secret) + 9 + 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("def your_prompt", "def my_prompt"), "there is no function your_prompt"),
        (("'top_p': 0.9,", ""), "lacks the key 'top_p'"),
        (("import re", "import no_such_module"), "No module named 'no_such_module'"),
        (("s.replace('+', ' + ')", "s.split()[1]"), "your_pre_processing raised IndexError"),
        (("s.replace('+', ' + ')", "s * 300"), "the context of mini"),
        (("import re", "x = ("), "SyntaxError"),
    ],
)
def test_what_cannot_be_evaluated_is_one_sentence_and_status_2(
    carrychain, submission, change, said
):
    result = carrychain("evaluate", submission(SUBMISSION.replace(*change)), "-n", "2")
    assert result.status == 2
    assert result.out == ""
    line = result.err.splitlines()[-1]
    assert line.startswith("carrychain: submission.py can't be evaluated: ")
    assert said in line
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "flags",
    [
        ["--prompt", "best"],
        ["--prefix", "x"],
        ["--prompt-file", "prompt.txt"],
        ["--extract", "last-integer"],
        ["--pre-processing", "spaced"],
    ],
)
def test_what_the_submission_gives_is_refused_beside_it(carrychain, submission, flags):
    result = carrychain("evaluate", submission(), *flags)
    assert result.status == 2
    assert f"leave out {flags[0]}" in result.err


def test_a_submission_that_is_not_there_is_named(carrychain):
    result = carrychain("evaluate", "no.py")
    assert result.status == 2
    assert "no.py can't be read: No such file" in result.err
