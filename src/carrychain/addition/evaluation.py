"""From problems to an evaluation: render, generate, read; go on where one was interrupted."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata

from carrychain import __version__
from carrychain.addition.extraction import Read, extractor
from carrychain.addition.problems import PROBES, Problem
from carrychain.addition.prompts import Prompt, pre_processor
from carrychain.addition.results import Evaluation, Row, Timing, UsedPrompt
from carrychain.addition.scoring import score
from carrychain.engines.base import Engine, SamplingParams, generate_sharing
from carrychain.errors import GenerationFailed, InvalidInput
from carrychain.io import Json, jsonable

__all__ = ["Evaluation", "Row", "Timing", "UsedPrompt", "evaluate", "request_seed"]

INTERRUPTED = "the evaluation was interrupted"
"""The `interruption` of an evaluation that Ctrl-C ended."""


def evaluate(
    *,
    prompt: Prompt,
    engine: Engine,
    problems: Sequence[Problem],
    sampling: SamplingParams,
    seed: int = 0,
    runs: int = 1,
    extract: str = "first-integer",
    pre_processing: str = "none",
    mae_scale: float = 5e6,
    prompt_name: str | None = None,
    origin: Mapping[str, object] | None = None,
    on_row: Callable[[Row], None] | None = None,
    resume: Evaluation | None = None,
    write: Callable[[str], str] | None = None,
    read: Read | None = None,
) -> Evaluation:
    """Ask an engine every problem and score what it answers.

    An engine that fails, or Ctrl-C, ends the work: what was finished is kept, and what was not is
    neither right nor wrong but missing (`complete`, `interruption`).

    Args:
        prompt: what stands before and after each problem.
        engine: what answers.
        problems: at least one.
        sampling: decoding parameters.
        seed: fixes sampling, at least 0, see `request_seed`.
        runs: how often each problem is asked, at least 1.
        extract: how the number is read from the output, see `extraction`.
        pre_processing: how "a+b" is written, a name in `PRE_PROCESSING`.
        mae_scale: scale of mae in res, above 0.
        prompt_name: name of a shipped prompt, kept with the result.
        origin: where the problems come from, kept with the result.
        on_row: called with each row as it is finished, in the order of completion.
        resume: an earlier part of the same evaluation: only rows that it lacks are asked for.
        write, read: functions in place of those that the names `pre_processing` and `extract` stand
            for; the names, which may then be any, are kept with the result.

    Raises:
        InvalidInput: a value is outside its range, a prompt does not fit the engine, or `resume` is
            of another evaluation; the message names the first setting that differs.
    """
    if not problems:
        raise InvalidInput("there are no problems; at least 1 is needed")
    if runs < 1:
        raise InvalidInput(f"runs is {runs}; it must be at least 1")
    if seed < 0:
        raise InvalidInput(f"seed is {seed}; it must be at least 0")
    score([], [], prompt.length, mae_scale)
    read, write = read or extractor(extract), write or pre_processor(pre_processing)
    prompts = [prompt.render(write(str(problem))) for problem in problems]
    tokens = engine.count_tokens(prompt.prefix + prompt.suffix)
    evaluation = Evaluation(
        model=engine.info,
        sampling=sampling,
        prompt=UsedPrompt(prompt.prefix, prompt.suffix, pre_processing, prompt_name, tokens),
        extract=extract,
        mae_scale=mae_scale,
        seed=seed,
        runs=runs,
        asked=len(problems) * runs,
        origin=dict(origin or {}),
        rows=(),
        timing=Timing(0.0, None),
        versions=_versions(),
    )
    rows: dict[tuple[int, int], Row] = {}
    if resume is not None:
        _check_same(resume, evaluation, prompts)
        rows = {(row.index, row.run): row for row in resume.rows}
    missing = [
        (index, run)
        for index in range(len(problems))
        for run in range(runs)
        if (index, run) not in rows
    ]
    seeds = [request_seed(seed, index, run) for index, run in missing]
    interruption = None
    started = time.perf_counter()
    try:
        if missing:
            asked = [prompts[i] for i, _ in missing]
            probes = [prompt.render(write(str(problem))) for problem in PROBES]
            for done in generate_sharing(engine, asked, sampling, seeds, probes):
                index, run = missing[done.index]
                row = Row(
                    index=index,
                    run=run,
                    a=problems[index].a,
                    b=problems[index].b,
                    answer=problems[index].answer,
                    prompt=prompts[index],
                    output=done.text,
                    response=(response := read(done.text)),
                    correct=response == problems[index].answer,
                    finish_reason=done.finish_reason,
                    seed=seeds[done.index],
                    tokens=done.tokens,
                    prompt_tokens=done.prompt_tokens,
                )
                rows[index, run] = row
                if on_row is not None:
                    on_row(row)
    except KeyboardInterrupt:
        interruption = INTERRUPTED
    except GenerationFailed as error:
        interruption = str(error)
    seconds = time.perf_counter() - started + (resume.timing.seconds if resume else 0)
    if interruption is None and len(rows) < evaluation.asked:
        interruption = f"the engine gave {len(rows)} of {evaluation.asked} answers"
    return replace(
        evaluation,
        model=engine.info,  # once more: an engine that ran out of memory went on with fewer slots
        rows=tuple(rows[key] for key in sorted(rows)),
        timing=Timing(seconds, len(rows) / seconds if seconds > 0 else None),
        interruption=interruption if len(rows) < evaluation.asked else None,
    )


def request_seed(seed: int, index: int, run: int) -> int:
    """Return the seed, 0 to 2^64 - 1, of the request for problem `index` in run `run`.

    Seed, index and run are mixed in one after the other, each by a step of SplitMix64 (Steele, Lea
    and Flood 2014, "Fast splittable pseudorandom number generators"), so a request's seed depends
    neither on how many problems there are nor on which were asked before.
    """
    state = 0
    for part in (seed, index, run):
        state = _split_mix(state + part)
    return state


def _split_mix(state: int) -> int:
    low_64 = (1 << 64) - 1
    z = (state + 0x9E3779B97F4A7C15) & low_64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & low_64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & low_64
    return z ^ (z >> 31)


def _check_same(earlier: Evaluation, now: Evaluation, prompts: Sequence[str]) -> None:
    """Raise InvalidInput, naming the first difference, unless rows of both belong together."""
    for (name, before), after in zip(
        _settings(earlier).items(), _settings(now).values(), strict=True
    ):
        if before != after:
            raise InvalidInput(
                f"the earlier evaluation can't be gone on with: "
                f"{name} was {before!r} and is {after!r}"
            )
    for row in earlier.rows:
        fits = 0 <= row.index < len(prompts) and 0 <= row.run < now.runs
        if not fits or row.prompt != prompts[row.index]:
            raise InvalidInput(
                "the earlier evaluation can't be gone on with: "
                f"its problem {row.index + 1}, {row.a}+{row.b}, is not one that is asked now"
            )


def _settings(evaluation: Evaluation) -> dict[str, Json]:
    """Return what decides the rows."""
    model = evaluation.model
    return {
        "model": model.name,
        "the model's revision": model.revision,
        "the model's settings": jsonable(model.settings),
        "prefix": evaluation.prompt.prefix,
        "suffix": evaluation.prompt.suffix,
        "pre_processing": evaluation.prompt.pre_processing,
        "extract": evaluation.extract,
        **{name: jsonable(value) for name, value in evaluation.sampling.as_dict().items()},
        "mae_scale": evaluation.mae_scale,
        "seed": evaluation.seed,
        "runs": evaluation.runs,
        "the number of answers": evaluation.asked,
        "the problems' origin": jsonable(evaluation.origin),
    }


def _versions() -> dict[str, str]:
    """Return versions of carrychain, Python and those libraries that are loaded."""
    loaded = [name for name in ("torch", "transformers", "numpy") if name in sys.modules]
    return {
        "carrychain": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in loaded},
    }
