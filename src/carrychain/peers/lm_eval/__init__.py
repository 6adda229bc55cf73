"""A task for lm-evaluation-harness, written into a folder that needs no carrychain to run."""

from __future__ import annotations

import importlib.resources
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from carrychain import __version__
from carrychain.addition.extraction import extractor
from carrychain.addition.problems import Problem
from carrychain.addition.prompts import Prompt, pre_processor
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.io import Json, StrPath, check_writable, write_text

TASK = "carrychain_addition"
HARNESS = "0.4.13"
"""The version of lm-evaluation-harness that what is written here was tried with."""

_FUNCTIONS = {
    "first-line": "first_line",
    "all-digits": "all_digits",
    "separated": "separated",
    "reversed": "reversed_digits",
}
"""The ways to read that join digits, which no pattern does, and their filters in utils.py."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Args:
        folder: where.
        task: the task's name in the harness.
        files: names of the files in the folder.
        n: number of problems.
        generation_kwargs: the decoding parameters in the harness's names.
    """

    folder: Path
    task: str
    files: tuple[str, ...]
    n: int
    generation_kwargs: dict[str, Json]

    @property
    def command(self) -> str:
        """A command that runs the task; ID is a model of the hub or a folder."""
        return _command(self.task, shlex.quote(str(self.folder)))

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "folder": str(self.folder),
            "task": self.task,
            "files": list(self.files),
            "n": self.n,
            "generation_kwargs": self.generation_kwargs,
            "command": self.command,
        }


def export(
    folder: StrPath,
    *,
    prompt: Prompt,
    problems: Sequence[Problem],
    sampling: SamplingParams,
    extract: str = "first-integer",
    pre_processing: str = "none",
    task: str = TASK,
    overwrite: bool = False,
) -> Exported:
    """Write a task that asks the same problems in the same words and reads them in the same way.

    Args:
        folder: where; made if it is not there.
        prompt: what stands before and after each problem.
        problems: at least one.
        sampling: decoding parameters.
        extract: how the number is read from the output, see `addition.extraction`.
        pre_processing: how "a+b" is written, a name in `PRE_PROCESSING`.
        task: the task's name in the harness: letters, digits, `_` and `-`.
        overwrite: write into a folder that is not empty; other files in it stay.

    Raises:
        InvalidInput: a value is not what is needed, or the folder is not empty or can't be written.
    """
    if not problems:
        raise InvalidInput("there are no problems; at least 1 is needed")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", task):
        raise InvalidInput(f"the task's name is {task!r}; it may have letters, digits, _ and -")
    write = pre_processor(pre_processing)
    settings: dict[str, Json] = {
        "prefix": prompt.prefix,
        "suffix": prompt.suffix,
        "prompt_length": prompt.length,
        "pre_processing": pre_processing,
        "extract": extract,
    }
    filters, generation = filter_pipeline(extract), generation_kwargs(sampling)
    rows = [
        {
            "a": str(problem.a),
            "b": str(problem.b),
            "answer": str(problem.answer),
            "prompt": prompt.render(write(str(problem))),
        }
        for problem in problems
    ]
    texts = {
        "problems.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "utils.py": importlib.resources.files(__name__).joinpath("utils.py").read_text("utf-8"),
        "README.md": _readme(task, len(rows), {**settings, **generation}),
        "task.yaml": _task_yaml(task, filters, generation, settings),
    }
    target = Path(folder)
    _make(target, overwrite)
    for name in texts:
        check_writable(target / name)
    for name, text in texts.items():  # the YAML file last: without it there is no task
        write_text(target / name, text)
    return Exported(target, task, tuple(texts), len(rows), generation)


def generation_kwargs(sampling: SamplingParams) -> dict[str, Json]:
    """Return decoding parameters in the harness's names, all of them explicit.

    What is not said would be the harness's own (a blank line ends the text) or the model's.
    """
    always: dict[str, Json] = {
        "until": list(sampling.stop),
        "max_gen_toks": sampling.max_tokens,
        "do_sample": not sampling.greedy,
        "temperature": float(sampling.temperature),
        "repetition_penalty": float(sampling.repetition_penalty),
    }
    if sampling.greedy:
        return always
    return {**always, "top_k": sampling.top_k, "top_p": float(sampling.top_p)}


def filter_pipeline(extract: str) -> list[dict[str, Any]]:
    r"""Return the harness's filters that read an output as `extractor(extract)` does.

    They leave the answer's digits or, where there is none, something else.

    Raises:
        InvalidInput: there is no such way to read.

    Example:
        >>> filter_pipeline("first-integer")[0]
        {'function': 'regex', 'regex_pattern': '\\d+', 'group_select': 0}
    """
    extractor(extract)
    if extract in _FUNCTIONS:
        first = {"function": "custom", "filter_fn": _Function(f"utils.{_FUNCTIONS[extract]}")}
    elif extract.startswith("after:"):
        marker = re.escape(extract.removeprefix("after:"))
        first = _regex(rf"(?s)\A.*?{marker}.*?(\d+)", 0)
    else:
        first = _regex(r"\d+", -1 if extract == "last-integer" else 0)
    return [first, {"function": "take_first"}]


def _regex(pattern: str, select: int) -> dict[str, Any]:
    return {"function": "regex", "regex_pattern": pattern, "group_select": select}


class _Function(str):
    """A name in utils.py."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, name: _Function) -> yaml.ScalarNode:
    return dumper.represent_scalar("!function", str(name))


_Dumper.add_representer(_Function, _represent)


def _task_yaml(
    task: str,
    filters: Sequence[Mapping[str, Any]],
    generation: Mapping[str, Json],
    settings: Mapping[str, Json],
) -> str:
    name = str(settings["extract"]).partition(":")[0]  # a comma in it would confuse the harness
    config: dict[str, Any] = {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": _Function("utils.PROBLEMS")}},
        "test_split": "test",
        "output_type": "generate_until",
        "doc_to_text": "prompt",
        "doc_to_target": "answer",
        "target_delimiter": "",
        "fewshot_delimiter": "",
        "num_fewshot": 0,
        "generation_kwargs": dict(generation),
        "filter_list": [{"name": name, "filter": list(filters)}],
        "process_results": _Function("utils.score"),
        "metric_list": [
            {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True},
            {"metric": "mae", "aggregation": "mean", "higher_is_better": False},
        ],
        "metadata": {"version": 1.0, "carrychain": __version__, **settings},
    }
    body = yaml.dump(config, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return f"# Written by carrychain {__version__}, tried with lm_eval {HARNESS}.\n{body}"


def _command(task: str, folder: str) -> str:
    return (
        f"lm_eval run --model hf --model_args pretrained=ID,dtype=float32 --tasks {task} "
        f"--include_path {folder} --output_path results --log_samples"
    )


_README = """\
# {task}: {n} addition problems for lm-evaluation-harness

Written by carrychain {version}, tried with lm_eval {harness}. carrychain is not needed to run it:

    pip install 'lm_eval[hf]>={harness}'
    {command}

`ID` is a model of the hub or a folder. Leave `--apply_chat_template`, `--num_fewshot` and
`--gen_kwargs` out: the problems' prompts are whole, and the model is to see them as they are.

| file | what is in it |
|---|---|
| `task.yaml` | the task |
| `problems.jsonl` | a problem a line: operands, sum, and the prompt that the model sees |
| `utils.py` | the score, and the ways to read an answer that no pattern can say |

`exact_match` is the share of exact sums, `mae` the mean absolute error; an output without a number
is wrong, and counts as 0 in `mae`.

| setting | value |
|---|---|
{settings}

Greedy texts are those of `carrychain evaluate --dtype float32` with the same settings. Sampled
texts are not: the harness has one random state for all problems, carrychain one for each.
"""


def _readme(task: str, n: int, settings: Mapping[str, Json]) -> str:
    said = [f"| {name} | `{_cell(value)}` |" for name, value in settings.items()]
    return _README.format(
        task=task,
        n=n,
        version=__version__,
        harness=HARNESS,
        command=_command(task, "."),
        settings="\n".join(said),
    )


def _cell(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False).replace("|", r"\|")


def _make(folder: Path, overwrite: bool) -> None:
    """Make the folder, or raise InvalidInput if it can't be written to or is not empty."""
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is a file; name a folder")
        if not overwrite and folder.exists() and any(folder.iterdir()):
            raise InvalidInput(
                f"{folder} is not empty; name another folder, or use --overwrite to replace what "
                "an export writes (other files stay)"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be written to: {error.strerror or error}") from error
