"""Wrong use ends with status 2 and one sentence that says what was given and what to do."""

import importlib.resources
import json
import subprocess
import sys
from pathlib import Path

import pytest

CASES = {
    "unknown model": (["evaluate", "--model", "mimi"], ["mimi", "mini"]),
    "unknown prompt": (["evaluate", "--prompt", "zeroshot"], ["zeroshot", "zero-shot"]),
    "unknown command": (["evalute"], ["evalute", "evaluate"]),
    "unknown extraction": (["evaluate", "--extract", "first-intger"], ["first-integer"]),
    "max_tokens 0": (["evaluate", "--max-tokens", "0"], ["max_tokens is 0", "at least 1"]),
    "temperature -1": (["evaluate", "--temperature", "-1"], ["temperature is -1", "at least 0"]),
    "top_p 1.5": (["evaluate", "--top-p", "1.5"], ["top_p is 1.5", "0 to 1"]),
    "top_k -1": (["evaluate", "--top-k", "-1"], ["top_k is -1", "at least 0"]),
    "penalty 0": (
        ["evaluate", "--repetition-penalty", "0"],
        ["repetition_penalty is 0", "above 0"],
    ),
    "not a number": (["evaluate", "--temperature", "warm"], ["warm"]),
    "low above high": (["evaluate", "--low", "9", "--high", "3"], ["low is 9", "high is 3"]),
    "low without high": (["evaluate", "--low", "9"], ["low and high"]),
    "digits and range": (["evaluate", "--digits", "2", "--low", "1", "--high", "5"], ["--digits"]),
    "digits 0": (["evaluate", "--digits", "0"], ["digits is 0", "1 to 15"]),
    "n 0": (["evaluate", "-n", "0"], ["n is 0", "at least 1"]),
    "runs 0": (["evaluate", "--runs", "0"], ["runs is 0", "at least 1"]),
    "negative seed": (["evaluate", "--seed", "-1"], ["seed is -1", "at least 0"]),
    "mae scale 0": (["evaluate", "--mae-scale", "0"], ["mae_scale is 0", "above 0"]),
    "two prompts": (["evaluate", "--prompt", "best", "--prefix", "x"], ["--prompt", "--prefix"]),
    "missing prompt file": (["evaluate", "--prompt-file", "no.txt"], ["no.txt"]),
    "missing pairs file": (["evaluate", "--pairs", "no.csv"], ["no.csv"]),
    "json in a missing folder": (["evaluate", "--json", "no/x.json"], ["no/x.json", "folder"]),
    "csv that is a folder": (["evaluate", "--csv", "."], [". is a folder"]),
    "plot in a missing folder": (["demo", "--plot", "no/x.png"], ["no/x.png", "folder"]),
    "empty stop": (["evaluate", "--stop", ""], ["stop is ('',)", "non-empty"]),
    "compare without files": (["compare", "a.json", "b.json"], ["a.json"]),
    "resume of nothing": (["evaluate", "--resume", "no.json"], ["no.json"]),
    "a folder that is no model": (["evaluate", "--model", "hf:./nothing"], ["nothing"]),
}


@pytest.mark.parametrize(("arguments", "said"), CASES.values(), ids=CASES.keys())
def test_bad_input_is_one_sentence_and_status_2(carrychain, arguments, said):
    result = carrychain(*arguments)
    assert result.status == 2
    assert result.out == ""
    message = result.err.splitlines()[0]
    assert message.startswith("carrychain: ")
    for part in said:
        assert part in message
    assert "Traceback" not in result.err


def files(folder, **texts):
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("What is it?", "not in it"), ("{problem} {problem}", "2 times"), ("", "not in it")],
)
def test_a_prompt_file_needs_one_place_for_the_problem(carrychain, tmp_path, text, said):
    files(tmp_path, prompt=text)
    result = carrychain("evaluate", "--prompt-file", "prompt.txt")
    assert result.status == 2
    assert "prompt.txt" in result.err
    assert "{problem}" in result.err
    assert said in result.err


def test_a_malformed_pairs_row_is_named_by_its_line(carrychain, tmp_path):
    files(tmp_path, pairs="a,b\n1,2\n3;x\n")
    result = carrychain("evaluate", "--pairs", "pairs.txt")
    assert result.status == 2
    assert "line 3" in result.err
    assert "3;x" in result.err


def test_an_empty_pairs_file_is_said_to_be_empty(carrychain, tmp_path):
    files(tmp_path, pairs="a,b\n\n")
    result = carrychain("evaluate", "--pairs", "pairs.txt")
    assert result.status == 2
    assert "pairs.txt" in result.err


def test_a_prompt_longer_than_the_context_names_both_lengths(carrychain):
    result = carrychain("evaluate", "--prefix", "1 + 2 = 3, " * 400, "-n", "1")
    assert result.status == 2
    assert "1536" in result.err
    assert "tokens" in result.err


def test_a_damaged_weights_folder_is_said_to_be_damaged(carrychain, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in (importlib.resources.files("carrychain.mini") / "weights").iterdir():
        content = file.read_bytes()
        (broken / file.name).write_bytes(
            content[: len(content) // 2] if Path(file.name).suffix == ".safetensors" else content
        )
    result = carrychain("evaluate", "--model", "hf:./broken", "-n", "1")
    assert result.status == 2
    assert "broken" in result.err
    assert "damaged" in result.err
    assert "Traceback" not in result.err


def test_a_saved_evaluation_that_is_something_else_is_refused(carrychain, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"rows": 3}))
    (tmp_path / "b.json").write_text("no json")
    assert carrychain("compare", "a.json", "a.json").status == 2
    result = carrychain("compare", "b.json", "b.json")
    assert result.status == 2
    assert "b.json" in result.err


def test_resume_takes_no_settings(carrychain, tmp_path):
    result = carrychain("evaluate", "--resume", "x.json", "--temperature", "0")
    assert result.status == 2
    assert "--temperature" in result.err


@pytest.mark.parametrize(
    ("command", "package", "extra"), [("search", "optuna", "search"), ("serve", "fastapi", "web")]
)
def test_an_extra_that_is_missing_is_named_with_how_to_get_it(command, package, extra):
    without = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['carrychain', {command!r}];"
        "from carrychain.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"carrychain: this needs {package}, which is not installed: "
        f"pip install 'carrychain[{extra}]'\n"
    )
