"""Problems a second on `mini`, against the hand-out's loop, as a ratio of one run.

The hand-out asks one problem after the other, `model.generate` on the whole prompt each time. Both
sides continue the same prompts by 50 tokens, greedily, and must give the same text before anything
is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import click
import torch

from carrychain import engines
from carrychain.addition.problems import PROBES, handout_pairs
from carrychain.addition.prompts import SHIPPED, Prompt
from carrychain.engines.base import SamplingParams
from carrychain.engines.local import LocalEngine
from machine import machine

TOKENS = 50
GREEDY = SamplingParams(max_tokens=TOKENS, temperature=0)


def sixteen_examples() -> Prompt:
    """The zero-shot prompt after sixteen of its own questions, answered."""
    zero = SHIPPED["zero-shot"].prompt
    pairs = handout_pairs(1, 1_000_000, 9_999_999, 16)
    examples = "".join(f"{zero.render(str(p))}{p.answer}\n" for p in pairs)
    return Prompt(examples + zero.prefix, zero.suffix)


def handout_loop(engine: LocalEngine, prompts: list[str]) -> list[str]:
    """Continue the prompts as the hand-out's call_model does: one at a time, nothing kept."""
    outputs: list[str] = []
    for prompt in prompts:
        inputs = engine.tokenizer(prompt, return_tensors="pt", return_token_type_ids=False)
        with torch.no_grad():
            ids = engine.model.generate(
                **inputs, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0
            )
        outputs.append(
            engine.tokenizer.decode(ids[0, inputs.input_ids.shape[1] :], skip_special_tokens=True)
        )
    return outputs


def ours(
    engine: LocalEngine, prompt: Prompt, prompts: Sequence[str], params: SamplingParams = GREEDY
) -> list[str]:
    """Continue the prompts as `carrychain evaluate` does."""
    outputs = [""] * len(prompts)
    probes = [prompt.render(str(problem)) for problem in PROBES]
    seeds = range(len(prompts))
    for completion in engine.generate_sharing(prompts, params, seeds, probes):
        outputs[completion.index] = completion.text
    return outputs


def seconds_each(work: Callable[[], object], problems: int, repeats: int) -> float:
    """Median seconds a problem."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / problems


@click.command()
@click.option(
    "-n",
    "n",
    default=64,
    show_default=True,
    help="Problems that ours answers; the loop answers a quarter.",
)
@click.option("--repeats", default=3, show_default=True)
def main(n: int, repeats: int) -> None:
    """Print seconds a problem and their ratio for a prompt without and with sixteen examples."""
    engine = engines.load("mini", dtype="float32", device="cpu")
    assert isinstance(engine, LocalEngine)
    print(machine())
    for name, prompt in {
        "zero-shot": SHIPPED["zero-shot"].prompt,
        "16 examples": sixteen_examples(),
    }.items():
        prompts = [prompt.render(str(p)) for p in handout_pairs(2, 1_000_000, 9_999_999, n)]
        few = prompts[: max(1, n // 4)]
        if handout_loop(engine, few) != ours(engine, prompt, few):
            raise SystemExit(f"{name}: the two give different text; nothing was timed")
        loop = seconds_each(lambda few=few: handout_loop(engine, few), len(few), repeats)
        batch = seconds_each(lambda p=prompt, ps=prompts: ours(engine, p, ps), n, repeats)
        print(f"{name:12s} n={n}  hand-out's loop {loop:.4f} s a problem, {len(few)} of them")
        print(f"{'':12s} carrychain {batch:.4f} s a problem, ratio {loop / batch:.1f}")


if __name__ == "__main__":
    main()
