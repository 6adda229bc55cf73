"""The rules of a grade: what is asked, what it is worth, what a flagged submission gets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from carrychain.addition.problems import MAX_DIGITS, Problem
from carrychain.addition.scoring import Metrics
from carrychain.errors import InvalidInput
from carrychain.grading.tables import Table, first_fault
from carrychain.io import StrPath, read_text

CONFIG_TESTS = ("test_config_only_fixed_keys", "test_config_size", "test_config_tokens_min")
INTEGRITY_TEST = "test_no_addition_hack"
CREDIT_TESTS = ("test_partial_credit1", "test_partial_credit2", "test_full_score")
TESTS = (*CONFIG_TESTS, INTEGRITY_TEST, *CREDIT_TESTS)
"""The hand-out's tests, in its order."""

_SUM = re.compile(rf"\d{{1,{MAX_DIGITS}}}\+\d{{1,{MAX_DIGITS}}}", re.ASCII)


def _is_sum(text: str) -> str:
    if not _SUM.fullmatch(text):
        raise ValueError("an instance is written as in 1234567+7654321")
    return text


class Worth(Table):
    """What a test is worth."""

    points: float = Field(ge=0)


class Credit(Worth):
    """What the answers have to reach: `acc` above one bound, or `mae` below the other."""

    acc_above: float = Field(ge=0, le=1)
    mae_below: float = Field(gt=0)

    def given_to(self, metrics: Metrics) -> bool:
        """Whether the answers reach it."""
        return metrics.acc > self.acc_above or metrics.mae < self.mae_below


class Tests(Table):
    """The hand-out's seven tests."""

    test_config_only_fixed_keys: Worth
    test_config_size: Worth
    test_config_tokens_min: Worth
    test_no_addition_hack: Worth
    test_partial_credit1: Credit
    test_partial_credit2: Credit
    test_full_score: Credit

    def worth(self, name: str) -> Worth:
        """Return what the test of this name is worth."""
        found = getattr(self, name)
        assert isinstance(found, Worth)
        return found

    def credit(self, name: str) -> Credit:
        """Return what a test of the answers asks for."""
        found = self.worth(name)
        assert isinstance(found, Credit)
        return found


class Instances(Table):
    """What is asked: public instances by what makes them hard, and how others are drawn."""

    drawn: int = Field(ge=0)
    low: int = Field(ge=0)
    high: int = Field(ge=0, lt=10**MAX_DIGITS)
    manual: dict[str, list[Annotated[str, AfterValidator(_is_sum)]]]

    @property
    def public(self) -> list[Problem]:
        """The public instances, in the file's order."""
        sums = [text.split("+") for group in self.manual.values() for text in group]
        return [Problem(int(a), int(b)) for a, b in sums]


class IntegrityRules(Table):
    """What follows from the verdict on whether the sum is the model's own."""

    flagged: Literal["no-credit", "no-answers", "one-test"]
    review: Literal["shown", "hidden"]

    @property
    def taken(self) -> tuple[str, ...]:
        """The tests that a flagged submission gets no points for."""
        return {
            "no-credit": TESTS,
            "no-answers": (INTEGRITY_TEST, *CREDIT_TESTS),
            "one-test": (INTEGRITY_TEST,),
        }[self.flagged]


class Rubric(Table):
    """Everything that decides a grade but the seed.

    Args:
        model: name of the engine.
        runs: how often each instance is asked.
        instances: what is asked.
        tests: what each test is worth.
        integrity: what follows from the verdict.
    """

    model: str = Field(min_length=1)
    runs: int = Field(ge=1)
    instances: Instances
    tests: Tests
    integrity: IntegrityRules

    @property
    def max_score(self) -> float:
        """Points of all tests."""
        return sum(self.tests.worth(name).points for name in TESTS)


def load_rubric(path: StrPath | None = None) -> Rubric:
    """Read a rubric; the package's own where no file is named.

    Raises:
        InvalidInput: the file can't be read, is no TOML, or a key is missing, unknown or has a
            value that it can't have; the message names the key.

    Example:
        >>> load_rubric().max_score
        30.0
    """
    if path is None:
        text = files("carrychain.grading").joinpath("rubric.toml").read_text("utf-8")
        return rubric_from(tomllib.loads(text))
    text = read_text(path)
    try:
        return rubric_from(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is no TOML: {error}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error


def rubric_from(data: Mapping[str, object]) -> Rubric:
    """Build a rubric from its tables.

    Raises:
        InvalidInput: see `load_rubric`.
    """
    try:
        rubric = Rubric.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(first_fault(error, of="a rubric")) from error
    instances = rubric.instances
    if instances.low > instances.high:
        raise InvalidInput(
            f"instances.low is {instances.low} and instances.high is {instances.high}; "
            "low must not be above high"
        )
    if not instances.drawn and not instances.public:
        raise InvalidInput(
            "instances.drawn is 0 and instances.manual has none; at least 1 instance is needed"
        )
    return rubric
