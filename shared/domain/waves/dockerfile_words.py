"""Variables of a Dockerfile put in their places, as BuildKit does it. Pure, and bounded.

https://docs.docker.com/reference/dockerfile/#environment-replacement
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.domain.waves.patterns import Pattern
from shared.errors import MalformedInput

LONGEST_WORD = 512
_DEEPEST = 20
# No file that people write has so many, and each may cost some milliseconds.
_MOST_VARIABLES = 1000
# Steps of replacing by patterns, all of a file's together: less than a second's.
_MOST_STEPS = 300_000
_SPECIAL = frozenset("@*#?-$!")


class Variables:
    """What the variables of a file are, and which of them were needed.

    Args:
        escape: the file's escape character.
    """

    def __init__(self, escape: str) -> None:
        self.escape = escape
        self.values: dict[str, str] = {}
        self.used: set[str] = set()
        self.missing: set[str] = set()
        self._read = 0
        self._steps = 0

    def expand(self, word: str) -> str:
        """Return a word with its variables in their places and without its quotes.

        Raises:
            MalformedInput: no builder could, or only one that is told more.
        """
        return _Word(self, word).whole()

    def value(self, name: str) -> str | None:
        """Return what a variable is; ``None`` if it is nothing.

        Raises:
            MalformedInput: the file has more variables than are looked up.
        """
        self._read += 1
        if self._read > _MOST_VARIABLES:
            raise MalformedInput(f"more than {_MOST_VARIABLES} variables are not put in their places")
        self.used.add(name)
        return self.values.get(name)

    def spend(self, steps: int) -> None:
        """Take note of work that grows with what is written.

        Raises:
            MalformedInput: it is more than is done for a file.
        """
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise MalformedInput("its patterns would take too long to be put in their places")

    def replaced(self, values: Mapping[str, str]) -> None:
        """Take values from here on."""
        self.values = {**self.values, **values}


class _Word:
    def __init__(self, variables: Variables, text: str) -> None:
        if len(text) > LONGEST_WORD:
            raise MalformedInput(f"{text[:40]!r}… is longer than any reference: {len(text)} characters")
        self._variables = variables
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> str:
        return self._until("", raw=False)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        self._at += len(char)
        return char

    def _until(self, stop: str, *, raw: bool) -> str:
        """Read up to a character, which is taken; an empty one stands for the end."""
        found: list[str] = []
        length = 0
        while (char := self._peek()) and char != stop:
            found.append(self._piece(char, raw=raw))
            length += len(found[-1])
            if length > LONGEST_WORD:
                raise MalformedInput(f"{self._text[:40]!r}: what comes of its variables is longer than any reference")
        if stop and not self._take():
            raise MalformedInput(f"{self._text[:80]!r}: {stop} is missing")
        return "".join(found)

    def _piece(self, char: str, *, raw: bool) -> str:
        if char == "$":
            return self._variable()
        if char == "'":
            return self._quoted_as_is()
        if char == '"':
            return self._quoted()
        if self._take() == self._variables.escape:
            return (char if raw else "") + self._take()
        return char

    def _quoted_as_is(self) -> str:
        self._take()
        end = self._text.find("'", self._at)
        if end < 0:
            raise MalformedInput(f"{self._text[:80]!r}: ' is missing")
        found, self._at = self._text[self._at : end], end + 1
        return found

    def _quoted(self) -> str:
        self._take()
        found: list[str] = []
        while (char := self._peek()) and char != '"':
            found.append(self._variable() if char == "$" else self._escaped())
        if not self._take():
            raise MalformedInput(f'{self._text[:80]!r}: " is missing')
        return "".join(found)

    def _escaped(self) -> str:
        """Between quotes, only what means something there is escaped."""
        char, escape = self._take(), self._variables.escape
        return self._take() if char == escape and self._peek() in {'"', "$", escape} else char

    def _variable(self) -> str:
        self._take()
        if self._peek() != "{":
            name = self._name()
            return self._plain(name) if name else "$"
        self._depth += 1
        if self._depth > _DEEPEST:
            raise MalformedInput(f"{self._text[:80]!r}: variables stand in variables, too deep")
        self._take()
        found = self._in_braces()
        self._depth -= 1
        return found

    def _in_braces(self) -> str:
        name = self._name()
        operator = self._take()
        if not name or not operator:
            raise MalformedInput(f"{self._text[:80]!r}: this is no variable")
        if operator == "}":
            return self._plain(name)
        if operator in "#%":
            return self._cut(name, operator)
        if operator == "/":
            return self._substituted(name)
        empty_counts = operator != ":"
        return self._chosen(name, operator if empty_counts else self._take(), empty_counts=empty_counts)

    def _name(self) -> str:
        begin = self._at
        if self._peek() in _SPECIAL and self._peek():
            return self._take()
        digits = self._peek().isdigit()
        while (char := self._peek()) and (char.isdigit() if digits else char.isalnum() or char == "_"):
            self._at += 1
        return self._text[begin : self._at]

    def _plain(self, name: str) -> str:
        value = self._variables.value(name)
        if value is None:
            self._variables.missing.add(name)
        return value or ""

    def _chosen(self, name: str, operator: str, *, empty_counts: bool) -> str:
        word, value = self._until("}", raw=False), self._variables.value(name)
        there = value is not None and (empty_counts or value != "")
        if operator == "-":
            return value or "" if there else word
        if operator == "+":
            return word if there else ""
        if operator == "?" and there:
            return value or ""
        if operator == "?":
            raise MalformedInput(f"the build ends unless it is told {name}: {word[:80] or 'it must be set'}")
        raise MalformedInput(f"{self._text[:80]!r}: {operator[:1]!r} is no operator of variables")

    def _cut(self, name: str, operator: str) -> str:
        longest = self._peek() == operator
        if longest:
            self._take()
        pattern, value = Pattern(self._until("}", raw=True)), self._plain(name)
        if operator == "#":
            return pattern.without_prefix(value, longest=longest)
        return pattern.without_suffix(value, longest=longest)

    def _substituted(self, name: str) -> str:
        everywhere = self._peek() == "/"
        if everywhere:
            self._take()
        written, other, value = self._until("/", raw=True), self._until("}", raw=True), self._plain(name)
        self._variables.spend(len(written) * len(value))
        return Pattern(written).replaced(value, other, everywhere=everywhere)
