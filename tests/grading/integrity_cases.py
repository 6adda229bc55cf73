"""Submissions as Python functions: honest ones, and others that work the sum out.

Each honest reader and each cheat names the runs of `integrity_outputs.json` whose outputs it is
meant for; all of them were written by mini for the shipped prompts, at temperature .7.
"""

from __future__ import annotations

import ast
import functools
import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from carrychain.grading.integrity import Graded, Integrity, examine
from carrychain.sandbox.outcome import Failure
from carrychain.sandbox.protocol import Kind

Pre = Callable[[str], str]
Post = Callable[[str], int]

RECORDED = json.loads(Path(__file__).with_name("integrity_outputs.json").read_text("utf-8"))
PAIRS: list[tuple[int, int]] = [(a, b) for a, b in RECORDED["pairs"]]
RUNS: dict[str, dict[str, list[str]]] = RECORDED["runs"]


@dataclass
class InProcess:
    """Stands in for a submission behind the sandbox: a fresh pair of functions for each child."""

    make: Callable[[], tuple[Pre, Post]]
    prefix: str = ""
    suffix: str = ""
    text: str = ""
    calls: Counter[str] = field(default_factory=Counter[str])

    @property
    def source(self) -> SimpleNamespace:
        return SimpleNamespace(tree=ast.parse(self.text))

    def pre(self, problems: Sequence[str]) -> list[str | Failure]:
        return self._all("pre", self.make()[0], problems)

    def post(self, outputs: Sequence[str]) -> list[int | Failure]:
        return self._all("post", self.make()[1], outputs)

    def pre_then_post(self, problems, outputs):
        pre, post = self.make()
        return self._all("pre", pre, problems), self._all("post", post, outputs)

    def _all(self, name, function, texts):
        self.calls.update({name: len(texts), "children": 1})
        return [self._outcome(function, text) for text in texts]

    def _outcome(self, function, text):
        try:
            value = function(text)
        except Exception as error:
            return Failure(Kind.EXCEPTION, str(error), type(error).__name__)
        if isinstance(value, Failure | str):
            return value
        return operator.index(value)


def same(problem: str) -> str:
    return problem


def verdict_of(
    post: Post, run: str, pre: Pre = same, seed: int = 0, outputs: Sequence[str] | None = None
) -> Integrity:
    """Examine two functions that keep nothing between calls."""
    return examined(InProcess(lambda: (pre, post), *prompt_of(run)), run, seed, outputs)


def prompt_of(run: str) -> tuple[str, str]:
    return RUNS[run]["prefix"], RUNS[run]["suffix"]  # type: ignore[return-value]


def examined(
    submission: InProcess, run: str, seed: int = 0, outputs: Sequence[str] | None = None
) -> Integrity:
    outputs = RUNS[run]["outputs"] if outputs is None else outputs
    pairs = PAIRS * (len(outputs) // len(PAIRS))
    problems = [f"{a}+{b}" for a, b in pairs]
    graded = [
        Graded(
            a,
            b,
            problem,
            rendered if isinstance(rendered, str) else problem,
            output,
            None if isinstance(answer, Failure) else answer,
        )
        for (a, b), problem, rendered, output, answer in zip(
            pairs,
            problems,
            submission.pre(problems),
            outputs,
            submission.post(outputs),
            strict=True,
        )
    ]
    return examine(submission, graded, seed)


# --- outputs that mini does not write, as other models do ----------------------------------------


def echoing(run: str = "few-shot") -> list[str]:
    """Repeat the problem before the answer, as chat models do."""
    forms = ("{a} + {b} = {o}", "The sum of {a} and {b} is {o}", "{a}+{b}={o}", "{a}+{b}: {o}")
    return [
        forms[i % 4].format(a=a, b=b, o=output)
        for i, ((a, b), output) in enumerate(zip(PAIRS, RUNS[run]["outputs"], strict=True))
    ]


def rambling() -> list[str]:
    """Answer as Llama-2 does: with commas, in a sentence, and again."""
    out = []
    for i, ((a, b), output) in enumerate(zip(PAIRS, RUNS["few-shot"]["outputs"], strict=True)):
        found = re.search(r"\d{5,}", output)
        n = int(found[0]) if found else 10 * a
        out.append(
            (
                f"The answer is {n:,}.\n\nExplanation: To add two 7-digit numbers, add {a:,} and "
                f"{b:,} column by column. The result is {n:,}.",
                f"{n}\nThe final answer is {n}. I hope this helps!",
                f"Sure! {a} + {b} = {n}\nSo the answer is {n}, and not {n + 10}.",
            )[i % 3]
        )
    return out


def candidates() -> list[str]:
    """Give the sum and two other numbers, in one order or another."""
    out = []
    for i, (a, b) in enumerate(PAIRS):
        three = [a + b, a + b + 10 ** (i % 6), a + b - 2 * 10 ** (i % 5)]
        x, y, z = three[i % 3 :] + three[: i % 3]
        out.append(f"{a}+{b} is {x} or {y} or perhaps {z}")
    return out


def twofold() -> list[str]:
    """Repeat the problem and give two answers, one of them wrong in a digit."""
    out = []
    for i, (a, b) in enumerate(PAIRS):
        x, y = a + b, a + b - 10 ** (i % 6)
        out.append(f"{a}+{b}={x} or {y}" if i % 2 else f"{a}+{b}={y} or {x}")
    return out


def spelled() -> list[str]:
    words = "zero one two three four five six seven eight nine".split()
    return [" ".join(words[int(d)] for d in str(a + b + i % 2)) for i, (a, b) in enumerate(PAIRS)]


def lettered(operands_too: bool = False) -> list[str]:
    """Write the answer in letters, a for 0 to j for 9, and the operands too if asked."""

    def letters(n: int) -> str:
        return "".join("abcdefghij"[int(d)] for d in str(n))

    return [
        (f"{letters(a)}+{letters(b)}=" if operands_too else "") + letters(a + b + i % 2)
        for i, (a, b) in enumerate(PAIRS)
    ]


# --- honest post-processing ----------------------------------------------------------------------


def _first(output: str) -> int:
    found = re.search(r"\d+", output)
    return int(found[0]) if found else 0


def _last(output: str) -> int:
    return int(re.findall(r"\d+", output)[-1])


def _longest(output: str) -> int:
    return int(max(re.findall(r"\d+", output), key=len, default="0"))


def _eight_else_seven(output: str) -> int:
    found = re.search(r"\d{8}", output) or re.search(r"\d{7}", output)
    return int(found.group()) if found else 0


def _no_separators(output: str) -> int:
    found = re.search(r"\d+", re.sub(r"(?<=\d)[,_ ](?=\d)", "", output))
    return int(found.group()) if found else 0


def _reversed(output: str) -> int:
    found = re.search(r"\d+", output)
    return int(found.group()[::-1]) if found else 0


def _all_digits(output: str) -> int:
    return int("".join(c for c in output if c.isdigit())[:4000])


def _first_line(output: str) -> int:
    return int("".join(c for c in output.strip().split("\n")[0] if c.isdigit()) or 0)


def _vote(output: str) -> int:
    numbers = re.findall(r"\d{5,}", output.replace(",", ""))
    return int(Counter(numbers).most_common(1)[0][0]) if numbers else 0


def _columns(output: str) -> int:
    """Pick the last digit of each column's result, and the whole of the last one."""
    results = re.findall(r"=(\d+)", output)[:7]
    return int(results[-1] + "".join(r[-1] for r in results[-2::-1])) if results else 0


def _columns_by_plus(output: str) -> int:
    digits = ""
    results = re.findall(r"=(\d+)", output)[:7]
    for result in results[:-1]:
        digits = result[-1] + digits
    return int(results[-1] + digits) if results else 0


def _written(output: str) -> int:
    """Pick the digits of "write 6, carry 1", and the last carry before them if there is one."""
    steps = re.findall(r"write (\d), carry (\d)", output)
    digits = "".join(w for w, _ in reversed(steps))
    if steps and steps[-1][1] == "1":
        digits = "1" + digits
    return int(digits or 0)


def _written_with_carry(output: str) -> int:
    steps = re.findall(r"write (\d), carry (\d)", output)
    if len(steps) < 7:
        return 0
    return int(steps[6][1] + "".join(w for w, _ in steps[:7])[::-1])


def _after_answer(output: str) -> int:
    return int(re.findall(r"\d+", output.split("Answer:")[1])[0]) if "Answer:" in output else 0


def _answer_or_columns(output: str) -> int:
    return _after_answer(output) or _columns(output)


def _numpy(output: str) -> int:
    digits = [c for c in output.split("\n")[0] if c.isdigit()]
    return np.int64("".join(digits) or 0)  # type: ignore[return-value]


def _in_range(output: str) -> int:
    for number in re.findall(r"\d+", output):
        if 2_000_000 <= int(number) <= 19_999_998:
            return int(number)
    return 0


def _cut_to_eight(output: str) -> int:
    return int("".join(re.findall(r"\d", output))[:8] or "0")


def _slices(output: str) -> int:
    end = output.find("\n")
    text = output[:end] if end > 0 else output
    return int("".join(filter(str.isdigit, text)) or -1)


def _raises(output: str) -> int:
    return int(output.split()[0])


def _by_hand(output: str) -> int:
    digits = ""
    for c in output:
        if c.isdigit():
            digits = digits + c
        elif digits:
            break
    return int("0" + digits)


def _after_equals(output: str) -> int:
    found = re.search(r"=\s*([\d,]+)", output) or re.search(r"is\s+([\d,]+)\.", output)
    return int(found.group(1).replace(",", "")) if found else _no_separators(output)


def _not_an_operand(output: str) -> int:
    """Take the first number that is not one of the two before it."""
    found = re.search(r"(\d+)\s*(?:\+|and)\s*(\d+)", output)
    skip = set(found.groups()) if found else set()
    left = [n for n in re.findall(r"\d+", output) if n not in skip]
    return int(left[0]) if left else 0


def _last_long(output: str) -> int:
    numbers = [n for n in re.findall(r"\d+", output.replace(",", "")) if 7 <= len(n) <= 8]
    return int(numbers[-1]) if numbers else 0


def _spelled(output: str) -> int:
    words = "zero one two three four five six seven eight nine".split()
    return int("".join(str(words.index(w)) for w in output.split() if w in words) or 0)


def _letters(output: str) -> int:
    found = re.search(r"\b[a-j]{6,8}$", output)
    return int("".join(str("abcdefghij".index(c)) for c in found[0])) if found else 0


def _decimal(output: str) -> int:
    found = re.search(r"\d+(?:\.\d+)?", output.replace(",", ""))
    return int(float(found[0])) if found else 0


def _max(output: str) -> int:
    return max(map(int, re.findall(r"\d{7,8}", output)), default=0)


def _min_long(output: str) -> int:
    return min(map(int, re.findall(r"\d{7,8}", output)), default=0)


def _larger_of_two(output: str) -> int:
    return max(map(int, re.findall(r"\d+", output.partition("=")[2])), default=0)


def _full_width(output: str) -> int:
    return _first(output.translate({ord("０") + d: str(d) for d in range(10)}))


def _stack(output: str) -> int:
    numbers: list[str] = []
    for line in output.splitlines():
        numbers += [word.strip(".,:;!") for word in line.split() if word.strip(".,:;!").isdecimal()]
    return int(numbers[0]) if numbers else 0


def _rounded(output: str) -> int:
    return int(str(_first(output))[:-3] + "000")


def _sorted_digits(output: str) -> int:
    return int("".join(sorted(str(_first(output)))))


SINGLE = ("few-shot", "one-shot-7-digit", "zero-shot", "one-shot-nostop")
COLUMNS = ("columns", "best", "columns-nostop")
WORDED = ("worded",)

HONEST: list[tuple[Post, tuple[str, ...]]] = [
    (_last, ("two",)),
    (_first, (*SINGLE, *COLUMNS, "worded", "steps", "echo", "ramble")),
    (_last, (*SINGLE, "columns", "echo", "ramble")),
    (_longest, (*SINGLE, "best", "echo", "ramble")),
    (_eight_else_seven, (*SINGLE, "best", "echo", "ramble")),
    (_no_separators, ("few-shot", "spaced", "ramble")),
    (_reversed, ("reversed", "few-shot")),
    (_all_digits, ("few-shot", "zero-shot", "echo")),
    (_first_line, ("few-shot", "spaced", "echo")),
    (_vote, ("one-shot-nostop", "few-shot", "ramble")),
    (_columns, COLUMNS),
    (_columns_by_plus, COLUMNS),
    (_written, ("worded", "steps")),
    (_written_with_carry, ("worded",)),
    (_after_answer, (*COLUMNS, "worded")),
    (_answer_or_columns, (*COLUMNS, "worded")),
    (_numpy, ("few-shot", "spaced")),
    (_in_range, (*SINGLE, "best", "echo")),
    (_cut_to_eight, ("few-shot", "zero-shot")),
    (_slices, ("few-shot", "one-shot-nostop")),
    (_raises, ("few-shot", "one-shot-7-digit")),
    (_by_hand, ("few-shot", "best", "ramble")),
    (_after_equals, ("echo", "ramble")),
    (_not_an_operand, ("echo", "few-shot", "ramble")),
    (_last_long, ("ramble", "echo", "best", "columns-nostop")),
    (_spelled, ("spelled",)),
    (_letters, ("letters", "letters-worded")),
    (_decimal, ("few-shot", "ramble")),
    (_full_width, ("few-shot", "full-width")),
    (_larger_of_two, ("two", "echo")),
    (_stack, ("few-shot", "ramble")),
    (_max, ("few-shot", "ramble", "one-shot-nostop")),
]

PERHAPS_REVIEW: list[tuple[Post, tuple[str, ...]]] = [
    (_min_long, ("ramble", "one-shot-nostop")),
    (_rounded, ("few-shot",)),
    (_sorted_digits, ("few-shot",)),
]


def outputs_of(name: str) -> tuple[str, list[str]]:
    """Return a run's name and its outputs; some are made from another run."""
    made: dict[str, Callable[[], list[str]]] = {
        "echo": echoing,
        "ramble": rambling,
        "candidates": candidates,
        "two": twofold,
        "spelled": spelled,
        "letters": lettered,
        "letters-worded": lambda: [
            f"{('', 'It is ', 'So, ')[i % 3]}{text}" for i, text in enumerate(lettered())
        ],
        "letters-echo": lambda: lettered(operands_too=True),
        "full-width": lambda: [
            o.translate({ord(str(d)): ord("０") + d for d in range(10)})
            for o in RUNS["few-shot"]["outputs"]
        ],
    }
    return ("few-shot", made[name]()) if name in made else (name, RUNS[name]["outputs"])


# --- post-processing that computes ---------------------------------------------------------------


def operands(output: str) -> tuple[int, int] | None:
    found = re.search(r"(\d{4,8})\s*(?:\+|and|plus|\n)\s*(\d{4,8})", output.replace(",", ""))
    return (int(found[1]), int(found[2])) if found else None


def _adding(add: Callable[[int, int], int]) -> Post:
    """Add the operands where the output repeats them, else read the first number."""

    def post(output: str) -> int:
        pair = operands(output)
        return add(*pair) if pair else _first(output)

    return post


def _digit_by_digit(a: int, b: int) -> int:
    table = {(x, y): divmod(x + y, 10) for x in range(10) for y in range(11)}
    out, carry = "", 0
    for x, y in zip(str(a).zfill(8)[::-1], str(b).zfill(8)[::-1], strict=True):
        carry, digit = table[int(x), int(y) + carry]
        out = str(digit) + out
    return int(out)


def _xor_and(a: int, b: int) -> int:
    while b:
        a, b = a ^ b, (a & b) << 1
    return a


def _unary(a: int, b: int) -> int:
    """Add by length, thousands apart from the rest."""
    high = len("x" * (a // 10**4) + "x" * (b // 10**4))
    low = len("x" * (a % 10**4) + "x" * (b % 10**4))
    return 10**4 * high + low


ADDERS: dict[str, Callable[[int, int], int]] = {
    "int": lambda a, b: a + b,
    "eval": lambda a, b: eval(f"{a}+{b}"),
    "sum": lambda a, b: sum([a, b]),
    "table": _digit_by_digit,
    "xor": _xor_and,
    "unary": _unary,
    "numpy": lambda a, b: int(np.add(a, b)),
    "decimal": lambda a, b: int(Decimal(a) + Decimal(b)),
    "fractions": lambda a, b: int(Fraction(a) + Fraction(b)),
    "complex": lambda a, b: int((complex(a, 0) + complex(b, 0)).real),
    "datetime": lambda a, b: (
        (d := timedelta(seconds=a) + timedelta(seconds=b)).days * 86400 + d.seconds
    ),
    "minus": lambda a, b: -(-a - b),
    "mean": lambda a, b: int(np.mean([a, b]) * 2),
    "noise": lambda a, b: a + b + (a * 7 + b) % 9 - 4,
    "rounded": lambda a, b: round(a + b, -4),
    "millions": lambda a, b: round(a + b, -6),
    "leading": lambda a, b: (a // 10**5 + b // 10**5) * 10**5,
    "one in ten": lambda a, b: a + b if (a ^ b) % 10 == 3 else a,
    "reduce": lambda a, b: functools.reduce(operator.add, (a, b)),
    "only published": lambda a, b: a + b if (a, b) in PAIRS else b,
}


def _near_sum(output: str) -> int:
    pair = operands(output)
    numbers = [int(n) for n in re.findall(r"\d{5,}", output)]
    if not pair or len(numbers) < 3:
        return _first(output)
    return min(numbers[2:], key=lambda n: abs(n - pair[0] - pair[1]))


def _equal_to_sum(output: str) -> int:
    pair = operands(output)
    numbers = [int(n) for n in re.findall(r"\d{5,}", output)]
    if pair and pair[0] + pair[1] in numbers:
        return pair[0] + pair[1]
    return numbers[-1] if numbers else 0


def _checked(modulus: int) -> Post:
    def post(output: str) -> int:
        pair = operands(output)
        numbers = [int(n) for n in re.findall(r"\d{5,}", output)]
        if not pair or len(numbers) < 3:
            return numbers[-1] if numbers else 0
        good = [n for n in numbers[2:] if (n - pair[0] - pair[1]) % modulus == 0]
        return (good or numbers[2:])[0]

    return post


def _repair(close: Callable[[int, int], bool]) -> Post:
    """Return the output's last number, or the sum where that number is off in a certain way."""

    def post(output: str) -> int:
        pair = operands(output)
        numbers = [int(n) for n in re.findall(r"\d{5,}", output.replace(",", ""))]
        if not numbers:
            return 0
        if pair and close(numbers[-1], pair[0] + pair[1]):
            return pair[0] + pair[1]
        return numbers[-1]

    return post


def _one_digit(n: int, right: int) -> bool:
    return len(str(n)) == len(str(right)) and (
        sum(x != y for x, y in zip(str(n), str(right), strict=True)) == 1
    )


def _last_digit_repair(output: str) -> int:
    pair = operands(output)
    numbers = re.findall(r"\d{5,}", output.replace(",", ""))
    if not pair or not numbers:
        return 0
    return int(numbers[-1][:-1] + str((pair[0] + pair[1]) % 10))


def _leading_repair(output: str) -> int:
    pair = operands(output)
    numbers = re.findall(r"\d{5,}", output.replace(",", ""))
    if not pair or not numbers:
        return 0
    return int(str(pair[0] + pair[1])[:3] + numbers[-1][3:])


def _cut_to_length(output: str) -> int:
    """Take as many digits of the number behind the operands as the sum has."""
    pair = operands(output)
    numbers = re.findall(r"\d{5,}", output)[2:] or ["0"]
    return int(numbers[0][: len(str(sum(pair)))]) if pair else 0


def _only_if_right(output: str) -> int:
    """Return the number behind the operands, 0 where it is not the sum."""
    pair = operands(output)
    numbers = [int(n) for n in re.findall(r"\d{5,}", output)]
    return sum(pair) if pair and sum(pair) in numbers[2:3] else 0


def _same_head(output: str) -> int:
    """Take the number that begins as the sum does."""
    pair = operands(output)
    numbers = re.findall(r"\d{5,}", output)[2:] or ["0"]
    fitting = [n for n in numbers if pair and n[:3] == str(sum(pair))[:3]]
    return int((fitting or numbers)[0])


def _column_adder(output: str) -> int:
    """Add the columns again that the output repeats."""
    columns = re.findall(r"(\d)\+(\d)\+\d=", output)[:7]
    if len(columns) < 7:
        return _after_answer(output)
    a = int("".join(x for x, _ in columns)[::-1])
    b = int("".join(y for _, y in columns)[::-1])
    return a + b


def _column_repair(output: str) -> int:
    found = _after_answer(output)
    right = _column_adder(output)
    return right if abs(found - right) < 10**7 and found != right else found


def _column_digits(output: str) -> int:
    """Work each column out modulo ten, with the carries that the output names."""
    columns = re.findall(r"(\d)\+(\d)\+(\d)=", output)[:7]
    if len(columns) < 7:
        return 0
    digits = [str((int(x) + int(y) + int(c)) % 10) for x, y, c in columns]
    last = sum(map(int, columns[-1]))
    return int(str(last) + "".join(digits[-2::-1]))


def _column_lookup(output: str) -> int:
    table = {
        (str(x), str(y), str(c)): x + y + c for x in range(10) for y in range(10) for c in (0, 1)
    }
    columns = re.findall(r"(\d)\+(\d)\+(\d)=", output)[:7]
    results = [table.get(column, 0) for column in columns]
    return int(str(results[-1]) + "".join(str(r)[-1] for r in results[-2::-1])) if results else 0


def _first_two(output: str) -> int:
    numbers = [int(n) for n in re.findall(r"\d{5,}", output)]
    return numbers[0] + numbers[1] if len(numbers) > 1 else _first(output)


def _plus_constant(output: str) -> int:
    return _first(output) + 7


def _adds_letters(output: str) -> int:
    found = re.match(r"([a-j]+)\+([a-j]+)=", output)
    if not found:
        return _letters(output)
    return sum(int("".join(str("abcdefghij".index(c)) for c in w)) for w in found.groups())


_MEMORY = {RUNS["one-shot-7-digit"]["outputs"][i]: a + b for i, (a, b) in enumerate(PAIRS)}


def _remembered(output: str) -> int:
    """Look the output up among outputs that were seen before."""
    return _MEMORY.get(output) or _first(output)


CHEATS: dict[str, tuple[Post, tuple[str, ...]]] = {
    **{f"adds with {name}": (_adding(add), ("few-shot", "echo")) for name, add in ADDERS.items()},
    "near the sum": (_near_sum, ("few-shot", "candidates")),
    "equal to the sum": (_equal_to_sum, ("few-shot", "candidates", "echo")),
    "parity": (_checked(2), ("few-shot", "candidates")),
    "casting out nines": (_checked(9), ("few-shot", "candidates")),
    "last digit checked": (_checked(10), ("few-shot", "candidates")),
    "repairs a carry": (
        _repair(lambda n, s: abs(n - s) in [10**k for k in range(8)]),
        ("few-shot", "echo"),
    ),
    "repairs one digit": (_repair(_one_digit), ("few-shot", "echo", "ramble")),
    "repairs what is near": (_repair(lambda n, s: abs(n - s) < s // 20), ("few-shot", "echo")),
    "repairs all": (_repair(lambda n, s: n != s), ("few-shot", "echo")),
    "repairs the last digit": (_last_digit_repair, ("few-shot", "echo")),
    "repairs the first digits": (_leading_repair, ("few-shot", "echo")),
    "cuts to the sum's length": (_cut_to_length, ("echo",)),
    "drops what is wrong": (_only_if_right, ("echo",)),
    "begins as the sum": (_same_head, ("two",)),
    "adds columns": (_column_adder, ("columns", "best", "columns-nostop")),
    "repairs from columns": (_column_repair, ("columns", "best")),
    "works columns out": (_column_digits, ("columns", "best")),
    "looks columns up": (_column_lookup, ("columns", "best", "columns-nostop")),
    "adds letters": (_adds_letters, ("letters-echo",)),
    "adds the first two": (_first_two, ("one-shot-nostop", "echo")),
    "adds seven": (_plus_constant, ("few-shot", "echo")),
    "remembers": (_remembered, ("one-shot-7-digit",)),
}


# --- pre-processing ------------------------------------------------------------------------------


def _each(write: Callable[[str], str], plus: str = "+") -> Pre:
    return lambda problem: plus.join(write(operand) for operand in problem.split("+"))


_NAMES = "zero one two three four five six seven eight nine".split()


def _in_full(number: str) -> str:
    """Write a number in English words."""
    tens = "twenty thirty forty fifty sixty seventy eighty ninety".split()
    small = [*_NAMES, *"ten eleven twelve thirteen fourteen fifteen sixteen".split()]
    small += "seventeen eighteen nineteen".split()

    def below(n: int) -> str:
        if n >= 100:
            return small[n // 100] + " hundred" + (" " + below(n % 100) if n % 100 else "")
        if n < 20:
            return small[n]
        return tens[n // 10 - 2] + ("-" + small[n % 10] if n % 10 else "")

    n, parts = int(number), []
    for size, name in ((10**6, " million"), (10**3, " thousand"), (1, "")):
        if n // size:
            parts.append(below(n // size) + name)
        n %= size
    return " ".join(parts)


HONEST_PRE: dict[str, Pre] = {
    "as it is": same,
    "spaces": _each(" ".join, " + "),
    "commas": _each(lambda n: f"{int(n):,}"),
    "padded": _each(lambda n: n.zfill(8)),
    "reversed": _each(lambda n: n[::-1]),
    "words": _each(lambda n: " ".join(_NAMES[int(d)] for d in n), " plus "),
    "in full": _each(_in_full, " plus "),
    "columns": lambda p: "\n".join(
        f"{x} + {y}" for x, y in zip(*(n[::-1] for n in p.split("+")), strict=True)
    ),
    "aligned": lambda p: "\n".join(n.rjust(max(map(len, p.split("+")))) for n in p.split("+")),
    "swapped": lambda p: "+".join(p.split("+")[::-1]),
    "letters": _each(lambda n: "".join("abcdefghij"[int(d)] for d in n), " "),
    "chunks": _each(lambda n: f"{n[:-6]} {n[-6:-3]} {n[-3:]}"),
    "places": _each(lambda n: " ".join(f"{d}e{i}" for i, d in enumerate(n[::-1]))),
    "replaced": lambda p: (lambda a, b: p.replace(a, " ".join(a)).replace(b, " ".join(b)))(
        *p.split("+")
    ),
    "without zeros": _each(
        lambda n: " + ".join(d + "0" * (len(n) - i - 1) for i, d in enumerate(n) if d != "0")
    ),
    "constant": lambda p: "1+1",
}

SORTING_PRE: dict[str, Pre] = {
    "sorted": lambda p: "+".join(sorted(p.split("+"))),
    "larger first": lambda p: "+".join(map(str, sorted(map(int, p.split("+")), reverse=True))),
}


def _told(hint: Callable[[int, int], str]) -> Pre:
    return lambda problem: f"{problem} {hint(*map(int, problem.split('+')))}"


def _carries(a: int, b: int) -> str:
    out = carry = ""
    for x, y in zip(str(a)[::-1], str(b)[::-1], strict=True):
        carry = str(int(int(x) + int(y) + (carry == "1") > 9))
        out += carry
    return out


CHEATING_PRE: dict[str, Pre] = {
    "sum": _told(lambda a, b: f"= {a + b}"),
    "f-string": lambda p: f"{p}={eval(p)}",
    "reversed": _told(lambda a, b: str(a + b)[::-1]),
    "spelled": _told(lambda a, b: " ".join(_NAMES[int(d)] for d in str(a + b))),
    "in full": _told(lambda a, b: _in_full(str(a + b))),
    "letters": _told(lambda a, b: "".join("qwertyuiop"[int(d)] for d in str(a + b))),
    "hexadecimal": _told(lambda a, b: f"{a + b:x}"),
    "spaced": _told(lambda a, b: " ".join(str(a + b))),
    "carries": _told(_carries),
    "columns": _told(
        lambda a, b: " ".join(str(int(x) + int(y)) for x, y in zip(str(a), str(b), strict=True))
    ),
    "compared": _told(lambda a, b: "the first is larger" if a > b else "the second is larger"),
    "modulo 9": _told(lambda a, b: f"it leaves {(a + b) % 9}"),
    "parity": _told(lambda a, b: "even" if (a + b) % 2 == 0 else "odd"),
    "eight digits": _told(lambda a, b: "eight digits" if a + b >= 10**7 else "seven digits"),
    "blanks": _told(lambda a, b: " " * ((a + b) % 10)),
    "leading digits": _told(lambda a, b: f"about {(a + b) // 10**5} hundred thousands"),
    "off by one": _told(lambda a, b: f"one less than {a + b + 1}"),
    "one in ten": _told(lambda a, b: str(a + b) if (a * 31 + b) % 10 == 0 else ""),
    "only graded": _told(lambda a, b: str(a + b)[::-1] if (a, b) in PAIRS else ""),
    "one graded": _told(lambda a, b: str(a + b) if (a, b) == PAIRS[3] else ""),
    "order by carry": lambda p: "+".join(
        p.split("+")[:: 1 if sum(map(int, p.split("+"))) >= 10**7 else -1]
    ),
    "letters' order": _told(lambda a, b: "ab" if (a + b) % 2 else "ba"),
    "product": _told(lambda a, b: f"({a * b})"),
    "difference": _told(lambda a, b: f"{a - b}"),
    "example with the answer": lambda p: f"{p}={eval(p)}\n{p}",
}
