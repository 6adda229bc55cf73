"""Models and grading on a Ray cluster: Ray decides what runs where, and repeats what was lost.

A worker process of the cluster loads a model when it first gets work, and keeps it. carrychain of
the same version must be installed on every machine. It needs the extra `cluster`.
"""

from __future__ import annotations

import atexit
import logging
import os
import socket
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from carrychain import engines
from carrychain.engines.base import Completion, EngineInfo, SamplingParams, generate_sharing
from carrychain.errors import CarrychainError, InvalidInput
from carrychain.grading.grader import Grade, Grader
from carrychain.grading.rubric import Rubric
from carrychain.sandbox import Tier, Workshop

LOCAL = "local"
AT_ONCE = 32
"""Prompts that a worker is given at a time: enough for its slots, few enough to share work."""
_SECONDS_TO_CONNECT = 5.0


@dataclass(frozen=True, slots=True)
class Model:
    """What a worker loads, see `engines.load`."""

    name: str
    dtype: str = "auto"
    offline: bool = False


@dataclass(frozen=True)
class Grading:
    """How a worker grades, see `Grader`."""

    model: Model
    rubric: Rubric
    seed: int
    runs: int | None
    require_sandbox: bool = False


@contextmanager
def connected(address: str) -> Generator[None]:
    """Use the cluster at an address while the block runs.

    Args:
        address: "local", which starts one on this machine, "auto", or HOST:PORT.

    Raises:
        InvalidInput: nothing answers there.
        CarrychainError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise CarrychainError(
            "a cluster needs Ray, which is not installed: pip install 'carrychain[cluster]'"
        )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = _ray()
    if address not in (LOCAL, "auto"):
        _check_reachable(address)
    where: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(
            address=address,
            logging_level=logging.ERROR,
            log_to_driver=False,
            **where,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InvalidInput(f"no Ray cluster can be used at {address!r}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _ray() -> Any:
    """Return Ray, whose annotations are partial."""
    return import_module("ray")


def _check_reachable(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        raise InvalidInput(
            f"the Ray address is {address!r}; it must be local, auto or HOST:PORT, as `ray start "
            "--head` prints it"
        )
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_CONNECT).close()
    except (OSError, OverflowError) as error:
        raise InvalidInput(
            f"no Ray cluster answers at {address}: {error}; start one with `ray start --head`, or "
            "use --ray local"
        ) from error


def workers() -> int:
    """Return how many workers the cluster has room for: one a GPU, or one a processor."""
    ray = _ray()
    resources: dict[str, float] = ray.cluster_resources()
    return max(1, int(resources.get("GPU", 0) or resources.get("CPU", 1)))


def _remote(function: Any) -> Any:
    """Return a task of Ray's that is repeated for as long as its worker or its machine is lost."""
    ray = _ray()
    gpus = 1 if ray.cluster_resources().get("GPU", 0) else 0
    return ray.remote(num_cpus=0 if gpus else 1, num_gpus=gpus, max_retries=-1)(function)


def _outcome(reference: Any) -> Any:
    """Return a task's result, or raise what it raised as it was."""
    ray = _ray()
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause or error from None
    except ray.exceptions.RayError as error:
        raise CarrychainError(f"the cluster failed: {str(error).splitlines()[0]}") from error


class ClusterEngine:
    """An engine whose prompts are answered by the workers of a cluster.

    Args:
        model: what each of them loads.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._complete = _remote(_complete)
        self._count = _remote(_count_tokens)
        self.info, self.context = _outcome(_remote(_describe).remote(model))

    info: EngineInfo
    context: int | None

    def count_tokens(self, text: str) -> int | None:
        return _outcome(self._count.remote(self._model, text))

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        return self._generate(prompts, params, seeds, ())

    def generate_sharing(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        return self._generate(prompts, params, seeds, tuple(probes))

    def _generate(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        ray = _ray()
        waiting = [
            self._complete.remote(
                self._model,
                list(prompts[start : start + AT_ONCE]),
                params,
                list(seeds[start : start + AT_ONCE]),
                probes,
                start,
            )
            for start in range(0, len(prompts), AT_ONCE)
        ]
        try:
            while waiting:
                done, waiting = ray.wait(waiting)
                for reference in done:
                    yield from _outcome(reference)
        finally:
            for reference in waiting:
                ray.cancel(reference)


class ClusterGrader:
    """Grades files on the workers of a cluster; several threads may call it at once.

    Args:
        grading: how each of them grades.
    """

    def __init__(self, grading: Grading) -> None:
        self._grading = grading
        self._grade = _remote(_grade)
        self.info: EngineInfo = _outcome(_remote(_describe).remote(grading.model))[0]

    def grade(self, path: Path) -> Grade:
        """Grade a file.

        Raises:
            CarrychainError: it could not be graded.
        """
        files = {each.name: each.read_bytes() for each in path.parent.iterdir()}
        return _outcome(self._grade.remote(self._grading, files, path.name))


# --- what runs in a worker ------------------------------------------------------------------------


def _describe(model: Model) -> tuple[EngineInfo, int | None]:
    engine = _engine(model)
    return engine.info, engine.context


def _count_tokens(model: Model, text: str) -> int | None:
    return _engine(model).count_tokens(text)


def _complete(
    model: Model,
    prompts: Sequence[str],
    params: SamplingParams,
    seeds: Sequence[int],
    probes: Sequence[str],
    start: int,
) -> list[Completion]:
    engine = _engine(model)
    done = generate_sharing(engine, prompts, params, seeds, probes)
    return [
        Completion(c.index + start, c.text, c.tokens, c.prompt_tokens, c.finish_reason)
        for c in done
    ]


def _grade(grading: Grading, files: dict[str, bytes], program: str) -> Grade:
    grader = Grader(
        _engine(grading.model),
        _workshop(grading.require_sandbox),
        grading.rubric,
        grading.seed,
        grading.runs,
    )
    with tempfile.TemporaryDirectory(prefix="carrychain-", ignore_cleanup_errors=True) as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        return grader.grade(Path(folder) / program)


def _engine(model: Model) -> engines.Engine:
    return engines.load(model.name, dtype=model.dtype, offline=model.offline)


@cache
def _workshop(require_complete: bool) -> Workshop:
    workshop = Workshop(require=max(Tier) if require_complete else None)
    atexit.register(workshop.__exit__, None, None, None)
    return workshop.__enter__()
