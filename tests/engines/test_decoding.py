"""How prompts are shared out: the prefix once, the rest in batches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.engines.base import SamplingParams
from carrychain.engines.decoding import common_prefix

token_lists = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=5)


@given(prompts=token_lists)
def test_the_common_prefix_is_the_longest_that_leaves_a_token_of_each(
    prompts: list[list[int]],
) -> None:
    shared = common_prefix(prompts)
    assert all(prompt[:shared] == prompts[0][:shared] for prompt in prompts)
    assert all(len(prompt) > shared for prompt in prompts)
    longer_fits = all(len(prompt) > shared + 1 for prompt in prompts)
    assert not (longer_fits and len({tuple(prompt[: shared + 1]) for prompt in prompts}) == 1)


def test_the_shared_prefix_is_computed_once(
    engines: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engines["llama"]
    prefix = "Question: What is 1234567+7654321?\nAnswer: 8888888\n" * 3
    computed: list[tuple[int, int]] = []
    forward = engine.model.forward

    def counting(*args: Any, **kwargs: Any) -> Any:
        computed.append(tuple(kwargs["input_ids"].shape))
        return forward(*args, **kwargs)

    monkeypatch.setattr(engine.model, "forward", counting)
    prompts = [f"{prefix}{i}+{i}=" for i in range(1, 9)]
    assert len(list(engine.generate(prompts, SamplingParams(max_tokens=3), range(8)))) == 8
    (first_rows, first_length), (rows, rest), *steps = computed
    assert (first_rows, rows) == (1, 8)
    assert first_length + rest == engine.count_tokens(prompts[0])
    assert rest < 10
    assert steps == [(8, 1), (8, 1)]


def test_a_run_that_is_dropped_half_way_leaves_the_engine_usable(engines: dict[str, Any]) -> None:
    engine = engines["qwen3"]
    prompts, params = [f"{i}+1=" for i in range(6)], SamplingParams(max_tokens=5)
    expected = sorted(engine.generate(prompts, params, range(6)), key=lambda c: c.index)
    run = engine.generate(prompts, params, range(6))
    next(run)
    run.close()
    again = sorted(engine.generate(prompts, params, range(6)), key=lambda c: c.index)
    assert again == expected
