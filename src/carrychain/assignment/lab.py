"""Where questions are asked: each evaluation once, kept in a folder, gone on with after a break."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from carrychain.addition.evaluation import Evaluation, evaluate
from carrychain.api import listed
from carrychain.assignment.experiment import Ask, Context, Experiment, Plan, Question
from carrychain.engines.base import Engine
from carrychain.errors import GenerationFailed


class Lab:
    """Models to ask, and a memory of what was asked.

    Args:
        engine: the model.
        other: a second model.
        folder: where evaluations are kept; without, they are forgotten.
        seed: fixes sampling.
    """

    def __init__(
        self, engine: Engine, other: Engine | None = None, folder: Path | None = None, seed: int = 0
    ) -> None:
        self.engine, self.other, self.folder, self.seed = engine, other, folder, seed
        self._done: dict[Ask, Evaluation] = {}

    def run(
        self,
        questions: Iterable[Question],
        plan: Plan,
        on_row: Callable[[], None] = lambda: None,
    ) -> Iterator[Experiment]:
        """Ask the questions one after the other; `on_row` is called after each answer.

        Raises:
            GenerationFailed: an engine broke down; what was finished is kept in the folder.
            KeyboardInterrupt: the same after Ctrl-C.
        """
        for question in questions:
            asks = question.asks(plan)
            evaluations = {name: self.evaluate(ask, on_row) for name, ask in asks.items()}
            context = Context(plan, evaluations, self.engine, self.other)
            yield Experiment(
                question, self.engine.info.title, evaluations, question.analyse(context)
            )

    def evaluate(self, ask: Ask, on_row: Callable[[], None] = lambda: None) -> Evaluation:
        """Return the evaluation, from memory, from the folder or from the engine."""
        if ask in self._done:
            return self._done[ask]
        engine = self.other if ask.second else self.engine
        assert engine is not None, "a plan without a second model asks it nothing"
        path = self.folder / f"{_digest(ask)}.json" if self.folder else None
        earlier = Evaluation.load(path) if path is not None and path.exists() else None
        evaluation = evaluate(
            prompt=ask.prompt,
            engine=engine,
            problems=ask.problems,
            sampling=ask.sampling,
            seed=self.seed,
            runs=ask.runs,
            extract=ask.extract,
            pre_processing=ask.pre_processing,
            prompt_name=ask.prompt_name,
            origin=listed(list(ask.problems)),
            on_row=lambda row: on_row(),
            resume=earlier,
        )
        if path is not None and evaluation.rows and evaluation != earlier:
            evaluation.save(path)
        if evaluation.interruption == "the evaluation was interrupted":
            raise KeyboardInterrupt
        if evaluation.interruption is not None:
            raise GenerationFailed(evaluation.interruption)
        self._done[ask] = evaluation
        return evaluation


def _digest(ask: Ask) -> str:
    content = json.dumps(asdict(ask), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]
