"""Q1c: the same sums on a second model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation
from carrychain.addition.problems import Problem
from carrychain.assignment.experiment import (
    Ask,
    Axis,
    Column,
    Context,
    Panel,
    Picture,
    Plan,
    Question,
    Result,
    Series,
    Table,
    ask_shipped,
)
from carrychain.assignment.measured import (
    accuracy_mark,
    flat,
    flat_comparison,
    recorded_series,
)
from carrychain.assignment.q1.tokens import count_text, operands, sums, token_counts
from carrychain.assignment.recorded import LLAMA2, QWEN3, RecordedRun, runs
from carrychain.assignment.words import (
    LEVEL,
    SCORES,
    accuracy,
    direction,
    p_value,
    paired,
    recorded_scores,
    scores,
    share,
)
from carrychain.engines.base import Engine, SamplingParams
from carrychain.io import Json
from carrychain.stats import mcnemar_exact
from carrychain.text import share as share_text

LIMITS = (8, 20)
"""max_tokens at which Qwen3 was recorded."""
LOW, HIGH = LIMITS


def _asks(plan: Plan) -> dict[str, Ask]:
    """Ask the first model and, if there is one, the second; both at both limits.

    At 8 tokens a model that writes a blank first, or cuts numbers in another way, may lose a digit
    that it knows; what it does at 20 tells the two apart.
    """
    return {
        f"{which}_max_{limit}": ask_shipped(
            "zero-shot",
            plan.problems(7),
            SamplingParams(max_tokens=limit),
            second=which == "second",
        )
        for which in ("first", "second")[: 1 + plan.second]
        for limit in LIMITS
    }


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a model's tokenizer makes of numbers, None where the engine does not count tokens.

    Args:
        operand: mean number of tokens of a 7-digit operand.
        longest_sum: most tokens of a sum.
    """

    operand: float | None
    longest_sum: int | None

    @classmethod
    def of(cls, engine: Engine, evaluation: Evaluation) -> Tokens:
        """Count them for the problems of an evaluation."""
        problems = [Problem(row.a, row.b) for row in evaluation.rows]
        counts = token_counts(engine, operands(problems))
        longest = token_counts(engine, sums(problems))
        return cls(
            None if counts is None else sum(counts) / len(counts),
            None if longest is None else max(longest),
        )


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was asked: its title, its answers at each limit and its factors."""

    title: str
    answers: dict[int, Evaluation]
    tokens: Tokens
    context: int | None

    @classmethod
    def of(cls, engine: Engine, which: str, context: Context) -> Model:
        """Gather them from a question's evaluations."""
        answers = {limit: context.evaluations[f"{which}_max_{limit}"] for limit in LIMITS}
        tokens = Tokens.of(engine, answers[LOW])
        return cls(engine.info.title, answers, tokens, engine.context)


def _analyse(context: Context) -> Result:
    models = [Model.of(context.engine, "first", context)]
    if context.other is not None:
        models.append(Model.of(context.other, "second", context))
    comparisons = (
        {limit: compare(models[0].answers[limit], models[1].answers[limit]) for limit in LIMITS}
        if len(models) > 1
        else {}
    )
    metrics: dict[str, Json] = {"second_model": len(models) > 1}
    for which, model in zip(("first", "second"), models, strict=False):
        metrics[f"{which}_model"] = model.title
        metrics[f"{which}_tokens_an_operand"] = model.tokens.operand
        metrics[f"{which}_tokens_of_longest_sum"] = model.tokens.longest_sum
        metrics[f"{which}_context"] = model.context
        for limit in LIMITS:
            metrics |= flat(f"{which}_max_{limit}", model.answers[limit])
    for limit, comparison in comparisons.items():
        metrics |= flat_comparison(f"second_max_{limit}", comparison)
    pairs = recorded_pairs()
    for llama, qwen in pairs:
        metrics[f"recorded_{llama.id}_{qwen.id}_mcnemar_p"] = paired_p(llama, qwen)
    least = least_pairs(10)
    metrics["least_pairs_told_at_10"] = least
    findings = (
        *_comparison_sentences(models, comparisons),
        *(_limit_sentence(model) for model in models),
        *(_recorded_sentence(llama, qwen) for llama, qwen in pairs),
        _ten_sentence(least),
        _tokens_sentence(models),
    )
    return Result(
        metrics=metrics,
        tables=(_score_table(models), _factor_table(models)),
        pictures=(_picture(models),),
        findings=findings,
        answer=_answer(models, comparisons, pairs, findings),
    )


# --- recorded runs -------------------------------------------------------------------------------


def recorded_pairs() -> list[tuple[RecordedRun, RecordedRun]]:
    """Return the recorded runs of Llama-2 and Qwen3 at the same limit; all asked the same sums."""
    llama, qwen = (
        runs(model=model, prompt="zero-shot", digits=7, max_tokens=LOW) for model in (LLAMA2, QWEN3)
    )
    return [(x, y) for x in llama for y in qwen]


def only_right(a: RecordedRun, b: RecordedRun) -> tuple[int, int]:
    """Return how many of the same sums only a, only b has right."""
    both = list(zip(a.right, b.right, strict=True))
    return sum(x > y for x, y in both), sum(y > x for x, y in both)


def paired_p(a: RecordedRun, b: RecordedRun) -> float:
    """Return the p of McNemar's exact test on two recorded runs of the same sums."""
    return mcnemar_exact(*only_right(a, b))


def least_pairs(n: int) -> int:
    """Return on how many of n sums one model at least must win, losing none, to be told better."""
    return next((k for k in range(1, n + 1) if mcnemar_exact(0, k) < LEVEL), n)


# --- sentences -----------------------------------------------------------------------------------


def _comparison_sentences(models: Sequence[Model], comparisons: dict[int, Comparison]) -> list[str]:
    if not comparisons:
        first = models[0]
        return [
            f"{first.title} has {accuracy(first.answers[LOW])} of its {_n(first)} sums right at "
            f"{LOW} tokens. No second model was asked; the recorded runs stand in for one."
        ]
    names = [model.title for model in models]
    if names[0] == names[1]:
        names = [f"the first {names[0]}", f"the second {names[1]}"]
    return [
        f"At {limit} tokens: {paired(c, a=names[0], b=names[1])}"
        for limit, c in comparisons.items()
    ]


def _limit_sentence(model: Model) -> str:
    low, high = (model.answers[limit] for limit in LIMITS)
    longest = model.tokens.longest_sum
    room = (
        f" Its tokenizer needs up to {longest} tokens for a sum, more than {LOW}."
        if longest is not None and longest > LOW
        else ""
    )
    return f"{paired(compare(low, high), a=f'{model.title} at {LOW} tokens', b=f'at {HIGH}')}{room}"


def _recorded_sentence(llama: RecordedRun, qwen: RecordedRun) -> str:
    only_llama, only_qwen = only_right(llama, qwen)
    p = paired_p(llama, qwen)
    better = qwen.model if only_qwen > only_llama else llama.model
    verdict = f"{better} is better" if p < LEVEL else "no difference can be told"
    return (
        f"Recorded, {LOW} tokens, the same {llama.n} sums: {llama.model} ({llama.id}) "
        f"{share(llama.correct, llama.n)}, {qwen.model} ({qwen.id}) "
        f"{share(qwen.correct, qwen.n)}; {only_llama} only the first has right, {only_qwen} only "
        f"the second, McNemar p {p_value(p)}: {verdict}."
    )


def _ten_sentence(least: int) -> str:
    return (
        f"With n = 10, a model that loses on no sum must win on at least {least} to be told better "
        f"(p {p_value(mcnemar_exact(0, least))}); by how much it is better stays open: the "
        f"interval of 9 right is {share(9, 10).partition(' ')[2].strip('()')}. Two models that "
        "differ on fewer sums can't be told apart."
    )


def _tokens_sentence(models: Sequence[Model]) -> str:
    known = [m for m in models if m.tokens.operand is not None]
    if not known:
        return "How many tokens a number takes is not known: the engine does not count them."
    parts = [f"{count_text(m.tokens.operand)} tokens with {m.title}" for m in known]
    rest = [m.title for m in models if m.tokens.operand is None]
    more = f"; {rest[0]} does not count tokens" if rest else ""
    return f"A 7-digit operand takes {' and '.join(parts)}{more}."


def _n(model: Model) -> int:
    return model.answers[LOW].metrics.n


# --- tables and pictures -------------------------------------------------------------------------


def _score_table(models: Sequence[Model]) -> Table:
    rows = [
        scores(f"{model.title}, {limit} tokens", model.answers[limit])
        for limit in LIMITS
        for model in models
    ]
    rows += [
        recorded_scores(f"{limit} tokens", run)
        for limit in LIMITS
        for name in (LLAMA2, QWEN3)
        for run in runs(model=name, prompt="zero-shot", digits=7, max_tokens=limit)
    ]
    return Table(
        "scores",
        f"7-digit sums without an example, the same {_n(models[0])} for each model",
        SCORES,
        tuple(rows),
        "Ours: the first run of digits. Recorded runs are not ours: 10 sums each, all digits of "
        "the output joined, which at 20 tokens spoils answers that were right.",
    )


def _factor_table(models: Sequence[Model]) -> Table:
    def row(name: str, *cells: str) -> tuple[str, ...]:
        return (name, *cells)

    used = [model.answers[LOW] for model in models]
    return Table(
        "factors",
        "What may make models differ",
        (Column("factor", numeric=False), *(Column(model.title) for model in models)),
        (
            row("tokens of an operand", *(count_text(m.tokens.operand) for m in models)),
            row("most tokens of a sum", *(count_text(m.tokens.longest_sum) for m in models)),
            row("tokens of the prompt", *(count_text(e.prompt.tokens) for e in used)),
            row("context, tokens", *(_context(m) for m in models)),
            row("temperature", *(share_text(e.sampling.temperature) for e in used)),
            row("top-k", *(str(e.sampling.top_k) for e in used)),
            row("top-p", *(share_text(e.sampling.top_p) for e in used)),
            row("repetition penalty", *(f"{e.sampling.repetition_penalty:g}" for e in used)),
        ),
        "Tokens are the tokenizer's own; – where the engine does not tell.",
    )


def _context(model: Model) -> str:
    return "–" if model.context is None else f"{model.context:,}"


def _picture(models: Sequence[Model]) -> Picture:
    ours = tuple(
        Series(
            f"{which}{model.title}, n = {_n(model)}",
            tuple(accuracy_mark(x, model.answers[limit]) for x, limit in enumerate(LIMITS)),
            joined=False,
        )
        for which, model in zip(("", "second: "), models, strict=False)
    )
    recorded = [
        [
            r
            for m in (LLAMA2, QWEN3)
            for r in runs(model=m, prompt="zero-shot", digits=7, max_tokens=limit)
        ]
        for limit in LIMITS
    ]
    told = " and ".join(f"{m.title} {accuracy(m.answers[LOW])}" for m in models)
    return Picture(
        "models",
        "7-digit sums without an example; lines at the marks are 95% intervals",
        f"Right at {LOW} tokens: {told}; recorded with 10 sums, "
        + ", ".join(f"{run.model} {share(run.correct, run.n)}" for run in recorded[0])
        + ".",
        (
            Panel(
                "accuracy by limit",
                Axis("max_tokens", categories=tuple(map(str, LIMITS))),
                Axis("share right", low=0, high=1),
                (*ours, *recorded_series(recorded)),
            ),
        ),
    )


# --- the written answer --------------------------------------------------------------------------


def _answer(
    models: Sequence[Model],
    comparisons: dict[int, Comparison],
    pairs: Sequence[tuple[RecordedRun, RecordedRun]],
    findings: Sequence[str],
) -> tuple[str, ...]:
    recorded = " ".join(_recorded_sentence(llama, qwen) for llama, qwen in pairs)
    told = sum(paired_p(llama, qwen) < LEVEL for llama, qwen in pairs)
    paragraphs = [
        f"From Llama-2-7B to Qwen3-8B, in {told} of {len(pairs)} recorded comparisons the "
        f"difference can be told. {recorded} {_ten_sentence(least_pairs(10))}",
        "**Not the tokens.** Both tokenizers cut numbers into single digits (Touvron et al. 2023, "
        "arXiv:2307.09288; Bai et al. 2023, arXiv:2309.16609), and both models were sampled with "
        "the same configuration from the same raw prompt. The prompt is far shorter than either "
        "context, 4,096 and 32,768 tokens.",
        "**What is left** is size and training: 7 and 8.2 billion parameters differ little, but "
        "Llama-2 was trained on 2 trillion tokens and Qwen3 on 36 trillion, with synthetic "
        "mathematics among them and a stage on reasoning (Yang et al. 2025, arXiv:2505.09388). "
        "Which of these does it, ten sums can't say.",
    ]
    if comparisons:
        verdict = {
            1: f"{models[1].title} is better than {models[0].title}.",
            -1: f"{models[1].title} is worse than {models[0].title}.",
            0: f"{models[1].title} and {models[0].title} can't be told apart.",
        }[direction(comparisons[HIGH])]
        paragraphs.append(
            f"**Measured here.** At {HIGH} tokens, where no limit cuts a sum: {verdict} "
            f"{findings[0]} {findings[1]} {_tokens_sentence(models)} Prompt and sampling are the "
            "same; what differs is tokenizer, size and training."
        )
    return tuple(paragraphs)


Q1C = Question(
    name="Q1c",
    title="a second model",
    text=(
        "7-digit sums without an example on a second model: how does accuracy change, and which "
        "factors change it?"
    ),
    asks=_asks,
    analyse=_analyse,
)
