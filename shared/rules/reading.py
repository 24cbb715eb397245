"""Records that are only shown: one that cannot be read is told, and hides none of the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from shared.errors import UNREADABLE, ServiceError

T = TypeVar("T")


def readable(records: Iterable[T]) -> tuple[list[T], str]:
    """Return the records that can be read, and for people what is wrong with the others.

    Args:
        records: such as ports iterate over: what cannot be read is raised after all others.

    Returns:
        The records, and the problem; empty if there is none.

    Raises:
        ServiceError: the records themselves cannot be had just now, or not by us.
    """
    found: list[T] = []
    try:
        for record in records:
            found.append(record)
    except ServiceError as error:
        if error.code != UNREADABLE:
            raise
        return found, str(error)
    return found, ""
