"""Reading CBOR (RFC 8949) as far as envelopes of the Notary Project need it. A reader of all of CBOR also takes numbers
of any size, patterns and references from strangers; this one takes plain values, none twice and none deep."""

from __future__ import annotations

import msgspec

from shared.domain.signatures.findings import Refused

_DEEPEST = 8
_MOST_ITEMS = 100
_LENGTHS = {24: 1, 25: 2, 26: 4, 27: 8}
_SIMPLE = {20: False, 21: True, 22: None}


class Tagged(msgspec.Struct, frozen=True):
    """A value that is said to mean something.

    Attributes:
        tag: what, by its number.
        value: the value.
    """

    tag: int
    value: object


def read_cbor(raw: bytes) -> object:
    """Read a value that is all of some bytes: a number, text, bytes, a list, a mapping, or one of these tagged.

    Raises:
        Refused: it is none of these, or something follows.
    """
    value, end = _read(raw, 0, 0)
    if end != len(raw):
        raise Refused("something follows the envelope")
    return value


def array_of_four(first: str, *rest: bytes) -> bytes:
    """Write a list of a text and of bytes, as the signature of a COSE envelope is over.

    Args:
        first: the text, of less than 24 letters.
        rest: three times bytes.
    """
    name = first.encode()
    return bytes((0x84, 0x60 | len(name))) + name + b"".join(_head(2, len(each)) + each for each in rest)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    short, length = next((short, length) for short, length in _LENGTHS.items() if number < 256**length)
    return bytes((major << 5 | short,)) + number.to_bytes(length, "big")


def _read(raw: bytes, at: int, depth: int) -> tuple[object, int]:
    if at >= len(raw) or depth > _DEEPEST:
        raise Refused("the envelope is cut off, or too deep")
    major, short = raw[at] >> 5, raw[at] & 0x1F
    if major == 7:
        if short not in _SIMPLE:
            raise Refused("the envelope holds a value of a kind not known here")
        return _SIMPLE[short], at + 1
    number, at = _number(raw, at + 1, short)
    if major in (0, 1):
        return (number if major == 0 else -1 - number), at
    if major in (2, 3):
        return _string(raw, at, number, is_text=major == 3)
    if major == 6:
        value, at = _read(raw, at, depth + 1)
        return Tagged(number, value), at
    if number > _MOST_ITEMS:
        raise Refused("the envelope holds too many values")
    return _array(raw, at, number, depth) if major == 4 else _mapping(raw, at, number, depth)


def _number(raw: bytes, at: int, short: int) -> tuple[int, int]:
    if short < 24:
        return short, at
    end = at + _LENGTHS.get(short, len(raw) + 1)
    if end > len(raw):
        raise Refused("the envelope is cut off, or holds a value without a length")
    return int.from_bytes(raw[at:end], "big"), end


def _string(raw: bytes, at: int, length: int, *, is_text: bool) -> tuple[str | bytes, int]:
    end = at + length
    if end > len(raw):
        raise Refused("the envelope is cut off")
    return (raw[at:end].decode() if is_text else raw[at:end]), end


def _array(raw: bytes, at: int, length: int, depth: int) -> tuple[list[object], int]:
    items: list[object] = []
    for _ in range(length):
        item, at = _read(raw, at, depth + 1)
        items.append(item)
    return items, at


def _mapping(raw: bytes, at: int, length: int, depth: int) -> tuple[dict[object, object], int]:
    found: dict[object, object] = {}
    for _ in range(length):
        name, at = _read(raw, at, depth + 1)
        value, at = _read(raw, at, depth + 1)
        if not isinstance(name, int | str) or name in found:
            raise Refused("the envelope says something twice, or by a name that is none")
        found[name] = value
    return found, at
