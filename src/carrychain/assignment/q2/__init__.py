"""The questions on examples in the prompt: Q2a to Q2d."""

from carrychain.assignment.q2.large_error import Q2D
from carrychain.assignment.q2.one_digit_example import Q2A
from carrychain.assignment.q2.post_processing import Q2B
from carrychain.assignment.q2.seven_digit_example import Q2C

__all__ = ["Q2A", "Q2B", "Q2C", "Q2D"]
