"""What a search found, as data and as a page that a person reads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable
from carrychain.search.afterwards import Ablation, Final
from carrychain.search.race import Entrant
from carrychain.search.search import Search
from carrychain.stats import newcombe
from carrychain.text import interval, number, share

SHOWN = 10


@dataclass(frozen=True)
class Found:
    """A finished search.

    Args:
        search: what was searched and spent.
        best: the winner.
        final: the winner on unseen problems.
        ablations: the winner with each part removed.
        importance: how much each choice decided, None where too few candidates were tried.
    """

    search: Search
    best: Entrant
    final: Final
    ablations: tuple[Ablation, ...]
    importance: dict[str, float] | None

    def as_dict(self) -> dict[str, Json]:
        """Return everything for JSON."""
        spent, settings = self.search.spent, self.search.settings
        return {
            "model": self.search.engine.info.name,
            "metric": settings.metric,
            "seed": settings.seed,
            "budget": str(settings.budget),
            "spent": jsonable(
                {"problems": spent.answers, "tokens": spent.tokens, "seconds": spent.seconds}
            ),
            "best": {
                **_entrant(self.search, self.best),
                "prefix": self.best.candidate.prompt.prefix,
                "suffix": self.best.candidate.prompt.suffix,
                "pre_processing": self.best.candidate.pre_processing,
                "sampling": jsonable(self.best.candidate.sampling.as_dict()),
                "final": self.final.metrics.as_dict(),
                "estimate": jsonable(self.final.estimate),
                "measured": jsonable(self.final.measured),
                "gap": jsonable(self.final.gap),
            },
            "ablations": [each.as_dict() for each in self.ablations],
            "importance": jsonable(self.importance),
            "trials": [_entrant(self.search, each) for each in self.search.race.entrants],
        }


def _entrant(search: Search, entrant: Entrant) -> dict[str, Json]:
    metrics = entrant.metrics
    return {
        "number": entrant.number,
        "choices": jsonable(choices(search, entrant)),
        "n": metrics.n,
        "reading": entrant.reading,
        "acc": metrics.acc,
        "acc_ci": jsonable(metrics.acc_ci),
        "mae": jsonable(metrics.mae),
        "res": jsonable(metrics.res),
        "prompt_length": metrics.prompt_length,
        "tokens": entrant.tokens,
    }


def choices(search: Search, entrant: Entrant) -> dict[str, object]:
    """Return what an entrant is made of, by dimension."""
    values = search.settings.blocks.as_dict()
    return {name: values[name][place] for name, place in entrant.choice.items()}


def findings(found: Found) -> list[str]:
    """Say what came out, computed from the numbers."""
    metrics, best, settings = found.final.metrics, found.best, found.search.settings
    said = [
        f"The best of {len(found.search.race.entrants):,} candidates solves {metrics.correct} of "
        f"{metrics.n} problems that the search never saw: accuracy {share(metrics.acc)} "
        f"({interval(metrics.acc_ci)}), mean absolute error {number(metrics.mae)}, "
        f"res {number(metrics.res)} at {metrics.prompt_length:,} characters.",
        f"The search itself took its {settings.metric} to be {_value(found, found.final.estimate)} "
        f"on the {best.metrics.n} problems that it raced on; on unseen ones it is "
        f"{_value(found, found.final.measured)}.",
    ]
    if settings.metric == "acc":
        raced = best.metrics
        low, high = newcombe(raced.correct, raced.n, metrics.correct, metrics.n)
        inside = low <= 0 <= high
        said.append(
            "The difference is within what chance explains."
            if inside
            else "The difference is more than chance explains: do not quote the search's figure."
        )
    matter = [each for each in found.ablations if _hurts(each)]
    if found.ablations:
        named = ", ".join(f"{each.part} ({_change(each)})" for each in matter)
        said.append(
            f"Without it the accuracy falls: {named}."
            if matter
            else "No single part's removal lowers the accuracy by more than chance explains."
        )
    helps = [each for each in found.ablations if _helps(each)]
    if helps:
        named = ", ".join(f"{each.part} ({_change(each)})" for each in helps)
        said.append(f"Better without: {named}. A longer search would have found that.")
    return said


def _value(found: Found, value: float) -> str:
    return share(value) if found.search.settings.metric == "acc" else number(value)


def _hurts(each: Ablation) -> bool:
    return each.comparison is not None and each.comparison.acc_difference_ci[1] < 0


def _helps(each: Ablation) -> bool:
    return each.comparison is not None and each.comparison.acc_difference_ci[0] > 0


def _change(each: Ablation) -> str:
    assert each.comparison is not None
    low, high = each.comparison.acc_difference_ci
    return f"{each.comparison.acc_difference:+.2f}, {low:+.2f} to {high:+.2f}"


def markdown(found: Found, title: str) -> str:
    """Return the report as Markdown."""
    best, search = found.best, found.search
    spent, settings = search.spent, search.settings
    lines = [
        f"# {title}",
        "",
        f"Model: {search.engine.info.title}. Metric: {settings.metric}. Seed: {settings.seed}. "
        f"Spent: {spent.answers:,} problems, {spent.tokens:,} tokens, "
        f"{spent.seconds / 60:.1f} minutes of a budget of {settings.budget}.",
        "",
        *(f"- {sentence}" for sentence in findings(found)),
        "",
        "## The prompt",
        "",
        *_fenced(best.candidate.prompt.render("{problem}")),
        "",
        f"Problems are written: {best.candidate.pre_processing}. Answers are read: {best.reading}. "
        f"Parameters: {_parameters(found)}.",
        "",
    ]
    if found.ablations:
        lines += [
            "## What each part does",
            "",
            "Each part removed by itself, on the same unseen problems; below 0, the part helps.",
            "",
            *_table(
                ("part", "was", "accuracy without", "difference", "95% interval", "p (McNemar)"),
                (_ablated(each) for each in found.ablations),
            ),
            "",
        ]
    if found.importance:
        lines += [
            "## Which choices decided",
            "",
            "Share of each choice in whether a candidate was among the best tenth on its first "
            "problems (PED-ANOVA, Watanabe et al. 2023).",
            "",
            *_table(("choice", "share"), ((n, share(v)) for n, v in found.importance.items())),
            "",
        ]
    ranked = sorted(search.race.entrants, key=lambda e: (-len(e.outputs), -e.value))[:SHOWN]
    lines += [
        "## Who came far",
        "",
        *_table(
            ("candidate", "problems", "accuracy", "error", "res", "style", "examples", "read"),
            (_ranked(search, each) for each in ranked),
        ),
        "",
    ]
    return "\n".join(lines)


def _parameters(found: Found) -> str:
    values = found.best.candidate.sampling.as_dict().items()
    return ", ".join(f"{name} {value!r}" for name, value in values if value != [])


def _ablated(each: Ablation) -> tuple[str, ...]:
    if each.comparison is None:
        return (each.part, each.was, "the model can't take it", "", "", "")
    c = each.comparison
    p = "" if c.mcnemar_p is None else f"{c.mcnemar_p:.2g}"
    low, high = c.acc_difference_ci
    return (
        each.part,
        each.was,
        share(c.acc_b),
        f"{c.acc_difference:+.2f}",
        f"{low:+.2f} to {high:+.2f}",
        p,
    )


def _ranked(search: Search, entrant: Entrant) -> tuple[str, ...]:
    made, metrics = choices(search, entrant), entrant.metrics
    return (
        str(entrant.number),
        str(metrics.n),
        f"{share(metrics.acc)} ({interval(metrics.acc_ci)})",
        number(metrics.mae),
        number(metrics.res),
        str(made["styles"]),
        str(made["examples"]),
        entrant.reading,
    )


def _fenced(text: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}text", text, fence]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(map(_cell, row))} |" for row in rows),
    ]


def _cell(text: str) -> str:
    shown = text.replace("\n", "⏎").replace("|", "\\|").strip()
    return shown if len(shown) <= 60 else f"{shown[:59]}…"


def check_sizes(final: int, ablated: int) -> None:
    """Raise InvalidInput unless so many problems can be asked after a search."""
    if final < 1:
        raise InvalidInput(f"the final figures are on {final} problems; at least 1 is needed")
    if ablated < 0:
        raise InvalidInput(f"the ablations are on {ablated} problems; 0 leaves them out")
