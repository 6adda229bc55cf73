"""The commands' results, in a terminal's table and in JSON."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys

import pytest
from rich.console import Console

from carrychain.addition.problems import handout_pairs
from carrychain.cli import console


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    """Tables as in a terminal of 100 columns."""
    monkeypatch.setattr(console.results, "width", 100)


def test_evaluate_gives_the_fields_that_scripts_rely_on(carrychain):
    result = carrychain("evaluate", "-n", "3", "--max-tokens", "8", "--json", "-")
    assert result.status == 0
    data = json.loads(result.out)
    assert data["model"]["title"] == "mini (embedded teaching model)"
    assert data["model"]["revision"].startswith("sha256:")
    assert data["sampling"] == {
        "max_tokens": 8,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 0.6,
        "repetition_penalty": 1.0,
        "stop": [],
    }
    assert data["prompt"]["prefix"] == "Question: What is "
    assert {"res", "acc", "acc_ci", "mae", "prompt_length", "unparsed"} <= data["metrics"].keys()
    assert data["metrics"]["prompt_length"] == 28
    assert [(r["a"], r["b"]) for r in data["rows"]] == [
        (p.a, p.b) for p in handout_pairs(0, 1_000_000, 9_999_999, 3)
    ]
    for row in data["rows"]:
        assert row["prompt"] == f"Question: What is {row['a']}+{row['b']}?\nAnswer: "
        assert row["answer"] == row["a"] + row["b"]
        assert row["correct"] == (row["response"] == row["answer"])
        assert {"output", "finish_reason", "seed"} <= row.keys()
    assert data["timing"]["seconds"] > 0
    assert data["complete"] is True
    assert {"carrychain", "python", "torch", "transformers"} <= data["versions"].keys()


def test_the_table_says_what_a_person_wants_to_know(carrychain):
    result = carrychain("evaluate", "-n", "5", "--max-tokens", "8", "--digits", "1")
    for part in ("mini (embedded teaching model)", "95% interval", "28 characters", "of 5"):
        assert part in result.out
    assert result.err == ""


def test_the_same_seed_repeats_and_another_differs(carrychain):
    def outputs(seed):
        result = carrychain(
            "evaluate",
            "-n",
            "20",
            "--max-tokens",
            "12",
            "--seed",
            seed,
            "--temperature",
            "1.5",
            "--top-p",
            "1",
            "--json",
            "-",
        )
        return [row["output"] for row in json.loads(result.out)["rows"]]

    assert outputs("3") == outputs("3")
    assert outputs("3") != outputs("4")


def test_escapes_in_arguments_are_characters_and_said(carrychain):
    result = carrychain(
        "evaluate",
        "--prefix",
        "Question: What is ",
        "--suffix",
        r"?\nAnswer: ",
        "-n",
        "1",
        "--json",
        "-",
    )
    assert json.loads(result.out)["prompt"]["suffix"] == "?\nAnswer: "
    assert "line break" in result.err


def test_a_prompt_file_is_read_as_written(carrychain, tmp_path):
    (tmp_path / "p.txt").write_text("Q: {problem} \\n\nA: ")
    result = carrychain("evaluate", "--prompt-file", "p.txt", "-n", "1", "--json", "-")
    prompt = json.loads(result.out)["prompt"]
    assert (prompt["prefix"], prompt["suffix"]) == ("Q: ", " \\n\nA: ")
    assert result.err == ""


def test_a_shipped_prompt_carries_its_settings_and_flags_win(carrychain):
    own = json.loads(carrychain("evaluate", "--prompt", "columns", "-n", "1", "--json", "-").out)
    assert own["sampling"]["max_tokens"] > 50
    assert own["sampling"]["stop"]
    flags = ("--max-tokens", "9", "--stop", "x", "--extract", "all-digits")
    given = json.loads(
        carrychain("evaluate", "--prompt", "columns", "-n", "1", "--json", "-", *flags).out
    )
    assert given["sampling"]["max_tokens"] == 9
    assert given["sampling"]["stop"] == ["x"]
    assert given["extract"] == "all-digits"
    ignored = json.loads(
        carrychain("evaluate", "--prompt", "columns", "-n", "1", "--json", "-", "--ignore-stop").out
    )
    assert ignored["sampling"]["stop"] == []


def test_pairs_come_from_a_file(carrychain, tmp_path):
    (tmp_path / "pairs.csv").write_text("a,b\n1,2\n30,40\n")
    rows = json.loads(carrychain("evaluate", "--pairs", "pairs.csv", "--json", "-").out)["rows"]
    assert [(r["a"], r["b"]) for r in rows] == [(1, 2), (30, 40)]


def test_csv_holds_every_row(carrychain, tmp_path):
    carrychain("evaluate", "-n", "4", "--runs", "2", "--max-tokens", "8", "--csv", "rows.csv")
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["index"], r["run"]) for r in rows] == [
        (str(i), str(r)) for i in range(4) for r in range(2)
    ]


def test_compare_pairs_two_saved_evaluations(carrychain):
    carrychain("evaluate", "-n", "30", "--max-tokens", "12", "--json", "a.json")
    carrychain(
        "evaluate", "-n", "30", "--prompt", "few-shot", "--max-tokens", "12", "--json", "b.json"
    )
    result = carrychain("compare", "a.json", "b.json", "--json", "-")
    data = json.loads(result.out)
    assert data["n_pairs"] == 30
    assert {
        "acc_difference",
        "acc_difference_ci",
        "mcnemar_p",
        "mae_difference",
        "mae_difference_ci",
    } <= data.keys()
    assert "McNemar" in carrychain("compare", "a.json", "b.json").out


def test_next_token_lists_every_stage(carrychain):
    result = carrychain(
        "next-token", r"Question: What is 3+4?\nAnswer: ", "--json", "-", "--top-k", "5"
    )
    tokens = json.loads(result.out)["tokens"]
    assert tokens[0].keys() >= {"text", "logit", "raw", "penalised", "tempered", "top_k", "top_p"}
    for stage in ("raw", "penalised", "tempered", "top_k", "top_p"):
        assert sum(t[stage] for t in tokens) == pytest.approx(1, abs=1e-5)
    assert sum(t["top_k"] > 0 for t in tokens) == 5
    assert tokens[0]["text"] == "7"


def test_prompts_lists_what_is_shipped(carrychain):
    listed = json.loads(carrychain("prompts", "--json", "-").out)["prompts"]
    names = [p["name"] for p in listed]
    assert {"zero-shot", "one-shot-1-digit", "one-shot-7-digit", "few-shot", "best"} <= set(names)
    for prompt in listed:
        assert prompt["idea"]
        assert {"prefix", "suffix", "extract"} <= prompt.keys()
        if prompt["name"] in ("zero-shot", "one-shot-1-digit", "one-shot-7-digit", "few-shot"):
            assert not any(prompt[k] for k in ("extract", "max_tokens", "stop", "pre_processing"))
    assert "zero-shot" in carrychain("prompts").out


def test_models_says_what_can_be_used(carrychain):
    models = {m["name"]: m for m in json.loads(carrychain("models", "--json", "-").out)["models"]}
    assert models["mini"]["available"] is True
    assert {"llama2", "qwen3"} <= models.keys()


def test_demo_measures_six_prompts_and_draws_a_picture(carrychain, tmp_path):
    result = carrychain("demo", "-n", "2", "--each", "1", "--json", "demo.json")
    assert result.status == 0
    assert "recorded" in result.out
    rows = json.loads((tmp_path / "demo.json").read_text())["rows"]
    assert len(rows) >= 6
    assert (tmp_path / "carrychain-demo.png").read_bytes().startswith(b"\x89PNG")


def test_a_narrow_terminal_keeps_every_word(carrychain, monkeypatch):
    monkeypatch.setattr(console, "results", Console(width=40))
    result = carrychain("evaluate", "-n", "2", "--max-tokens", "8")
    assert "95% interval" in " ".join(result.out.split())


def test_ctrl_c_keeps_what_is_finished_and_resume_ends_it(carrychain, tmp_path):
    screen, terminal = os.openpty()  # progress is shown on a terminal only
    command = [sys.executable, "-m", "carrychain", "evaluate", "-n", "1500", "--max-tokens", "12"]
    process = subprocess.Popen(
        [*command, "--seed", "5", "--json", "part.json"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    while b"acc" not in shown:
        shown += os.read(screen, 1000)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # Linux reports a terminal that nobody writes to as an error
        while more := os.read(screen, 1000):
            shown += more
    assert process.wait() == 130
    part = json.loads((tmp_path / "part.json").read_text())
    assert part["complete"] is False
    assert 0 < part["metrics"]["n"] == len(part["rows"]) < 1500
    assert b"--resume part.json" in b"".join(shown.split(b"\r\n"))
    assert carrychain("evaluate", "--resume", "part.json").status == 0
    resumed = json.loads((tmp_path / "part.json").read_text())
    assert resumed["complete"] is True
    carrychain("evaluate", "-n", "1500", "--max-tokens", "12", "--seed", "5", "--json", "all.json")
    assert resumed["rows"] == json.loads((tmp_path / "all.json").read_text())["rows"]
