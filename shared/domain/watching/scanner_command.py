"""The command line of another scanner than Trivy: arguments, in which words in braces stand for what a run gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from shared.domain.shapes import Told
from shared.domain.watching.scanner import ARGUMENT

# Without these nobody knows that the report is of this image and platform, or where it lies.
NEEDED = ("image", "platform", "output")
# Which tools it is given is the list's to say: one that is named is given, and none is given that is not named.
_TOOLS = ("database", "java_database")
_KNOWN = frozenset((*NEEDED, *_TOOLS, "cache"))
_STANDS_FOR = re.compile(r"\{([a-z_]+)\}")
_WHERE = ("scanner", "command")
_ARGUMENT = re.compile(ARGUMENT)


def filled(command: Sequence[str], given: Mapping[str, str]) -> tuple[str, ...]:
    """Return the arguments with what a run gives in place of the words in braces.

    Args:
        command: as the list has it.
        given: what stands for each word.
    """
    return tuple(_STANDS_FOR.sub(lambda found: given[found[1]], argument) for argument in command)


def command_problems(fields: Mapping[str, object]) -> Iterator[Told]:
    """Find what is wrong with how a scanner is to be called, whatever else may be wrong with it.

    Args:
        fields: the scanner as plain objects.
    """
    command = fields.get("command")
    if fields.get("format") is None:
        yield from _trivys(fields)
    elif not command:
        yield ("scanner",), "a scanner with a format is another one than Trivy: say by command: how it is called"
    elif isinstance(command, list):
        yield from _others([each for each in command if isinstance(each, str)], fields)


def _trivys(fields: Mapping[str, object]) -> Iterator[Told]:
    if "command" in fields:
        yield _WHERE, "Trivy is told all it needs; a command is for another scanner, whose format: has to be said too"
    if fields.get("database") is None:
        yield ("scanner",), "the field 'database' is missing"


def _others(command: Sequence[str], fields: Mapping[str, object]) -> Iterator[Told]:
    for number, argument in enumerate(command):
        if not _ARGUMENT.fullmatch(argument):
            told = "an argument has 1 to 300 letters, digits and _ . / : = @ , + - alone, for a shell takes it apart"
            yield (*_WHERE, number), told
            return
    yield from _word_problems(command, fields)


def _word_problems(command: Sequence[str], fields: Mapping[str, object]) -> Iterator[Told]:
    there = {word for argument in command for word in _STANDS_FOR.findall(argument)}
    bare = "".join(_STANDS_FOR.sub("", argument) for argument in command)
    if unknown := sorted(there - _KNOWN):
        yield _WHERE, f"nobody knows what {{{unknown[0]}}} stands for; there are: {_shown(sorted(_KNOWN))}"
    elif "{" in bare or "}" in bare:
        yield _WHERE, f"braces stand around these words alone: {_shown(sorted(_KNOWN))}"
    if missing := [word for word in NEEDED if word not in there]:
        yield (
            _WHERE,
            f"it lacks {_shown(missing)}: without it nobody knows that the report is of what was to be scanned",
        )
    for name in _TOOLS:
        if (name in there) is not (fields.get(name) is not None):
            yield _WHERE, f"{{{name}}} stands in the command where the scanner has a {name}, and only there"


def _shown(words: Sequence[str]) -> str:
    return ", ".join(f"{{{word}}}" for word in words)
