"""Records that are only shown: one that cannot be read is told, and hides none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    problems: list[str] = []
    return list(readable_each(records, problems.append)), "".join(problems)


def readable_each(records: Iterable[T], told: Callable[[str], None]) -> Iterator[T]:
    """Iterate over the records that can be read, without keeping any.

    Args:
        records: as for ``readable``; raises as that does.
        told: is told, after the last one, what is wrong with the others.
    """
    try:
        yield from records
    except ServiceError as error:
        if error.code != UNREADABLE:
            raise
        told(str(error))
