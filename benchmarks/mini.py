"""What the embedded model can do: the table of its model card, `python benchmarks/mini.py`.

Greedy, on problems that training never saw, each accuracy with its 95% interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from carrychain import engines
from carrychain.addition.evaluation import Evaluation, evaluate
from carrychain.addition.problems import bounds_of_digits, handout_pairs
from carrychain.addition.prompts import SHIPPED, Prompt, ShippedPrompt, in_columns
from carrychain.engines.base import SamplingParams
from machine import machine

SEED = 50
ENGLISH = (
    "The museum opened late in the autumn of that year, and visitors from many countries came to "
    "admire its paintings, its sculptures and its old maps. Nobody had expected such crowds. The "
    "director wrote a cheerful report about it, and the mayor read it aloud to the council.\n"
)


@dataclass(frozen=True)
class Measurement:
    """A line of the card."""

    label: str
    shipped: ShippedPrompt
    digits: int
    prompt: Prompt | None = None

    def run(self, model: str, n: int) -> Evaluation:
        """Measure it, greedily."""
        own = self.shipped.sampling
        direct = {"max_tokens": 30, "stop": ("\n",)}
        return evaluate(
            prompt=self.prompt or self.shipped.prompt,
            engine=engines.load(model),
            problems=handout_pairs(SEED, *bounds_of_digits(self.digits), n),
            sampling=SamplingParams(temperature=0, **{**direct, **own}),
            seed=SEED,
            extract=self.shipped.extract,
            pre_processing=self.shipped.pre_processing,
        )


def measurements() -> list[Measurement]:
    """The lines of the card."""
    zero, columns, best = (SHIPPED[name] for name in ("zero-shot", "columns", "best"))
    eleven = in_columns((p.a, p.b) for p in handout_pairs(7777, *bounds_of_digits(7), 11))
    return [
        *(Measurement(f"zero-shot, {d} digit{'s' if d > 1 else ''}", zero, d) for d in range(1, 8)),
        Measurement("one-shot-1-digit, 1 digit", SHIPPED["one-shot-1-digit"], 1),
        Measurement("one-shot-1-digit, 7 digits", SHIPPED["one-shot-1-digit"], 7),
        Measurement("one-shot-7-digit, 7 digits", SHIPPED["one-shot-7-digit"], 7),
        Measurement("few-shot, 7 digits", SHIPPED["few-shot"], 7),
        *(
            Measurement(f"{name}, 7 digits", SHIPPED[name], 7)
            for name in ("exact", "spaced", "reversed", "steps", "columns", "best")
        ),
        Measurement(
            "best after a paragraph of English, 7 digits",
            best,
            7,
            Prompt(ENGLISH + best.prompt.prefix, best.prompt.suffix),
        ),
        Measurement("eleven examples in columns, 7 digits", columns, 7, eleven),
    ]


@click.command()
@click.option("--model", default="mini", show_default=True)
@click.option("-n", "n", default=200, show_default=True, help="Problems a line.")
def main(model: str, n: int) -> None:
    """Print the table in Markdown."""
    print(
        f"{engines.load(model).info.title}, greedy, {n} problems a line, seed {SEED}; {machine()}\n"
    )
    print("| prompt | tokens of prompt | accuracy | 95% interval |\n|---|---|---|---|")
    for measurement in measurements():
        evaluation = measurement.run(model, n)
        low, high = evaluation.metrics.acc_ci
        tokens = evaluation.rows[0].prompt_tokens
        acc = f"{evaluation.metrics.acc:.3f} | {low:.2f} to {high:.2f}"
        print(f"| {measurement.label} | {tokens} | {acc} |")


if __name__ == "__main__":
    main()
