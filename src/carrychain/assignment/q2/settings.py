"""The settings that the questions share: each is asked once and read in several ways."""

from __future__ import annotations

from carrychain.assignment.experiment import Ask, Plan, ask_shipped
from carrychain.assignment.recorded import LLAMA2, RecordedRun, runs
from carrychain.engines.base import SamplingParams

ZERO_SHOT = "zero-shot"
ONE_DIGIT = "one-shot-1-digit"
SEVEN_DIGITS = "one-shot-7-digit"

JOINED = "all-digits"
"""How the hand-out reads an answer."""


def seven_digit_sums(plan: Plan, prompt: str, max_tokens: int) -> Ask:
    """Ask a shipped prompt the plan's 7-digit problems."""
    return ask_shipped(prompt, plan.problems(7), SamplingParams(max_tokens=max_tokens))


def recorded_llama2(prompt: str, max_tokens: int) -> list[RecordedRun]:
    """Return what was recorded of Llama-2 in this setting."""
    return runs(model=LLAMA2, prompt=prompt, digits=7, max_tokens=max_tokens)
