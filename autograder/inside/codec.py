"""The wire between grader and sandbox: plain trees in frames, and nothing that could run.

A tree is None, bool, int (64 bits), float, complex, str, list, tuple, dict with string keys, or a
numpy array of a native numeric dtype. Arguments such as a given function, a generator or a strided
view travel as the runner's markers, which are trees already.

A frame is `length, sequence number, kind` in network byte order and `length` bytes of msgpack. The
encoding uses a small part of msgpack: nil, bool, int, float, str, maps, arrays whose first element
tells a tuple (true) from a list (false), and two extension types, one for arrays and one for
complex numbers. Whoever decodes walks over the headers first, so that a frame which is too deep,
has too many items or contains anything else is refused before one object of it exists.

`encode` raises `Unserialisable` for what is no tree; `decode` raises `ProtocolError`, and only
that, for whatever bytes it is given.
"""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import numpy as np

Tree = Any
"""None, bool, int, float, complex, str, list, tuple, dict with string keys, or a numeric array."""

MAX_FRAME = 16 * 2**20
MAX_DEPTH = 40
MAX_NODES = 60_000
MAX_STRING = 4 * 2**20
MAX_NDIM = 16

HEADER = struct.Struct("!IQB")
"""Length of the payload, sequence number, kind of frame."""

REQUEST, REPLY = 1, 2

_ARRAY, _COMPLEX = 1, 2
_DTYPES = tuple(
    np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)
_CODES = {dtype: code for code, dtype in enumerate(_DTYPES)}


class ProtocolError(Exception):
    """The other side sent something that is not a frame of ours."""


class Unserialisable(Exception):  # noqa: N818 - named like the status it becomes
    """A value that is no plain tree, or one too large for a frame."""


# --------------------------------------------------------------------------------------
# out


def encode(tree: Tree) -> bytes:
    """Return the payload for a plain tree; anything else raises `Unserialisable`."""
    try:
        payload: bytes = msgpack.packb(_Encoder().convert(tree, 0), use_bin_type=True)
    except (ValueError, TypeError, OverflowError, UnicodeError) as error:
        raise Unserialisable(str(error)) from None
    if len(payload) > MAX_FRAME:
        raise Unserialisable(f"the value takes {len(payload)} bytes, more than {MAX_FRAME}")
    return payload


def frame(sequence: int, kind: int, tree: Tree) -> bytes:
    """Return a whole frame, header and payload."""
    return framed(sequence, kind, encode(tree))


def framed(sequence: int, kind: int, payload: bytes) -> bytes:
    """Return a frame with a payload that is encoded already."""
    return HEADER.pack(len(payload), sequence, kind) + payload


class _Encoder:
    def __init__(self) -> None:
        self.nodes = 0
        self.bytes = 0

    def convert(self, tree: Tree, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Unserialisable("the value is nested too deeply or has too many items")
        kind = type(tree)  # exactly these types: a subclass may lie about what it holds
        if tree is None or kind is bool or kind is float:
            return tree
        if kind is int:
            if not -(2**63) <= tree < 2**64:
                raise Unserialisable("an integer beyond 64 bits")
            return tree
        if kind is str:
            return self._text(tree)
        if kind is list or kind is tuple:
            return [kind is tuple, *(self.convert(item, depth + 1) for item in tree)]
        if kind is dict:
            if not all(type(key) is str for key in tree):
                raise Unserialisable("a dictionary whose keys are not strings")
            self.nodes += len(tree)
            return {self._text(k): self.convert(v, depth + 1) for k, v in tree.items()}
        if kind is complex:
            return msgpack.ExtType(_COMPLEX, struct.pack("<dd", tree.real, tree.imag))
        if kind is np.ndarray:
            return self._array(tree)
        if issubclass(kind, np.generic):
            return self._array(np.asarray(tree))
        raise Unserialisable(f"a value of type {kind.__name__}")

    def _text(self, text: str) -> str:
        if len(text) > MAX_STRING:
            raise Unserialisable(f"a string of {len(text)} characters")
        try:
            size = len(text.encode())
        except UnicodeEncodeError:  # half of a surrogate pair
            text = text.encode("utf-8", "backslashreplace").decode()
            size = len(text)
        if size > MAX_STRING:
            raise Unserialisable(f"a string of {size} bytes")
        return text

    def _array(self, array: np.ndarray[Any, Any]) -> msgpack.ExtType:
        dtype = array.dtype
        code = _CODES.get(dtype.newbyteorder("=")) if dtype.kind in "biufc" else None
        if code is None:
            raise Unserialisable(f"an array of dtype {dtype}")
        self.bytes += array.nbytes  # of the array as seen: a broadcast view takes no memory here
        if max(self.bytes, *array.shape, 0) > MAX_FRAME or array.ndim > MAX_NDIM:
            raise Unserialisable(f"an array of shape {array.shape}")
        head = struct.pack(f"<BB{array.ndim}Q", code, array.ndim, *array.shape)
        return msgpack.ExtType(_ARRAY, head + array.astype(_DTYPES[code], copy=False).tobytes())


# --------------------------------------------------------------------------------------
# in


def parse_header(data: bytes) -> tuple[int, int, int]:
    """Return length, sequence number and kind; a length beyond the limit is an error."""
    if len(data) != HEADER.size:
        raise ProtocolError("a frame without a whole header")
    length, sequence, kind = HEADER.unpack(data)
    if length > MAX_FRAME:
        raise ProtocolError(f"a frame of {length} bytes, more than {MAX_FRAME}")
    if kind not in (REQUEST, REPLY):
        raise ProtocolError(f"a frame of unknown kind {kind}")
    return length, sequence, kind


def decode(payload: bytes) -> Tree:
    """Return the tree of a payload; whatever is wrong with it, the error is `ProtocolError`."""
    _inspect(payload)
    try:
        packed = msgpack.unpackb(
            payload,
            raw=False,
            strict_map_key=True,
            ext_hook=_extension,
            max_str_len=MAX_STRING,
            max_bin_len=0,
            max_ext_len=MAX_FRAME,
        )
        return _restore(packed)
    except ProtocolError:
        raise
    except (ValueError, TypeError, OverflowError, MemoryError, msgpack.UnpackException) as error:
        raise ProtocolError(f"a malformed frame: {type(error).__name__}") from None


# What follows a first byte: (bytes of the number that tells a length, fixed bytes to skip).
_SCALARS = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8}
_SCALARS |= {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_STRINGS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def _inspect(data: bytes) -> None:
    """Walk over the headers of a payload and refuse what is too deep, too many or not ours."""
    size = len(data)
    if size > MAX_FRAME:
        raise ProtocolError("a payload beyond the limit")
    at = 0
    nodes = 0
    pending = [1]  # values still to come, one entry for each open container
    while pending:
        if pending[-1] == 0:
            pending.pop()
            continue
        pending[-1] -= 1
        nodes += 1
        if nodes > 2 * MAX_NODES:  # a list is preceded by one more, and a key counts too
            raise ProtocolError("a frame with too many items")
        if at >= size:
            raise ProtocolError("a frame that ends too early")
        byte = data[at]
        at += 1
        children = -1
        if byte <= 0x7F or byte >= 0xE0:
            continue
        if byte <= 0x8F:
            children = 2 * (byte & 0x0F)
        elif byte <= 0x9F:
            children = byte & 0x0F
        elif byte <= 0xBF:
            at += byte & 0x1F
        elif byte in _SCALARS:
            at += _SCALARS[byte]
        elif byte in _STRINGS:
            length, at = _number(data, at, _STRINGS[byte])
            if length > MAX_STRING:
                raise ProtocolError("a string beyond the limit")
            at += length
        elif byte in _ARRAYS:
            children, at = _number(data, at, _ARRAYS[byte])
        elif byte in _MAPS:
            length, at = _number(data, at, _MAPS[byte])
            children = 2 * length
        elif byte in _EXTENSIONS or byte in _FIXED_EXTENSIONS:
            if byte in _EXTENSIONS:
                length, at = _number(data, at, _EXTENSIONS[byte])
            else:
                length = _FIXED_EXTENSIONS[byte]
            if at >= size or data[at] not in (_ARRAY, _COMPLEX):
                raise ProtocolError("an extension type that is not ours")
            at += 1 + length
        else:
            raise ProtocolError(f"a value of foreign type 0x{byte:02x}")
        if children >= 0:
            if children > size - at:
                raise ProtocolError("a container longer than its frame")
            if len(pending) > MAX_DEPTH + 1:
                raise ProtocolError("a frame nested too deeply")
            pending.append(children)
    if at != size:
        raise ProtocolError("a frame with bytes left over or missing")


def _number(data: bytes, at: int, width: int) -> tuple[int, int]:
    if at + width > len(data):
        raise ProtocolError("a frame that ends too early")
    return int.from_bytes(data[at : at + width], "big"), at + width


def _extension(code: int, data: bytes) -> Tree:
    if code == _COMPLEX:
        if len(data) != 16:
            raise ProtocolError("a complex number of the wrong size")
        return complex(*struct.unpack("<dd", data))
    if len(data) < 2:
        raise ProtocolError("an array without a header")
    dtype_code, ndim = data[0], data[1]
    offset = 2 + 8 * ndim
    if dtype_code >= len(_DTYPES) or ndim > MAX_NDIM or len(data) < offset:
        raise ProtocolError("an array with a malformed header")
    shape = struct.unpack(f"<{ndim}Q", data[2:offset])
    dtype = _DTYPES[dtype_code]
    count = 1
    for length in shape:
        if length > MAX_FRAME:
            raise ProtocolError("an array with an axis beyond the limit")
        count *= length
    if count * dtype.itemsize != len(data) - offset:
        raise ProtocolError("an array whose shape does not fit its data")
    array = np.frombuffer(data, dtype=dtype, offset=offset, count=count).reshape(shape)
    if dtype.kind == "b" and bool(np.any(array.view(np.uint8) > 1)):
        raise ProtocolError("a boolean that is neither true nor false")
    return array.copy()


def _restore(packed: Any) -> Tree:
    if isinstance(packed, list):
        if not packed or type(packed[0]) is not bool:
            raise ProtocolError("a sequence that is neither list nor tuple")
        items = [_restore(item) for item in packed[1:]]
        return tuple(items) if packed[0] else items
    if isinstance(packed, dict):
        return {key: _restore(value) for key, value in packed.items()}
    return packed
