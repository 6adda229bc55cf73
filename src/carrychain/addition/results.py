"""What an evaluation is once it is done: rows, settings and scores; saved as JSON, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import cast

from carrychain.addition.anatomy import Anatomy, dissect
from carrychain.addition.problems import Problem
from carrychain.addition.prompts import Prompt
from carrychain.addition.scoring import Metrics, score
from carrychain.engines.base import EngineInfo, FinishReason, SamplingParams
from carrychain.errors import InvalidInput
from carrychain.io import Json, StrPath, jsonable, read_json, write_json


@dataclass(frozen=True, slots=True)
class Row:
    """One answer.

    Args:
        index, run: place of the problem, and which time it was asked, both from 0.
        a, b, answer: the problem and its exact sum.
        prompt, output: what the model saw and wrote.
        response: the number read from the output, None if there is none.
        correct: whether it is the sum.
        finish_reason: why the output ended.
        seed: seed of the request.
        tokens, prompt_tokens: lengths of output and prompt in tokens.

    Raises:
        InvalidInput: answer or correct contradict the rest.
    """

    index: int
    run: int
    a: int
    b: int
    answer: int
    prompt: str
    output: str
    response: int | None
    correct: bool
    finish_reason: FinishReason
    seed: int
    tokens: int
    prompt_tokens: int

    def __post_init__(self) -> None:
        if self.answer != self.a + self.b:
            raise InvalidInput(f"{self.a}+{self.b} is not {self.answer}")
        if self.correct != (self.response == self.answer):
            raise InvalidInput(
                f"correct is {self.correct}, but the response {self.response} to "
                f"{self.a}+{self.b} is {'right' if self.response == self.answer else 'wrong'}"
            )

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON or CSV."""
        return {field.name: jsonable(getattr(self, field.name)) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class UsedPrompt:
    """The prompt of an evaluation.

    Args:
        prefix, suffix: what stood before and after each problem.
        pre_processing: how the problem was written, a name in `PRE_PROCESSING`.
        name: name of a shipped prompt, None for an own one.
        tokens: tokens of prefix and suffix, None where the engine can't tell.
    """

    prefix: str
    suffix: str
    pre_processing: str = "none"
    name: str | None = None
    tokens: int | None = None

    @property
    def length(self) -> int:
        """Characters of prefix and suffix together."""
        return Prompt(self.prefix, self.suffix).length

    def as_dict(self) -> dict[str, Json]:
        """Return the fields and the length for JSON."""
        return {**asdict(self), "length": self.length}


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of generating, the loading of the model left out, and answers a second."""

    seconds: float
    problems_per_second: float | None


@dataclass(frozen=True)
class Evaluation:
    """Answers of one prompt on one engine, with everything needed to repeat them.

    Args:
        model: the engine.
        sampling: the decoding parameters.
        prompt: the prompt.
        extract: how the outputs were read, see `extraction`.
        mae_scale: scale of mae in res.
        seed: fixes sampling.
        runs: how often each problem was asked.
        asked: rows that a complete evaluation has.
        origin: where the problems come from, in the caller's words.
        rows: what was finished, in the order of the problems, then runs.
        timing: how long it took, all sittings together.
        versions: of carrychain and what it computed with.
        interruption: why rows are missing, None where none are.
    """

    model: EngineInfo
    sampling: SamplingParams
    prompt: UsedPrompt
    extract: str
    mae_scale: float
    seed: int
    runs: int
    asked: int
    origin: dict[str, object]
    rows: tuple[Row, ...]
    timing: Timing
    versions: dict[str, str]
    interruption: str | None = None

    @property
    def complete(self) -> bool:
        """Whether every row was finished."""
        return len(self.rows) == self.asked

    @cached_property
    def metrics(self) -> Metrics:
        """The scores of the rows."""
        return score(
            [row.answer for row in self.rows],
            [row.response for row in self.rows],
            self.prompt.length,
            self.mae_scale,
            groups=[row.index for row in self.rows],
            unscored=self.asked - len(self.rows),
        )

    @cached_property
    def anatomy(self) -> Anatomy:
        """Where the rows are right and wrong."""
        return dissect(
            [Problem(row.a, row.b) for row in self.rows], [row.response for row in self.rows]
        )

    def with_responses(self, responses: Sequence[int | None]) -> Evaluation:
        """Return it with other responses, one a row: the same outputs, read in another way."""
        rows = tuple(
            replace(row, response=response, correct=response == row.answer)
            for row, response in zip(self.rows, responses, strict=True)
        )
        return replace(self, rows=rows)

    def as_dict(self) -> dict[str, Json]:
        """Return everything for JSON; a number that is not finite is None."""
        return {
            "model": jsonable(asdict(self.model)),
            "sampling": jsonable(self.sampling.as_dict()),
            "prompt": self.prompt.as_dict(),
            "extract": self.extract,
            "mae_scale": self.mae_scale,
            "seed": self.seed,
            "runs": self.runs,
            "asked": self.asked,
            "origin": jsonable(self.origin),
            "complete": self.complete,
            "interruption": self.interruption,
            "metrics": self.metrics.as_dict(),
            "anatomy": self.anatomy.as_dict(),
            "timing": jsonable(asdict(self.timing)),
            "versions": jsonable(self.versions),
            "rows": [row.as_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> Evaluation:
        """Build what `as_dict` returned; metrics and anatomy are computed from the rows.

        Raises:
            InvalidInput: something is missing or is not what it must be; the message says where.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_python(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise InvalidInput(f"not a saved evaluation: {where}: {first['msg']}") from error

    def save(self, path: StrPath) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(path, self.as_dict())

    @classmethod
    def load(cls, path: StrPath) -> Evaluation:
        """Read what `save` wrote.

        Raises:
            InvalidInput: the file can't be read or is not a saved evaluation.
        """
        data = read_json(path)
        try:
            return cls.from_dict(cast(dict[str, object], data))
        except InvalidInput as error:
            raise InvalidInput(f"{path} is {error}") from error
