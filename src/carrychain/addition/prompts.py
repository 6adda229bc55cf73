"""Prompts: what stands before and after a problem, and the ones that are shipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict

from carrychain.errors import InvalidInput, nearest


@dataclass(frozen=True, slots=True)
class Prompt:
    """Text before and after the problem."""

    prefix: str
    suffix: str

    @classmethod
    def from_template(cls, text: str) -> Prompt:
        """Cut a text at `{problem}`, which must stand in it once.

        Example:
            >>> Prompt.from_template("What is {problem}? ")
            Prompt(prefix='What is ', suffix='? ')
        """
        parts = text.split("{problem}")
        if len(parts) != 2:
            times = "not in it" if len(parts) == 1 else f"in it {len(parts) - 1} times"
            raise InvalidInput(
                f"a prompt needs {{problem}} once, where the sum goes; it is {times}"
            )
        return cls(*parts)

    @property
    def length(self) -> int:
        """Characters of prefix and suffix together, as the hand-out counts."""
        return len(self.prefix) + len(self.suffix)

    def render(self, problem: str) -> str:
        """Return the text that the model sees for a problem such as "12+34"."""
        return self.prefix + problem + self.suffix


def unescape(text: str) -> str:
    r"""Turn `\n` and `\t`, each typed as two characters, into line break and tab."""
    return text.replace(r"\n", "\n").replace(r"\t", "\t")


# --- pre-processing: how the problem itself is written -------------------------------------------


def _each_operand(write: Callable[[str], str], plus: str = "+") -> Callable[[str], str]:
    return lambda problem: plus.join(write(operand) for operand in problem.split("+"))


def _grouped(operand: str) -> str:
    return re.sub(r"(?<=\d)(?=(?:\d{3})+$)", ",", operand)


PRE_PROCESSING: dict[str, Callable[[str], str]] = {
    "none": lambda problem: problem,
    "spaced": _each_operand(" ".join, plus=" + "),
    "commas": _each_operand(_grouped),
    "reversed": _each_operand(lambda operand: operand[::-1]),
    "padded": _each_operand(lambda operand: operand.zfill(8)),
}
"""Ways to write "a+b", operand by operand: "1 2 + 3 4", "1,234+5,678", "21+43", eight digits."""


def pre_processor(name: str) -> Callable[[str], str]:
    """Return the function of a name in `PRE_PROCESSING`.

    Raises:
        InvalidInput: there is no such name.
    """
    if name not in PRE_PROCESSING:
        raise InvalidInput(f"there is no pre-processing {name!r}{nearest(name, PRE_PROCESSING)}")
    return PRE_PROCESSING[name]


# --- worked examples -----------------------------------------------------------------------------


def column_steps(a: int, b: int, worded: bool = False) -> list[str]:
    """Write the columns of a+b from the right: first digit, second digit, carry in.

    Example:
        >>> column_steps(95, 17)
        ['5+7+0=12', '9+1+1=11']
        >>> column_steps(95, 17, worded=True)
        ['5+7+0=12, write 2, carry 1', '9+1+1=11, write 1, carry 1']
    """
    steps: list[str] = []
    carry = 0
    for _ in range(len(str(max(a, b)))):
        a, x = divmod(a, 10)
        b, y = divmod(b, 10)
        column = x + y + carry
        step = f"{x}+{y}+{carry}={column}"
        carry = column // 10
        steps.append(f"{step}, write {column % 10}, carry {carry}" if worded else step)
    return steps


Pairs = Iterable[tuple[int, int]]


def in_columns(pairs: Pairs) -> Prompt:
    """Show sums worked out column by column; the next one is to be worked out alike."""
    examples = "".join(
        f"Question: What is {a}+{b}?\n" + "\n".join(column_steps(a, b)) + f"\nAnswer: {a + b}\n\n"
        for a, b in pairs
    )
    return Prompt(examples + "Question: What is ", "?\n")


def _answered(
    pairs: Pairs = (),
    instruction: str = "",
    pre_processing: str = "none",
    write: Callable[[str], str] = str,
) -> Prompt:
    """Show sums with their answers, in the hand-out's layout."""
    problem = PRE_PROCESSING[pre_processing]
    examples = "".join(
        f"Question: What is {problem(f'{a}+{b}')}?\nAnswer: {write(str(a + b))}\n" for a, b in pairs
    )
    return Prompt(f"{instruction}{examples}Question: What is ", "?\nAnswer: ")


# --- the shipped prompts -------------------------------------------------------------------------


class CarriedSampling(TypedDict, total=False):
    """The decoding parameters that a shipped prompt may carry."""

    max_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShippedPrompt:
    """A prompt, the idea behind it and the settings that it needs; max_tokens None is the usual."""

    name: str
    prompt: Prompt
    idea: str
    extract: str = "first-integer"
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    pre_processing: str = "none"

    @property
    def sampling(self) -> CarriedSampling:
        """The decoding parameters that it carries, as arguments of SamplingParams."""
        carried = CarriedSampling()
        if self.max_tokens is not None:
            carried["max_tokens"] = self.max_tokens
        if self.stop:
            carried["stop"] = self.stop
        return carried

    def as_dict(self) -> dict[str, str | int | list[str] | None]:
        """Return what `carrychain prompts` lists; a setting that it does not carry is None."""
        return {
            "name": self.name,
            "prefix": self.prompt.prefix,
            "suffix": self.prompt.suffix,
            "length": self.prompt.length,
            "idea": self.idea,
            "extract": _unless(self.extract, "first-integer"),
            "max_tokens": self.max_tokens,
            "stop": list(self.stop),
            "pre_processing": _unless(self.pre_processing, "none"),
        }


def _unless(value: str, default: str) -> str | None:
    return None if value == default else value


_FEW = [
    *[(5207431, 2610348), (8164093, 1723254), (2918476, 4351713), (6049758, 3827164)],
    *[(9436827, 8275914), (7358269, 1864573), (4672985, 5938467), (3789654, 6542879)],
]
"""From a sum without carries to sums that carry in every column, three with an eighth digit."""
_WORKED = [(4839276, 2705981), (7264518, 6913847), (8059643, 3972468)]

SHIPPED = {
    shipped.name: shipped
    for shipped in (
        ShippedPrompt(
            "zero-shot",
            _answered(),
            "The question alone: what the model does without an example.",
        ),
        ShippedPrompt(
            "one-shot-1-digit",
            _answered([(3, 7)]),
            "One example far from the task: it shows the layout, not how long sums look.",
        ),
        ShippedPrompt(
            "one-shot-7-digit",
            _answered([(1234567, 1234567)]),
            "One example like the task: as long as the sums that are asked for.",
        ),
        ShippedPrompt(
            "few-shot",
            _answered(_FEW),
            "Eight examples with few and many carries: hard sums, too, are worked out exactly.",
        ),
        ShippedPrompt(
            "exact",
            _answered(instruction="Give exact answers.\n"),
            "An instruction in place of examples: says that no estimate is wanted.",
        ),
        ShippedPrompt(
            "steps",
            Prompt("Work column by column from the right.\nQuestion: What is ", "?\n"),
            "An instruction to work in steps, without an example of the steps.",
            extract="last-integer",
            max_tokens=150,
            stop=("\n\n", "\nQuestion:"),
        ),
        ShippedPrompt(
            "columns",
            in_columns(_WORKED[:1]),
            "One example worked out column by column: each step is easy, its carry written down.",
            extract="after:Answer:",
            max_tokens=150,
            stop=("\n\n",),
        ),
        ShippedPrompt(
            "reversed",
            _answered(
                [(1234567, 1234567), (5086429, 3742815)],
                instruction="Write the answer backwards.\n",
                write=lambda answer: answer[::-1],
            ),
            "Answers last digit first: each digit needs only the carry that was just made. "
            "It helps a model that has practised it; mini hardly has.",
            extract="reversed",
        ),
        ShippedPrompt(
            "spaced",
            _answered(
                [(1234567, 1234567), (5086429, 3742815)],
                instruction="Put a space between the digits.\n",
                pre_processing="spaced",
                write=" ".join,
            ),
            "Digits apart, in problem and answer: a tokenizer can't join several into one token.",
            extract="separated",
            pre_processing="spaced",
        ),
        ShippedPrompt(
            "best",
            in_columns(_WORKED),
            "Three examples worked out column by column, with few and many carries.",
            extract="after:Answer:",
            max_tokens=150,
            stop=("\n\n",),
        ),
    )
}


def shipped(name: str) -> ShippedPrompt:
    """Return a shipped prompt.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in SHIPPED:
        raise InvalidInput(f"there is no shipped prompt {name!r}{nearest(name, SHIPPED)}")
    return SHIPPED[name]
