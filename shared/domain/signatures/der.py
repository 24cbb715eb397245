"""Reading DER (X.690) as far as time stamps need it: definite lengths, no surprises, and never more than is there."""

from __future__ import annotations

import msgspec

from shared.domain.signatures.findings import Refused

SEQUENCE = 0x30
SET = 0x31
INTEGER = 0x02
OCTETS = 0x04
OBJECT = 0x06
GENERALIZED_TIME = 0x18
_MOST_PARTS = 200
_LONGEST_LENGTH = 4
_LONGEST_OBJECT = 64


class Node(msgspec.Struct, frozen=True):
    """One value.

    Attributes:
        tag: what it is, such as ``SEQUENCE``.
        content: its bytes, without tag and length.
        raw: all its bytes.
    """

    tag: int
    content: bytes
    raw: bytes

    def parts(self) -> list[Node]:
        """Return the values that it is made of.

        Raises:
            Refused: it is not made of values, or of too many.
        """
        found = []
        rest = self.content
        while rest:
            node, rest = _read(rest)
            found.append(node)
            if len(found) > _MOST_PARTS:
                raise Refused("a value has too many parts")
        return found

    def must_be(self, tag: int) -> Node:
        """Return itself.

        Raises:
            Refused: it is something else.
        """
        if self.tag != tag:
            raise Refused(f"a value is of the kind {self.tag:#04x} and not {tag:#04x}")
        return self

    @property
    def number(self) -> int:
        """The whole number that it is.

        Raises:
            Refused: it is none.
        """
        self.must_be(INTEGER)
        if not 0 < len(self.content) <= _LONGEST_OBJECT:
            raise Refused("a number is too long")
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def oid(self) -> str:
        """The object identifier that it is, with dots.

        Raises:
            Refused: it is none.
        """
        self.must_be(OBJECT)
        if not 0 < len(self.content) <= _LONGEST_OBJECT or self.content[-1] & 0x80:
            raise Refused("an object identifier is broken")
        numbers = [0]
        for byte in self.content:
            numbers[-1] = numbers[-1] << 7 | byte & 0x7F
            if not byte & 0x80:
                numbers.append(0)
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, (first, numbers[0] - 40 * first, *numbers[1:-1])))


def read_whole(raw: bytes, tag: int) -> Node:
    """Read a value that is all of some bytes.

    Raises:
        Refused: it is none, of another kind, or something follows.
    """
    node, rest = _read(raw)
    if rest:
        raise Refused("something follows a value")
    return node.must_be(tag)


def _read(raw: bytes) -> tuple[Node, bytes]:
    if len(raw) < 2 or raw[0] & 0x1F == 0x1F:
        raise Refused("a value is cut off, or of a kind with a long number")
    length, start = raw[1], 2
    if length & 0x80:
        many = length & 0x7F
        start += many
        if not 0 < many <= _LONGEST_LENGTH or len(raw) < start:
            raise Refused("a value has no definite length")
        length = int.from_bytes(raw[2:start], "big")
    end = start + length
    if end > len(raw):
        raise Refused("a value is cut off")
    return Node(raw[0], raw[start:end], raw[:end]), raw[end:]
