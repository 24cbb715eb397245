"""Reading a YAML mapping strictly: each property at most of one type, and none that would be ignored."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from infra.local.runner.errors import TaskRefused

_Kind = TypeVar("_Kind")


class Properties:
    """One mapping of the document; ``place`` says where it stands, for errors."""

    def __init__(self, content: Any, place: str) -> None:
        if not isinstance(content, Mapping):
            raise TaskRefused(f"{place}: expected a mapping, found {_kind(content)}")
        self._content = content
        self.place = place

    def allow(self, read: Collection[str], known_to_acr: Collection[str]) -> None:
        """Refuse every property not in ``read``, telling apart what ACR knows and what nobody does."""
        for name in self._content:
            if name in known_to_acr and name not in read:
                raise TaskRefused(f"{self.place}: this twin does not run `{name}`")
            if name not in read:
                raise TaskRefused(f"{self.place}: `{name}` is not a property of ACR Tasks")

    def text(self, name: str) -> str | None:
        """Return a string property, or ``None`` if it is absent."""
        return self._typed(name, str, "a string")

    def flag(self, name: str) -> bool:
        """Return a boolean property; absent is false."""
        return bool(self._typed(name, bool, "true or false"))

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return an integer property of at least ``least``, or ``default`` if it is absent."""
        value = self._typed(name, int, "an integer")
        if value is None:
            return default
        if isinstance(value, bool) or value < least:
            raise TaskRefused(f"{self.place}.{name}: expected an integer of at least {least}, found {value!r}")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a property that is a list of strings; absent is empty."""
        value = self._typed(name, list, "a list of strings") or []
        for entry in value:
            if not isinstance(entry, str):
                raise TaskRefused(f"{self.place}.{name}: expected a list of strings, found {_kind(entry)} in it")
        return tuple(value)

    def items(self, name: str) -> list[Any]:
        """Return a property that is a list of anything; absent or empty is refused."""
        value = self._typed(name, list, "a list")
        if not value:
            raise TaskRefused(f"{self.place}.{name}: expected a list with at least one entry")
        return value

    def mappings(self, name: str) -> list[Properties]:
        """Return a property that is a list of mappings; absent is empty."""
        value = self._typed(name, list, "a list") or []
        return [Properties(entry, f"{name}[{number}]") for number, entry in enumerate(value)]

    def text_by_name(self, name: str) -> dict[str, str]:
        """Return a property that is a mapping of strings, in which nothing is an empty one; absent is empty."""
        value = self._typed(name, dict, "a mapping") or {}
        return {str(key): Properties(value, f"{self.place}.{name}").text(key) or "" for key in value}

    def environment(self, name: str, *, at_commas: bool = False) -> dict[str, str]:
        """Return a list of ``NAME=value`` as a mapping; quotes are read as the shell that ACR passes them to does.

        Args:
            name: of the property.
            at_commas: whether each entry is cut at commas first, even within quotes, as ACR does with a task's own.
        """
        entries = [part for entry in self.texts(name) for part in (entry.split(",") if at_commas else [entry])]
        pairs = {}
        for entry in entries:
            if at_commas and "=" not in entry:
                problem = f"cannot parse task environment variable {entry} correctly"
                raise TaskRefused(f"failed to merge task and step environment variables: {problem}")
            words = split_words(entry, f"{self.place}.{name}")
            if len(words) != 1 or "=" not in words[0]:
                raise TaskRefused(f"{self.place}.{name}: expected NAME=value, quoted if it holds spaces: {entry!r}")
            variable, _, value = words[0].partition("=")
            pairs[variable] = value
        return pairs

    def _typed(self, name: str, kind: type[_Kind], wanted: str) -> _Kind | None:
        value = self._content.get(name)
        if value is not None and not isinstance(value, kind):
            raise TaskRefused(f"{self.place}.{name}: expected {wanted}, found {_kind(value)}")
        return value


def split_words(text: str, place: str) -> list[str]:
    """Split ``text`` as a shell does, without expanding anything; ``TaskRefused`` for an open quote."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise TaskRefused(f"{place}: {error} in {text!r}") from error


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {value!r}"
