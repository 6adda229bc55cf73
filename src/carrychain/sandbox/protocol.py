"""What parent and child say to each other: length-prefixed JSON that holds only exact types.

A value is a scalar as JSON writes it, or an object with one key that names its type: a list, a
tuple, a dict, or a NumPy array with its dtype, shape and bytes, so that float64 arrives bit by bit.
Nothing is unpickled, and what a message can make is an exact built-in or a plain array: an int
whose `==` lies stays behind in the child.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import struct
import sys
from enum import StrEnum
from typing import IO, TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.generic]"
Value: TypeAlias = (
    "bool | int | float | str | list[Value] | tuple[Value, ...] | dict[str, Value] | Array | None"
)
Message: TypeAlias = "dict[str, object]"

DTYPES = frozenset("|b1 |i1 <i2 <i4 <i8 |u1 <u2 <u4 <u8 <f2 <f4 <f8".split())
_MOST_BITS = 10_000  # Python reads no longer integers from JSON than 4,300 digits
_LENGTH = struct.Struct(">Q")

READY = b"ready"
"""What the fork server says first."""
STATUS = struct.Struct("<i")
"""How it tells a child's status: as `subprocess` does, a signal as a negative number."""


class Kind(StrEnum):
    """What a call can fail of."""

    EXCEPTION = "exception"
    MISSING = "missing"
    VALUE = "value"
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    FORBIDDEN = "forbidden"
    DIED = "died"


class BadMessage(ValueError):
    """Bytes that are no message, or a value that has no place in one."""


def write(stream: IO[bytes], message: Message) -> None:
    """Write one message.

    Raises:
        OSError: the other side is gone.
    """
    stream.write(pack(message))
    stream.flush()


def pack(message: Message) -> bytes:
    """Return a message as it is written."""
    body = json.dumps(message).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def read(stream: IO[bytes], most: int) -> Message | None:
    """Return the next message, None where the stream ends before it is complete.

    Raises:
        BadMessage: it is longer than `most` bytes or is no JSON object.
    """
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = cast("tuple[int]", _LENGTH.unpack(head))
    if length > most:
        raise BadMessage(f"a message of {length} bytes; {most} are allowed")
    body = stream.read(length)
    if len(body) < length:
        return None
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage("no JSON") from error
    if not isinstance(message, dict):
        raise BadMessage("no JSON object")
    return cast(Message, message)


def encode(value: object) -> object:
    """Return a value as JSON can hold it: NumPy's scalars as Python's, a subclass as its base.

    Raises:
        BadMessage: it has no place in a message; the text says why.
    """
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        return _plain_int(int.__index__(value))
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return _whole(str.__str__(value))
    if isinstance(value, list):
        return {"list": [encode(item) for item in cast("list[object]", value)]}
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in cast("tuple[object, ...]", value)]}
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return {"dict": [[_key(key), encode(item)] for key, item in pairs]}
    if "numpy" in sys.modules and hasattr(value, "__array__"):  # arrays, their scalars, tensors
        return _encode_array(value)
    raise BadMessage(f"{type(value).__name__} is neither a number, a text, a list nor an array")


def _plain_int(value: int) -> int:
    if value.bit_length() > _MOST_BITS:
        raise BadMessage(f"an integer of {value.bit_length():,} bits; {_MOST_BITS:,} are allowed")
    return value


def _whole(text: str) -> str:
    """Return a text that can be written to a file: none with half a surrogate pair."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"U+{ord(text[error.start]):04X}"
        raise BadMessage(f"a text with {half}, half a character, which no file can hold") from None
    return text


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise BadMessage(f"a dict has the key {key!r}; only texts are allowed")
    return _whole(str.__str__(key))


def _encode_array(value: object) -> object:
    import numpy as np

    array = np.array(value, order="C", subok=False)
    if array.dtype == np.longdouble:
        array = array.astype(np.float64)
    dtype = array.dtype.newbyteorder("<")
    if dtype.str not in DTYPES:
        raise BadMessage(f"an array of {array.dtype}; real numbers are needed")
    if array.ndim == 0 and isinstance(value, np.generic):
        return encode(array.item())
    data = base64.b64encode(array.astype(dtype).tobytes()).decode("ascii")
    return {"array": [dtype.str, list(array.shape), data]}


def decode(data: object) -> Value:
    """Return the value that `encode` wrote down, believing nothing.

    Raises:
        BadMessage: it was written by something else.
    """
    if isinstance(data, str):
        return _whole(data)
    if data is None or isinstance(data, bool | int | float):
        return data
    if not isinstance(data, dict) or len(cast(Message, data)) != 1:
        raise BadMessage("no value")
    ((tag, content),) = cast(Message, data).items()
    if not isinstance(content, list):
        raise BadMessage("no value")
    items = cast("list[object]", content)
    match tag:
        case "list":
            return [decode(item) for item in items]
        case "tuple":
            return tuple(decode(item) for item in items)
        case "dict":
            return dict(_decode_pair(item) for item in items)
        case "array":
            return _decode_array(items)
        case _:
            raise BadMessage("no value")


def _decode_pair(item: object) -> tuple[str, Value]:
    pair = cast("list[object]", item) if isinstance(item, list) else []
    if len(pair) != 2 or not isinstance(pair[0], str):
        raise BadMessage("no pair of a dict")
    return _whole(pair[0]), decode(pair[1])


def _decode_array(items: list[object]) -> Array:
    import numpy as np

    dtype, shape, data = items if len(items) == 3 else (None, None, None)
    if not (isinstance(dtype, str) and isinstance(shape, list) and isinstance(data, str)):
        raise BadMessage("no array")
    sizes = [size for size in cast("list[object]", shape) if type(size) is int]
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMessage("no array") from error
    whole = len(sizes) == len(cast("list[object]", shape)) and min(sizes, default=0) >= 0
    if (
        not whole
        or dtype not in DTYPES
        or math.prod(sizes) * np.dtype(dtype).itemsize != len(content)
    ):
        raise BadMessage("no array")
    try:
        return np.frombuffer(content, dtype).reshape(sizes).copy()
    except (ValueError, OverflowError) as error:  # nothing in it, and a size beyond all bounds
        raise BadMessage("no array") from error
