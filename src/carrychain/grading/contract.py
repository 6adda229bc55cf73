"""The contract of submission.py: its functions' names, and what each must return.

Functions here read what came back from the sandbox; what is not as it must be becomes a finding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import TypeVar, cast

import numpy as np

from carrychain.addition.prompts import Prompt
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput, nearest
from carrychain.grading.findings import Finding, clipped, failed
from carrychain.grading.source import API_KEY, Source, is_placeholder
from carrychain.sandbox import Answer, Failure, Kind

NET_ID = ("your_netid", "your_net_id")
"""Both spellings are seen."""
PROMPT, CONFIG = "your_prompt", "your_config"
PRE, POST = "your_pre_processing", "your_post_processing"

KEYS = tuple(key.name for key in fields(SamplingParams))
"""The six keys of your_config."""
LEAST_TOKENS = 50
MOST_CHARACTERS = 200_000
"""Of a prompt, or of what your_pre_processing returns: more than any model here reads."""

T = TypeVar("T")


# --- your_pre_processing and your_post_processing ------------------------------------------------


def text_from(outcome: Answer | Failure) -> str | Failure:
    """Return the text that your_pre_processing gave, or why it gave none."""
    if isinstance(outcome, Failure):
        return outcome
    if not isinstance(outcome.value, str):
        return Failure(Kind.VALUE, f"returned {_described(outcome.value)}, not a text")
    fault = _too_long(outcome.value)
    return Failure(Kind.VALUE, f"returned {fault}") if fault else outcome.value


def integer_from(outcome: Answer | Failure) -> int | Failure:
    """Return the integer that your_post_processing gave, or why it gave none.

    Integers of NumPy, scalars and arrays without dimensions, are integers; a bool is none.
    """
    if isinstance(outcome, Failure):
        return outcome
    value = outcome.value
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu":
        value = cast(int, value.item())
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return Failure(Kind.VALUE, f"returned {_described(value)}, not an integer")


def _too_long(text: str) -> str:
    """Say how much too long a text is, "" where it is not."""
    if len(text) <= MOST_CHARACTERS:
        return ""
    return f"{len(text):,} characters; up to {MOST_CHARACTERS:,} are read"


def _described(value: object) -> str:
    match value:
        case None:
            return "nothing (None)"
        case str():
            return f"the text {clipped(repr(value[:80]), 60)}"
        case list() | tuple() | dict():
            items = cast("Sequence[object]", value)
            return f"a {type(items).__name__} of {len(items)}"
        case np.ndarray():
            return "an array"
        case _:
            return f"{clipped(repr(value), 60)} ({type(value).__name__})"


# --- your_prompt, your_config and your_netid -----------------------------------------------------


class _Wrong(Exception):
    """What a function returned is not what it must return."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def prompt_from(
    outcome: Answer | Failure, source: Source, findings: list[Finding]
) -> Prompt | None:
    """Return the prompt; None if it is none, which is then said."""
    prompt = _read(_prompt, PROMPT, outcome, source, findings)
    if prompt is not None and r"\n" in prompt.prefix + prompt.suffix:
        message = (
            rf"{PROMPT} returns \n as two characters, a backslash and an n; "
            r"if a line break is meant, write it with one backslash"
        )
        findings.append(Finding("literal-backslash-n", message, "warning"))
    return prompt


def config_from(
    outcome: Answer | Failure, source: Source, findings: list[Finding]
) -> dict[str, object] | None:
    """Return the dictionary of your_config, whatever is in it; None if it is none."""
    return _read(_config, CONFIG, outcome, source, findings)


def sampling_from(config: Mapping[str, object], findings: list[Finding]) -> SamplingParams | None:
    """Return the six parameters; None if one is missing or wrong, which is then said."""
    for key in config:
        if key not in KEYS:
            given = clipped(repr(key[:80]), 40)
            message = (
                f"{CONFIG} has the key {given}, which is none of the six{nearest(key[:80], KEYS)}"
            )
            findings.append(Finding("wrong-key", message))
    values: dict[str, object] = {}
    for key in KEYS:
        if key not in config:
            findings.append(Finding("missing-key", f"{CONFIG} lacks the key {key!r}"))
            continue
        value = _stop(config[key], findings) if key == "stop" else config[key]
        try:
            _params({key: value})
        except InvalidInput as error:
            findings.append(Finding("wrong-config-value", f"{CONFIG}: {error}"))
        else:
            values[key] = value
    if "max_tokens" in values and not enough_tokens(config):
        message = (
            f"{CONFIG}: max_tokens is {values['max_tokens']}; it must be at least {LEAST_TOKENS}, "
            "so that it tells the model nothing of the sum's length"
        )
        findings.append(Finding("max-tokens-below-50", message))
    return _params(values) if len(values) == len(KEYS) else None


def enough_tokens(config: Mapping[str, object]) -> bool:
    """Whether max_tokens is a whole number that is large enough."""
    tokens = config.get("max_tokens")
    return type(tokens) is int and tokens >= LEAST_TOKENS


def net_id_from(
    outcomes: Mapping[str, Answer | Failure], source: Source, findings: list[Finding]
) -> str:
    """Return the net id, under either spelling; "" if there is none, which is then said."""
    defined = [name for name in NET_ID if not is_missing(outcomes[name])]
    if not defined and source.defines(API_KEY):
        message = (
            f"{API_KEY} stands in place of {NET_ID[0]}, as in earlier years: there is no net id"
        )
        findings.append(Finding("empty-net-id", message, "warning"))
        return ""
    if not defined:
        findings.append(missing(NET_ID[0]))
        return ""
    return _read(_net_id, defined[0], outcomes[defined[0]], source, findings) or ""


def is_missing(outcome: Answer | Failure) -> bool:
    """Whether the file does not define what was asked for."""
    return isinstance(outcome, Failure) and outcome.kind is Kind.MISSING


def missing(function: str) -> Finding:
    """Say that a function is missing."""
    also = f" (or {NET_ID[1]})" if function == NET_ID[0] else ""
    message = f"there is no function {function}{also}; define it as the template does"
    return Finding("missing-function", message)


def _read(
    parse: Callable[[object, str], T],
    function: str,
    outcome: Answer | Failure,
    source: Source,
    findings: list[Finding],
) -> T | None:
    """Parse what a function returned; where that fails, say why among the findings."""
    detail = ""
    try:
        if isinstance(outcome, Answer):
            return parse(outcome.value, function)
        if outcome.kind is Kind.VALUE:  # a set, say, which is not what is needed either
            detail = outcome.message
            return parse(object(), function)
    except _Wrong as wrong:
        findings.append(Finding(wrong.code, str(wrong), detail=detail))
        return None
    lacks = is_missing(outcome)
    findings.append(missing(function) if lacks else failed(function, outcome, source))
    return None


def _prompt(value: object, function: str) -> Prompt:
    match value:
        case (str() as prefix, str() as suffix):
            if fault := _too_long(prefix + suffix):
                raise _Wrong("prompt-too-long", f"{function} returned {fault}")
            return Prompt(prefix, suffix)
        case _:
            message = f"{function} returned {_kind(value)}; it must return two strings"
            raise _Wrong("prompt-not-two-strings", f"{message}, prefix and suffix")


def _config(value: object, function: str) -> dict[str, object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value)
    message = f"{function} returned {_kind(value)}; it must return a dictionary of six keys"
    raise _Wrong("config-not-a-dictionary", message)


def _net_id(value: object, function: str) -> str:
    if not isinstance(value, str):
        message = f"{function} returned {_kind(value)}; it must return a string"
        raise _Wrong("net-id-not-a-string", message)
    if is_placeholder(value):
        raise _Wrong("empty-net-id", f"{function} is left empty; write your net id there")
    return value.strip()


def _kind(value: object) -> str:
    """Say what a value is, and nothing of what it says."""
    match value:
        case None:
            return "nothing (None)"
        case list() | tuple():
            kinds = [type(part).__name__ for part in cast("Sequence[object]", value)]
            return f"{len(kinds)} values ({', '.join(kinds[:4])})" if kinds else "no values"
        case str() | int() | float() | dict() | np.ndarray():
            names = {"str": "one string", "ndarray": "an array", "dict": "a dictionary"}
            name = type(cast(object, value)).__name__
            return names.get(name, f"one {name}")
        case _:
            return "something else"


def _params(values: Mapping[str, object]) -> SamplingParams:
    """Build parameters from values that nobody checked; the class does.

    Raises:
        InvalidInput: one is wrong.
    """
    try:
        return cast("Callable[..., SamplingParams]", SamplingParams)(**values)
    except TypeError as error:  # a stop of 5 can't be looped over
        ((name, value),) = values.items()
        raise InvalidInput(f"{name} is {value!r}; it must be a list of strings") from error


def _stop(value: object, findings: list[Finding]) -> object:
    """Return the stop strings of a list, of a single one or of None, without those that are empty.

    An empty one stops nothing. The hand-out passes no stop string on, so files have all of these.
    """
    if value is None or isinstance(value, str):
        value = (value,) if value else ()
    if not isinstance(value, list | tuple):
        return value
    strings = tuple(cast("Sequence[object]", value))
    filled = tuple(each for each in strings if each != "")
    if len(filled) < len(strings):
        message = f"{CONFIG}: stop holds an empty string, which stops nothing and is left out"
        findings.append(Finding("empty-stop", message, "warning"))
    return filled
