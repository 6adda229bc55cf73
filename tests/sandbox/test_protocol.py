"""Values arrive exactly as they were sent, and nothing but plain values can be made to arrive."""

import io
import json
import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from carrychain.sandbox.protocol import BadMessage, decode, encode, read, write

scalars = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.text()
scalars |= st.floats(allow_nan=False)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=4)
    ),
)


def through_a_pipe(value):
    stream = io.BytesIO()
    write(stream, {"value": encode(value)})
    stream.seek(0)
    message = read(stream, 1 << 20)
    assert message is not None
    return decode(message["value"])


@given(values)
def test_values_of_built_in_types_arrive_equal_and_of_the_same_type(value):
    got = through_a_pipe(value)
    assert got == value
    assert repr(got) == repr(value)


@given(npst.arrays(st.sampled_from(["f8", "f4", "i8", "u1", "?"]), npst.array_shapes(min_dims=0)))
def test_arrays_arrive_bit_by_bit(array):
    got = through_a_pipe(array)
    assert isinstance(got, np.ndarray)
    assert (got.dtype, got.shape) == (array.dtype, array.shape)
    assert got.tobytes() == array.tobytes()


def test_nan_and_infinity_arrive():
    assert math.isnan(through_a_pipe(math.nan))
    assert through_a_pipe(-math.inf) == -math.inf


def test_what_subclasses_claim_of_themselves_stays_behind():
    class Always(int):
        def __eq__(self, other):
            return True

        def __hash__(self):
            return 0

    class Odd(np.ndarray):
        def __eq__(self, other):
            return np.ones(3, bool)

    got = through_a_pipe(Always(5))
    assert type(got) is int
    assert got == 5
    assert got != 6
    assert type(through_a_pipe(np.zeros(3).view(Odd))) is np.ndarray
    assert type(through_a_pipe(np.float64(2.5))) is float
    assert type(through_a_pipe(np.int32(7))) is int


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "object"),
        ({1: 2}, "key 1"),
        ({1, 2}, "set"),
        (1j, "complex"),
        (np.array([1j]), "complex128"),
        (np.array(["x"]), "<U1"),
        (np.array([None]), "array of object"),
        (10**5000, "integer"),
        (10**1_000_000, "integer of 3,321,929 bits"),
        ("\ud800", "U\\+D800"),
        ({"\udfff": 1}, "U\\+DFFF"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_has_no_place_is_refused_by_name(value, said):
    with pytest.raises(BadMessage, match=said):
        encode(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["array", "list", "dict", "tuple", "x"]), inner)
        | st.tuples(st.sampled_from(["<f8", "|O", "<U9", "x"]), st.lists(st.integers()), st.text())
        .map(list)
        .map(lambda items: {"array": items})
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_gives_a_plain_value_or_is_refused(data):
    try:
        value = decode(data)
    except BadMessage:
        return
    plain = (bool, int, float, str, list, tuple, dict, np.ndarray, type(None))
    assert type(value) in plain


@pytest.mark.parametrize(
    "array",
    [
        ["<f8", [2], ""],
        ["<f8", [-1], "AAAAAAAAAAA="],
        ["<f8", [True], "AAAAAAAAAAA="],
        ["<f8", [1e0], "AAAAAAAAAAA="],
        ["<f8", [0, 10**30], ""],
        ["<f8", [1] * 65, "AAAAAAAAAAA="],
        ["|O", [1], "AAAAAAAAAAA="],
        ["<f8", [1], "!!!"],
        ["<f8", [1]],
    ],
    ids=repr,
)
def test_an_array_that_is_none_is_refused(array):
    with pytest.raises(BadMessage):
        decode({"array": array})


@pytest.mark.parametrize("data", ["\ud800", {"list": ["\ud800"]}, {"dict": [["\ud800", 1]]}])
def test_half_a_character_is_refused(data):
    with pytest.raises(BadMessage, match="half a character"):
        decode(data)


def framed(body: bytes) -> io.BytesIO:
    return io.BytesIO(struct.pack(">Q", len(body)) + body)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_message_that_is_no_object_is_refused(body):
    with pytest.raises(BadMessage):
        read(framed(body), 1 << 20)


def test_a_message_longer_than_allowed_is_not_even_read():
    with pytest.raises(BadMessage, match="1000000000000"):
        read(io.BytesIO(struct.pack(">Q", 10**12)), 1 << 20)


def test_a_stream_that_ends_early_is_an_end():
    body = json.dumps({"value": 1}).encode()
    whole = framed(body).getvalue()
    for length in range(len(whole)):
        assert read(io.BytesIO(whole[:length]), 1 << 20) is None
