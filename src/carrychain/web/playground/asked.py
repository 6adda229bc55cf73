r"""What the playground is asked: read from a form or a link, kept with a job, written as a link.

A form and a link have the same fields. Those of the second prompt begin with `b_`. What a link
leaves out is as the shipped prompt has it that `prompt`, or `b_prompt`, names, or else the default.
In every text `\n` and `\t`, each typed as two characters, are line break and tab, as on the command
line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, cast
from urllib.parse import urlencode

from carrychain.addition.extraction import AFTER, extractor
from carrychain.addition.problems import Problem
from carrychain.addition.prompts import (
    SHIPPED,
    Prompt,
    ShippedPrompt,
    pre_processor,
    shipped,
    unescape,
)
from carrychain.api import Origin, drawn, problems_of
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput, nearest
from carrychain.grading.contract import MOST_CHARACTERS
from carrychain.io import Json

LEAST, MOST = 10, 1_000
"""Problems of a run."""
MOST_SEED = 2**32 - 1
MOST_LINK = 8_000
"""Characters of a link that every server and browser takes."""
BASE = "zero-shot"

Fields = Mapping[str, str]
"""A form as it was sent, or the query of a link."""

SIDES = {"a": "", "b": "b_"}
"""The two prompts, and what their fields begin with."""

_NUMBERS: dict[str, type[int] | type[float]] = {
    "max_tokens": int,
    "temperature": float,
    "top_k": int,
    "top_p": float,
    "repetition_penalty": float,
}


@dataclass(frozen=True, slots=True)
class Side:
    """A prompt, how problems are written into it, and how its outputs come about and are read."""

    prompt: Prompt
    pre_processing: str
    extract: str
    sampling: SamplingParams

    @classmethod
    def shipped(cls, named: ShippedPrompt) -> Side:
        """Return a shipped prompt with the settings that it carries."""
        sampling = SamplingParams(**named.sampling)
        return cls(named.prompt, named.pre_processing, named.extract, sampling)

    @property
    def name(self) -> str | None:
        """The shipped prompt that this is, whatever its settings."""
        return next((n for n, each in SHIPPED.items() if each.prompt == self.prompt), None)

    def render(self, problem: Problem) -> str:
        """Return the text that the model sees for a problem."""
        return self.prompt.render(pre_processor(self.pre_processing)(str(problem)))

    def as_fields(self) -> dict[str, str]:
        """Return the fields of a form that stand for this."""
        after = self.extract.startswith(AFTER)
        return {
            "prefix": self.prompt.prefix,
            "suffix": self.prompt.suffix,
            "pre_processing": self.pre_processing,
            "extract": AFTER if after else self.extract,
            "after": escape(self.extract.removeprefix(AFTER)) if after else "",
            **{n: str(getattr(self.sampling, n)).removesuffix(".0") for n in _NUMBERS},
            "stop": "\n".join(escape(each) for each in self.sampling.stop),
        }

    def as_dict(self) -> dict[str, Json]:
        """Return it for JSON."""
        return {
            "prefix": self.prompt.prefix,
            "suffix": self.prompt.suffix,
            "pre_processing": self.pre_processing,
            "extract": self.extract,
            "sampling": cast(Json, self.sampling.as_dict()),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Side:
        """Return what `as_dict` wrote."""
        sampling = SamplingParams(**data["sampling"])
        prompt = Prompt(data["prefix"], data["suffix"])
        return cls(prompt, data["pre_processing"], data["extract"], sampling)


@dataclass(frozen=True, slots=True)
class Asked:
    """A run: one prompt, or two on the same problems.

    Args:
        a, b: the prompts.
        digits: digits of the operands, 1 to 15; 1 means 1 to 10.
        n: number of problems, `LEAST` to `MOST`.
        seed: fixes problems and sampling, 0 to `MOST_SEED`.
        model: who is asked.
    """

    a: Side
    b: Side | None
    digits: int
    n: int
    seed: int
    model: str

    @property
    def sides(self) -> dict[str, Side]:
        """The prompts by their letter."""
        return {"a": self.a} if self.b is None else {"a": self.a, "b": self.b}

    @property
    def origin(self) -> Origin:
        """Where the problems come from, as `carrychain evaluate` tells it."""
        return drawn(digits=self.digits, low=None, high=None, n=self.n, seed=self.seed)

    @property
    def problems(self) -> list[Problem]:
        """The problems."""
        return problems_of(self.origin)

    def as_fields(self) -> dict[str, str]:
        """Return the fields of a form that stand for this; without a second prompt, those of A."""
        a, b = self.a.as_fields(), (self.b or self.a).as_fields()
        return {
            "prompt": self.a.name or BASE,
            **a,
            "compare": "" if self.b is None else "on",
            "b_prompt": (self.b or self.a).name or BASE,
            **{f"b_{name}": value for name, value in b.items()},
            "digits": str(self.digits),
            "n": str(self.n),
            "seed": str(self.seed),
            "model": self.model,
        }

    def link(self, models: tuple[str, ...]) -> str | None:
        """Return the address that repeats the run; None where it would be too long for one.

        Args:
            models: those that are offered; the first need not be named.
        """
        fields, usual = self.as_fields(), default(models).as_fields()
        query: dict[str, str] = {}
        for letter, side in self.sides.items():
            begins, base = SIDES[letter], side.name or BASE
            if base != BASE:
                query[f"{begins}prompt"] = base
            for name, value in Side.shipped(shipped(base)).as_fields().items():
                if fields[begins + name] != value:
                    query[begins + name] = fields[begins + name]
        for name in ("compare", "digits", "n", "seed", "model"):
            if fields[name] != usual[name]:
                query[name] = fields[name]
        address = f"/playground?{urlencode({**query, 'run': '1'})}"
        return address if len(address) <= MOST_LINK else None

    def as_dict(self) -> dict[str, Json]:
        """Return it for JSON."""
        return {
            "a": self.a.as_dict(),
            "b": None if self.b is None else self.b.as_dict(),
            "digits": self.digits,
            "n": self.n,
            "seed": self.seed,
            "model": self.model,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Asked:
        """Return what `as_dict` wrote."""
        b = data["b"]
        return cls(
            a=Side.from_dict(data["a"]),
            b=None if b is None else Side.from_dict(b),
            **{each.name: data[each.name] for each in fields(cls) if each.name not in SIDES},
        )


def default(models: tuple[str, ...]) -> Asked:
    """Return what an empty form stands for."""
    return Asked(Side.shipped(shipped(BASE)), None, digits=7, n=30, seed=0, model=models[0])


def check_names(given: Fields) -> None:
    """Raise InvalidInput if a field is none of ours, as in a link that was typed by hand."""
    known = default(("",)).as_fields()
    for name in given:
        if name not in known:
            raise InvalidInput(f"there is no setting {name[:40]!r}{nearest(name[:40], known)}")


def asked(given: Fields, models: tuple[str, ...]) -> Asked:
    """Read a form, or the query of a link.

    Args:
        given: its fields; one that is missing is as the shipped prompt or the default has it.
        models: those that are offered.

    Raises:
        InvalidInput: a value is not what it must be; the message names it.
    """
    usual = default(models)
    model = given.get("model", usual.model)
    if model not in models:
        raise InvalidInput(f"there is no model {model!r} here{nearest(model, models)}")
    n = _whole(given, "n", usual.n, LEAST, MOST)
    seed = _whole(given, "seed", usual.seed, 0, MOST_SEED)
    digits = _whole(given, "digits", usual.digits, 1, 15)
    sides = {
        letter: _side(given, begins)
        for letter, begins in SIDES.items()
        if letter == "a" or given.get("compare")
    }
    return Asked(sides["a"], sides.get("b"), digits, n, seed, model)


def _side(given: Fields, begins: str) -> Side:
    base = Side.shipped(shipped(given.get(f"{begins}prompt", BASE))).as_fields()
    of = {name: given.get(begins + name, usual) for name, usual in base.items()}
    where = " of prompt B" if begins else ""
    prompt = Prompt(typed(of["prefix"]), typed(of["suffix"]))
    if prompt.length > MOST_CHARACTERS:
        raise InvalidInput(
            f"the prefix and suffix{where} have {prompt.length:,} characters; "
            f"at most {MOST_CHARACTERS:,} are taken"
        )
    extract = of["extract"] + typed(of["after"]) if of["extract"] == AFTER else of["extract"]
    try:
        extractor(extract)
        pre_processor(of["pre_processing"])
        numbers = {name: _number(name, kind, of[name]) for name, kind in _NUMBERS.items()}
        lines = of["stop"].replace("\r\n", "\n").split("\n")
        stop = tuple(unescape(line) for line in lines if line)
        sampling = SamplingParams(**cast(dict[str, Any], numbers), stop=stop)
    except InvalidInput as error:
        raise InvalidInput(f"{error}{where}") from error
    return Side(prompt, of["pre_processing"], extract, sampling)


def _number(name: str, kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise InvalidInput(f"{name} is {text[:40]!r}; it must be {what}") from None


def _whole(given: Fields, name: str, usual: int, least: int, most: int) -> int:
    value = _number(name, int, given.get(name, str(usual)))
    if not least <= value <= most:
        raise InvalidInput(f"{name} is {_short(value)}; it must be {least} to {most:,}")
    return int(value)


def _short(value: float) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"a number of {len(text)} digits"


def typed(text: str) -> str:
    r"""Return what a text box stands for: its line breaks, and `\n` and `\t` where typed."""
    return unescape(text.replace("\r\n", "\n"))


def escape(text: str) -> str:
    r"""Write line breaks and tabs as `\n` and `\t`, for a box of one line.

    Example:
        >>> print(escape("A\nB"))
        A\nB
    """
    return text.replace("\n", r"\n").replace("\t", r"\t")


def fields_of(side: Side, letter: str) -> dict[str, str]:
    """Return the fields of one prompt, under the names that a form has for it.

    Raises:
        InvalidInput: the boxes would take a text of it for another.
    """
    own = side.as_fields()
    for where, text in _texts(side):
        if "\r" in text or unescape(text) != text:
            what = "a carriage return" if "\r" in text else r"\n or \t as two characters"
            raise InvalidInput(
                f"the {where} holds {what}, which these boxes can't; "
                r"where a line break is meant, submission.py has it as \n with one backslash"
            )
    begins = SIDES[letter]
    shown = {begins + name: value for name, value in own.items()}
    return {**shown, f"{begins}prompt": side.name or BASE, **({"compare": "on"} if begins else {})}


def _texts(side: Side) -> Iterator[tuple[str, str]]:
    yield "prefix", side.prompt.prefix
    yield "suffix", side.prompt.suffix
    yield from (("stop string", each) for each in side.sampling.stop)
