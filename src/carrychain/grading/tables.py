"""Files of rules: every key is known and has a value that it may have, or the key is named."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError


class Table(BaseModel):
    """A table of a file: nothing else in it, nothing missing, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def first_fault(error: ValidationError, of: str) -> str:
    """Say the first thing that is wrong in a file, which is one `of` these.

    Example:
        >>> class Point(Table):
        ...     x: int
        >>> try:
        ...     Point.model_validate({"x": 1, "y": 2})
        ... except ValidationError as error:
        ...     first_fault(error, of="a point")
        'y is no key of a point'
    """
    fault = error.errors(include_url=False)[0]
    location = fault["loc"]
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in location)
    if fault["type"] == "missing":
        return f"{key} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{key} is no key of {of}"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given: object = fault["input"]
    return f"{key} is {given!r}: {message[0].lower()}{message[1:]}"
