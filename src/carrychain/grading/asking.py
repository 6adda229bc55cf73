"""A submission's prompt, parameters and functions on a model: an evaluation like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.evaluation import evaluate as evaluate_problems
from carrychain.addition.problems import PROBES, Problem
from carrychain.engines.base import Engine, SamplingParams
from carrychain.grading.contract import POST, PRE
from carrychain.grading.findings import Finding
from carrychain.grading.submission import Submission
from carrychain.sandbox import Failure


@dataclass(frozen=True)
class Asked:
    """What a model made of a submission.

    Args:
        evaluation: of the problems that could be asked; None where none could. Its prompts and
            outputs are as they were, tokens and all.
        problems: those problems.
        unasked: the others: your_pre_processing failed, or the model can't take the prompt.
        written: what your_pre_processing made of each problem "a+b" that was asked.
        findings: what went wrong.
    """

    evaluation: Evaluation | None
    problems: tuple[Problem, ...]
    unasked: tuple[Problem, ...]
    written: Mapping[str, str]
    findings: tuple[Finding, ...]


def ask(
    submission: Submission,
    engine: Engine,
    problems: Sequence[Problem],
    *,
    sampling: SamplingParams | None = None,
    origin: Mapping[str, object] | None = None,
    seed: int = 0,
    runs: int = 1,
    mae_scale: float = 5e6,
    on_row: Callable[[Row], None] | None = None,
    resume: Evaluation | None = None,
) -> Asked:
    """Ask an engine as a submission wants it asked, and have it read the outputs.

    First one child writes all problems, then the model answers, then another child reads all
    outputs: nothing passes from the operands to the answers but through the model.

    Args:
        submission: one that is `runnable`.
        engine: what answers.
        problems: at least one.
        sampling: decoding parameters in place of the submission's own.
        origin, seed, runs, mae_scale, resume: as for `addition.evaluation.evaluate`.
        on_row: called with each row as the model finishes it, before its output is read.

    Raises:
        InvalidInput: a value is outside its range, or `resume` is of another evaluation.
    """
    assert submission.runnable
    sampling = sampling or submission.sampling
    assert sampling is not None
    texts = list(dict.fromkeys(map(str, problems)))
    probes = [str(problem) for problem in PROBES]
    outcomes = submission.pre([*texts, *probes])
    findings = submission.failures(PRE, outcomes[: len(texts)], "problems")
    written = {
        text: outcome
        for text, outcome in zip([*texts, *probes], outcomes, strict=True)
        if not isinstance(outcome, Failure)
    }
    faults = {
        text: fault
        for text in texts
        if text in written
        and (fault := _fault(submission.prompt.render(written[text]), engine, sampling))
    }
    findings += _refused(list(faults.values()), len(texts))
    asked = [problem for problem in problems if str(problem) in written.keys() - faults.keys()]
    evaluation = None
    if asked:
        evaluation = evaluate_problems(
            prompt=submission.prompt,
            engine=engine,
            problems=asked,
            sampling=sampling,
            seed=seed,
            runs=runs,
            pre_processing=PRE,
            extract=POST,
            mae_scale=mae_scale,
            origin=origin,
            on_row=on_row,
            resume=resume,
            write=lambda text: written.get(text, text),  # a probe may have failed
            read=lambda output: None,
        )
        read = submission.post([row.output for row in evaluation.rows])
        findings += submission.failures(POST, read, "outputs")
        evaluation = evaluation.with_responses(
            [None if isinstance(answer, Failure) else answer for answer in read]
        )
    return Asked(
        evaluation,
        tuple(asked),
        tuple(problem for problem in problems if problem not in asked),
        written,
        tuple(findings),
    )


def hidden(evaluation: Evaluation, submission: Submission) -> Evaluation:
    """Return an evaluation to show or store: tokens are hidden, and lengths stand."""
    redact = submission.redact
    return replace(
        evaluation,
        prompt=replace(
            evaluation.prompt,
            prefix=redact(evaluation.prompt.prefix),
            suffix=redact(evaluation.prompt.suffix),
        ),
        rows=tuple(
            replace(row, prompt=redact(row.prompt), output=redact(row.output))
            for row in evaluation.rows
        ),
    )


def _fault(prompt: str, engine: Engine, sampling: SamplingParams) -> str:
    """Return why a model can't take a prompt, "" where it can, as far as the engine tells."""
    tokens = engine.count_tokens(prompt)
    if not prompt or tokens == 0:
        return "the prompt is empty"
    if tokens is None or engine.context is None or tokens + sampling.max_tokens <= engine.context:
        return ""
    return (
        f"the prompt has {tokens:,} tokens and max_tokens is {sampling.max_tokens:,}, but the "
        f"context of {engine.info.title} is {engine.context:,} tokens for both"
    )


def _refused(faults: Sequence[str], texts: int) -> list[Finding]:
    if not faults:
        return []
    return [
        Finding(
            "prompt-does-not-fit",
            f"{len(faults)} of {texts} problems can't be asked: {faults[0]}",
        )
    ]
