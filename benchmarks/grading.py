"""A class graded on `mini`: submissions a second, the model's share of the time, the sandbox's.

Submissions of several styles (first or longest number, columns, voting, regular expressions), no
two alike, are graded side by side as `carrychain grade FOLDER` does it, on 30 instances each. Every
thread's time is one of: the model generates; a file runs in the sandbox; the grader examines;
waiting for the model while another has its turn. The shares are of the first three.

Run it with the Python that carrychain is installed in: python benchmarks/grading.py -n 20
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from carrychain import engines
from carrychain.engines.base import Completion
from carrychain.grading.classroom import OneAtATime, Result, grade_class
from carrychain.grading.grader import Grade, Grader
from carrychain.grading.inbox import HandIn
from carrychain.sandbox import Ran, Workshop
from machine import machine

PROGRAM = """
import re

def your_netid():
    return "student{number}"

def your_hf_token():
    return ""

def your_prompt():
    return {prefix!r}, {suffix!r}

def your_config():
    return {{"max_tokens": {tokens}, "temperature": {temperature}, "top_k": 50, "top_p": 0.6,
            "repetition_penalty": 1.0, "stop": {stop!r}}}

def your_pre_processing(s):
    return {pre}

def your_post_processing(output):
{post}
"""
EXAMPLE = "Question: What is {a}+{b}?\nAnswer: {answer}\n"
PRE = ["s", '" ".join(s)', 's.replace("+", " + ")']
POST = [
    r"""
    found = re.search(r"\d+", output)
    return int(found[0]) if found else 0
""",
    r"""
    return max(map(int, re.findall(r"\d+", output)), key=lambda n: len(str(n)), default=0)
""",
    r"""
    digits = "".join(c for c in output.split("\n")[0] if c.isdigit())
    return int(digits or 0)
""",
    r"""
    seen = re.findall(r"\d+", output.replace(",", ""))
    return int(max(seen, key=seen.count)) if seen else 0
""",
]


def submission(number: int) -> HandIn:
    """Return the file of one student: a prompt with one to three examples of its own."""
    first = 1_000_003 + 7919 * number
    pairs = [(first + 1_234_567 * k, 2_000_001 + 31 * number + k) for k in range(1 + number % 3)]
    examples = "".join(EXAMPLE.format(a=a, b=b, answer=a + b) for a, b in pairs)
    program = PROGRAM.format(
        number=number,
        prefix=examples + "Question: What is ",
        suffix="?\nAnswer: ",
        tokens=50 + number % 5 * 5,
        temperature=(0.0001, 0.3, 0.7)[number % 3],
        stop=["\n"] if number % 2 else [],
        pre=PRE[number % len(PRE)],
        post=POST[number % len(POST)],
    )
    return HandIn(f"student{number}.py", program.encode())


class Clock:
    """Seconds of all threads together, by what they were spent on."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._lock = Lock()

    def add(self, what: str, seconds: float) -> None:
        with self._lock:
            self.seconds[what] += seconds


class TimedEngine:
    """An engine whose every step is timed."""

    def __init__(self, engine: Any, clock: Clock, what: str) -> None:
        self._engine, self._clock, self._what = engine, clock, what

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def generate_sharing(self, *arguments: Any) -> Iterator[Completion]:
        completions = self._engine.generate_sharing(*arguments)
        while True:
            started = time.perf_counter()
            completion = next(completions, None)
            self._clock.add(self._what, time.perf_counter() - started)
            if completion is None:
                return
            yield completion


class TimedWorkshop(Workshop):
    """A workshop whose every run is timed."""

    clock: Clock

    def run(self, *arguments: Any, **named: Any) -> Ran:
        started = time.perf_counter()
        try:
            return super().run(*arguments, **named)
        finally:
            self.clock.add("sandbox", time.perf_counter() - started)
            self.clock.add("children", 1)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("-n", type=int, default=300, help="submissions")
    arguments.add_argument("--at-once", type=int, default=os.cpu_count(), help="threads")
    given = arguments.parse_args()

    clock = Clock()
    engine = OneAtATime(TimedEngine(engines.load("mini"), clock, "model"))
    with TimedWorkshop() as workshop:
        workshop.clock = clock
        grader = Grader(TimedEngine(engine, clock, "model and waiting"), workshop)

        def grade(path: Path) -> Grade:
            started = time.perf_counter()
            try:
                return grader.grade(path)
            finally:
                clock.add("all", time.perf_counter() - started)

        with submission(10**6).unpacked() as warm_up:
            grade(warm_up)
        clock.seconds.clear()
        hand_ins = [submission(number) for number in range(given.n)]
        started = time.perf_counter()
        results = grade_class(hand_ins, grade, lambda each: each.digest, at_once=given.at_once)
        seconds = time.perf_counter() - started
        tier = workshop.tier
    report(results, seconds, clock.seconds, given.at_once, str(tier))


def report(
    results: list[Result], seconds: float, spent: Counter[str], at_once: int, tier: str
) -> None:
    n = len(results)
    print(f"{machine()}; {n} submissions, {at_once} at once, sandbox tier {tier}")
    print(f"{n / seconds:.2f} submissions a second; 300 take {300 * seconds / n / 60:.1f} minutes")
    grader = spent["all"] - spent["model and waiting"] - spent["sandbox"]
    busy = spent["model"] + spent["sandbox"] + grader
    for what, part in (
        ("model", spent["model"]),
        ("sandbox", spent["sandbox"]),
        ("grader", grader),
    ):
        print(f"{what:<10}{part / n:8.3f} s a submission{100 * part / busy:7.1f}%")
    waiting = spent["model and waiting"] - spent["model"]
    print(f"{'waiting':<10}{waiting / n:8.3f} s a submission")
    print(f"{spent['children'] / n:.1f} children a submission, ", end="")
    print(f"{1e3 * spent['sandbox'] / spent['children']:.1f} ms each")
    verdicts = Counter(each.grade.integrity.verdict if each.grade else "none" for each in results)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))


if __name__ == "__main__":
    main()
