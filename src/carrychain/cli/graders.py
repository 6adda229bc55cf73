"""What grades files: the model on this machine, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from carrychain import engines
from carrychain.engines.base import EngineInfo
from carrychain.grading.classroom import OneAtATime
from carrychain.grading.grader import Grade, Grader
from carrychain.grading.rubric import Rubric
from carrychain.sandbox import Tier, Workshop


@dataclass(frozen=True)
class Graders:
    """A model, and a function that grades on it.

    Args:
        info: the model.
        grade: grades a file; several threads may call it at once.
        at_once: how many files may be under way, see `grade_class`.
    """

    info: EngineInfo
    grade: Callable[[Path], Grade]
    at_once: int | None = None


@contextmanager
def graders(
    ray_address: str | None,
    model: str,
    offline: bool,
    rubric: Rubric,
    seed: int,
    runs: int | None,
    require_sandbox: bool,
) -> Generator[Graders]:
    """Give what grades while the block runs.

    Args:
        ray_address: of a Ray cluster; None is this machine.
    """
    if ray_address is not None:
        from carrychain import cluster

        with cluster.connected(ray_address):
            grading = cluster.Grading(
                cluster.Model(model, offline=offline), rubric, seed, runs, require_sandbox
            )
            grader = cluster.ClusterGrader(grading)
            yield Graders(grader.info, grader.grade, cluster.workers())
        return
    with workshop(require_sandbox) as made:
        engine = OneAtATime(engines.load(model, offline=offline))
        try:
            yield Graders(engine.info, Grader(engine, made, rubric, seed, runs).grade)
        finally:
            engine.close()


def workshop(require_complete: bool) -> Workshop:
    """Return the sandbox; where it must be complete and can't be, that is an error."""
    return Workshop(require=max(Tier) if require_complete else None)
