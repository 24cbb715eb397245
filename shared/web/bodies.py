"""What the body of a request says: bounded, of one shape, and told what is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from shared.errors import MalformedRequest

B = TypeVar("B", bound=msgspec.Struct)

_LARGEST_BODY = 4 * 1024


def decoded(body: bytes, decoder: msgspec.json.Decoder[B], kind: type[B], largest: int = _LARGEST_BODY) -> B:
    """Read a JSON body.

    Args:
        body: as it came.
        decoder: of its shape.
        kind: its shape, whose fields are told where it has another.
        largest: of how many bytes it may be, 4 KiB unless said otherwise.

    Raises:
        MalformedRequest: 413 for more bytes; 400 for another shape.
    """
    if len(body) > largest:
        raise MalformedRequest(f"the body has {len(body)} bytes; at most {largest} are read", status=413)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wanted = ", ".join(f'"{field.encode_name}"' for field in msgspec.structs.fields(kind))
        raise MalformedRequest(f"the body is not an object with {wanted}: {error}") from error


def one_line(text: str, field: str) -> str:
    """Return a text that stands in logs and records: one line that says something.

    Raises:
        MalformedRequest: it is empty, or holds what cannot be printed.
    """
    if not text.strip():
        raise MalformedRequest(f"{field}: it says nothing; say your reason")
    if not text.isprintable():
        raise MalformedRequest(f"{field}: it holds what cannot be printed, such as a line's end")
    return text.strip()


def utc(moment: datetime, field: str) -> datetime:
    """Return a moment as UTC.

    Raises:
        MalformedRequest: it is none there.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise MalformedRequest(f"{field}: it is outside the years 1 to 9999, UTC") from None
