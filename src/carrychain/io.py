"""Files of results: written whole or not at all, read back with errors that name the file."""

from __future__ import annotations

import csv
import json
import math
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TypeAlias, cast

from carrychain.errors import InvalidInput

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
StrPath: TypeAlias = "str | os.PathLike[str]"


def jsonable(value: object) -> Json:
    """Return plain lists, dictionaries and scalars; a number that is not finite becomes None.

    Raises:
        TypeError: something in it has no place in JSON.
    """
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            items = cast(Mapping[object, object], value).items()
            return {str(key): jsonable(inner) for key, inner in items}
        case list() | tuple():
            return [jsonable(inner) for inner in cast(Sequence[object], value)]
        case _:
            raise TypeError(f"{type(value).__name__} has no place in JSON")


def write_json(path: StrPath, data: object) -> None:
    """Write data as JSON, whole or not at all."""
    text = json.dumps(jsonable(data), ensure_ascii=False, allow_nan=False, indent=1)
    write_text(path, text + "\n")


def write_csv(path: StrPath, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows of the same fields as CSV with a header, whole or not at all; None is empty."""
    write_text(path, csv_text(rows))


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows of the same fields as CSV with a header; None is empty."""
    text = StringIO()
    writer = csv.DictWriter(text, rows[0].keys() if rows else (), lineterminator="\n")
    if rows:
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


def write_text(path: StrPath, text: str) -> None:
    """Write UTF-8 text, whole or not at all; half a surrogate pair is written as its escape."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: StrPath, content: bytes) -> None:
    """Write a file, whole or not at all: beside its place first, then moved there.

    A link is followed. What is no ordinary file, such as /dev/stdout, is written to directly.

    Raises:
        InvalidInput: the file can't be written.
    """
    check_writable(path)
    target = Path(path).resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)
        else:
            _replace(target, content)
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror or error}") from error


def _replace(target: Path, content: bytes) -> None:
    draft = target.with_name(f".carrychain-{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(content)
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        draft.replace(target)
    except BaseException:  # Ctrl-C, too, must leave no draft behind
        draft.unlink(missing_ok=True)
        raise


def check_writable(path: StrPath) -> None:
    """Raise InvalidInput if a file could not be written to this path; nothing is created."""
    target = Path(path).resolve()
    try:
        if target.is_dir():
            raise InvalidInput(f"{path} is a folder; name a file to write to")
        if target.exists() and not os.access(target, os.W_OK):
            raise InvalidInput(f"{path} can't be written: there is no permission to change it")
        if target.exists() and not target.is_file():
            return
        if not target.parent.is_dir():
            raise InvalidInput(
                f"{path} can't be written: there is no folder {target.parent}; make it first"
            )
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise InvalidInput(
                f"{path} can't be written: there is no permission to write in {target.parent}"
            )
    except OSError as error:
        raise InvalidInput(f"{path} can't be written: {error.strerror or error}") from error


def read_text(path: StrPath) -> str:
    r"""Read a file of UTF-8 text, without a byte order mark and with `\n` for every line end.

    Raises:
        InvalidInput: the file can't be read or is not UTF-8 text.
    """
    try:
        return Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} can't be read: it is not UTF-8 text") from error
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror or error}") from error


def read_json(path: StrPath) -> dict[str, Json]:
    """Read a file that holds a JSON object.

    Raises:
        InvalidInput: the file can't be read, is not JSON, or holds something else than an object.
    """
    try:
        data = cast(Json, json.loads(read_text(path)))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvalidInput(f"{path} holds a JSON {type(data).__name__}; an object is needed")
    return data
