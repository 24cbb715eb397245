"""A part of a list, as it is answered."""

from __future__ import annotations

from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class Part(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A part of a list.

    Attributes:
        next: where to go on, as ``after``; absent at the end.
        unreadable: which records could not be read, so that some are missing; absent if all could.
    """

    next: str = ""
    unreadable: str = ""


def shown_as(kind: type[S], record: msgspec.Struct, **more: object) -> S:
    """Return a record as it is shown: the fields that both have, and more.

    Args:
        kind: of what is shown.
        record: what is known.
        more: fields that the record has not, or that are shown otherwise.
    """
    common = [name for name in kind.__struct_fields__ if name in record.__struct_fields__ and name not in more]
    return kind(**{name: getattr(record, name) for name in common}, **more)
