"""What one more run of an untrusted file costs, against a bare interpreter's start.

Every protection of this machine is on. Run it with the Python that carrychain is installed in:
python benchmarks/sandbox.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from carrychain.sandbox import Answer, Call, Workshop
from machine import machine

ROUNDS = 200
CALLS = 30
SOURCE = """\
import re
import numpy as np

def your_post_processing(text):
    return int(re.search(r"[0-9]+", text).group())
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Workshop() as workshop:
        path = Path(folder, "submission.py")
        path.write_text(SOURCE)

        def run(calls: int) -> None:
            asked = [Call("your_post_processing", ("The answer is 10160736.",))] * calls
            assert workshop.run(path, asked).outcomes == [Answer(10160736)] * calls

        work: dict[str, Callable[[], object]] = {
            "bare interpreter": lambda: subprocess.run([sys.executable, "-I", "-c", "pass"]),
            "one run, 1 call": lambda: run(1),
            f"one run, {CALLS} calls": lambda: run(CALLS),
        }
        # They take turns, so that a change in the machine's load touches them alike.
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(ROUNDS):
            for name, do in work.items():
                times[name].append(seconds(do))
        one_after_another = seconds(lambda: [run(CALLS) for _ in range(ROUNDS)]) / ROUNDS

    medians = {name: statistics.median(taken) for name, taken in times.items()}
    medians[f"{CALLS} calls, runs on end"] = one_after_another
    print(f"{machine()}; tier {workshop.tier}; median of {ROUNDS} rounds, the last a mean")
    print(f"{'':<24}{'ms':>8}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<24}{1e3 * median:>8.2f}{median / medians['bare interpreter']:>8.2f}")


def seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
