"""Honest pre- and post-processing as a submission holds it: short functions that stand alone.

Each is the counterpart of a name in `addition.prompts.PRE_PROCESSING` or `addition.extraction`, and
is written into a submission by its source. None of them computes anything.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

AFTER = "Answer:"


def as_it_is(s: str) -> str:
    """Leave the problem as it is."""
    return s


def spaced(s: str) -> str:
    """Put spaces between the digits: 12+34 becomes 1 2 + 3 4."""
    return " + ".join(" ".join(number) for number in s.split("+"))


def commas(s: str) -> str:
    """Part thousands by commas: 1234+5678 becomes 1,234+5,678."""
    return re.sub(r"(?<=\d)(?=(?:\d{3})+(?!\d))", ",", s)


def backwards(s: str) -> str:
    """Write each number last digit first: 12+34 becomes 21+43."""
    return "+".join(number[::-1] for number in s.split("+"))


def padded(s: str) -> str:
    """Fill each number up to eight digits: 12+34 becomes 00000012+00000034."""
    return "+".join(number.zfill(8) for number in s.split("+"))


def first_integer(output_string: str) -> int:
    """Read the first run of digits."""
    runs = re.findall(r"\d+", output_string)
    return int(runs[0]) if runs else 0


def last_integer(output_string: str) -> int:
    """Read the last run of digits."""
    runs = re.findall(r"\d+", output_string)
    return int(runs[-1]) if runs else 0


def first_line(output_string: str) -> int:
    """Read all digits of the first line that is not blank."""
    lines = [line for line in output_string.splitlines() if line.strip()]
    digits = re.findall(r"\d", lines[0]) if lines else []
    return int("".join(digits)) if digits else 0


def all_digits(output_string: str) -> int:
    """Read all digits of the whole output, joined."""
    digits = re.findall(r"\d", output_string)
    return int("".join(digits)) if digits else 0


def separated(output_string: str) -> int:
    """Read the first number; single commas, blanks or underscores may part its digits."""
    found = re.search(r"\d(?:[ ,_]?\d)*", output_string)
    return int(re.sub(r"[ ,_]", "", found[0])) if found else 0


def turned_back(output_string: str) -> int:
    """Read the first number, which is written last digit first."""
    found = re.search(r"\d(?:[ ,_]?\d)*", output_string)
    return int(re.sub(r"[ ,_]", "", found[0])[::-1]) if found else 0


def after_label(output_string: str) -> int:
    """Read the first run of digits after the label."""
    runs = re.findall(r"\d+", output_string.partition(AFTER)[2])
    return int(runs[0]) if runs else 0


PRE: dict[str, Callable[[str], str]] = {
    "none": as_it_is,
    "spaced": spaced,
    "commas": commas,
    "reversed": backwards,
    "padded": padded,
}
POST: dict[str, Callable[[str], int]] = {
    "first-integer": first_integer,
    "last-integer": last_integer,
    "first-line": first_line,
    "all-digits": all_digits,
    "separated": separated,
    "reversed": turned_back,
}


def pre_source(name: str) -> str:
    """Return the source of `your_pre_processing` for a name in `PRE_PROCESSING`."""
    return _source(PRE[name], "your_pre_processing")


def post_source(name: str) -> str:
    """Return the source of `your_post_processing` for a name of `addition.extraction`."""
    label = name.removeprefix("after:")
    if label == name:
        return _source(POST[name], "your_post_processing")
    return f"AFTER = {label!r}\n\n\n{_source(after_label, 'your_post_processing')}"


def _source(function: Callable[..., object], name: str) -> str:
    source = inspect.getsource(function).replace(f"def {function.__name__}(", f"def {name}(", 1)
    return re.sub(r"(?<=: )str\b(?=\))| -> (str|int)(?=:)|: str(?=\))", "", source, count=3)
