"""What limits in the settings have to look like, by kind of request."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

ARM_KINDS = ("reads", "writes", "deletes")
_OF_REGISTRIES = (*ARM_KINDS, "referrers")
REGISTRY_KINDS = (*_OF_REGISTRIES, *(f"identity_{kind}" for kind in _OF_REGISTRIES), "oauth")


def check_pairs(name: str, given: Any, known: Collection[str] = ()) -> None:
    """Check an object that has two numbers for each kind.

    Args:
        name: of the setting, for errors.
        given: its value.
        known: the kinds there are; any if empty.

    Raises:
        ValueError: it is otherwise.
    """
    _check_kinds(name, given, known)
    for kind, numbers in given.items():
        check_pair(f"{name}: {kind}", numbers)


def check_pair(name: str, given: Any) -> None:
    """Check that two numbers are given, the second above 0; ``ValueError`` says what is wrong."""
    numbers = isinstance(given, list | tuple) and len(given) == 2 and all(_is_number(each) for each in given)
    if not numbers or given[0] < 0 or given[1] <= 0:
        raise ValueError(f"{name}: expected two numbers, the second above 0, not {given!r}")


def check_numbers(name: str, given: Any, known: Collection[str]) -> None:
    """Check an object that has a number, not below 0, for some known kinds; ``ValueError`` says what is wrong."""
    _check_kinds(name, given, known)
    for kind, number in given.items():
        if not _is_number(number) or number < 0:
            raise ValueError(f"{name}: {kind}: expected a number, 0 or above, not {number!r}")


def _check_kinds(name: str, given: Any, known: Collection[str]) -> None:
    if not isinstance(given, dict):
        raise ValueError(f"{name}: expected an object of limits by kind, not {given!r}")
    unknown = sorted(set(given) - set(known)) if known else []
    if unknown:
        raise ValueError(f"{name}: there are {', '.join(known)}; not {', '.join(unknown)}")


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)
