"""The instructions of a Dockerfile, as BuildKit's parser takes them apart. Pure, and bounded.

Directives, continuations, comments and here-documents: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shared.errors import MalformedInput

LARGEST_FILE = 256 * 1024
_MOST_LINES = 10_000
_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(\S|\S.*\S)\s*")
_DIRECTIVES = frozenset({"escape", "syntax", "check"})
_HEREDOC = re.compile(r"[0-9]*<<(-?)([^<]+)")
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD", "ONBUILD"})


class Instruction(msgspec.Struct, frozen=True):
    """An instruction, its continuations joined and its here-documents left out.

    Attributes:
        line: on which it begins, from 1.
        keyword: in capital letters.
        rest: what follows it.
    """

    line: int
    keyword: str
    rest: str


class Instructions(msgspec.Struct, frozen=True):
    """A Dockerfile taken apart.

    Attributes:
        escape: the character that escapes and continues lines.
        syntax: the image of the frontend that the file asks for; empty if it asks for none.
        syntax_line: where it does.
        each: the instructions.
    """

    escape: str
    syntax: str
    syntax_line: int
    each: tuple[Instruction, ...]


class _Heredoc(msgspec.Struct, frozen=True):
    name: str
    without_tabs: bool


def instructions(content: bytes) -> Instructions:
    """Take a Dockerfile apart.

    Args:
        content: the file.

    Raises:
        MalformedInput: no builder could read it, or it is larger than any that people write; the message says where.
    """
    lines = _lines(content)
    directives = _directives(lines)
    escape = directives.get("escape", ("\\", 0))[0]
    if escape not in {"\\", "`"}:
        raise MalformedInput(f"line {directives['escape'][1]}: the escape character is \\ or `, not {escape[:20]!r}")
    syntax, line = directives.get("syntax", ("", 0))
    return Instructions(escape, syntax.partition(" ")[0], line, tuple(_Reader(lines, escape).each()))


def _lines(content: bytes) -> list[str]:
    if len(content) > LARGEST_FILE:
        raise MalformedInput(f"a Dockerfile of {len(content)} bytes is not read; the most is {LARGEST_FILE}")
    try:
        text = content.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        raise MalformedInput(f"byte {error.start} is no UTF-8, so this is no Dockerfile") from None
    if "\0" in text:
        raise MalformedInput("it holds a zero byte, so this is no Dockerfile")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(lines) > _MOST_LINES:
        raise MalformedInput(f"a Dockerfile of {len(lines)} lines is not read; the most is {_MOST_LINES}")
    return lines


def _directives(lines: list[str]) -> dict[str, tuple[str, int]]:
    """They stand before all else: the first line that is none of them ends them."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(lines, 1):
        match = _DIRECTIVE.fullmatch(line.lstrip())
        name = match[1].lower() if match else ""
        if match is None or name not in _DIRECTIVES:
            break
        if name in found:
            raise MalformedInput(f"line {number}: the directive {name} stands there a second time")
        found[name] = match[2], number
    return found


class _Reader:
    def __init__(self, lines: list[str], escape: str) -> None:
        self._lines = lines
        self._escape = escape
        self._continued = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
        self._next = 0

    def each(self) -> Iterator[Instruction]:
        while self._next < len(self._lines):
            begin, text = self._next + 1, self._joined()
            if text.strip():
                keyword, _, rest = text.strip().replace("\t", " ", 1).partition(" ")
                found = Instruction(begin, keyword.upper(), rest.strip())
                self._skip_heredocs(found)
                yield found

    def _joined(self) -> str:
        """Inside an instruction, comments and empty lines are left out."""
        text, going_on = self._one("" if _is_comment(self._lines[self._next]) else self._lines[self._next].lstrip())
        parts = [text]
        while going_on and self._next < len(self._lines):
            line = self._lines[self._next]
            if _is_comment(line) or not line.strip():
                self._next += 1
                continue
            text, going_on = self._one(line)
            parts.append(text)
        return "".join(parts)

    def _one(self, line: str) -> tuple[str, bool]:
        self._next += 1
        found = self._continued.search(line)
        return (line[: found.start()], True) if found else (line, False)

    def _skip_heredocs(self, found: Instruction) -> None:
        if found.keyword not in _WITH_HEREDOCS or "<<" not in found.rest:
            return
        for heredoc in _heredocs(found.rest, self._escape):
            self._skip(heredoc, found.line)

    def _skip(self, heredoc: _Heredoc, begin: int) -> None:
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if (line.lstrip("\t") if heredoc.without_tabs else line) == heredoc.name:
                return
        raise MalformedInput(f"line {begin}: the here-document {heredoc.name[:40]!r} does not end")


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _heredocs(rest: str, escape: str) -> Iterator[_Heredoc]:
    for word in raw_words(rest, escape) or ():
        match = _HEREDOC.fullmatch(word)
        name = re.sub(r"[\"']", "", match[2]) if match else ""
        if match and name:
            yield _Heredoc(name, bool(match[1]))


def raw_words(text: str, escape: str) -> tuple[str, ...] | None:
    """Split text at white space that is neither quoted nor escaped; quotes and escapes stay.

    Returns:
        The words; ``None`` if a quote does not end.
    """
    words, word, quote, at = list[str](), list[str](), "", 0
    while at < len(text):
        char = text[at]
        if char == escape and quote != "'":
            char = text[at : at + 2]
        elif quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        if char.isspace() and not quote and len(char) == 1:
            words += ["".join(word)] if word else []
            word = []
        else:
            word.append(char)
        at += len(char)
    words += ["".join(word)] if word else []
    return None if quote else tuple(words)
