"""Reading a Dockerfile as BuildKit does, as far as it says what an image is made from and what it runs.

https://docs.docker.com/reference/dockerfile/ says what is meant; the order of things (directives, comments, lines that
go on, here-documents) is that of BuildKit's own parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from shared.errors import UnfitGate

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*")
_HEREDOC = re.compile(r"\d*<<(?P<tabs>-?)(?P<quote>[\"']?)(?P<name>[^<\"'\s]+)(?P=quote)")
_WITH_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})
_WORD = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*'|["'\\])+""")


class Instruction(msgspec.Struct, frozen=True):
    """One instruction.

    Attributes:
        keyword: in capitals.
        text: what follows it, its lines joined.
        line: where it begins, from 1.
        last_line: where it ends, without its here-documents.
    """

    keyword: str
    text: str
    line: int
    last_line: int


class Stage(msgspec.Struct, frozen=True):
    """One stage of a build.

    Attributes:
        base: what stands after ``FROM``, without options.
        name: what stands after ``AS``, in small letters; empty for none.
        line: of its ``FROM``.
        instructions: what follows.
    """

    base: str
    name: str
    line: int
    instructions: tuple[Instruction, ...]


def read_instructions(text: str) -> tuple[Instruction, ...]:
    """Return the instructions of a Dockerfile.

    Raises:
        UnfitGate: a here-document without an end; the message begins with the line.
    """
    return tuple(_Reader(text).instructions())


def stages_of(instructions: tuple[Instruction, ...]) -> tuple[Stage, ...]:
    """Return the stages; what stands before the first ``FROM`` belongs to none."""
    begins = [place for place, each in enumerate(instructions) if each.keyword == "FROM"]
    ends = [*begins[1:], len(instructions)]
    return tuple(
        _stage(instructions[begin], instructions[begin + 1 : end]) for begin, end in zip(begins, ends, strict=False)
    )


def words_in(text: str) -> list[str]:
    """Split at white space outside quotes; the quotes stay."""
    return _WORD.findall(text)


def _stage(begin: Instruction, rest: tuple[Instruction, ...]) -> Stage:
    words = [word for word in begin.text.split() if not word.startswith("--")]
    named = len(words) == 3 and words[1].upper() == "AS"
    return Stage(words[0] if words else "", words[2].lower() if named else "", begin.line, rest)


class _Reader:
    """Goes through the lines once."""

    def __init__(self, text: str) -> None:
        self._lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
        self._next = 0
        escape = re.escape(self._escape())
        self._goes_on = re.compile(rf"(?<!{escape}){escape}[ \t]*$")

    def instructions(self) -> Iterator[Instruction]:
        """Yield each instruction with the line it begins on, without comments and without heredocs' texts."""
        while self._next < len(self._lines):
            line = self._take().lstrip()
            if line and not line.startswith("#"):
                instruction = self._whole(line)
                yield instruction
                self._pass_heredocs(instruction)

    def _escape(self) -> str:
        """Directives are comments before all else; the first line that is none ends them."""
        for line in self._lines:
            found = _DIRECTIVE.fullmatch(line.strip())
            if found is None:
                break
            if found[1].lower() == "escape" and found[2] in {"\\", "`"}:
                return found[2]
        return "\\"

    def _take(self) -> str:
        self._next += 1
        return self._lines[self._next - 1]

    def _whole(self, line: str) -> Instruction:
        """Join the lines of an instruction; comments and blank lines among them do not end it."""
        begin, whole = self._next, ""
        while found := self._goes_on.search(line):
            whole += line[: found.start()]
            line = ""
            while self._next < len(self._lines):
                line = self._take()
                if line.strip() and not line.lstrip().startswith("#"):
                    break
                line = ""
        keyword, _, text = (whole + line).strip().replace("\t", " ").partition(" ")
        return Instruction(keyword.upper(), text.strip(), begin, self._next)

    def _pass_heredocs(self, instruction: Instruction) -> None:
        for name, tabs in _heredocs(instruction.keyword, instruction.text):
            while self._next < len(self._lines):
                line = self._take()
                if (line.lstrip("\t") if tabs else line) == name:
                    break
            else:
                raise UnfitGate(f"line {instruction.line}: the here-document {name} has no end")


def _heredocs(keyword: str, text: str) -> Iterator[tuple[str, bool]]:
    """Names of the here-documents that an instruction opens, and whether tabs before the end are dropped."""
    if keyword == "ONBUILD":
        keyword, _, text = text.partition(" ")
    if keyword.upper() not in _WITH_HEREDOCS or text.lstrip().startswith("["):
        return
    for word in words_in(text):
        if found := _HEREDOC.fullmatch(word):
            yield found["name"], bool(found["tabs"])
