"""The playground's work, done in a worker: a run, and the tokens of an output."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from carrychain import engines
from carrychain.addition.evaluation import evaluate as evaluate_problems
from carrychain.addition.problems import Problem
from carrychain.addition.results import Evaluation, Row, Timing, UsedPrompt
from carrychain.engines.base import (
    Around,
    Completion,
    Engine,
    EngineInfo,
    FinishReason,
    SamplingParams,
)
from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable
from carrychain.web.playground.asked import Asked, Side
from carrychain.web.playground.shown import sentences, shown_row, so_far, summary
from carrychain.web.worker import Emit

MAE_SCALE = 5e6
OTHERS = 5
"""Tokens that are shown beside the one that was written."""

Event = Mapping[str, Any]


# --- a run ----------------------------------------------------------------------------------------


def evaluate(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Run one prompt, or two on the same problems.

    The first event names the model; each other one is of a row: `side`, `row` (without its prompt),
    `ids` (the output's tokens, None where the engine does not tell), `seconds` of its side so far,
    `shown` and `so_far` (see `playground.shown`). The result has `sides` (of each, the
    evaluation without its rows, and a `summary`) and `sentences`.

    Raises:
        InvalidInput: a prompt does not fit the model, or the model is another than it was before
            the interruption.
    """
    asked = Asked.from_dict(request)
    engine = engines.load(asked.model, offline=True)
    events = [cast(Event, event) for event in earlier]
    if not events:
        emit({"model": jsonable(asdict(engine.info))})
    info = EngineInfo(**events[0]["model"]) if events else engine.info
    evaluations = {
        letter: _evaluate(letter, asked, engine, emit, earlier_part(letter, asked, events, info))
        for letter in asked.sides
    }
    return {
        "sides": {
            letter: {
                "evaluation": {k: v for k, v in each.as_dict().items() if k != "rows"},
                "summary": summary(each),
            }
            for letter, each in evaluations.items()
        },
        "sentences": cast(Json, list(sentences(evaluations))),
    }


def _evaluate(
    letter: str, asked: Asked, engine: Engine, emit: Emit, earlier: Evaluation
) -> Evaluation:
    side = asked.sides[letter]
    noting = _Noting(engine)
    correct, n = sum(row.correct for row in earlier.rows), len(earlier.rows)
    started = time.perf_counter() - earlier.timing.seconds

    def on_row(row: Row) -> None:
        nonlocal correct, n
        correct, n = correct + row.correct, n + 1
        emit(
            {
                "side": letter,
                "row": {k: v for k, v in row.as_dict().items() if k != "prompt"},
                "ids": cast(Json, noting.ids.pop(row.seed, None)),
                "seconds": time.perf_counter() - started,
                "shown": shown_row(row),
                "so_far": so_far(correct, n),
            }
        )

    return evaluate_problems(
        prompt=side.prompt,
        prompt_name=side.name,
        engine=noting,
        problems=asked.problems,
        origin=asked.origin,
        sampling=side.sampling,
        seed=asked.seed,
        extract=side.extract,
        pre_processing=side.pre_processing,
        mae_scale=MAE_SCALE,
        on_row=on_row,
        resume=earlier if earlier.rows else None,
    )


class _Noting(Around):
    """An engine that keeps the tokens of what it writes under the request's seed."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.ids: dict[int, list[int]] = {}

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        return self.generate_sharing(prompts, params, seeds, ())

    def generate_sharing(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        from carrychain.engines.local import LocalEngine, completion

        if not isinstance(self._engine, LocalEngine):
            yield from self._engine.generate(prompts, params, seeds)
            return
        for each in self._engine.continuations(prompts, params, seeds, probes):
            self.ids[each.request.seed] = list(each.tokens)
            yield completion(each)


def earlier_part(
    letter: str, asked: Asked, events: Iterable[Event], model: EngineInfo
) -> Evaluation:
    """Return what of one prompt's evaluation had been finished when the server stopped."""
    own = [event for event in events if event.get("side") == letter]
    side = asked.sides[letter]
    return Evaluation(
        model=model,
        sampling=side.sampling,
        prompt=UsedPrompt(
            side.prompt.prefix, side.prompt.suffix, side.pre_processing, side.name, None
        ),
        extract=side.extract,
        mae_scale=MAE_SCALE,
        seed=asked.seed,
        runs=1,
        asked=asked.n,
        origin=dict(asked.origin),
        rows=tuple(row_of(event, side) for event in own),
        timing=Timing(own[-1]["seconds"] if own else 0.0, None),
        versions={},
    )


def row_of(event: Event, side: Side) -> Row:
    """Return the row of an event, with its prompt."""
    row = event["row"]
    prompt = side.render(Problem(row["a"], row["b"]))
    fields: dict[str, Any] = {**row, "finish_reason": FinishReason(row["finish_reason"])}
    return Row(**fields, prompt=prompt)


# --- an output's tokens ---------------------------------------------------------------------------


def tokens(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Return an output's tokens, each with its probability and the likeliest others.

    The request has `model`, `prompt`, `ids` of the output and `sampling`. A token has `text`,
    `drawn` (the probability that it was drawn with), `raw` (before any parameter) and `others`,
    the same of other tokens.

    Raises:
        InvalidInput: the model gives no probabilities.
    """
    from carrychain.engines.local import LocalEngine
    from carrychain.engines.next_token import TokenProbabilities, written_tokens

    given = cast(Event, request)
    engine = engines.load(given["model"], offline=True)
    if not isinstance(engine, LocalEngine):
        raise InvalidInput(f"{engine.info.title} does not tell its tokens' probabilities")
    sampling = SamplingParams(**given["sampling"])
    prompt = engine.encode(given["prompt"])

    def shown(token: TokenProbabilities) -> dict[str, Json]:
        return {"text": token.text, "drawn": token.top_p, "raw": token.raw}

    return [
        {**shown(each.token), "others": [shown(other) for other in each.others]}
        for each in written_tokens(engine, prompt, given["ids"], sampling, OTHERS)
    ]
