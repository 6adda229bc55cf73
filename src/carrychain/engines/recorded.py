"""Outputs replayed from a file that `carrychain evaluate --json` saved."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.errors import InvalidInput, ModelUnavailable


@dataclass(frozen=True, slots=True)
class _Row:
    prompt: str
    output: str
    finish_reason: FinishReason
    seed: int | None
    tokens: int
    prompt_tokens: int


class RecordedEngine:
    """An `Engine` that looks its answers up; the sampling parameters asked for play no part.

    A request gets the row of its prompt and seed. A seed that the file lacks gets, in the order of
    the file, the prompt's next row that no such seed has yet; asked again it gets the same one.

    Args:
        path: the saved evaluation.

    Raises:
        ModelUnavailable: the file is missing or not a saved evaluation; the message names the row.
    """

    context = None

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).expanduser()
        content, rows = _read(self._path)
        self._by_prompt: dict[str, list[_Row]] = {}
        self._given: dict[tuple[str, int], _Row] = {}
        self._next: dict[str, int] = {}
        for row in rows:
            self._by_prompt.setdefault(row.prompt, []).append(row)
            if row.seed is not None:
                self._given.setdefault((row.prompt, row.seed), row)
        revision = f"sha256:{hashlib.sha256(content).hexdigest()[:16]}"
        self.info = EngineInfo(
            f"recorded:{path}", f"recorded outputs of {self._path.name}", revision
        )

    def count_tokens(self, text: str) -> None:
        """Return None: a file does not say how its model cuts text into tokens."""

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        """Yield the recorded completions in the order of the prompts.

        Raises:
            InvalidInput: a prompt is not in the file, or fewer times than it is asked for with new
                seeds.
        """
        if len(prompts) != len(seeds):
            raise InvalidInput(
                f"there are {len(prompts)} prompts and {len(seeds)} seeds; give each prompt its own"
            )
        rows = [self._row(prompt, seed) for prompt, seed in zip(prompts, seeds, strict=True)]
        return (
            Completion(i, row.output, row.tokens, row.prompt_tokens, row.finish_reason)
            for i, row in enumerate(rows)
        )

    def _row(self, prompt: str, seed: int) -> _Row:
        if (prompt, seed) in self._given:
            return self._given[prompt, seed]
        rows = self._by_prompt.get(prompt)
        if rows is None:
            raise InvalidInput(
                f"{self._path} holds no output for the prompt {_shortened(prompt)!r}; "
                "ask for the pairs and the prompt that were recorded"
            )
        used = self._next.get(prompt, 0)
        if used == len(rows):
            raise InvalidInput(
                f"{self._path} holds {len(rows)} outputs for the prompt {_shortened(prompt)!r}, "
                "and more are asked for; lower --runs"
            )
        self._next[prompt] = used + 1
        self._given[prompt, seed] = rows[used]
        return rows[used]


def _read(path: Path) -> tuple[bytes, list[_Row]]:
    try:
        content = path.read_bytes()
        saved: Any = json.loads(content)
    except OSError as error:
        raise ModelUnavailable(f"{path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelUnavailable(
            f"{path} is not JSON ({error}); give a file that `evaluate --json` saved"
        ) from error
    if not isinstance(saved, dict) or not isinstance(saved.get("rows"), list):
        raise ModelUnavailable(f"{path} has no rows; give a file that `evaluate --json` saved")
    rows = (_row(path, i, row) for i, row in enumerate(cast(list[Any], saved["rows"])))
    return content, [row for row in rows if row is not None]


def _row(path: Path, number: int, row: Any) -> _Row | None:
    try:
        if row["output"] is None:  # the recorded engine failed on it
            return None
        if not isinstance(row["prompt"], str) or not isinstance(row["output"], str):
            raise TypeError
        reason = FinishReason(row.get("finish_reason") or FinishReason.LENGTH)
        seed = None if row.get("seed") is None else int(row["seed"])
        return _Row(
            row["prompt"],
            row["output"],
            reason,
            seed,
            _count(row, "tokens"),
            _count(row, "prompt_tokens"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnavailable(
            f"{path}: rows[{number}] needs prompt and output as strings, seed as a whole number "
            f"and finish_reason as one of {', '.join(FinishReason)}"
        ) from error


def _count(row: Mapping[str, Any], name: str) -> int:
    return int(row.get(name) or 0)


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= 60 else f"...{prompt[-57:]}"
