"""From logits to the next token: the only copy of this arithmetic.

The order is transformers': repetition penalty, temperature, top-k, top-p, softmax. Every step is
exactly its processor's (`transformers.generation.logits_process`), in float32, so that a
distribution printed here is the one that `generate` would draw from.

Shapes: B rows, V tokens of the vocabulary, m candidates that are left of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from carrychain.engines.base import SamplingParams
from carrychain.errors import GenerationFailed

STAGES = ("raw", "penalised", "tempered", "top_k", "top_p")
"""The names of the distributions on the way from logits to a draw, in order."""

# A float32 logit divided by less could overflow; the distribution is one-hot long before.
_LEAST_TEMPERATURE = 1e-30


def next_tokens(
    logits: Tensor, seen: Tensor | None, params: SamplingParams, uniforms: Tensor
) -> Tensor:
    """Choose every row's next token.

    Args:
        logits: the model's scores, (B, V), any float type.
        seen: which tokens are in the row's prompt or output, bool (B, V); None where no penalty is
            asked.
        params: temperature 0 takes the most likely token after the penalty, whatever top_k and
            top_p are.
        uniforms: one number in [0, 1) a row, (B,); not used at temperature 0.

    Returns:
        Token ids, int64 (B,): those that `draw(probabilities(...), uniforms)` gives, without
        sorting the vocabulary where top-k is on.

    Raises:
        GenerationFailed: the logits are not numbers.
    """
    scores = penalise(logits.float(), seen, params.repetition_penalty)  # (B, V)
    if bool(scores.isnan().any()):
        raise GenerationFailed(
            "the model's logits are not numbers (NaN); try another --dtype, such as float32"
        )
    if params.greedy:
        return scores.argmax(-1)
    scores = temper(scores, params.temperature)
    if not 0 < params.top_k < scores.shape[-1]:
        return draw(keep_top_p(scores, params.top_p).softmax(-1), uniforms)
    scores, tokens = _candidates(scores, params.top_k)  # (B, m)
    chosen = draw(keep_top_p(scores, params.top_p).softmax(-1), uniforms)
    return tokens.gather(-1, chosen[:, None])[:, 0]


def probabilities(logits: Tensor, seen: Tensor | None, params: SamplingParams) -> Tensor:
    """Return the distribution that the next token is drawn from, float32 (B, V).

    At temperature 0 it is one-hot: all on the token that greedy decoding takes.
    """
    return stages(logits, seen, params)["top_p"]


def stages(logits: Tensor, seen: Tensor | None, params: SamplingParams) -> dict[str, Tensor]:
    """Return the distribution after each step, named as in `STAGES`, each float32 (B, V)."""
    raw = logits.float()
    penalised = penalise(raw, seen, params.repetition_penalty)
    if params.greedy:
        one_hot = torch.zeros_like(raw).scatter_(-1, penalised.argmax(-1, keepdim=True), 1.0)
        return dict(
            zip(STAGES, (raw.softmax(-1), penalised.softmax(-1), *[one_hot] * 3), strict=True)
        )
    tempered = temper(penalised, params.temperature)
    top_k = keep_top_k(tempered, params.top_k)
    top_p = keep_top_p(top_k, params.top_p)
    scores = (raw, penalised, tempered, top_k, top_p)
    return {name: s.softmax(-1) for name, s in zip(STAGES, scores, strict=True)}


# --- the four steps, each (B, V) -> (B, V) --------------------------------------------------------


def penalise(scores: Tensor, seen: Tensor | None, penalty: float) -> Tensor:
    """Make seen tokens less likely (Keskar et al. 2019): s / penalty, or s * penalty if s < 0."""
    if seen is None or penalty == 1:
        return scores
    return torch.where(seen, torch.where(scores < 0, scores * penalty, scores / penalty), scores)


def temper(scores: Tensor, temperature: float) -> Tensor:
    """Divide by the temperature, which is above 0."""
    return scores / max(temperature, _LEAST_TEMPERATURE)


def keep_top_k(scores: Tensor, k: int) -> Tensor:
    """Put all but the k highest scores at -inf; what ties with the k-th stays. 0 is off."""
    if not 0 < k < scores.shape[-1]:
        return scores
    return scores.masked_fill(scores < _kth_highest(scores, k), -torch.inf)


def keep_top_p(scores: Tensor, p: float) -> Tensor:
    """Put at -inf the least likely tokens that together have at most 1 - p (Holtzman et al. 2020).

    The most likely token always stays, the first of equals as in greedy decoding; transformers
    leaves open which of equals go. 1 is off.
    """
    if p >= 1:
        return scores
    descending = scores.sort(dim=-1, descending=True, stable=True)
    ascending, order = descending.values.flip(-1), descending.indices.flip(-1)
    tail = ascending.softmax(-1).cumsum(-1) <= 1 - p
    tail[..., -1] = False
    return scores.masked_fill(torch.zeros_like(tail).scatter(-1, order, tail), -torch.inf)


def _kth_highest(scores: Tensor, k: int) -> Tensor:
    return scores.topk(k, dim=-1).values[..., -1:]  # (B, 1)


def _candidates(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the scores that `keep_top_k` keeps, in the order of tokens, and their tokens.

    Both are (B, m); m is k, or more where rows tie; a row that keeps fewer is filled up with -inf.
    """
    threshold = _kth_highest(scores, k)
    m = int((scores >= threshold).sum(-1).max())
    tokens = scores.topk(m, dim=-1).indices.sort(dim=-1).values
    kept = scores.gather(-1, tokens)
    return kept.masked_fill(kept < threshold, -torch.inf), tokens


# --- drawing --------------------------------------------------------------------------------------


def draw(probs: Tensor, uniforms: Tensor) -> Tensor:
    """Return for every row the first token whose cumulative probability exceeds its uniform number.

    Args:
        probs: weights that need not sum to 1 exactly, (B, V).
        uniforms: numbers in [0, 1), (B,).

    Returns:
        Indices, int64 (B,), never one of probability 0, whatever the sums round to.

    Raises:
        GenerationFailed: a row's weights are not numbers.
    """
    cumulative = probs.double().cumsum(-1)  # (B, V)
    total = cumulative[:, -1:]
    if not bool(total.isfinite().all()):
        raise GenerationFailed(
            "the model's logits give no distribution; try another --dtype, such as float32"
        )
    target = uniforms.to(cumulative)[:, None] * total
    eligible = (cumulative > target) & (probs > 0)
    first = eligible.to(torch.uint8).argmax(-1)  # argmax takes the first of equals
    return torch.where(eligible.any(-1), first, probs.argmax(-1))


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(
    seeds: Sequence[int] | NDArray[np.uint64], step: int | NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Return number `step` of every seed's stream, float64 in [0, 1), of the shape of `seeds`.

    A counter-based SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators"): the seed is mixed, advanced by step times the golden gamma and mixed again. So a
    number depends on its own seed and step only, whatever else is drawn, before it or beside it.

    Args:
        seeds: 0 to 2^64 - 1 each.
        step: from 0 up; one for all, or one a seed.
    """
    steps = np.asarray(step, dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is meant
        start = _mix(np.asarray(seeds, dtype=np.uint64) + _GOLDEN)
        bits = _mix(start + (steps + np.uint64(1)) * _GOLDEN)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def seen_tokens(rows: Iterable[Sequence[int]], vocabulary: int, device: torch.device) -> Tensor:
    """Return which tokens each row holds, bool (B, V); ids outside the vocabulary are left out."""
    masks: list[Tensor] = []
    for row in rows:
        ids = torch.tensor(row, dtype=torch.int64)
        mask = torch.zeros(vocabulary, dtype=torch.bool)
        mask[ids[ids < vocabulary]] = True
        masks.append(mask)
    return torch.stack(masks).to(device)
