"""Far too much structure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Optional


class Quality(Enum):
    GOOD = auto()
    POOR = auto()


@dataclass(frozen=True)
class Candidate:
    text: str
    position: int

    @property
    def quality(self) -> Quality:
        return Quality.GOOD if len(self.text) in (7, 8) else Quality.POOR


def choose(candidates: list[Candidate]) -> Optional[Candidate]:
    good = [c for c in candidates if c.quality is Quality.GOOD]
    ordered = sorted(good or candidates, key=lambda c: c.position)
    return ordered[0] if ordered else None


def your_netid():
    return "yy19"


def your_hf_token():
    return ""


def your_prompt():
    prefix = (
        "Question: What is 5207431+2610348?\nAnswer: 7817779\n"
        "Question: What is 9436827+8275914?\nAnswer: 17712741\n"
        "Question: What is 4672985+5938467?\nAnswer: 10611452\n"
        "Question: What is 3789654+6542879?\nAnswer: 10332533\n"
        "Question: What is "
    )
    return prefix, "?\nAnswer: "


def your_config():
    return {
        "max_tokens": 50,
        "temperature": 0.0,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "stop": [],
    }


def your_pre_processing(s):
    return s


def your_post_processing(output_string: str) -> int:
    candidates = [Candidate(m.group(), m.start()) for m in re.finditer(r"\d+", output_string)]
    best = choose(candidates)
    return int(best.text) if best is not None else 0
