"""Q1b: what does each decoding parameter do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Context, Question, Result
from carrychain.assignment.measured import flat
from carrychain.assignment.q1.distributions import Distributions, distributions
from carrychain.assignment.q1.parameters_shown import (
    distribution_picture,
    distribution_table,
    harm_picture,
    harm_table,
    kept_table,
    spread_picture,
    sweep_picture,
    sweep_table,
)
from carrychain.assignment.q1.repeats import Harm, harm
from carrychain.assignment.q1.sweeps import (
    BASE,
    LENGTHS,
    MAX_TOKENS,
    NOTABLE,
    PENALTY,
    SWEEPS,
    TEMPERATURE,
    TEMPERATURES,
    TOP_K,
    TOP_P,
    Kept,
    Setting,
    Sweep,
    Value,
    asks,
    at_temperature,
    bits,
    change,
    kept_outputs,
    measured,
    penalised,
    plain,
    swept,
    told,
    unchanged,
)
from carrychain.assignment.visible import visible
from carrychain.assignment.words import p_value, signed, signed_interval
from carrychain.io import Json
from carrychain.text import share as plain_share


def _analyse(context: Context) -> Result:
    evaluations = context.evaluations
    base_rows = evaluations[swept(TEMPERATURE, TEMPERATURE.base, 7)].rows
    exact = distributions(
        context.engine,
        base_rows[0],
        {sweep.sampling(v): None for sweep in SWEEPS for v in sweep.values},
    )
    settings = {sweep: measured(sweep, context, exact) for sweep in SWEEPS}
    kept = kept_outputs(evaluations)
    harms = {
        penalty: harm(
            *(
                (
                    evaluations[penalised(kind, PENALTY.base)],
                    evaluations[penalised(kind, penalty)],
                )
                for kind in ("repeating", "fresh")
            )
        )
        for penalty in PENALTY.others
    }
    title = context.engine.info.title
    findings = (
        *(_sweep_sentence(sweep, settings[sweep]) for sweep in SWEEPS),
        _idle_sentence(kept),
        _greedy_sentence(evaluations),
        _harm_sentence(harms),
        _seen_sentence(exact),
    )
    return Result(
        metrics=_metrics(settings, kept, harms, exact, evaluations),
        tables=(
            sweep_table(title, settings),
            kept_table(title, kept),
            harm_table(title, evaluations, harms),
            *([] if exact is None else [distribution_table(title, exact)]),
        ),
        pictures=(
            sweep_picture(title, settings),
            spread_picture(title, settings),
            harm_picture(title, evaluations, harms),
            *([] if exact is None else [distribution_picture(title, exact)]),
        ),
        findings=findings,
        answer=_answer(context, settings, findings),
    )


def _metrics(
    settings: Mapping[Sweep, Sequence[Setting]],
    kept: Sequence[Kept],
    harms: Mapping[Value, Harm],
    exact: Distributions | None,
    evaluations: Mapping[str, Evaluation],
) -> dict[str, Json]:
    metrics: dict[str, Json] = {}
    for sweep, values in settings.items():
        for s in values:
            name = f"{sweep.parameter}_{s.value:g}"
            for d in LENGTHS:
                m = s.answers[d].metrics
                metrics |= {f"{name}_digits_{d}_acc": m.acc, f"{name}_digits_{d}_n": m.n}
                metrics[f"{name}_digits_{d}_acc_ci"] = list(m.acc_ci)
                if s.changes:
                    metrics[f"{name}_digits_{d}_direction"] = told(sweep, s.changes[d])
                    metrics[f"{name}_digits_{d}_mcnemar_p"] = s.changes[d].mcnemar_p
            metrics |= {
                f"{name}_distinct_outputs": s.distinct,
                f"{name}_tokens": s.tokens,
                f"{name}_characters": s.characters,
                f"{name}_entropy_bits": s.entropy,
            }
    for k in kept:
        metrics[f"{at_temperature(k.temperature, k.sweep, k.value)}_same_outputs"] = k.same
    for penalty, h in harms.items():
        name = f"penalty_{penalty:g}_extra_loss_of_repeating"
        metrics |= {name: h.extra, f"{name}_ci": list(h.extra_ci), f"{name}_p": h.p}
        metrics[f"{name}_direction"] = h.told(len(harms))
        for kind in ("repeating", "fresh"):
            metrics |= flat(penalised(kind, penalty), evaluations[penalised(kind, penalty)])
    if exact is not None:
        metrics["next_token_raw_entropy_bits"] = exact.raw_entropy
    return metrics


# --- sentences -----------------------------------------------------------------------------------


def _moves(before: str, after: str) -> str:
    return f"stays {before}" if before == after else f"goes from {before} to {after}"


def _sweep_sentence(sweep: Sweep, settings: Sequence[Setting]) -> str:
    low, high = settings[0], settings[-1]
    ends = f"from {sweep.text(low.value)} to {sweep.text(high.value)}"
    entropy = (
        ""
        if low.entropy is None or high.entropy is None
        else f"the next token's entropy {_moves(bits(low.entropy), bits(high.entropy))} bits, "
    )
    distinct = _moves(str(low.distinct), str(high.distinct))
    tokens = _moves(f"{low.tokens:.3g}", f"{high.tokens:.3g}")
    claims = "; ".join(_claim(sweep, settings, digits) for digits in LENGTHS)
    return (
        f"{sweep.title} {ends}: {entropy}the number of different outputs in {low.runs} runs of one "
        f"sum {distinct}, the outputs' mean length {tokens} tokens. Accuracy, against the "
        f"hand-out's {sweep.text(sweep.base)}: {claims}."
    )


def _claim(sweep: Sweep, settings: Sequence[Setting], digits: int) -> str:
    """Say which values differ from the hand-out's on sums of so many digits."""
    parts: list[str] = []
    for s in settings:
        if s.changes and (found := told(sweep, c := s.changes[digits])):
            parts.append(
                f"{sweep.text(s.value)} is {'better' if found > 0 else 'worse'} "
                f"({plain_share(c.acc_b)} against {plain_share(c.acc_a)}, "
                f"McNemar p {p_value(c.mcnemar_p or 0)})"
            )
    n = settings[0].answers[digits].metrics.n
    said = ", ".join(parts) if parts else f"no value differs that can be told at n = {n}"
    return f"with {digits} digits {said}"


def _idle_sentence(kept: Sequence[Kept]) -> str:
    greedy = [k for k in kept if k.temperature == 0]
    n = greedy[0].n
    if all(k.same == n for k in greedy):
        start = (
            f"At temperature 0 top-k and top-p are idle: all {n} outputs are the same whatever "
            "they are, row by row"
        )
    else:
        changed = ", ".join(f"{n - k.same} with {change(k)}" for k in greedy if k.same < n)
        start = (
            "At temperature 0 top-k and top-p are not idle here, as they should be: of "
            f"{n} outputs there change {changed}"
        )
    rest = "; ".join(
        f"at {plain(t)} "
        + ", ".join(f"{k.n - k.same} change with {change(k)}" for k in kept if k.temperature == t)
        for t in TEMPERATURES[1:]
    )
    return f"{start}. Of {n}, {rest}."


def _greedy_sentence(evaluations: Mapping[str, Evaluation]) -> str:
    greedy = evaluations[swept(TEMPERATURE, 0, 7)]
    one, none = (evaluations[swept(sweep, v, 7)] for sweep, v in ((TOP_K, 1), (TOP_P, 0)))
    n = len(greedy.rows)
    return (
        f"Top-k 1 and top-p 0 leave one token to draw: at temperature {plain(TEMPERATURE.base)} "
        f"{unchanged(greedy, one)} and {unchanged(greedy, none)} of {n} outputs are those of "
        "temperature 0."
    )


def _harm_sentence(harms: Mapping[Value, Harm]) -> str:
    parts: list[str] = []
    for penalty, h in harms.items():
        found = h.told(len(harms))
        if found:
            more = "more" if found > 0 else "less"
            parts.append(
                f"at {plain(penalty)} those whose digits repeat lose {more} accuracy than those "
                f"without repeats (change {signed(-h.loss_repeating)} against "
                f"{signed(-h.loss_fresh)}, 95% interval of what they lose more "
                f"{signed_interval(h.extra_ci)})"
            )
    n = next(iter(harms.values())).n
    if not parts:
        return (
            "Repetition penalty and repeated digits: at no value do sums whose digits repeat lose "
            f"more or less accuracy than those without repeats so that it can be told at n = {n}."
        )
    return f"Repetition penalty and repeated digits, {n} 3-digit sums each: {'; '.join(parts)}."


def _seen_sentence(exact: Distributions | None) -> str:
    if exact is None:
        return "The engine shows no logits, so the next token's distribution can't be shown."
    highest = PENALTY.values[-1]
    before, after = exact.seen(BASE), exact.seen(PENALTY.sampling(highest))
    return (
        f"After “{visible(exact.text[-24:])}” tokens that the text already has hold "
        f"{plain_share(before)} of the probability; with a repetition penalty of {plain(highest)} "
        f"they hold {plain_share(after)}, before temperature, top-k and top-p."
    )


# --- the written answer --------------------------------------------------------------------------


def _answer(
    context: Context, settings: Mapping[Sweep, Sequence[Setting]], findings: Sequence[str]
) -> tuple[str, ...]:
    by_sweep = dict(zip(SWEEPS, findings, strict=False))
    idle, greedy, harm_found, seen = findings[len(SWEEPS) :]
    n = settings[TEMPERATURE][0].answers[7].metrics.n
    paragraphs = (
        "A model gives each token of its vocabulary a score (a logit). The penalty changes scores, "
        "the temperature divides them, softmax makes probabilities, top-k and top-p drop unlikely "
        "tokens, and one of what is left is drawn; so it goes on until the text ends or max_tokens "
        f"are written. Differences below are claimed where McNemar's exact test on the same {n} "
        "sums has p below 5% divided by the number of comparisons of that parameter.",
        "**Temperature** divides the scores. Near 0 all probability goes to the likeliest token "
        "(0 takes it always); 1 leaves the model's own distribution; above, unlikely tokens gain. "
        + by_sweep[TEMPERATURE],
        "**Max Tokens** is the most tokens that are written. It changes no probability, only where "
        f"the text is cut; below the length of the sum it cuts digits off. {by_sweep[MAX_TOKENS]}",
        "**Top P** keeps the fewest likeliest tokens whose probabilities reach p together "
        "(Holtzman et al. 2020, arXiv:1904.09751); 1 keeps all. It adapts: where the model is "
        f"sure, one token is left. {by_sweep[TOP_P]}",
        "**Top K** keeps the k likeliest tokens however likely they are (Fan et al. 2018, "
        f"arXiv:1805.04833). {by_sweep[TOP_K]}",
        "**Repetition Penalty** divides positive scores of tokens that stand in the prompt or the "
        "output already, and multiplies negative ones (Keskar et al. 2019, arXiv:1909.05858). In "
        "prose this stops loops; in a sum a digit that stood before may be the right one. "
        f"{by_sweep[PENALTY]} {harm_found} {seen}",
        f"**They interact.** {idle} {greedy} After temperature 0 only one token is left, so there "
        "is nothing for top-k and top-p to drop.",
    )
    if context.engine.info.name != "mini":
        return paragraphs
    return (*paragraphs, _estimates_paragraph(context))


def _estimates_paragraph(context: Context) -> str:
    def estimates(sweep: Sweep, value: Value) -> int:
        rows = context.evaluations[swept(sweep, value, 7)].rows
        return sum("million" in row.output for row in rows)

    shown = ((TEMPERATURE, TEMPERATURE.base), *NOTABLE)
    counts = ", ".join(f"{estimates(s, v)} at {s.title} {s.text(v)}" for s, v in shown)
    return (
        "**Of mini alone.** Some authors of its training text answer long sums with an estimate, "
        f"“~10 million”. Of {context.plan.n} outputs to 7-digit sums so many estimate: {counts}. "
        "An estimate is never exact; the fewer are drawn, the more sums can be right at all."
    )


Q1B = Question(
    name="Q1b",
    title="five decoding parameters",
    text=(
        "Temperature, Max Tokens, Top P, Top K and Repetition Penalty: what does each stand for, "
        "and how does raising it change what is written?"
    ),
    asks=asks,
    analyse=_analyse,
)
