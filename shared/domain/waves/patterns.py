"""Patterns of shells, as Dockerfiles cut and replace by them: ``*`` for any text, ``?`` for one character. Pure.

A pattern is followed through a text at all places at once, as bits of one number: no text makes it take long.
"""

from __future__ import annotations

from collections.abc import Iterator

from shared.errors import MalformedInput

_ANY, _ONE = "*", "?"


class Pattern:
    """A pattern.

    Args:
        text: as it was written; what is escaped by ``\\`` stands for itself.

    Raises:
        MalformedInput: it escapes what cannot be escaped.
    """

    def __init__(self, text: str) -> None:
        self._tokens = tuple(_tokens(text))

    def without_prefix(self, text: str, *, longest: bool) -> str:
        """Return a text without the beginning that matches; the whole text if none does."""
        ends = _ends(self._tokens, text)
        return text[_bit(ends, longest=longest) :] if ends else text

    def without_suffix(self, text: str, *, longest: bool) -> str:
        """Return a text without the end that matches; the whole text if none does."""
        ends = _ends(self._tokens[::-1], text[::-1])
        return text[: len(text) - _bit(ends, longest=longest)] if ends else text

    def replaced(self, text: str, other: str, *, everywhere: bool) -> str:
        """Return a text with its first match replaced by another text, or every match; each is as long as it can be."""
        found: list[str] = []
        at = 0
        while at < len(text):
            ends = _ends(self._tokens, text[at:])
            end = _bit(ends, longest=True) if ends else 0
            if end:
                found.append(other)
                at += end
                if not everywhere:
                    break
            else:
                found.append(text[at])
                at += 1
        return "".join(found) + text[at:]


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Iterate over characters, each with whether it stands for others."""
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            char = text[at : at + 1]
            if char not in {_ANY, _ONE, "\\", "}", "/"}:
                raise MalformedInput(f"{text[:80]!r}: \\{char} is nothing that a pattern can say")
            yield char, False
        else:
            yield char, char in {_ANY, _ONE}
        at += 1


def _ends(tokens: tuple[tuple[str, bool], ...], text: str) -> int:
    """Return after how many characters of a text a pattern may end, each as a bit."""
    every = (1 << (len(text) + 1)) - 1
    places: dict[str, int] = {}
    for at, char in enumerate(text):
        places[char] = places.get(char, 0) | 1 << at
    here = 1
    for char, stands_for_others in tokens:
        if stands_for_others and char == _ANY:
            here = every & -(here & -here) if here else 0
        elif stands_for_others:
            here = (here << 1) & every
        else:
            here = (here & places.get(char, 0)) << 1
    return here


def _bit(bits: int, *, longest: bool) -> int:
    return bits.bit_length() - 1 if longest else (bits & -bits).bit_length() - 1
