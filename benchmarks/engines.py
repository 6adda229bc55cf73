"""Seconds a problem of every way to continue prompts that begin alike, as ratios of one run.

    python benchmarks/engines.py mini
    python benchmarks/engines.py smollm2     # after: carrychain models fetch smollm2

All ways continue the same prompts (sixteen examples and a question) by the same number of tokens,
greedily. Those in float32 must give the same tokens before anything is timed. What is not installed
or does not run here (lm-eval, llama-cpp-python) is left out, and said.
"""

from __future__ import annotations

import copy
import importlib.util
import inspect
import logging
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click
import torch

from carrychain import engines
from carrychain.addition.problems import handout_pairs
from carrychain.engines import smollm2
from carrychain.engines.base import SamplingParams
from carrychain.engines.local import LocalEngine
from evaluate import handout_loop, ours, sixteen_examples
from machine import machine

TOKENS = 50
GREEDY = SamplingParams(max_tokens=TOKENS, temperature=0)
Way = Callable[[Sequence[str]], list[str]]


def batched(engine: LocalEngine) -> Way:
    """Continue with `generate` on batches of 64, padded on the left."""
    tokenizer = copy.deepcopy(engine.tokenizer)
    tokenizer.padding_side = "left"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token

    def way(prompts: Sequence[str]) -> list[str]:
        outputs: list[str] = []
        for at in range(0, len(prompts), 64):
            inputs = tokenizer(
                prompts[at : at + 64],
                return_tensors="pt",
                padding=True,
                return_token_type_ids=False,
            )
            with torch.inference_mode():
                ids = engine.model.generate(
                    **inputs, max_new_tokens=TOKENS, do_sample=False, pad_token_id=0
                )
            new = ids[:, inputs.input_ids.shape[1] :]
            outputs += tokenizer.batch_decode(new, skip_special_tokens=True)
        return outputs

    return way


def copied_cache(engine: LocalEngine) -> Way:
    """Continue with `generate` on a cache of the prefix, computed once and copied for each row."""
    from transformers import DynamicCache

    accepted = inspect.signature(engine.model.forward).parameters
    cache_name = "cache" if "cache" in accepted else "past_key_values"  # renamed in 5.24
    prefix = engine.encode(sixteen_examples().prefix)[:-2]  # ends before tokens could merge

    def way(prompts: Sequence[str]) -> list[str]:
        once = DynamicCache(config=engine.model.config)
        with torch.inference_mode():
            engine.model(torch.tensor([prefix]), use_cache=True, **{cache_name: once})
        outputs: list[str] = []
        for at in range(0, len(prompts), 64):
            rows = [engine.encode(p) for p in prompts[at : at + 64]]
            assert len({len(row) for row in rows}) == 1
            cache = copy.deepcopy(once)
            cache.batch_repeat_interleave(len(rows))
            ids = torch.tensor(rows)
            with torch.inference_mode():
                found = engine.model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    **{cache_name: cache},
                    max_new_tokens=TOKENS,
                    do_sample=False,
                    pad_token_id=0,
                )
            new = found[:, ids.shape[1] :]
            outputs += engine.tokenizer.batch_decode(new, skip_special_tokens=True)
        return outputs

    return way


def lm_eval(engine: LocalEngine) -> Way | str:
    """Continue with EleutherAI's lm-evaluation-harness, its own batching of 64."""
    if importlib.util.find_spec("lm_eval") is None:
        return "not installed"
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    harness: Any = HFLM(pretrained=engine.model, tokenizer=engine.tokenizer, batch_size=64)
    settings = {"until": [], "max_gen_toks": TOKENS, "do_sample": False}

    def way(prompts: Sequence[str]) -> list[str]:
        asked = [
            Instance("generate_until", {}, (prompt, dict(settings)), i)
            for i, prompt in enumerate(prompts)
        ]
        return harness.generate_until(asked, disable_tqdm=True)

    return way


def llama_cpp() -> Way | str:
    """Continue with llama.cpp on the quantised file; it keeps the prefix from call to call.

    Returns:
        The way, or why there is none.
    """
    if importlib.util.find_spec("llama_cpp") is None:
        return "not installed"
    # Compiled for another processor it ends its process, so it is tried in one of its own.
    file = str(smollm2.gguf_file())
    trial = (
        "import sys, llama_cpp;"
        "llama_cpp.Llama(sys.argv[1], n_ctx=1024, n_threads=2)('1+1=2 ' * 90, max_tokens=4)"
    )
    if subprocess.run([sys.executable, "-c", trial, file], capture_output=True).returncode:
        return "does not run on this processor"
    from llama_cpp import Llama

    model: Any = Llama(file, n_ctx=1024, n_threads=2, verbose=False)

    def way(prompts: Sequence[str]) -> list[str]:
        off = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}
        answers = [
            model.create_completion(p, max_tokens=TOKENS, temperature=0, **off) for p in prompts
        ]
        return [answer["choices"][0]["text"] for answer in answers]

    return way


def limit(engine: LocalEngine, dtype: torch.dtype, n: int) -> float:
    """Return the seconds a problem that the arithmetic alone takes.

    The multiplications and additions of the model's matrix products and of its attention, over the
    rate of PyTorch's own matrix product at the shape of the model's widest layer, with as many rows
    as there are slots.
    """
    config, slots = engine.model.config, engine._decoder.slots
    hidden, inner = config.hidden_size, config.intermediate_size
    weights = [torch.randn(inner, hidden, dtype=dtype) for _ in range(20)]
    rows = torch.randn(slots, hidden, dtype=dtype)
    times: list[float] = []
    for _ in range(20):
        start = time.perf_counter()
        for weight in weights:
            torch.nn.functional.linear(rows, weight)
        times.append(time.perf_counter() - start)
    rate = 2 * slots * hidden * inner * len(weights) / statistics.median(times)  # a second
    prompt = sixteen_examples()
    whole = engine.count_tokens(prompt.render("1234567+1234567"))
    shared = engine.count_tokens(prompt.prefix) - 1
    own = whole - shared + TOKENS
    products = 2 * own * sum(p.numel() for p in engine.model.parameters())
    attended = own * shared + own * own / 2
    attention = 4 * attended * config.num_hidden_layers * config.hidden_size
    once = 2 * shared * sum(p.numel() for p in engine.model.parameters()) / n
    return (products + attention + once) / rate


def seconds_each(way: Way, prompts: Sequence[str], repeats: int) -> float:
    """Return the median of the seconds a problem."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        way(prompts)
        times.append(time.perf_counter() - start)
    return statistics.median(times) / len(prompts)


@click.command()
@click.argument("name", type=click.Choice(["mini", "smollm2"]))
@click.option("-n", "n", default=256, show_default=True, help="Problems that ours answers.")
@click.option("--slow", default=8, show_default=True, help="Problems that the slow ways answer.")
@click.option("--repeats", default=3, show_default=True)
def main(name: str, n: int, slow: int, repeats: int) -> None:
    """Print seconds a problem and ratios to the hand-out's loop and to the limit."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    engine = engines.load(name, dtype="float32", device="cpu")
    assert isinstance(engine, LocalEngine)
    prompt = sixteen_examples()
    prompts = [prompt.render(str(p)) for p in handout_pairs(2, 1_000_000, 9_999_999, n)]
    few, some = prompts[:slow], prompts[: max(slow, min(n // 2, 64))]
    ways: dict[str, tuple[Way | str, Sequence[str]]] = {
        "the hand-out's loop": (lambda ps: handout_loop(engine, list(ps)), few),
        "transformers, batched": (batched(engine), some),
        "transformers, copied prefix cache": (copied_cache(engine), some),
        "lm-evaluation-harness": (lm_eval(engine), some),
        "ours, float32": (partial(ours, engine, prompt), prompts),
    }
    expected = handout_loop(engine, few)
    for label, (way, _) in ways.items():
        if not isinstance(way, str) and way(few) != expected:
            raise SystemExit(f"{label} gives other text than the loop; nothing was timed")
    half = engines.load(name, dtype="bfloat16", device="cpu")
    assert isinstance(half, LocalEngine)
    ways["ours, bfloat16 (its text may differ)"] = (partial(ours, half, prompt), prompts)
    if name == "smollm2":
        ways["llama.cpp, 4-bit weights, prefix kept"] = (llama_cpp(), few)
    print(f"{name}, {TOKENS} tokens after {engine.count_tokens(prompts[0])}, {machine()}")
    bound = {d: limit(engine, d, n) for d in (torch.float32, torch.bfloat16)}
    loop = 0.0
    for label, (way, asked) in ways.items():
        if isinstance(way, str):
            print(f"{label:38s} {way}")
            continue
        way(asked[:1])  # memory, threads and kept prefixes are there before the clock starts
        each = seconds_each(way, asked, 1 if asked is not prompts else repeats)
        loop = loop or each
        of = bound[torch.bfloat16 if "bfloat16" in label else torch.float32]
        print(
            f"{label:38s} n={len(asked):<4d} {each:8.4f} s a problem, {loop / each:5.1f} times the "
            f"loop, {each / of:6.1f} times the limit"
        )
    print(f"limit: float32 {bound[torch.float32]:.4f}, bfloat16 {bound[torch.bfloat16]:.4f} s")
    cut = SamplingParams(max_tokens=TOKENS, temperature=0, stop=("\n",))
    short = list(engine.generate(prompts[:32], cut, range(32)))
    saved = 1 - sum(c.tokens for c in short) / (len(short) * TOKENS)
    stopped = seconds_each(partial(ours, engine, prompt, params=cut), prompts, repeats)
    whole = seconds_each(partial(ours, engine, prompt), prompts, repeats)
    print(
        f"with the stop string '\\n' {saved:.0%} fewer tokens and {1 - stopped / whole:.0%} less "
        f"time: {stopped:.4f} s a problem"
    )


if __name__ == "__main__":
    main()
