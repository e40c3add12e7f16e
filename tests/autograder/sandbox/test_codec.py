"""What goes over the wire comes back the same, and whatever else comes is one kind of error."""

from __future__ import annotations

import collections
import math
import struct
from typing import Any

import hypothesis.extra.numpy as hnp
import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.inside import codec, runner
from autograder.inside.codec import ProtocolError, Unserialisable, decode, encode

DTYPES = [
    *(np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64),
    *(np.float16, np.float32, np.float64, np.complex64, np.complex128),
]
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0))
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
trees = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=5)
    ),
    max_leaves=20,
)


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float | complex):
        return struct.pack("<dd", complex(a).real, complex(a).imag) == struct.pack(
            "<dd", complex(b).real, complex(b).imag
        ) or (math.isnan(complex(a).real) or math.isnan(complex(a).imag))
    return a == b


@given(trees)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_round_trip(tree: Any) -> None:
    assert same(decode(encode(tree)), tree)


@given(st.binary(max_size=300))
@settings(max_examples=1000, deadline=None)
def test_any_bytes_are_a_tree_or_a_protocol_error(data: bytes) -> None:
    try:
        tree = decode(data)
    except ProtocolError:
        return
    assert same(decode(encode(tree)), tree)


@given(trees, st.data())
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_damaged_payload_is_a_tree_or_a_protocol_error(tree: Any, data: st.DataObject) -> None:
    payload = bytearray(encode(tree))
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        at = data.draw(st.integers(0, max(0, len(payload) - 1)))
        if kind == "flip" and payload:
            payload[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del payload[at : at + data.draw(st.integers(1, 9))]
        else:
            payload[at:at] = data.draw(st.binary(max_size=9))
    try:
        damaged = decode(bytes(payload))
    except ProtocolError:
        return
    encode(damaged)


packed = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.binary(max_size=9)
    | st.text(max_size=9)
    | st.builds(msgpack.ExtType, st.integers(0, 5), st.binary(max_size=40))
    | st.builds(lambda s: msgpack.Timestamp(s, 0), st.integers(0, 2**30)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers() | st.text(), inner),
    max_leaves=9,
)


@given(packed)
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_other_msgpack_is_a_tree_or_a_protocol_error(tree: Any) -> None:
    try:
        data = msgpack.packb(tree)
    except (ValueError, OverflowError, UnicodeEncodeError):
        return
    try:
        decode(data)
    except ProtocolError:
        return


class ListOfMine(list):
    pass


class ArrayOfMine(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [
        object(),
        ListOfMine(),
        collections.OrderedDict(),
        np.zeros(3).view(ArrayOfMine),
        np.ma.masked_array([1.0]),
        np.array([object()]),
        np.array(["a"]),
        np.array([b"a"]),
        np.array(["2020-01-01"], dtype="M8[D]"),
        np.zeros(2, dtype=[("a", "f8")]),
        np.longdouble(1),
        np.broadcast_to(np.float64(0), (2**30,)),
        2**64,
        {1: 2},
        b"bytes",
        {1, 2},
        range(3),
        print,
        "x" * (codec.MAX_STRING + 1),
        [0] * (codec.MAX_NODES + 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_tree_is_unserialisable(value: Any) -> None:
    for place in (value, [value], (1, value), {"a": value}):
        with pytest.raises(Unserialisable):
            encode(place)


def test_nesting_is_limited_on_both_sides() -> None:
    deep: Any = 0
    for _ in range(codec.MAX_DEPTH - 1):
        deep = [deep]
    assert decode(encode(deep)) == deep
    for _ in range(3):
        deep = [deep]
    with pytest.raises(Unserialisable):
        encode(deep)
    with pytest.raises(ProtocolError):
        decode(b"\x92\xc2" * 100 + b"\xc0")
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(Unserialisable):
        encode(ring)


def array_payload(code: int, shape: list[int], data: bytes) -> bytes:
    body = struct.pack(f"<BB{len(shape)}Q", code, len(shape), *shape) + data
    packed: bytes = msgpack.packb(msgpack.ExtType(1, body))
    return packed


@pytest.mark.parametrize(
    ("code", "shape", "data"),
    [
        (11, [2], bytes(8)),  # half of the data
        (11, [1], bytes(16)),  # twice the data
        (11, [2**61], b""),  # 2**64 bytes are 0 bytes, for those who overflow
        (11, [2**32, 2**32], b""),
        (11, [0, 2**60], b""),  # empty, with an axis nobody should multiply
        (11, [], b""),
        (99, [1], bytes(8)),
        (255, [0], b""),
        (0, [2], b"\x02\x00"),  # a boolean that is 2
    ],
)
def test_arrays_that_lie(code: int, shape: list[int], data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(array_payload(code, shape, data))
    with pytest.raises(ProtocolError):
        decode(msgpack.packb(msgpack.ExtType(1, struct.pack("<BB", 11, 200))))


def test_an_honest_array_by_hand() -> None:
    assert decode(array_payload(11, [2], struct.pack("<2d", 1, 2))).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xc0\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xc7\xff",
        b"\xd9",
        b"\xcf\x00",
        b"\x90",  # a sequence that is neither list nor tuple
        b"\x91\x00",
        b"\x81\x00\x00",  # a key that is a number
        b"\xa1\xff",  # no UTF-8
        b"\xc4\x01a",  # bytes
        b"\xd6\xff\x00\x00\x00\x00",  # a time stamp
        b"\x81\x92\xc2\xc0\xc0",  # a key that is a list
    ],
)
def test_malformed(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(data)


def test_headers() -> None:
    whole = codec.frame(7, codec.REQUEST, {"a": 1})
    length, sequence, kind = codec.parse_header(whole[: codec.HEADER.size])
    assert (length, sequence, kind) == (len(whole) - codec.HEADER.size, 7, codec.REQUEST)
    for bad in (b"", whole[:5], b"\xff" * codec.HEADER.size, struct.pack("!IQB", 1, 1, 0)):
        with pytest.raises(ProtocolError):
            codec.parse_header(bad)


def test_arrays_arrive_in_the_order_they_have_and_may_be_written_to() -> None:
    for array in (
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0).reshape(3, 4)[::-1, ::2],
        np.arange(3, dtype=">f8"),
        np.broadcast_to(np.float32(2), (2, 2)),
        np.array(5, dtype=np.longlong),
    ):
        back = decode(encode(array))
        np.testing.assert_array_equal(back, array)
        assert back.dtype.isnative
        assert back.flags.writeable
        assert back.flags.owndata


def test_markers_travel_as_they_are() -> None:
    args = [runner.Fn("g"), runner.RngArg(3), runner.View(np.arange(3.0), "readonly")]
    request = {"function": "f", "args": args, "given": "def g(x): return 2 * x", "seed": 1}
    back = decode(encode(request))

    def f(g: Any, rng: Any, view: Any) -> Any:
        assert not view.flags.writeable
        return g(view) + rng.integers(3)

    expected = runner.execute({"f": f}, request)
    assert expected["status"] == "ok"
    assert same(runner.execute({"f": f}, back)["value"], expected["value"])


def test_outcomes_travel_as_they_are() -> None:
    def f(x: Any) -> Any:
        x[0] = 9
        print("text")
        return {"a": (x, 1.5, None, 2j, np.float32(3))}

    outcome = runner.execute({"f": f}, {"function": "f", "args": [np.zeros(2)]})
    assert same(decode(encode(outcome)), outcome)
