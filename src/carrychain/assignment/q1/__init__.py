"""The questions without examples in the prompt: Q1a to Q1d."""

from carrychain.assignment.q1.max_tokens import Q1D
from carrychain.assignment.q1.parameters import Q1B
from carrychain.assignment.q1.second_model import Q1C
from carrychain.assignment.q1.zero_shot import Q1A

__all__ = ["Q1A", "Q1B", "Q1C", "Q1D"]
