"""`carrychain export`: what it writes and what it says."""

import json

import yaml


class Loader(yaml.SafeLoader):
    """Takes the names of functions as text."""


Loader.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def task(folder="task"):
    with open(f"{folder}/task.yaml", encoding="utf-8") as file:
        return yaml.load(file, Loader)


def prompts(folder="task"):
    with open(f"{folder}/problems.jsonl", encoding="utf-8") as file:
        return [json.loads(line)["prompt"] for line in file]


def test_the_same_options_ask_what_evaluate_asks(carrychain):
    options = ["--prompt", "columns", "--digits", "3", "-n", "4", "--seed", "5"]
    options += ["--temperature", "0", "--max-tokens", "40"]
    assert carrychain("export", "lm-eval", "task", *options).status == 0
    evaluation = json.loads(carrychain("evaluate", *options, "--json", "-").out)
    assert prompts() == [row["prompt"] for row in evaluation["rows"]]
    kwargs = task()["generation_kwargs"]
    assert kwargs["until"] == evaluation["sampling"]["stop"] == ["\n\n"]
    assert kwargs["max_gen_toks"] == evaluation["sampling"]["max_tokens"] == 40
    assert task()["metadata"]["extract"] == evaluation["extract"] == "after:Answer:"


def test_pairs_an_own_prompt_and_no_stop(carrychain, tmp_path):
    (tmp_path / "pairs.csv").write_text("1,2\n30,4\n")
    options = ["--pairs", "pairs.csv", "--prefix", "Add ", "--suffix", r":\n", "--stop", "x"]
    assert carrychain("export", "lm-eval", "task", *options, "--ignore-stop").status == 0
    assert prompts() == ["Add 1+2:\n", "Add 30+4:\n"]
    assert task()["generation_kwargs"]["until"] == []


def test_it_says_what_it_wrote_and_how_to_run_it(carrychain):
    result = carrychain("export", "lm-eval", "task", "-n", "3", "--task", "sums")
    assert "task holds the task sums, 3 problems" in result.out
    assert "--tasks sums --include_path task" in result.err


def test_json_has_the_fields_that_scripts_rely_on(carrychain, tmp_path):
    data = json.loads(carrychain("export", "lm-eval", "task", "--json", "-").out)
    assert (data["folder"], data["task"], data["n"]) == ("task", "carrychain_addition", 30)
    assert sorted(data["files"]) == sorted(path.name for path in (tmp_path / "task").iterdir())
    assert data["generation_kwargs"]["max_gen_toks"] == 50
    assert data["command"].startswith("lm_eval run ")


def test_a_folder_that_is_not_empty_needs_overwrite(carrychain, tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "notes.txt").write_text("mine")
    refused = carrychain("export", "lm-eval", "task")
    assert refused.status == 2
    assert refused.err.startswith("carrychain: task is not empty")
    assert refused.out == ""
    assert carrychain("export", "lm-eval", "task", "--overwrite").status == 0
    assert (tmp_path / "task" / "notes.txt").read_text() == "mine"


def test_an_unknown_tool_is_named_with_what_there_is(carrychain):
    result = carrychain("export", "lm-evl", "task")
    assert result.status == 2
    assert "there is no command 'lm-evl'; did you mean lm-eval?" in result.err


def test_a_task_s_name_that_the_harness_would_split_is_refused(carrychain, tmp_path):
    result = carrychain("export", "lm-eval", "task", "--task", "a b")
    assert result.status == 2
    assert "'a b'" in result.err
    assert not (tmp_path / "task").exists()
