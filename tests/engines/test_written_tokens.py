"""The tokens of an output, from one pass over all of it."""

from __future__ import annotations

import pytest

from carrychain import engines
from carrychain.engines.base import SamplingParams
from carrychain.engines.next_token import next_token, written_tokens
from carrychain.errors import InvalidInput

PROMPT = "Question: What is 345+678?\nAnswer: "
PARAMS = SamplingParams(
    max_tokens=40, temperature=0.9, top_k=12, top_p=0.95, repetition_penalty=1.15
)


@pytest.fixture(scope="module")
def mini():
    return engines.load("mini", offline=True)


@pytest.fixture(scope="module")
def written(mini):
    """A continuation of more positions than are held in memory at a time."""
    (continuation,) = mini.continuations([PROMPT], PARAMS, [3], [])
    assert len(continuation.tokens) == 40
    return continuation


def test_each_token_has_the_probabilities_that_next_token_gives_in_its_place(mini, written) -> None:
    prompt = mini.encode(PROMPT)
    found = written_tokens(mini, prompt, written.tokens, PARAMS, others=4)
    assert [each.token.id for each in found] == list(written.tokens)
    for i, each in enumerate(found):
        expected = next_token(mini, PROMPT, PARAMS, written.tokens[:i])
        by_id = {token.id: token for token in expected}
        rest = [token.id for token in expected if token.id != each.token.id][:4]
        assert [other.id for other in each.others] == rest
        for token in (each.token, *each.others):
            assert token.text == by_id[token.id].text
            for name in ("logit", "raw", "penalised", "tempered", "top_k", "top_p"):
                value = getattr(by_id[token.id], name)
                assert getattr(token, name) == pytest.approx(value, rel=1e-3, abs=1e-5)


def test_every_token_could_be_drawn(mini, written) -> None:
    found = written_tokens(mini, mini.encode(PROMPT), written.tokens, PARAMS)
    assert all(each.token.top_p > 0 for each in found)
    assert any(each.token.top_p < 0.999 for each in found)


def test_continuations_are_what_generate_sharing_writes(mini) -> None:
    prompts = [f"Question: What is {a}+{a}?\nAnswer: " for a in (12, 345, 6789)]
    params = SamplingParams(max_tokens=12, stop=("\n",))
    probes = ["Question: What is 1+2?\nAnswer: ", "Question: What is 99+5?\nAnswer: "]
    completions = {
        each.index: each for each in mini.generate_sharing(prompts, params, [1, 2, 3], probes)
    }
    for each in mini.continuations(prompts, params, [1, 2, 3], probes):
        completion = completions.pop(each.request.index)
        assert completion.text == each.text
        assert completion.tokens == len(each.tokens)
        assert mini.tokenizer.decode(list(each.tokens)).startswith(each.text)
    assert completions == {}


def test_more_than_the_context_holds_is_refused(mini) -> None:
    with pytest.raises(InvalidInput, match="context"):
        written_tokens(mini, mini.encode(PROMPT), [5] * mini.context, PARAMS)
