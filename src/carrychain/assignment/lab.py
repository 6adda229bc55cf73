"""Where questions are asked: each evaluation once, kept in a folder, gone on with after a break."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from carrychain import __version__
from carrychain.addition.evaluation import INTERRUPTED, Evaluation, evaluate
from carrychain.api import listed
from carrychain.assignment.experiment import Ask, Context, Experiment, Plan, Question
from carrychain.engines.base import Engine, EngineInfo
from carrychain.errors import GenerationFailed, InvalidInput


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Args:
        done: answers that are there, those of earlier sittings included.
        total: answers that are needed as far as is known; a question's follow-up may add some.
        question: name of the question in hand.
    """

    done: int
    total: int
    question: str


class Lab:
    """Models to ask, and a memory of what was asked.

    Args:
        engine: the model.
        other: a second model.
        folder: where evaluations are kept, a folder that is there; without, they are forgotten.
        seed: fixes sampling.
    """

    def __init__(
        self, engine: Engine, other: Engine | None = None, folder: Path | None = None, seed: int = 0
    ) -> None:
        self.engine, self.other, self.folder, self.seed = engine, other, folder, seed
        self._done: dict[Ask, Evaluation] = {}
        self._names: dict[Ask, str] = {}

    def run(
        self,
        questions: Iterable[Question],
        plan: Plan,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Iterator[Experiment]:
        """Ask the questions one after the other.

        Args:
            questions: what to ask.
            plan: how much.
            on_progress: called after each answer and after each evaluation that was there already.

        Raises:
            InvalidInput: a prompt does not fit a model; the message begins with the question.
            GenerationFailed: an engine broke down; what was finished is kept in the folder.
            KeyboardInterrupt: the same after Ctrl-C.
        """
        questions = list(questions)
        needed = distinct(questions, plan)
        done = 0

        def advance(answers: int) -> None:
            nonlocal done
            done += answers
            on_progress(Progress(done, sum(ask.answers for ask in needed), question.name))

        def ask_all(asks: Mapping[str, Ask]) -> None:
            needed.update(dict.fromkeys(asks.values()))
            for key, ask in asks.items():
                name = self._names.setdefault(ask, self._free_name(f"{question.name}-{key}"))
                try:
                    evaluations[key] = self.evaluate(ask, advance, name)
                except InvalidInput as error:
                    raise InvalidInput(f"{question.name}: {error}") from error
                if self.folder is not None:
                    files[key] = f"{name}.json"

        for question in questions:
            evaluations: dict[str, Evaluation] = {}
            files: dict[str, str] = {}
            context = Context(plan, evaluations, self.engine, self.other)
            ask_all(question.asks(plan))
            if question.follow_up is not None:
                ask_all(question.follow_up(context))
            result = question.analyse(context)
            yield Experiment(question, self.engine.info.title, evaluations, result, files)

    def evaluate(
        self,
        ask: Ask,
        on_answers: Callable[[int], None] = lambda answers: None,
        name: str | None = None,
    ) -> Evaluation:
        """Return the evaluation, from memory, from the folder or from the engine.

        Args:
            ask: what is asked.
            on_answers: called with the number of answers that were added.
            name: of its file without ending; one without a name is not kept.

        Raises:
            InvalidInput: the prompt does not fit the model.
            GenerationFailed: the engine broke down; what was finished is kept.
            KeyboardInterrupt: the same after Ctrl-C.
        """
        if ask in self._done:
            return self._done[ask]
        engine = self.other if ask.second else self.engine
        assert engine is not None, "a plan without a second model asks it nothing"
        path = self.folder / f"{name}.json" if self.folder and name else None
        earlier = self._kept(path, ask, engine) if path else None
        if earlier is not None:
            on_answers(len(earlier.rows))
        if earlier is None or not earlier.complete:
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
                on_row=lambda row: on_answers(1),
                resume=earlier,
            )
            if path is not None and evaluation.rows:
                evaluation.save(path)
            if evaluation.interruption == INTERRUPTED:
                raise KeyboardInterrupt
            if evaluation.interruption is not None:
                raise GenerationFailed(evaluation.interruption)
            earlier = evaluation
        self._done[ask] = earlier
        return earlier

    def _kept(self, path: Path, ask: Ask, engine: Engine) -> Evaluation | None:
        """Return what is in a file if the same was asked of the same model, else None."""
        try:
            kept = Evaluation.load(path)
        except InvalidInput:
            return None
        was, now = kept.prompt, ask.prompt
        same = (
            (was.prefix, was.suffix, was.name) == (now.prefix, now.suffix, ask.prompt_name)
            and (was.pre_processing, kept.extract) == (ask.pre_processing, ask.extract)
            and (kept.sampling, kept.seed, kept.runs) == (ask.sampling, self.seed, ask.runs)
            and kept.origin == listed(list(ask.problems))
            and kept.versions.get("carrychain") == __version__
            and _rounding(kept.model) == _rounding(engine.info)
        )
        # Rows are added only by an engine that computes as many side by side.
        return kept if same and (kept.complete or kept.model == engine.info) else None

    def _free_name(self, wanted: str) -> str:
        """Return a file's name without ending that differs from the others, whatever their case."""
        name = re.sub(r"[^a-z0-9.]+", "-", wanted.lower()).strip("-.")
        taken = set(self._names.values())
        return next(n for n in (name, *(f"{name}-{i}" for i in range(2, 999))) if n not in taken)


def distinct(questions: Iterable[Question], plan: Plan) -> dict[Ask, None]:
    """Return what the questions ask before any answer is known, each evaluation once."""
    return dict.fromkeys(ask for q in questions for ask in q.asks(plan).values())


def _rounding(model: EngineInfo) -> EngineInfo:
    """Return the model without its slots: one that ran out of memory went on with fewer."""
    settings = {name: value for name, value in model.settings.items() if name != "slots"}
    return replace(model, settings=settings)
