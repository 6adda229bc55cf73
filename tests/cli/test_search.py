from __future__ import annotations

import json

import pytest

SMALL = 'only = ["examples", "max_tokens"]\nexamples = [0, 1]\nmax_tokens = [50]\n'
QUICK = ("--budget", "12p", "--final-n", "4", "--ablation-n", "0")


def test_what_is_found_is_graded_as_clean_with_the_same_answers(carrychain, tmp_path) -> None:
    blocks = tmp_path / "blocks.toml"  # what mini can do, so that few candidates are enough
    blocks.write_text(
        'only = ["examples", "styles", "formats", "questions", "answers", "penalties", "digits", '
        '"max_tokens"]\n'
        'examples = [2]\nstyles = ["columns"]\nformats = ["plain"]\npenalties = [1.0]\n'
        "max_tokens = [150]\n"
        'questions = ["Question: What is {problem}?"]\nanswers = ["\\nAnswer: "]\ndigits = [7]\n'
    )
    sizes = ("--budget", "40p", "--final-n", "20", "--ablation-n", "0")
    done = carrychain("search", *sizes, "--blocks", str(blocks), "--json", "found.json")
    assert done.status == 0, done.err
    found = json.loads((tmp_path / "found.json").read_text())
    best = found["best"]
    assert best["final"]["n"] == 20
    assert best["sampling"]["max_tokens"] >= 50
    assert {"choices", "acc", "n"} <= found["trials"][0].keys()
    assert "submission.py" in done.out
    report = (tmp_path / "submission.md").read_text()
    assert "{problem}" in report
    graded = carrychain("grade", "submission.py", "--json", "-")
    grade = json.loads(graded.out)["grades"][0]
    assert grade["integrity"]["verdict"] == "clean", grade["integrity"]
    assert grade["acc"] == pytest.approx(best["final"]["acc"], abs=0.25)
    asked = carrychain("evaluate", "submission.py", "-n", "5", "--json", "-")
    ours = json.loads(asked.out)
    assert ours["prompt"]["prefix"] == best["prefix"]
    again = carrychain("search", *QUICK, "--blocks", str(blocks))
    assert again.status == 2
    assert "submission.py is there already" in again.err


def test_a_students_submission_is_improved_and_stays_theirs(carrychain, tmp_path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        'NOTE = "kept"\n'
        'def your_netid(): return "ab1234"\n'
        'def your_hf_token(): return ""\n'
        'def your_prompt(): return "Question: What is ", "?\\nAnswer: "\n'
        'def your_config(): return {"max_tokens": 50, "temperature": 0.0, "top_k": 50, '
        '"top_p": 1.0, "repetition_penalty": 1.0, "stop": []}\n'
        "def your_pre_processing(s): return s\n"
        "def your_post_processing(o):\n"
        '    import re\n    found = re.search(r"[0-9]+", o)\n'
        "    return int(found[0]) if found else 0\n"
    )
    (tmp_path / "blocks.toml").write_text(SMALL)
    done = carrychain(
        "search", "mine.py", *QUICK, "--blocks", "blocks.toml", "--out", "better.py", "--json", "-"
    )
    assert done.status == 0, done.err
    first = json.loads(done.out)["trials"][0]["choices"]
    assert (first["questions"], first["examples"]) == ("Question: What is {problem}?", 0)
    better = (tmp_path / "better.py").read_text()
    assert better.startswith(mine.read_text().rstrip())
    checked = carrychain("grade", "better.py", "--check-only")
    assert checked.status == 0, checked.out


def test_a_search_can_begin_from_a_text(carrychain, tmp_path) -> None:
    (tmp_path / "blocks.toml").write_text(SMALL)
    done = carrychain(
        "search",
        *QUICK,
        "--blocks",
        "blocks.toml",
        "--prefix",
        "Add ",
        "--suffix",
        r" =\n",
        "--json",
        "-",
    )
    assert json.loads(done.out)["trials"][0]["choices"]["questions"] == "Add {problem} ="


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--budget", "3p"), "one candidate alone is asked 4"),
        (("--budget", "soon"), "as in 10m, 5000p or 2000000t"),
        (("--prompt", "best", "--prefix", "x"), "begins from one of"),
        (("missing.py",), "missing.py"),
        (("--blocks", "missing.toml"), "missing.toml"),
        (("--storage", "no/such/folder/x.db"), "no/such/folder"),
        (("--final-n", "0"), "at least 1"),
        (("--metric", "speed"), "metric"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(
    carrychain, tmp_path, arguments: tuple[str, ...], says: str
) -> None:
    done = carrychain("search", *arguments)
    assert done.status == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


def test_the_building_blocks_can_be_printed_and_used(carrychain, tmp_path) -> None:
    shown = carrychain("search", "--show-blocks")
    (tmp_path / "blocks.toml").write_text(shown.out)
    done = carrychain("search", "--blocks", "blocks.toml", "--show-blocks")
    assert done.out == shown.out
