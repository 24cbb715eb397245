"""The files of a watch list as one source, and as one blob when they are kept as the last good list.

One blob is written whole or not at all, so the last good list is never half of one and half of another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from shared.adapters.storage.blobs import Blob
from shared.configuration_ports import ListSource
from shared.domain.watching.watch_list import ListFile

MAIN = "images.yaml"
MOST_FILES = 100
_EMPTY = b"images: []\n"
# The files, of which a list has a mebibyte at most, and the line that says how long each of them is.
MOST_OF_LAST_GOOD = 1024 * 1024 + 32 * 1024
_HEAD = b"# Tidegate: the files of this list, and how many bytes each has: "
_LENGTHS = msgspec.json.Decoder(tuple[tuple[str, int], ...])


def list_of(blobs: Mapping[str, Blob]) -> ListSource:
    """Return the list that some blobs make, one at least.

    Args:
        blobs: by name, in the order of their names.
    """
    more = tuple(ListFile(name, blob.content) for name, blob in blobs.items() if name != MAIN)
    main = blobs.get(MAIN)
    text = main.content if main else _EMPTY
    origin = f"blob config/{MAIN}" + (f" with {len(more)} of config/images/" if more else "")
    modified = max(blob.modified for blob in blobs.values())
    return ListSource(text, _version(text, more), origin, modified, more, main is None)


def packed(source: ListSource) -> bytes:
    """Return a list as one text: of a single file its own, else a first line of lengths and all the files."""
    if not source.more and not source.lacks_main:
        return source.text
    files = [*([] if source.lacks_main else [(MAIN, source.text)]), *((file.name, file.text) for file in source.more)]
    lengths = msgspec.json.encode([(name, len(text)) for name, text in files])
    return b"".join([_HEAD, lengths, b"\n", *(text for _, text in files)])


def unpacked(blob: Blob, origin: str) -> ListSource:
    """Return the list that ``packed`` made a text of; what does not look like that is one file."""
    first, _, rest = blob.content.partition(b"\n")
    files = _files(first.removeprefix(_HEAD), rest) if first.startswith(_HEAD) else None
    if files is None:
        return ListSource(blob.content, _version(blob.content, ()), origin, blob.modified)
    main = next((file.text for file in files if file.name == MAIN), None)
    more = tuple(file for file in files if file.name != MAIN)
    text = _EMPTY if main is None else main
    return ListSource(text, _version(text, more), origin, blob.modified, more, main is None)


def _files(told: bytes, rest: bytes) -> list[ListFile] | None:
    try:
        lengths = _LENGTHS.decode(told)
    except msgspec.DecodeError:
        return None
    files = []
    for name, length in lengths:
        files.append(ListFile(name, rest[:length]))
        rest = rest[length:]
    return files


def _version(text: bytes, more: Sequence[ListFile]) -> str:
    """Of one file it is the hash of its text, as it has always been."""
    parts = [text, *(f"\0{file.name}\0{len(file.text)}\0".encode() + file.text for file in more)]
    return hashlib.sha256(b"".join(parts)).hexdigest()
