"""The search: Optuna proposes, candidates race, the winner is measured on what nobody has seen."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import optuna
from filelock import FileLock, Timeout
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from carrychain.addition.evaluation import INTERRUPTED, Evaluation, evaluate
from carrychain.addition.problems import Problem, draw_pairs
from carrychain.addition.prompts import PRE_PROCESSING
from carrychain.engines.base import Engine
from carrychain.errors import GenerationFailed, InvalidInput, nearest
from carrychain.search.race import METRICS, RUNGS, Entrant, Race, Read, readings_of
from carrychain.search.space import Blocks, Candidate, Choice, candidate, digest_of

VERSION = 1
STARTUP = 12
"""Candidates drawn at random, after the opening, before the sampler models what is good."""
MOST_UNUSABLE = 200
"""So many proposals in a row that the model can't take end the search."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a search may spend on the model; None is no limit.

    Args:
        answers: problems asked.
        tokens: tokens of prompts and outputs.
        seconds: time.
    """

    answers: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read `10m` (minutes), `5000p` (problems) or `2000000t` (tokens).

        Example:
            >>> Budget.parse("5000p")
            Budget(answers=5000, tokens=None, seconds=None)
        """
        number, unit = text.strip().replace("_", "").replace(",", "")[:-1], text.strip()[-1:]
        try:
            amount = float(number)
        except ValueError:
            amount = 0.0
        if unit not in ("m", "p", "t") or not 0 < amount < 1e15:
            raise InvalidInput(
                f"the budget is {text!r}; it must be minutes, problems or tokens, as in 10m, 5000p "
                "or 2000000t"
            )
        if unit == "m":
            return cls(seconds=60 * amount)
        return cls(answers=int(amount)) if unit == "p" else cls(tokens=int(amount))

    def __str__(self) -> str:
        if self.answers is not None:
            return f"{self.answers:,} problems"
        if self.tokens is not None:
            return f"{self.tokens:,} tokens"
        return "no limit" if self.seconds is None else f"{self.seconds / 60:g} minutes"


@dataclass
class Spent:
    """What a search has spent."""

    answers: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def share_of(self, budget: Budget) -> float:
        """Return the spent share of the budget; 1 and more is all of it."""
        pairs = (
            (self.answers, budget.answers),
            (self.tokens, budget.tokens),
            (self.seconds, budget.seconds),
        )
        return max((used / most for used, most in pairs if most is not None), default=0.0)


@dataclass(frozen=True)
class Own:
    """A student's own functions, which may be kept: written problems and a way to read.

    Args:
        write: from problems "a+b" to how they are written.
        read: from outputs to numbers.
    """

    write: Callable[[Sequence[str]], list[str]] | None = None
    read: Read | None = None


@dataclass(frozen=True)
class Settings:
    """What is searched.

    Args:
        blocks: what prompts are made of.
        metric: a name in `METRICS`.
        budget: what may be spent.
        seed: fixes proposals, problems and sampling, at least 0.
        low, high: bounds of the operands, as `handout_pairs` takes them.
        start: a choice to begin with.
        sampler: "tpe", or "random" to compare with.
        rungs: see `Race`.
    """

    blocks: Blocks = field(default_factory=Blocks)
    metric: str = "acc"
    budget: Budget = field(default_factory=lambda: Budget(seconds=600))
    seed: int = 0
    low: int = 1_000_000
    high: int = 9_999_999
    start: Choice | None = None
    sampler: str = "tpe"
    rungs: tuple[int, ...] = RUNGS

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InvalidInput(f"there is no metric {self.metric!r}{nearest(self.metric, METRICS)}")
        if self.seed < 0:
            raise InvalidInput(f"seed is {self.seed}; it must be at least 0")
        if self.budget.answers is not None and self.budget.answers < self.rungs[0]:
            raise InvalidInput(
                f"the budget is {self.budget}; one candidate alone is asked {self.rungs[0]}, and a "
                "search needs some hundreds of candidates: give 2000p or more"
            )

    def problems(self, stream: int, n: int) -> tuple[Problem, ...]:
        """Return n problems of a stream: 0 for the search, others for what it never sees."""
        seen: set[Problem] = set(_drawn(self, 0, self.rungs[-1])) if stream else set()
        fresh = (p for p in _stream(self, stream) if p not in seen)
        return tuple(next(fresh) for _ in range(n))

    def digest(self, engine: Engine) -> str:
        """Return a name for everything that decides the results."""
        info = engine.info
        parts = [
            info.name, info.revision, self.metric, self.seed, self.low, self.high,
            digest_of(self.blocks), repr(self.start), self.sampler, self.rungs,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _stream(settings: Settings, stream: int) -> Iterator[Problem]:
    return draw_pairs(np.random.default_rng([settings.seed, stream]), settings.low, settings.high)


def _drawn(settings: Settings, stream: int, n: int) -> list[Problem]:
    pairs = _stream(settings, stream)
    return [next(pairs) for _ in range(n)]


class Search:
    """A search that is under way, kept in a file and gone on with after a break.

    Args:
        engine: what is asked.
        settings: what is searched.
        storage: SQLite file of the trials; None keeps them in memory.
        own: the functions of a submission to be improved.
        at_once: candidates that are asked at the same time, at least 1; an engine that several
            threads may call, such as a cluster, can have more than 1. They are chosen before the
            first of them has answered, so the number has its part in what is tried.

    Raises:
        InvalidInput: the file is of another search or version, or another search is using it.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        storage: Path | None = None,
        own: Own | None = None,
        at_once: int = 1,
    ) -> None:
        self.engine, self.settings, self.own = engine, settings, own or Own()
        self._at_once = at_once
        self.race = Race(settings.rungs)
        self.spent = Spent()
        self.problems = settings.problems(0, settings.rungs[-1])
        self._written: dict[str, str] = {}
        optuna.logging.set_verbosity(logging.ERROR)
        self._kept = None if storage is None else _kept(storage, settings.digest(engine))
        earlier = [] if self._kept is None else self._kept.get_trials(deepcopy=False)
        self._study = optuna.create_study(
            direction="maximize", sampler=_sampler(settings, len(earlier))
        )
        self._study.add_trials(earlier)
        self._distributions: dict[str, Any] = {
            name: CategoricalDistribution(range(len(values)))
            for name, values in settings.blocks.as_dict().items()
        }
        self._restore()

    @property
    def study(self) -> optuna.Study:
        """The trials, for Optuna's own tools."""
        return self._study

    def run(self, on_step: Callable[[Search], None] = lambda search: None) -> Entrant:
        """Search until the budget is spent or nothing better is possible; return the best.

        Args:
            on_step: called after each rung that a candidate finished.

        Raises:
            InvalidInput: the budget ended before one candidate was measured, or the model can
                take none of the prompts.
            GenerationFailed: the engine broke down; what was finished is kept.
            KeyboardInterrupt: the same after Ctrl-C.
        """
        unusable = 0
        with _Answering(self._at_once) as answering:
            while not self.race.finished and self.spent.share_of(self.settings.budget) < 1:
                asked = self._choose()
                if not asked:
                    break
                before, started = self.spent.seconds, time.perf_counter()
                for each, done in answering.all(asked, self._time_left(), self._answer):
                    self.spent.seconds = before + time.perf_counter() - started
                    if isinstance(done, InvalidInput):  # it exceeds the model's context
                        unusable += 1
                        continue
                    if done is None:  # the time ended in the middle of a rung
                        continue
                    unusable = 0
                    self._arrive(self._take_in(each, done))
                    on_step(self)
                if unusable > MOST_UNUSABLE:
                    raise InvalidInput(
                        f"{self.engine.info.title} could take none of {unusable} prompts in a row: "
                        "choose shorter building blocks or fewer examples"
                    )
        best = self.race.best
        if best is None:
            raise InvalidInput(
                f"the budget of {self.settings.budget} ended before one candidate was measured on "
                f"{self.settings.rungs[0]} problems; give more"
            )
        return best

    # --- one step --------------------------------------------------------------------------------

    def _choose(self) -> list[_Asked]:
        """Return who is asked next, as many as the budget allows; none where it is spent.

        Whoever has earned a further rung comes first; Optuna proposes the rest.
        """
        chosen: list[_Asked] = []
        most, left = self.settings.budget.answers, math.inf
        if most is not None:
            left = most - self.spent.answers
        while len(chosen) < self._at_once:
            rising = self.race.next_up()
            size = self.settings.rungs[0]
            if rising is not None:
                size = self.race.goal(rising) - len(rising.outputs)
            if size > left:
                break
            left -= size
            chosen.append(self._proposal() if rising is None else self._further(rising))
        for each in chosen:  # a proposal ends here; what comes of it is told as a trial of its own
            if each.trial is not None:
                self._study.tell(each.trial, state=TrialState.FAIL)
        return chosen

    def _proposal(self) -> _Asked:
        trial = self._study.ask(self._distributions)
        choice = cast(dict[str, int], trial.params)
        made = self._candidate(choice)
        problems = self.problems[: self.settings.rungs[0]]
        write = self._writer(made, problems)
        return _Asked(trial.number, choice, made, problems, write, (), 0, trial)

    def _further(self, entrant: Entrant) -> _Asked:
        self.race.rise(entrant)
        problems = self.problems[len(entrant.outputs) : self.race.goal(entrant)]
        made = entrant.candidate
        return _Asked(
            entrant.number,
            entrant.choice,
            made,
            problems,
            self._writer(made, problems),
            entrant.outputs,
            entrant.tokens,
        )

    def _answer(self, asked: _Asked, on_row: Callable[[object], None]) -> Evaluation:
        """Ask the model; the only step that another thread may take."""
        return self._evaluate(
            asked.candidate,
            asked.problems,
            self.settings.seed + len(asked.outputs),
            on_row,
            asked.write,
        )

    def _take_in(self, asked: _Asked, done: Evaluation) -> Entrant:
        used = sum(row.tokens + row.prompt_tokens for row in done.rows)
        self.spent.answers += len(done.rows)
        self.spent.tokens += used
        outputs = (*asked.outputs, *(row.output for row in done.rows))
        return self._entrant(
            asked.number, asked.choice, asked.candidate, outputs, asked.tokens + used
        )

    def _time_left(self) -> float:
        most = self.settings.budget.seconds
        return math.inf if most is None else most - self.spent.seconds

    def _arrive(self, entrant: Entrant) -> None:
        """Take in an entrant that has finished a rung: a trial of its own, whole or not at all.

        Optuna takes one that has not come to the top for pruned, and prefers who came further.
        """
        n = len(entrant.outputs)
        top = n == self.settings.rungs[-1]
        trial = create_trial(
            state=TrialState.COMPLETE if top else TrialState.PRUNED,
            value=entrant.value,
            params=dict(entrant.choice),
            distributions=self._distributions,
            intermediate_values={n: entrant.value},
            user_attrs={
                "entrant": entrant.number,
                "outputs": entrant.outputs,
                "tokens": entrant.tokens,
                "spent": [self.spent.answers, self.spent.tokens, self.spent.seconds],
            },
        )
        if self._kept is not None:
            self._kept.add_trial(trial)
        self._study.add_trial(trial)
        self.race.arrive(entrant)

    def evaluate(
        self,
        made: Candidate,
        problems: Sequence[Problem],
        seed: int,
        on_row: Callable[[object], None] = lambda row: None,
        *,
        reading: str,
    ) -> Evaluation:
        """Ask a candidate problems and read its outputs by a reading.

        Raises:
            InvalidInput: the model can't take the prompt.
            GenerationFailed, KeyboardInterrupt: it was not answered to the end.
        """
        done = self._evaluate(made, problems, seed, on_row, self._writer(made, problems))
        read = self.readings(made)[reading]
        return done.with_responses(read([row.output for row in done.rows]))

    def _evaluate(
        self,
        made: Candidate,
        problems: Sequence[Problem],
        seed: int,
        on_row: Callable[[object], None],
        write: Callable[[str], str],
    ) -> Evaluation:
        """Ask a candidate problems, and read nothing in its outputs."""
        done = evaluate(
            prompt=made.prompt,
            engine=self.engine,
            problems=problems,
            sampling=made.sampling,
            seed=seed,
            extract="none",
            pre_processing=made.pre_processing,
            on_row=on_row,
            write=write,
            read=lambda output: None,
        )
        if done.interruption == INTERRUPTED:
            raise KeyboardInterrupt
        if not done.complete:
            raise GenerationFailed(done.interruption)
        return done

    def readings(self, made: Candidate) -> dict[str, Read]:
        """Return the ways to read a candidate's outputs, the student's own first."""
        own = {"own": self.own.read} if self.own.read is not None else {}
        return {**own, **readings_of(made.readings)}

    def _writer(self, made: Candidate, problems: Sequence[Problem]) -> Callable[[str], str]:
        if made.pre_processing != "none" or self.own.write is None:
            return PRE_PROCESSING[made.pre_processing]
        new = [text for text in map(str, problems) if text not in self._written]
        if new:
            self._written |= dict(zip(new, self.own.write(new), strict=True))
        return lambda text: self._written.get(text, text)

    def _candidate(self, choice: Choice) -> Candidate:
        return candidate(self.settings.blocks, choice)

    def _entrant(
        self, number: int, choice: Choice, made: Candidate, outputs: tuple[str, ...], tokens: int
    ) -> Entrant:
        return Entrant(
            number=number,
            choice=choice,
            candidate=made,
            problems=self.problems[: len(outputs)],
            outputs=outputs,
            tokens=tokens,
            readings=self.readings(made),
            metric=self.settings.metric,
        )

    # --- memory ----------------------------------------------------------------------------------

    def _restore(self) -> None:
        """Take up what the storage holds."""
        trials = self._study.get_trials(deepcopy=False)
        for trial in trials:
            self._restore_one(trial)
        tried = [trial.params for trial in trials]
        for choice in _opening(self.settings):
            if choice not in tried:
                self._study.enqueue_trial(choice)

    def _restore_one(self, trial: FrozenTrial) -> None:
        kept = trial.user_attrs
        choice = cast(dict[str, int], trial.params)
        self.race.arrive(
            self._entrant(
                kept["entrant"],
                choice,
                self._candidate(choice),
                tuple(kept["outputs"]),
                kept["tokens"],
            )
        )
        answers, tokens, seconds = kept["spent"]
        self.spent = Spent(
            max(self.spent.answers, answers),
            max(self.spent.tokens, tokens),
            max(self.spent.seconds, seconds),
        )


@dataclass(frozen=True)
class _Asked:
    """A candidate and the problems of the rung that it is asked.

    Args:
        write: how a problem is written.
        outputs, tokens: of the rungs below.
        trial: Optuna's own, where this is a new proposal.
    """

    number: int
    choice: Choice
    candidate: Candidate
    problems: tuple[Problem, ...]
    write: Callable[[str], str]
    outputs: tuple[str, ...]
    tokens: int
    trial: optuna.Trial | None = None


class _Spent(Exception):
    """The time ended in the middle of a rung, or the search did."""


class _Answering:
    """Asks several candidates at once, each in a thread, and one alone in this one."""

    def __init__(self, at_once: int) -> None:
        self._pool = ThreadPoolExecutor(at_once) if at_once > 1 else None
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended = True
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def all(
        self,
        asked: Sequence[_Asked],
        seconds: float,
        answer: Callable[[_Asked, Callable[[object], None]], Evaluation],
    ) -> Iterator[tuple[_Asked, Evaluation | InvalidInput | None]]:
        """Yield everyone in their order with what they answered.

        It is an InvalidInput where the model can't take the prompt, and None where the time ended.
        """
        latest = time.perf_counter() + seconds

        def on_row(row: object) -> None:
            if self._ended or time.perf_counter() > latest:
                raise _Spent

        def outcome(each: _Asked) -> Evaluation | InvalidInput | None:
            try:
                return answer(each, on_row)
            except InvalidInput as error:
                return error
            except _Spent:
                return None

        yield from zip(asked, (self._pool.map if self._pool else map)(outcome, asked), strict=True)


@contextmanager
def locked(storage: Path) -> Generator[None]:
    """Keep a storage file for this process.

    Raises:
        InvalidInput: another search is using it.
    """
    lock = FileLock(f"{storage}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InvalidInput(
            f"another search is using {storage}; wait for it, or name another with --storage"
        ) from None
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _opening(settings: Settings) -> list[dict[str, int]]:
    """Return the choices that are tried before any is drawn.

    Every style with every number format, for these two decide most and depend on each other; with
    greedy decoding, a few examples of the problems' own length, and room for the steps; words are
    drawn. A sampler alone may settle on a style that is merely good, under parameters that spoil
    the better ones.
    """
    start = [] if settings.start is None else [dict(settings.start)]
    if settings.sampler == "random":
        return start
    rng = np.random.default_rng([settings.seed, 3])
    blocks = settings.blocks.as_dict()
    plain = {
        "examples": 3,
        "digits": len(str(settings.high)),
        "max_tokens": math.inf,
        "temperatures": 0.0,
        "top_ks": 0,
        "top_ps": 1.0,
        "penalties": 1.0,
        "stops": True,
    }
    nearest_to = {
        name: min(range(len(blocks[name])), key=lambda i: abs(blocks[name][i] - value))
        for name, value in plain.items()
        if value != math.inf
    }
    nearest_to["max_tokens"] = int(np.argmax(blocks["max_tokens"]))
    pairs = list(itertools.product(range(len(blocks["styles"])), range(len(blocks["formats"]))))
    return start + [
        {
            **{name: int(rng.integers(len(values))) for name, values in blocks.items()},
            **nearest_to,
            "styles": pairs[place][0],
            "formats": pairs[place][1],
        }
        for place in rng.permutation(len(pairs))
    ]


def _sampler(settings: Settings, told: int) -> optuna.samplers.BaseSampler:
    """Return who proposes; after a break its randomness goes on, and does not begin anew."""
    seed = settings.seed + told
    if settings.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    startup = len(_opening(settings)) + STARTUP
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=startup)


def _kept(storage: Path, digest: str) -> optuna.Study:
    """Open the study in a file, or make it.

    Optuna proposes from a study in memory, and each finished trial is put into this one as a whole:
    proposing from a file takes some twenty transactions a trial.
    """
    try:
        study = optuna.create_study(
            direction="maximize",
            storage=f"sqlite:///{storage}",
            study_name="carrychain",
            load_if_exists=True,
        )
    except Exception as error:  # SQLAlchemy's and Optuna's many ways to refuse a file
        reason = str(error).strip().splitlines()[0]
        raise InvalidInput(
            f"{storage} can't keep a search: {reason}; name another with --storage"
        ) from error
    known = study.user_attrs.get("carrychain")
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr("carrychain", {"version": VERSION, "settings": digest})
    elif not isinstance(known, dict) or cast(dict[str, Any], known).get("version") != VERSION:
        raise InvalidInput(
            f"{storage} holds a search of another version of carrychain; "
            "name another with --storage"
        )
    elif cast(dict[str, Any], known)["settings"] != digest:
        raise InvalidInput(
            f"{storage} holds a search with another model, metric, seed or other building blocks; "
            "repeat those, or name another with --storage"
        )
    return study
