"""What a prompt can be made of, and the prompt that one choice of each makes."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, cast

import numpy as np

from carrychain.addition.problems import MAX_DIGITS, pairs_by_carry_chain
from carrychain.addition.prompts import PRE_PROCESSING, Prompt, column_steps
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput, nearest
from carrychain.io import StrPath, read_text

STYLES = {
    "direct": "the answer at once",
    "columns": "column by column from the right, 5+7+1=13",
    "carries": "column by column, the digit written and the carry named",
    "checked": "column by column, then the digits of the answer apart, then the answer",
}
"""How an example comes to its answer."""

FORMATS = {
    "plain": "none",
    "spaced": "spaced",
    "commas": "commas",
    "reversed": "reversed",
    "padded": "padded",
}
"""How numbers are written, and the pre-processing that writes a problem so."""

CARRIES = ("none", "every", "mixed")
"""Which columns of the examples carry: none, every one, or from none to every one."""

LEAST_TOKENS = 50
"""The assignment's lower limit of max_tokens."""


@dataclass(frozen=True, slots=True)
class Blocks:
    r"""The building blocks; a prompt is one choice of each.

    Args:
        instructions: texts in front of everything; "" is none.
        questions: how a problem is asked, with `{problem}` once.
        answers: what stands between the problem, or its steps, and the answer.
        separators: what parts examples.
        styles: names in `STYLES`.
        formats: names in `FORMATS`.
        examples: numbers of worked examples.
        digits: digits of the operands in them, 1 to 15.
        carries: names in `CARRIES`.
        orders: "easy-first" or "hard-first", by carries.
        draws: seeds that the examples' digits are drawn from.
        max_tokens: at least 50 each.
        temperatures, top_ks, top_ps, penalties: decoding parameters.
        stops: whether the text ends where another example would begin.
    """

    instructions: tuple[str, ...] = (
        "",
        "Add the two numbers.\n",
        "Give the exact sum.\n",
        "Add column by column from the right and keep track of the carry.\n",
        "You add long numbers and never make a mistake.\n",
    )
    questions: tuple[str, ...] = (
        "{problem}",
        "Question: What is {problem}?",
        "Q: {problem}",
        "Add {problem}.",
        "Compute {problem}",
    )
    answers: tuple[str, ...] = ("=", " = ", "\n", "\nAnswer: ", "\nA: ", "\nSum: ")
    separators: tuple[str, ...] = ("\n", "\n\n", "\n---\n")
    styles: tuple[str, ...] = tuple(STYLES)
    formats: tuple[str, ...] = tuple(FORMATS)
    examples: tuple[int, ...] = (0, 1, 2, 3, 4, 6)
    digits: tuple[int, ...] = (1, 3, 5, 7)
    carries: tuple[str, ...] = CARRIES
    orders: tuple[str, ...] = ("easy-first", "hard-first")
    draws: tuple[int, ...] = (0, 1, 2, 3)
    max_tokens: tuple[int, ...] = (50, 100, 150, 200)
    temperatures: tuple[float, ...] = (0.0, 0.3, 0.7, 1.0)
    top_ks: tuple[int, ...] = (0, 10, 50)
    top_ps: tuple[float, ...] = (0.6, 0.9, 1.0)
    penalties: tuple[float, ...] = (1.0, 1.05, 1.15)
    stops: tuple[bool, ...] = (False, True)

    def __post_init__(self) -> None:
        for name, values in self.as_dict().items():
            if not values:
                raise InvalidInput(f"the search has no {name} to choose from; give at least one")
            if len(set(values)) < len(values):
                raise InvalidInput(f"the search's {name} hold one value twice: {list(values)}")
        for question in self.questions:
            Prompt.from_template(question)
        _known("styles", self.styles, STYLES)
        _known("formats", self.formats, FORMATS)
        _known("carries", self.carries, CARRIES)
        _known("orders", self.orders, ("easy-first", "hard-first"))
        _within("examples", self.examples, 0, 64)
        _within("digits", self.digits, 1, MAX_DIGITS)
        _within("draws", self.draws, 0, 2**32 - 1)
        _within("max_tokens", self.max_tokens, LEAST_TOKENS, 100_000)
        for t, k, p, r in _longest(self.temperatures, self.top_ks, self.top_ps, self.penalties):
            SamplingParams(temperature=t, top_k=k, top_p=p, repetition_penalty=r)

    def as_dict(self) -> dict[str, tuple[Any, ...]]:
        """Return the values to choose from, by dimension."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def size(self) -> int:
        """How many choices there are."""
        total = 1
        for values in self.as_dict().values():
            total *= len(values)
        return total


Choice = Mapping[str, int]
"""The place of the chosen value in each dimension of `Blocks`."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice made into what a model is asked.

    Args:
        prompt: the text before and after each problem.
        pre_processing: how problems are written, a name in `PRE_PROCESSING`.
        sampling: decoding parameters.
        readings: ways to read an answer that may be tried on its outputs, see
            `addition.extraction`; to try one costs no call of the model.
    """

    prompt: Prompt
    pre_processing: str
    sampling: SamplingParams
    readings: tuple[str, ...] = field(default=())

    def length(self, problems: Sequence[str]) -> float:
        """Characters that the model sees beyond those of the problems, on average."""
        write = PRE_PROCESSING[self.pre_processing]
        added = [len(self.prompt.render(write(p))) - len(p) for p in problems]
        return sum(added) / len(added)


def candidate(blocks: Blocks, choice: Choice) -> Candidate:
    """Build the prompt, parameters and readings of a choice."""
    part = {name: values[choice[name]] for name, values in blocks.as_dict().items()}
    question, answer, separator = part["questions"], part["answers"], part["separators"]
    write = PRE_PROCESSING[FORMATS[part["formats"]]]
    pairs = _pairs(part)

    def asked(problem: str) -> str:
        return question.replace("{problem}", problem)

    examples = "".join(
        asked(write(f"{a}+{b}"))
        + _worked(a, b, part["styles"], answer, part["formats"])
        + separator
        for a, b in pairs
    )
    lead = "\n" if part["styles"] != "direct" else answer
    before, after = question.split("{problem}")
    shown = _worked(1234567, 7654321, part["styles"], answer, part["formats"])
    stop = _stop(separator, before, shown.removeprefix(lead)) if part["stops"] else ()
    prompt = Prompt(part["instructions"] + examples + before, after + lead)
    return Candidate(
        prompt=prompt,
        pre_processing=FORMATS[part["formats"]],
        sampling=SamplingParams(
            max_tokens=part["max_tokens"],
            temperature=part["temperatures"],
            top_k=part["top_ks"],
            top_p=part["top_ps"],
            repetition_penalty=part["penalties"],
            stop=stop,
        ),
        readings=_readings(part["formats"], answer),
    )


def _stop(separator: str, before: str, written: str) -> tuple[str, ...]:
    """Return what ends an answer, nothing that the answer itself holds.

    Args:
        separator, before: what stands before the next problem.
        written: an answer with its steps.
    """
    for ends in (separator, separator + before.lstrip()[:8]):
        if ends and ends not in written:
            return (ends,)
    return ()


def _readings(form: str, answer: str) -> tuple[str, ...]:
    ways = ["first-integer", "last-integer", "first-line"]
    if form in ("spaced", "commas"):
        ways.append("separated")
    if form == "reversed":
        ways.append("reversed")
    if answer.strip():
        ways.append(f"after:{answer.strip()}")
    return tuple(ways)


def _pairs(part: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Draw the examples' operands, sorted by the carries that they make."""
    digits, n = int(part["digits"]), int(part["examples"])
    chains = [0 if part["carries"] == "none" else digits] * n
    if part["carries"] == "mixed" and n > 1:
        chains = [round(digits * (1 - i / (n - 1))) for i in range(n)]
    if part["orders"] == "easy-first":
        chains = chains[::-1]
    rng = np.random.default_rng(part["draws"])
    drawn = [pairs_by_carry_chain(rng, digits, chain, 1)[0] for chain in chains]
    return [(problem.a, problem.b) for problem in drawn]


def _worked(a: int, b: int, style: str, answer: str, form: str) -> str:
    """Write what follows a problem in an example: steps if the style has any, then the answer."""
    written = _answer(a + b, form)
    if style == "direct":
        return answer + written
    steps = column_steps(a, b, worded=style == "carries")
    if style == "checked":
        steps.append("Digits: " + " ".join(str(a + b)))
    return (
        "\n" + "\n".join(steps) + (answer if answer.startswith("\n") else "\n" + answer) + written
    )


def _answer(total: int, form: str) -> str:
    text = str(total)
    return {
        "plain": text,
        "spaced": " ".join(text),
        "commas": f"{total:,}",
        "reversed": text[::-1],
        "padded": text.zfill(8),
    }[form]


# --- the user's own blocks -----------------------------------------------------------------------


def load_blocks(path: StrPath, ours: Blocks | None = None) -> Blocks:
    r"""Read building blocks from a TOML file.

    A list under the name of a dimension is added to ours; the dimensions that `only` lists have
    nothing but the file's values.

        only = ["instructions"]
        instructions = ["", "Rechne genau.\n"]
        questions = ["Wieviel ist {problem}?"]

    Raises:
        InvalidInput: the file can't be read, or a value in it is not what it must be.
    """
    ours = ours or Blocks()
    try:
        given = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is no TOML: {error}") from error
    known = ours.as_dict()
    only = given.pop("only", [])
    if not isinstance(only, list):
        raise InvalidInput(f'only in {path} is {only!r}; it must be a list, as in ["questions"]')
    for name in [*given, *cast(list[object], only)]:
        if name not in known:
            raise InvalidInput(
                f"{path} has {name!r}, which is no dimension of the search"
                f"{nearest(str(name), known)}"
            )
    merged: dict[str, tuple[Any, ...]] = {}
    for name, mine in known.items():
        values = given.get(name, [])
        if not isinstance(values, list):
            raise InvalidInput(f"{name} in {path} is {values!r}; it must be a list")
        own = tuple(_typed(value, mine[0], name, path) for value in cast(list[object], values))
        merged[name] = own if name in only else tuple(dict.fromkeys([*mine, *own]))
    return Blocks(**merged)


def toml_of(blocks: Blocks) -> str:
    """Return the building blocks as a file that `load_blocks` reads."""
    lines = [
        "# Building blocks of `carrychain search`. A list given here is added to those that are",
        "# built in; a dimension that `only` names has nothing but the values given here.",
        'only = []  # as in ["instructions", "examples"]',
    ]
    for name, values in blocks.as_dict().items():
        lines += ["", f"{name} = ["]
        lines += [f"    {json.dumps(value, ensure_ascii=False)}," for value in values]
        lines += ["]"]
    return "\n".join(lines) + "\n"


def _typed(value: object, like: object, name: str, path: StrPath) -> Any:
    """Return a value of the kind that a dimension has; a whole number may stand for a float."""
    if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(like):
        kinds = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "a truth"}
        expected = kinds[type(like).__name__]
        raise InvalidInput(f"{name} in {path} holds {value!r}; it must be {expected}")
    return value


def with_seed(blocks: Blocks, prompt: Prompt, sampling: SamplingParams) -> tuple[Blocks, Choice]:
    """Add an existing prompt's parts to the blocks; return them and the choice that is that prompt.

    The last line before the problem and what follows it up to the line break become a question; the
    rest before it an instruction; the rest after it an answer's label. So examples, styles and
    everything else can be put together with what the prompt says.
    """
    head, line_break, last = prompt.prefix.rpartition("\n")
    instruction = head + line_break
    tail, line_break, label = prompt.suffix.partition("\n")
    parts: dict[str, Any] = {
        "instructions": instruction,
        "questions": last + "{problem}" + (tail if line_break else ""),
        "answers": line_break + label if line_break else tail,
        "styles": "direct",
        "formats": "plain",
        "examples": 0,
        "max_tokens": max(sampling.max_tokens, LEAST_TOKENS),
        "temperatures": float(sampling.temperature),
        "top_ks": sampling.top_k,
        "top_ps": float(sampling.top_p),
        "penalties": float(sampling.repetition_penalty),
        "stops": False,
    }
    merged = {
        name: tuple(dict.fromkeys([*values, parts[name]])) if name in parts else values
        for name, values in blocks.as_dict().items()
    }
    grown = replace(blocks, **merged)
    return grown, {
        name: values.index(parts[name]) if name in parts else 0
        for name, values in grown.as_dict().items()
    }


def digest_of(blocks: Blocks) -> str:
    """Return a text that is equal for equal blocks."""
    return repr(sorted(asdict(blocks).items()))


# --- checks --------------------------------------------------------------------------------------


def _known(name: str, values: Sequence[str], known: Sequence[str] | Mapping[str, str]) -> None:
    for value in values:
        if value not in known:
            raise InvalidInput(f"the search's {name} hold {value!r}{nearest(value, known)}")


def _within(name: str, values: Sequence[int], low: int, high: int) -> None:
    for value in values:
        if not low <= value <= high:
            raise InvalidInput(f"the search's {name} hold {value}; it must be {low} to {high:,}")


def _longest(*columns: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Zip to the longest; the shorter ones repeat their last value."""
    n = max(map(len, columns))
    return [tuple(column[min(i, len(column) - 1)] for column in columns) for i in range(n)]
