"""A class: many submissions graded side by side on one model, each kept as it finishes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from threading import Event, Lock

from carrychain import __version__
from carrychain.engines.base import (
    Around,
    Completion,
    Engine,
    EngineInfo,
    SamplingParams,
    generate_sharing,
)
from carrychain.errors import CarrychainError, GenerationFailed
from carrychain.grading.grader import Grade
from carrychain.grading.inbox import PROGRAM, HandIn
from carrychain.grading.rubric import Rubric
from carrychain.grading.store import Store
from carrychain.io import Json, jsonable

MOST_AT_ONCE = 8
"""More would wait for the model, and each may take a gigabyte in the sandbox."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one submission.

    Args:
        hand_in: what was handed in.
        grade: its grade, None if it could not be graded.
        problem: why not; empty if it was.
        kept: whether the grade is from an earlier run.
    """

    hand_in: HandIn
    grade: Grade | None
    problem: str = ""
    kept: bool = False

    def as_dict(self) -> dict[str, Json]:
        """Return the grade for JSON, or the problem in its place, and who handed it in."""
        whose: dict[str, Json] = {}
        if self.hand_in.students:
            whose["students"] = [student.as_dict() for student in self.hand_in.students]
        if self.grade is None:
            return {"submission": self.hand_in.name, **whose, "problem": self.problem}
        return {**self.grade.as_dict(), **whose}


def whose(hand_in: HandIn, grade: Grade) -> list[str]:
    """Return the net ids of those who handed something in.

    An export is believed before the file, which may say anything: the net id is the part of an
    address before the @. Where neither says anything, it is the file's or the folder's own name.
    """
    named = [s.email.partition("@")[0] or s.sid or s.name for s in hand_in.students]
    known = [name for name in named if name.strip()]
    return known or [grade.net_id.strip() or own_name(hand_in.name)]


def own_name(name: str) -> str:
    """Return what tells a path from others: a file's name, or its folder's where all are alike.

    Example:
        >>> own_name("hw3/ab1234.py"), own_name("hw3/cd5678/submission.py")
        ('ab1234', 'cd5678')
    """
    path = PurePath(name)
    return path.parent.name or path.stem if path.name == PROGRAM else path.stem


def grade_class(
    hand_ins: Sequence[HandIn],
    grade: Callable[[Path], Grade],
    key: Callable[[HandIn], str],
    store: Store | None = None,
    *,
    owners: Callable[[HandIn, Grade], Sequence[str]] = whose,
    at_once: int | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Grade submissions side by side, those that a store has left out, and keep each grade.

    What goes wrong with one stays with it. Ctrl-C ends the work: what was finished is returned.

    Args:
        hand_ins: what was handed in.
        grade: grades a file; called from several threads at once.
        key: names everything that decides a grade, see `key_of`.
        store: where grades are kept, None to keep none.
        owners: tells the net ids of those who handed in what was graded.
        at_once: how many are graded at once, at least 1; None is one for each
            processor, up to `MOST_AT_ONCE`.
        on_result: called with each result as it finishes, those of an earlier run first.

    Returns:
        The results in the order of `hand_ins`; fewer than those where the work was interrupted.

    Raises:
        CarrychainError: a grade can't be kept.
    """
    results: dict[str, Result] = {}

    def finish(result: Result, its_key: str = "") -> None:
        if store is not None and result.grade is not None:
            store.belongs(result.hand_in, its_key, owners(result.hand_in, result.grade))
        results[result.hand_in.name] = result
        on_result(result)

    waiting: dict[str, list[HandIn]] = {}
    for hand_in in hand_ins:
        if hand_in.problem:
            finish(Result(hand_in, None, hand_in.problem))
            continue
        its_key = key(hand_in)
        earlier = store.find(its_key) if store is not None else None
        if earlier is not None:
            finish(Result(hand_in, replace(earlier, submission=hand_in.name), kept=True), its_key)
        else:
            waiting.setdefault(its_key, []).append(hand_in)

    pool = ThreadPoolExecutor(at_once or min(os.cpu_count() or 1, MOST_AT_ONCE), "grade")
    try:
        running = {
            pool.submit(_grade_one, same[0], grade, k, store): k for k, same in waiting.items()
        }
        for future in as_completed(running):
            its_key = running[future]
            graded, problem = _outcome(future)
            if graded is not None and store is not None:
                store.add(its_key, graded)
            for hand_in in waiting[its_key]:
                own = None if graded is None else replace(graded, submission=hand_in.name)
                finish(Result(hand_in, own, problem), its_key)
    except KeyboardInterrupt:
        pass
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [results[each.name] for each in hand_ins if each.name in results]


def _grade_one(
    hand_in: HandIn, grade: Callable[[Path], Grade], key: str, store: Store | None
) -> Grade:
    """Grade one, unless another grader, who writes to the same store, did so meanwhile."""
    meanwhile = store.find(key) if store is not None else None
    if meanwhile is not None:
        return meanwhile
    with hand_in.unpacked() as path:
        return grade(path)


def _outcome(future: Future[Grade]) -> tuple[Grade | None, str]:
    """Return the grade, or why there is none: whatever failed, the class goes on."""
    match future.exception():
        case None:
            return future.result(), ""
        case CarrychainError() as error:
            return None, str(error)
        case error:
            return None, f"the grader itself failed: {type(error).__name__}: {error}"


def key_of(hand_in: HandIn, engine: EngineInfo, rubric: Rubric, seed: int, runs: int) -> str:
    """Return a name for everything that decides a grade: two grades of one key are the same."""
    decides = {
        "files": hand_in.digest,
        "model": [engine.name, engine.revision, jsonable(engine.settings)],
        "rubric": rubric.model_dump(),
        "seed": seed,
        "runs": runs,
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


class OneAtATime(Around):
    """An engine that several threads share: one generates, the others wait.

    Prompts of different submissions share neither prefix nor parameters, so there is nothing to
    gain from putting them into one batch.

    Args:
        engine: any engine.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._turn = Lock()
        self._closed = Event()

    def close(self) -> None:
        """End what is being generated at its next completion, and all that wait."""
        self._closed.set()

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        return self._in_turn(lambda: self._engine.generate(prompts, params, seeds))

    def generate_sharing(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        return self._in_turn(lambda: generate_sharing(self._engine, prompts, params, seeds, probes))

    def _in_turn(self, generate: Callable[[], Iterator[Completion]]) -> Iterator[Completion]:
        with self._turn:
            for completion in generate():
                if self._closed.is_set():
                    raise GenerationFailed("the class was interrupted")
                yield completion
