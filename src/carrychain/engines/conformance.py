"""Does an engine obey each sampling parameter? Shown by experiment, through `Engine` alone.

A server that drops a parameter answers as politely as one that obeys it. So each parameter is set
to a value whose consequence any engine must show, whatever its model: top_k = 1 leaves one token,
a stop string out of the model's own text must end that text, and so on. An experiment for which the
model gives no material fails: it has shown nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from carrychain.engines.base import Completion, Engine, FinishReason, SamplingParams
from carrychain.errors import GenerationFailed, InvalidInput

PROMPTS = (
    "one two one two one two one two one",
    "Question: What is 12+34?\nAnswer: ",
    "The three most important things about the sea are",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
)
"""Ordinary texts of unequal length; the first invites a loop."""

_GREEDY = SamplingParams(max_tokens=24, temperature=0, top_k=0, top_p=1)
_FREE = replace(_GREEDY, temperature=1.5, max_tokens=12)
_SEEDS = tuple(range(101, 101 + len(PROMPTS)))
_DRAWS = 24  # short texts drawn to compare two temperatures


@dataclass(frozen=True, slots=True)
class Check:
    """One experiment.

    Args:
        name: what must hold.
        passed: whether it did.
        detail: the evidence.
    """

    name: str
    passed: bool
    detail: str


class _NotShown(Exception):
    """What an experiment has to show did not show; the message is the evidence."""


def check(engine: Engine) -> Iterator[Check]:
    """Yield the outcome of each experiment as it is done.

    Raises:
        InvalidInput: the engine can't be asked new questions, as a recording can't.
    """
    if engine.info.name.startswith("recorded:"):
        raise InvalidInput(
            f"{engine.info.name} is a recording: it repeats what was once said, so there is "
            "nothing to check; check the model that it was recorded from"
        )
    return (_outcome(name, experiment, engine) for name, experiment in _EXPERIMENTS.items())


def _outcome(name: str, experiment: Callable[[Engine], str], engine: Engine) -> Check:
    try:
        return Check(name, True, experiment(engine))
    except _NotShown as evidence:
        return Check(name, False, str(evidence))
    except (GenerationFailed, InvalidInput) as error:
        return Check(name, False, f"the engine failed: {error}")


# --- the experiments: each returns the evidence, or raises it -------------------------------------


def _top_k(engine: Engine) -> str:
    hot = replace(_GREEDY, temperature=3.0, top_k=1, max_tokens=12)
    return _equals_greedy(engine, hot, "top_k 1 at temperature 3")


def _top_p(engine: Engine) -> str:
    hot = replace(_GREEDY, temperature=3.0, top_p=1e-6, max_tokens=12)
    return _equals_greedy(engine, hot, "top_p 0.000001 at temperature 3")


def _temperature(engine: Engine) -> str:
    prompt, counts = PROMPTS[2], list[int]()
    for temperature in (0.05, 3.0):
        params = replace(_FREE, temperature=temperature, max_tokens=3)
        texts = _ask(engine, params, [prompt] * _DRAWS, range(_DRAWS))
        counts.append(len({c.text for c in texts}))
    evidence = (
        f"{counts[0]} different texts of {_DRAWS} at temperature 0.05, {counts[1]} at temperature 3"
    )
    if counts[1] < 4 * counts[0]:
        raise _NotShown(f"{evidence}; a higher temperature must give many more")
    return evidence


def _stop(engine: Engine) -> str:
    """A stop string from the middle of what the engine says anyway, so that it must occur."""
    free = _ask(engine, _GREEDY)
    shown: list[str] = []
    for before in free:
        stop = _middle(before.text)
        if not stop:
            continue
        (after,) = _ask(engine, replace(_GREEDY, stop=(stop,)), [PROMPTS[before.index]])
        expected = before.text[: before.text.index(stop)]
        if after.text != expected:
            raise _NotShown(
                f"stop {stop!r}: {_short(after.text)} came back, and not {_short(expected)}, "
                "the text without it up to there"
            )
        if after.finish_reason is not FinishReason.STOP:
            raise _NotShown(
                f"stop {stop!r} cut the text, but the reason given is {after.finish_reason}"
            )
        shown.append(f"{stop!r} ended {_short(before.text)}")
    if not shown:
        raise _NotShown("could not be shown: no greedy text is long enough to hold a stop string")
    return shown[0]


def _max_tokens(engine: Engine) -> str:
    long = _ask(engine, _GREEDY)
    if all(c.tokens <= 5 for c in long):
        raise _NotShown("could not be shown: no greedy text has more than 5 tokens")
    for limit in (1, 5):
        for before, after in zip(
            long, _ask(engine, replace(_GREEDY, max_tokens=limit)), strict=True
        ):
            if after.tokens > limit:
                raise _NotShown(f"max_tokens {limit}: {after.tokens} tokens came back")
            ended = before.finish_reason is FinishReason.EOS and before.tokens <= limit
            if not ended and after.finish_reason is not FinishReason.LENGTH:
                raise _NotShown(
                    f"max_tokens {limit}: the reason given is {after.finish_reason}, not length"
                )
            same = after.text.rstrip("\N{REPLACEMENT CHARACTER}")
            if not before.text.startswith(same) or len(after.text) > len(before.text):
                raise _NotShown(
                    f"max_tokens {limit}: {_short(after.text)} is not the beginning of "
                    f"{_short(before.text)}, the text at 24"
                )
    return f"1 and 5 tokens are the beginning of {_short(long[0].text)}"


def _same_seed(engine: Engine) -> str:
    first, second = _ask(engine, _FREE), _ask(engine, _FREE)
    for a, b in zip(first, second, strict=True):
        if a.text != b.text:
            raise _NotShown(
                f"seed {_SEEDS[a.index]} gave {_short(a.text)} and then {_short(b.text)}"
            )
    return f"seed {_SEEDS[0]} gave {_short(first[0].text)} twice"


def _other_seed(engine: Engine) -> str:
    prompt = PROMPTS[2]
    texts = [c.text for c in _ask(engine, _FREE, [prompt] * 8, range(8))]
    if len(set(texts)) < 2:
        raise _NotShown(f"8 seeds all gave {_short(texts[0])} at temperature {_FREE.temperature}")
    return f"8 seeds gave {len(set(texts))} different texts"


def _penalty(engine: Engine) -> str:
    """Tokens are not seen through `Engine`; in characters a loop repeats what came before."""
    looped = _ask(engine, _GREEDY)
    penalised = _ask(engine, replace(_GREEDY, repetition_penalty=5.0))
    before, after = _repeats(looped), _repeats(penalised)
    evidence = (
        f"of {before[1]} characters of four greedy texts {before[0]} lie in a repeat; "
        f"{after[0]} of {after[1]} at repetition_penalty 5; {_short(looped[0].text)} became "
        f"{_short(penalised[0].text)}"
    )
    if before[0] < 10:
        raise _NotShown(f"could not be shown, nothing repeats: {evidence}")
    if after[1] == 0:
        raise _NotShown(f"could not be shown, nothing is left: {evidence}")
    if after[0] * before[1] > 0.7 * before[0] * after[1]:
        raise _NotShown(f"{evidence}; a strong penalty must break the loop")
    return evidence


def _alone(engine: Engine) -> str:
    for params, kind in ((_GREEDY, "greedy"), (_FREE, "sampled")):
        batch = _ask(engine, params)
        for i in (len(PROMPTS) - 1, 0):
            (alone,) = _ask(engine, params, [PROMPTS[i]], [_SEEDS[i]])
            if alone.text != batch[i].text:
                raise _NotShown(
                    f"{kind}, {PROMPTS[i][:20]!r}…: alone {_short(alone.text)}, beside others "
                    f"{_short(batch[i].text)}"
                )
    return f"greedy and sampled texts of {len(PROMPTS)} prompts are the same alone"


_EXPERIMENTS: dict[str, Callable[[Engine], str]] = {
    "top_k 1 is greedy": _top_k,
    "top_p near 0 is greedy": _top_p,
    "temperature widens the choice": _temperature,
    "a stop string ends the text": _stop,
    "max_tokens holds": _max_tokens,
    "the same seed repeats": _same_seed,
    "another seed differs": _other_seed,
    "repetition_penalty breaks a loop": _penalty,
    "a row alone equals the row in a batch": _alone,
}
NAMES = tuple(_EXPERIMENTS)
"""The experiments, in order."""


# --- what they share -----------------------------------------------------------------------------


def _ask(
    engine: Engine,
    params: SamplingParams,
    prompts: Sequence[str] = PROMPTS,
    seeds: Sequence[int] = _SEEDS,
) -> list[Completion]:
    found = engine.generate(prompts, params, list(seeds)[: len(prompts)])
    completions = sorted(found, key=lambda c: c.index)
    if len(completions) != len(prompts):
        raise _NotShown(f"{len(prompts)} prompts got {len(completions)} answers")
    return completions


def _equals_greedy(engine: Engine, params: SamplingParams, what: str) -> str:
    greedy = _ask(engine, replace(_GREEDY, max_tokens=params.max_tokens))
    if not any(c.text for c in greedy):
        raise _NotShown("could not be shown: every greedy text is empty")
    pairs = [
        (expected.text, found.text)
        for seeds in (_SEEDS, _SEEDS[::-1])
        for expected, found in zip(greedy, _ask(engine, params, PROMPTS, seeds), strict=True)
    ]
    other = [pair for pair in pairs if pair[0] != pair[1]]
    if len(other) > len(pairs) // 4:  # in 16-bit arithmetic two tokens may share the first place
        expected, found = other[0]
        raise _NotShown(
            f"{what} gave other text than greedy for {len(other)} of {len(pairs)}: "
            f"{_short(found)} and not {_short(expected)}"
        )
    return f"{what} gave greedy's text for {len(pairs) - len(other)} of {len(pairs)}"


def _middle(text: str) -> str:
    """Return a piece of a text, its first place as near to the middle as can be, or nothing."""
    pieces = (text[at : at + 3] for at in range(1, len(text) - 3))
    whole = [p for p in pieces if p.strip() and "\N{REPLACEMENT CHARACTER}" not in text]
    return max(whole, key=lambda p: min(text.index(p), len(text) // 2), default="")


def _repeats(completions: Sequence[Completion]) -> tuple[int, int]:
    """Return how many characters of the texts repeat three that came before, and how many are."""
    repeated = total = 0
    for completion in completions:
        text = PROMPTS[completion.index] + completion.text
        start = len(PROMPTS[completion.index])
        repeated += sum(text[i - 2 : i + 1] in text[: i - 1] for i in range(start, len(text)))
        total += len(completion.text)
    return repeated, total


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
