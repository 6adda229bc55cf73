"""An engine whose skill depends on the prompt, so that a search has something to find."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random

import pytest

from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams


class Pupil:
    """Adds better the more sums it was shown worked out, worse the warmer it is.

    Its chance of an exact sum is .05 without examples and .3 more for each of up to three; half of
    it at a temperature above .5. A prompt above 2,000 characters it can't read.
    """

    def __init__(self) -> None:
        self.asked = 0

    info = EngineInfo(name="pupil", title="pupil (scripted)", revision="1")
    context: int | None = 2000

    def count_tokens(self, text: str) -> int | None:
        return len(text)

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        from carrychain.errors import InvalidInput

        if max(map(len, prompts)) > 2000:
            raise InvalidInput("the prompt exceeds the context of 2,000 characters")
        for index, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            self.asked += 1
            *shown, (a, b) = re.findall(r"(?<![\d+])(\d+)\+(\d+)(?![+\d])", prompt) or [("0", "0")]
            worked = sum(str(int(x) + int(y)) in prompt for x, y in shown)
            chance = 0.05 + 0.3 * min(3, worked)
            if params.temperature > 0.5:
                chance /= 2
            total = int(a) + int(b)
            answer = total if Random(seed).random() < chance else total - 1000
            yield Completion(index, f" {answer}", 8, len(prompt), FinishReason.LENGTH)


@pytest.fixture
def pupil() -> Pupil:
    return Pupil()
