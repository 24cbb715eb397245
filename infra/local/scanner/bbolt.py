"""Writes bbolt files, in which Trivy keeps what it knows: nested mappings in, one sorted tree of pages a bucket out.

The file is a snapshot that every bbolt opens; it is never changed. Layout: https://github.com/etcd-io/bbolt (page.go,
node.go, bucket.go). Small buckets stand in pages of their own, where bbolt would put them into their parent's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, Union

Bucket = Mapping[str, Union[bytes, "Bucket"]]

_PAGE = 4096
_BRANCH, _LEAF, _META, _FREELIST = 0x01, 0x02, 0x04, 0x10
_IS_BUCKET = 1
_MAGIC, _VERSION = 0xED0CDAED, 2
_HEADER = struct.Struct("<QHHI")  # page, flags, number of elements, pages that follow it
_META_BODY = struct.Struct("<IIIIQQQQQ")
_LEAF_ELEMENT = struct.Struct("<IIII")  # flags, where its key begins, sizes of key and value
_BRANCH_ELEMENT = struct.Struct("<IIQ")  # where its key begins, its size, page of the child
_BUCKET = struct.Struct("<QQ")  # page of its root, sequence
_FREE, _FIRST = 2, 3  # pages 0 and 1 are the metas
_FEWEST = 2  # keys in a page, however long they are

_Item = TypeVar("_Item", bound=tuple[bytes, object])
_Leaf = tuple[bytes, tuple[int, bytes]]
_Child = tuple[bytes, int]


def bbolt(root: Bucket) -> bytes:
    """Return the file that holds ``root``: bytes are values, mappings are buckets.

    Raises:
        ValueError: a key is empty, which bbolt has none of.
    """
    pages = _Pages()
    top = pages.bucket(root)
    # Readers take the valid one with the higher transaction; each lies on the page of its number.
    metas = b"".join(_meta(number, top, pages.next) for number in (0, 1))
    free = _padded(_HEADER.pack(_FREE, _FREELIST, 0, 0))
    return metas + free + b"".join(pages.written)


@dataclass
class _Pages:
    next: int = _FIRST
    written: list[bytes] = field(default_factory=list)

    def bucket(self, bucket: Bucket) -> int:
        """Write a bucket and all in it; return the page of its root."""
        items = [self._leaf_item(key, value) for key, value in bucket.items()]
        level = self._level(sorted(items), _LEAF, _leaf_page)
        while len(level) > 1:
            level = self._level(level, _BRANCH, _branch_page)
        return level[0][1]

    def _leaf_item(self, key: str, value: bytes | Bucket) -> _Leaf:
        if not key:
            raise ValueError("bbolt has no empty keys")
        if isinstance(value, bytes):
            return key.encode(), (0, value)
        return key.encode(), (_IS_BUCKET, _BUCKET.pack(self.bucket(value), 0))

    def _level(self, items: Sequence[_Item], flags: int, body: Callable[[Sequence[_Item]], bytes]) -> list[_Child]:
        return [(group[0][0] if group else b"", self._add(flags, len(group), body(group))) for group in _groups(items)]

    def _add(self, flags: int, count: int, body: bytes) -> int:
        page, more = self.next, max(0, -(-(_HEADER.size + len(body)) // _PAGE) - 1)
        self.written.append(_padded(_HEADER.pack(page, flags, count, more) + body))
        self.next += more + 1
        return page


def _groups(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    """Cut items into pages; no item at all is one empty page."""
    begin = used = 0
    for end, (key, value) in enumerate(items):
        size = _LEAF_ELEMENT.size + len(key) + (len(value[1]) if isinstance(value, tuple) else 0)
        if end - begin >= _FEWEST and _HEADER.size + used + size > _PAGE:
            yield items[begin:end]
            begin, used = end, 0
        used += size
    yield items[begin:]


def _leaf_page(items: Sequence[_Leaf]) -> bytes:
    elements, data = bytearray(), bytearray()
    for number, (key, (flags, value)) in enumerate(items):
        elements += _LEAF_ELEMENT.pack(flags, _place(_LEAF_ELEMENT, items, number, data), len(key), len(value))
        data += key + value
    return bytes(elements + data)


def _branch_page(items: Sequence[_Child]) -> bytes:
    elements, data = bytearray(), bytearray()
    for number, (key, page) in enumerate(items):
        elements += _BRANCH_ELEMENT.pack(_place(_BRANCH_ELEMENT, items, number, data), len(key), page)
        data += key
    return bytes(elements + data)


def _place(element: struct.Struct, items: Sequence[object], number: int, data: bytes | bytearray) -> int:
    """Return where the next key begins, counted from its own element."""
    return element.size * (len(items) - number) + len(data)


def _meta(number: int, root: int, pages: int) -> bytes:
    body = _META_BODY.pack(_MAGIC, _VERSION, _PAGE, 0, root, 0, _FREE, pages, number)
    return _padded(_HEADER.pack(number, _META, 0, 0) + body + struct.pack("<Q", _fnv1a(body)))


def _fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def _padded(page: bytes) -> bytes:
    return page + bytes(-len(page) % _PAGE)
