"""How long `carrychain --help` and `import carrychain` take, against a bare interpreter's start.

Run it with the Python that carrychain is installed in: python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from machine import machine

ROUNDS = 15
COMMANDS = {
    "bare interpreter": ["-c", "pass"],
    "import carrychain": ["-c", "import carrychain"],
    "carrychain --help": ["-m", "carrychain", "--help"],
}


def main() -> None:
    # The commands take turns, so that a change in the machine's load touches them alike.
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS + 1):
        for name, arguments in COMMANDS.items():
            times[name].append(seconds([sys.executable, *arguments]))
    medians = {
        name: statistics.median(taken[1:]) for name, taken in times.items()
    }  # first: warm-up

    print(f"{machine()}; median of {ROUNDS} rounds")
    print(f"{'':<20}{'seconds':>9}{'ratio':>8}")
    for name, median in medians.items():
        print(f"{name:<20}{median:>9.3f}{median / medians['bare interpreter']:>8.1f}")


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
