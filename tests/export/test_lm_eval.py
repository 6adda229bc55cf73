"""The task for lm-evaluation-harness: the same prompts, the same reading, and what it says alone.

The harness itself runs it in tests/servers.
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from carrychain import Prompt, SamplingParams, evaluate
from carrychain.addition.extraction import EXTRACTIONS, extractor
from carrychain.addition.problems import Problem, handout_pairs
from carrychain.addition.prompts import SHIPPED, unescape
from carrychain.errors import InvalidInput
from carrychain.peers import lm_eval

PROBLEMS = handout_pairs(0, 1_000_000, 9_999_999, 3)
PROMPT = Prompt("Question: What is ", "?\nAnswer: ")
MARKERS = ["Answer:", "=", "1", "a.b*", "(", "\n", "after:"]
WAYS = [*EXTRACTIONS, *(f"after:{marker}" for marker in MARKERS)]


def exported(folder: Path, **settings: Any) -> tuple[dict[str, Any], ModuleType]:
    """Write a task; return its YAML, functions in place of their names, and its utils.py."""
    given = {"prompt": PROMPT, "problems": PROBLEMS, "sampling": SamplingParams()}
    lm_eval.export(folder, **{**given, **settings})
    spec = importlib.util.spec_from_file_location("utils", folder / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)

    class Loader(yaml.SafeLoader):
        pass

    def named(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
        return getattr(utils, str(loader.construct_scalar(node)).removeprefix("utils."))

    Loader.add_constructor("!function", named)
    return yaml.load((folder / "task.yaml").read_text("utf-8"), Loader), utils


def filtered(task: dict[str, Any], output: str) -> str:
    """Apply a task's filters to one output, as the harness documents them."""
    (pipeline,) = (each["filter"] for each in task["filter_list"])
    texts = [[output]]
    for step in pipeline:
        match step:
            case {"function": "regex", "regex_pattern": pattern, "group_select": select}:
                found = [re.findall(pattern, text) for text in texts[0]]
                texts = [[f[select].strip() if f else "[invalid]" for f in found]]
            case {"function": "custom", "filter_fn": function}:
                texts = function(texts, [None])
            case {"function": "take_first"}:
                return texts[0][0]
            case _:
                pytest.fail(f"the harness has no filter {step}")
    pytest.fail("the filters do not end in one text")


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Return a task and its utils.py that read in a way, each written once."""
    written: dict[str, Any] = {}

    def read(way: str) -> Any:
        if way not in written:
            written[way] = exported(tmp_path_factory.mktemp("task"), extract=way)
        return written[way]

    return read


outputs = st.text(st.sampled_from("0123456789 ,_\n.+=(-Answer:ab*１２٣\r\x0b\x1c\u2028\ufeff"))


@pytest.mark.parametrize("way", WAYS)
@given(output=outputs)
@example("")
@example("no number")
@example("The sum is 10,160,736.\nAnswer: 007\nAnswer: 8")
@example("\n \n1 0 1_6,0 7 3 6\n8 more")
@example("１２３ and ٣")
@example("9" * 4300)
@example("=" + "9" * 4301)
@example("Answer: " + "1" * 400)
def test_every_output_is_read_as_our_extraction_reads_it(
    reading: Callable[[str], Any], way: str, output: str
) -> None:
    task, utils = reading(way)
    response = extractor(way)(output)
    for answer in (10160736, 7, 0) if response is None else (response, response // 2, 0):
        scores = utils.score({"answer": str(answer)}, [filtered(task, output)])
        assert scores["exact_match"] == (response == answer)
        error = abs(answer - (response or 0))
        assert scores["mae"] == (float(error) if error < 1 << 1023 else math.inf)


def test_a_way_to_read_after_any_text_is_exact() -> None:
    @given(
        marker=st.text(st.sampled_from("Ab1 \n.*\\$^(|"), min_size=1, max_size=4), output=outputs
    )
    def holds(marker: str, output: str) -> None:
        pipeline = lm_eval.filter_pipeline(f"after:{marker}")
        text = filtered({"filter_list": [{"filter": pipeline}]}, f"{output[::2]}{marker}{output}")
        response = extractor(f"after:{marker}")(f"{output[::2]}{marker}{output}")
        assert (int(text) if text.isdecimal() else None) == response

    holds()


def test_the_harness_own_filters_do_what_these_tests_take_them_to_do(
    reading: Callable[[str], Any],
) -> None:
    filters = pytest.importorskip("lm_eval.filters", reason="lm_eval is not installed")
    texts = [
        "",
        "no",
        "It is 12.\nAnswer: 3, 45",
        "1 2,3",
        "１２ =7",
        "\n\n8 9\n10",
        "Answer: x 0 1",
    ]
    for way in WAYS:
        task, _ = reading(way)
        steps = [
            [step["function"], {k: v for k, v in step.items() if k != "function"}]
            for step in task["filter_list"][0]["filter"]
        ]
        instances = [_Instance([text]) for text in texts]
        filters.build_filter_ensemble("way", steps).apply(instances)
        for text, instance in zip(texts, instances, strict=True):
            assert instance.filtered_resps["way"] == filtered(task, text)


class _Instance:
    """What the harness' filters see of a request."""

    doc = None

    def __init__(self, resps: list[str]) -> None:
        self.resps = resps
        self.filtered_resps: dict[str, str] = {}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_prompts_are_those_that_evaluate_shows_the_model(tmp_path: Path, name: str) -> None:
    shipped = SHIPPED[name]
    task, utils = exported(tmp_path, prompt=shipped.prompt, pre_processing=shipped.pre_processing)
    lines = [json.loads(line) for line in Path(utils.PROBLEMS).read_text("utf-8").splitlines()]
    ours = evaluate(
        prompt=shipped.prompt,
        n=len(PROBLEMS),
        pre_processing=shipped.pre_processing,
        sampling=SamplingParams(max_tokens=1),
    )
    assert task["doc_to_text"] == "prompt"
    assert [line["prompt"] for line in lines] == [row.prompt for row in ours.rows]
    assert [line["answer"] for line in lines] == [str(row.answer) for row in ours.rows]


def test_nothing_is_added_to_a_prompt(tmp_path: Path) -> None:
    task, _ = exported(tmp_path)
    assert (task["target_delimiter"], task["fewshot_delimiter"]) == ("", "")
    assert task["num_fewshot"] == 0
    assert "description" not in task


def test_sampling_is_said_in_full_for_the_harness_has_defaults_of_its_own() -> None:
    assert lm_eval.generation_kwargs(SamplingParams(stop=("\n\n", "Q"))) == {
        "until": ["\n\n", "Q"],
        "max_gen_toks": 50,
        "do_sample": True,
        "temperature": 0.7,
        "top_k": 50,
        "top_p": 0.6,
        "repetition_penalty": 1.0,
    }


def test_greedy_decoding_names_no_parameter_that_only_sampling_has() -> None:
    greedy = SamplingParams(temperature=0, max_tokens=8, repetition_penalty=1.2)
    assert lm_eval.generation_kwargs(greedy) == {
        "until": [],
        "max_gen_toks": 8,
        "do_sample": False,
        "temperature": 0.0,
        "repetition_penalty": 1.2,
    }


def test_text_that_means_something_in_yaml_comes_back_as_it_was(tmp_path: Path) -> None:
    odd = Prompt(unescape(r"a: {{b}} # 'c' \"d\"\t") + "\x7f\u2028é", " \n|- ")
    task, _ = exported(
        tmp_path, prompt=odd, sampling=SamplingParams(stop=("\n\n", ": ", "#", "\x7f", "{{"))
    )
    assert (task["metadata"]["prefix"], task["metadata"]["suffix"]) == (odd.prefix, odd.suffix)
    assert task["generation_kwargs"]["until"] == ["\n\n", ": ", "#", "\x7f", "{{"]


def test_operands_of_thousands_of_digits_are_scored_exactly(tmp_path: Path) -> None:
    huge = Problem(10**3999, 10**3999)
    _, utils = exported(tmp_path, problems=[huge])
    doc = json.loads(Path(utils.PROBLEMS).read_text("utf-8"))
    assert utils.score(doc, [str(huge.answer)]) == {"exact_match": 1.0, "mae": 0.0}
    scores = utils.score(doc, [str(huge.answer - 1)])
    assert scores == {"exact_match": 0.0, "mae": 1.0}
    scores = utils.score(doc, ["[invalid]"])
    assert scores == {"exact_match": 0.0, "mae": math.inf}
    assert (scores["mae"] - 1.0) ** 2 == math.inf  # as the harness computes a standard error


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text("mine")
    with pytest.raises(InvalidInput, match=r"is not empty.*--overwrite"):
        exported(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["task.yaml"]
    assert (tmp_path / "task.yaml").read_text() == "mine"


def test_overwrite_replaces_an_export_and_leaves_other_files(tmp_path: Path) -> None:
    exported(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    task, _ = exported(tmp_path, task="second", overwrite=True)
    assert task["task"] == "second"
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"task": "a,b"}, "'a,b'; it may have letters"),
        ({"task": ""}, "it may have letters"),
        ({"extract": "first"}, "no way 'first'"),
        ({"extract": "after:"}, "after: needs the text"),
        ({"pre_processing": "upside-down"}, "no pre-processing"),
        ({"problems": []}, "at least 1"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)):
        exported(tmp_path / "new", **settings)
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_folder_s_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput, match="is a file; name a folder"):
        exported(tmp_path / "file")
