"""Ids of what is known of a repository of a base registry: the registry, the repository and what of it, in one text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared.domain.references import parse_path
from shared.errors import InvalidReference

T = TypeVar("T")


def base_id(registry: str, repository: str, what: str) -> str:
    """Derive an id.

    Args:
        registry: the base registry's name.
        repository: in the base registry.
        what: a tag or a digest of it.

    Returns:
        Such as ``tidegatebase~base~node~22-alpine``: ``~`` can stand in no registry's name, repository, tag or digest.
    """
    return f"{registry.lower()}~{repository.replace('/', '~')}~{what}"


def parts_of_base_id(text: str, read: Callable[[str], T]) -> tuple[str, str, T]:
    """Take the registry's name, the repository and what it is of out of an id.

    Args:
        text: the id.
        read: reads its last part.

    Raises:
        InvalidReference: it is no such id.
    """
    registry, _, rest = text.partition("~")
    path, _, what = rest.rpartition("~")
    if not registry.isalnum() or not registry.isascii():
        raise InvalidReference(registry)
    return registry, parse_path(path.replace("~", "/")), read(what)
