"""The sampling arithmetic against transformers' own processors, and its draws against chance."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from carrychain.engines.base import SamplingParams
from carrychain.engines.sampling import (
    STAGES,
    draw,
    next_tokens,
    probabilities,
    seen_tokens,
    stages,
    uniform,
)
from carrychain.errors import GenerationFailed, InvalidInput

VOCABULARY = 97
GRID = list(
    itertools.product(
        (0.5, 1.0, 1.3), (0.1, 0.7, 1.0, 3.0), (0, 1, 5, 50, 1000), (0.0, 0.3, 0.6, 1.0)
    )
)


def transformers_distribution(logits: Tensor, ids: Tensor, params: SamplingParams) -> Tensor:
    """What `generate` samples from: its processors, in its order, each only where it applies it."""
    from transformers import (
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    scores = logits.float()
    if params.repetition_penalty != 1:
        scores = RepetitionPenaltyLogitsProcessor(params.repetition_penalty)(ids, scores)
    if params.temperature != 1:
        scores = TemperatureLogitsWarper(params.temperature)(ids, scores)
    if params.top_k:
        scores = TopKLogitsWarper(params.top_k)(ids, scores)
    if params.top_p < 1:
        scores = TopPLogitsWarper(params.top_p)(ids, scores)
    return scores.softmax(-1)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "ties"])
def test_every_combination_gives_the_distribution_of_transformers(ties: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, VOCABULARY, generator=generator)
    if ties:
        logits = logits.round()
    ids = torch.randint(0, VOCABULARY, (4, 30), generator=generator)
    seen = seen_tokens(ids.tolist(), VOCABULARY, logits.device)
    for penalty, temperature, top_k, top_p in GRID:
        params = SamplingParams(
            temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty
        )
        ours = probabilities(logits, seen, params)
        theirs = transformers_distribution(logits, ids, params)
        if (
            ties
        ):  # which of equals top-p drops is undefined in transformers (its sort is not stable)
            ours, theirs = ours.sort(-1).values, theirs.sort(-1).values
        assert (ours - theirs).abs().max() < 1e-6, params


@given(
    seed=st.integers(0, 2**32),
    scale=st.floats(0.1, 10),
    levels=st.sampled_from([0, 2, 8]),
    penalty=st.floats(0.2, 3),
    temperature=st.floats(0.05, 4),
    top_k=st.integers(0, 120),
    top_p=st.floats(0, 1),
)
@settings(max_examples=200, deadline=None)
def test_any_parameters_give_the_distribution_of_transformers(
    seed: int,
    scale: float,
    levels: int,
    penalty: float,
    temperature: float,
    top_k: int,
    top_p: float,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(2, VOCABULARY, generator=generator)
    if levels:
        logits = (logits * levels).round() / levels
    ids = torch.randint(0, VOCABULARY, (2, 9), generator=generator)
    params = SamplingParams(
        temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty
    )
    seen = seen_tokens(ids.tolist(), VOCABULARY, logits.device)
    ours = probabilities(logits, seen, params)
    theirs = transformers_distribution(logits, ids, params)
    if levels:  # as above
        ours, theirs = ours.sort(-1).values, theirs.sort(-1).values
    assert (ours - theirs).abs().max() < 1e-6


@given(
    seed=st.integers(0, 2**32), top_k=st.integers(0, 99), top_p=st.floats(0, 1), ties=st.booleans()
)
@settings(max_examples=200, deadline=None)
def test_the_fast_path_draws_the_token_of_the_full_distribution(
    seed: int, top_k: int, top_p: float, ties: bool
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(8, VOCABULARY, generator=generator)
    logits = logits.round() if ties else logits
    uniforms = torch.rand(8, dtype=torch.float64, generator=generator)
    params = SamplingParams(top_k=top_k, top_p=top_p)
    whole = probabilities(logits, None, params)
    tokens = next_tokens(logits, None, params, uniforms)
    # The two paths sum in another order: a number within rounding of a border may fall either way.
    cumulative = whole.double().cumsum(-1)
    below = (cumulative - whole.double()).gather(-1, tokens[:, None])[:, 0]
    above = cumulative.gather(-1, tokens[:, None])[:, 0]
    assert (whole.gather(-1, tokens[:, None]) > 0).all()
    assert (below - 1e-6 <= uniforms).all()
    assert (uniforms <= above + 1e-6).all()


def test_the_penalty_counts_prompt_and_output_and_makes_negative_logits_more_negative() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5, -3.0]])
    seen = seen_tokens([[0, 1, 99]], 4, logits.device)
    penalised = stages(logits, seen, SamplingParams(repetition_penalty=2.0))["penalised"]
    assert torch.allclose(penalised, torch.tensor([[1.0, -2.0, 0.5, -3.0]]).softmax(-1))


def test_greedy_takes_the_most_likely_token_after_the_penalty() -> None:
    logits = torch.tensor([[2.0, 1.5, 0.0]])
    seen = seen_tokens([[0]], 3, logits.device)
    params = SamplingParams(temperature=0, repetition_penalty=2.0, top_k=1, top_p=0.1)
    assert next_tokens(logits, seen, params, torch.zeros(1)).tolist() == [1]
    assert probabilities(logits, seen, params).tolist() == [[0.0, 1.0, 0.0]]


def test_top_p_near_zero_is_greedy_also_among_equals() -> None:
    logits = torch.tensor([[1.0, 3.0, 2.0, 3.0]]).repeat(1, 20)
    greedy = next_tokens(logits, None, SamplingParams(temperature=0), torch.zeros(1))
    for top_k in (0, 50):
        params = SamplingParams(top_p=0, top_k=top_k)
        for u in (0.0, 0.999):
            assert next_tokens(logits, None, params, torch.tensor([u])).equal(greedy)


def test_stages_are_distributions_in_the_documented_order() -> None:
    generator = torch.Generator().manual_seed(5)
    found = stages(torch.randn(3, 50, generator=generator), None, SamplingParams())
    assert tuple(found) == STAGES
    for distribution in found.values():
        assert torch.allclose(distribution.sum(-1), torch.ones(3))
    kept = [int((found[name][0] > 0).sum()) for name in STAGES]
    assert kept[0] == kept[2] == 50
    assert kept[4] < 50


@pytest.mark.parametrize("temperature", [1e-45, 1e-12])
def test_a_temperature_near_zero_is_greedy_and_not_nan(temperature: float) -> None:
    logits = torch.tensor([[5.0, 80.0, 79.0]])
    params = SamplingParams(temperature=temperature, top_k=0, top_p=1)
    assert probabilities(logits, None, params).tolist() == [[0.0, 1.0, 0.0]]


def test_logits_that_are_not_numbers_are_an_error_and_not_a_token() -> None:
    logits = torch.tensor([[float("nan"), 0.0]])
    for temperature in (0.0, 0.7):
        with pytest.raises(GenerationFailed, match="not numbers"):
            next_tokens(logits, None, SamplingParams(temperature=temperature), torch.zeros(1))


# The .001 point of chi-square at 19 degrees of freedom (any table; scipy.stats.chi2.ppf(.999, 19)).
CHI_SQUARE_19_AT_001 = 43.82


def chi_square(counts: np.ndarray, expected: np.ndarray) -> float:
    return float(((counts - expected) ** 2 / expected).sum())


def test_drawn_frequencies_pass_a_chi_square_test() -> None:
    draws = 20_000
    logits = torch.linspace(-1.5, 1.5, 20).expand(draws, 20)
    params = SamplingParams(temperature=0.9, top_k=0, top_p=1)
    for step in range(3):  # over seeds, one step
        uniforms = torch.from_numpy(uniform(range(draws), step))
        counts = np.bincount(next_tokens(logits, None, params, uniforms).numpy(), minlength=20)
        expected = draws * probabilities(logits[:1], None, params)[0].double().numpy()
        assert chi_square(counts, expected) < CHI_SQUARE_19_AT_001
    uniforms = torch.from_numpy(
        uniform(np.full(draws, 7, np.uint64), np.arange(draws, dtype=np.uint64))
    )
    counts = np.bincount(next_tokens(logits, None, params, uniforms).numpy(), minlength=20)
    assert chi_square(counts, expected) < CHI_SQUARE_19_AT_001  # over steps, one seed


@given(
    weights=st.lists(
        st.sampled_from([0.0, 0.0, 1e-30, 1e-7, 0.3, 1.0]), min_size=1, max_size=40
    ).filter(lambda w: sum(w) > 0),
    u=st.one_of(st.just(0.0), st.just(1 - 2**-53), st.floats(0, 1, exclude_max=True)),
)
def test_a_draw_never_takes_a_token_of_probability_zero(weights: list[float], u: float) -> None:
    probs = torch.tensor([weights])
    token = int(draw(probs, torch.tensor([u], dtype=torch.float64))[0])
    assert weights[token] > 0


def test_draw_inverts_the_cumulative_distribution() -> None:
    probs = torch.tensor([[0.25, 0.0, 0.5, 0.25]]).expand(5, 4)
    uniforms = torch.tensor([0.0, 0.2499, 0.25, 0.74, 0.76], dtype=torch.float64)
    assert draw(probs, uniforms).tolist() == [0, 0, 2, 2, 3]


@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20), step=st.integers(0, 10**6)
)
def test_a_stream_depends_on_its_own_seed_and_step_only(seeds: list[int], step: int) -> None:
    together = uniform(seeds, step)
    assert ((together >= 0) & (together < 1)).all()
    for i, seed in enumerate(seeds):
        assert uniform([seed], step)[0] == together[i]


def test_streams_of_neighbouring_seeds_and_steps_are_uncorrelated() -> None:
    table = np.stack([uniform(range(400), step) for step in range(400)])
    for shifted in (table[1:, :], table[:, 1:]):
        original = table[: shifted.shape[0], : shifted.shape[1]]
        # Five standard errors of a correlation of 159,600 independent pairs.
        assert abs(np.corrcoef(original.ravel(), shifted.ravel())[0, 1]) < 5 / np.sqrt(shifted.size)
    assert len(np.unique(table)) == table.size


def test_the_mixing_is_published_splitmix64() -> None:
    """Seed 0 of SplitMix64 begins with 0xE220A8397B1DCDAF, which is the first seed's start here."""
    from carrychain.engines.sampling import _GOLDEN, _mix

    assert int(_mix(np.zeros(1, np.uint64) + _GOLDEN)[0]) == 0xE220A8397B1DCDAF


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("max_tokens", 0, "at least 1"),
        ("max_tokens", 2.5, "whole number"),
        ("max_tokens", True, "whole number"),
        ("temperature", -1, "at least 0"),
        ("temperature", float("nan"), "finite"),
        ("top_k", -1, "at least 0"),
        ("top_p", 1.5, "0 to 1"),
        ("top_p", -0.1, "0 to 1"),
        ("repetition_penalty", 0, "above 0"),
        ("repetition_penalty", "1", "finite number"),
        ("stop", "\n", "sequence of non-empty strings"),
        ("stop", ("a", ""), "sequence of non-empty strings"),
    ],
)
def test_a_parameter_outside_its_range_is_named_with_its_bound(
    name: str, value: object, bound: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{name} is .*{bound}"):
        SamplingParams(**{name: value})  # pyright: ignore[reportArgumentType]
