"""The experiments pass on engines that obey, and fail on each kind that does not, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from carrychain import engines
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.engines.conformance import NAMES, check
from carrychain.engines.remote import RemoteEngine
from carrychain.errors import GenerationFailed, InvalidInput

from .fault_server import FaultServer

TOP_K, TOP_P, TEMPERATURE, STOP, MAX_TOKENS, SAME, OTHER, PENALTY, ALONE = NAMES


def failed(engine: Any) -> set[str]:
    checks = list(check(engine))
    assert [c.name for c in checks] == list(NAMES)
    assert all(c.detail for c in checks)
    return {c.name for c in checks if not c.passed}


@pytest.fixture(scope="module")
def mini() -> Any:
    return engines.load("mini")


def test_mini_obeys(mini: Any) -> None:
    assert failed(mini) == set()


@pytest.mark.parametrize("flavour", ["llama.cpp", "vllm"])
def test_a_server_that_obeys_passes(flavour: str) -> None:
    with FaultServer(flavour) as server:
        assert failed(RemoteEngine(f"{server.url}#toy")) == set()


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [
        ("repeat_penalty", {PENALTY}),
        ("stop", {STOP}),
        ("max_tokens", {MAX_TOKENS}),
        ("top_k", {TOP_K}),
        ("top_p", {TOP_P}),
        ("seed", {SAME, ALONE}),
    ],
)
def test_a_server_that_ignores_a_parameter_fails_by_name(ignored: str, expected: set[str]) -> None:
    with FaultServer(ignores=[ignored]) as server:
        found = failed(RemoteEngine(f"{server.url}#toy"))
    assert expected <= found
    if ignored != "max_tokens":  # without a limit other texts differ too
        assert found == expected


Change = Callable[[SamplingParams, list[int], list[str]], tuple[SamplingParams, list[int]]]


class Disobedient:
    """An engine between a caller and another engine, that changes what is asked for."""

    context = None

    def __init__(self, engine: Any, change: Change) -> None:
        self._engine, self._change = engine, change
        self.info = EngineInfo("disobedient", "an engine that does as it likes")

    def count_tokens(self, text: str) -> None: ...

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        changed, other_seeds = self._change(params, list(seeds), list(prompts))
        return self._engine.generate(prompts, changed, other_seeds)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda p, s, _: (replace(p, top_k=0), s), {TOP_K}),
        (lambda p, s, _: (replace(p, top_p=1), s), {TOP_P}),
        (lambda p, s, _: (replace(p, stop=()), s), {STOP}),
        (lambda p, s, _: (replace(p, repetition_penalty=1), s), {PENALTY}),
        (lambda p, s, _: (p, [7] * len(s)), {OTHER, TEMPERATURE}),
        (lambda p, s, _: (replace(p, temperature=min(p.temperature, 0.01)), s), {TEMPERATURE}),
        (lambda p, s, prompts: (p, [x + len(prompts) for x in s]), {ALONE}),
        (lambda p, s, _: (replace(p, max_tokens=p.max_tokens + 1), s), {MAX_TOKENS}),
    ],
    ids="top_k top_p stop penalty seed temperature neighbours max_tokens".split(),
)
def test_an_engine_that_changes_one_thing_fails_that_check(
    mini: Any, change: Change, expected: set[str]
) -> None:
    found = failed(Disobedient(mini, change))
    assert expected <= found
    assert found - expected <= {OTHER}  # at temperature 0.01 seeds can't differ


def test_a_stop_string_left_in_the_text_fails(mini: Any) -> None:
    class Leaves(Disobedient):
        def generate(self, prompts: Any, params: Any, seeds: Any) -> Iterator[Completion]:
            for c in self._engine.generate(prompts, params, seeds):
                found = c.finish_reason is FinishReason.STOP
                yield replace(c, text=c.text + params.stop[0]) if found else c

    assert failed(Leaves(mini, lambda p, s, _: (p, s))) == {STOP}


def test_an_engine_that_says_nothing_shows_nothing() -> None:
    """What gives no material for an experiment must not pass it."""

    class Silent(Disobedient):
        def generate(self, prompts: Any, params: Any, seeds: Any) -> Iterator[Completion]:
            for i in range(len(prompts)):
                yield Completion(i, "", 1, 5, FinishReason.EOS)

    found = failed(Silent(None, lambda p, s, _: (p, s)))
    assert found >= {TOP_K, TOP_P, TEMPERATURE, STOP, MAX_TOKENS, OTHER, PENALTY}


def test_an_engine_that_breaks_down_fails_with_its_sentence() -> None:
    class Broken(Disobedient):
        def generate(self, prompts: Any, params: Any, seeds: Any) -> Iterator[Completion]:
            raise GenerationFailed("the server is on fire")

    checks = list(check(Broken(None, lambda p, s, _: (p, s))))
    assert [c.passed for c in checks] == [False] * len(NAMES)
    assert all("the server is on fire" in c.detail for c in checks)


def test_a_recording_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"rows": [{"prompt": "p", "output": "x"}]}')
    with pytest.raises(InvalidInput, match=r"is a recording.*nothing to check"):
        check(engines.load(f"recorded:{path}"))
