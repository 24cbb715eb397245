"""Globs and regular expressions over tags, in time that grows with the tag's length and not with anybody's malice.

Globs are the shell's, as the standard library translates them: its translation keeps no way back, so that no tag makes
it try twice. Regular expressions are RE2's, which has neither backreferences nor lookaround for just this reason:
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from typing import Any

from shared.errors import InvalidSelection

LONGEST_PATTERN = 128
# Steps of a compiled expression. Where RE2 runs out of states to keep it takes every step at every character.
_MOST_STEPS = 128
_LARGEST_ENGINE = 1024 * 1024  # bytes, and re2 keeps the last 128 engines
_GLOB = re.compile(r"(?:[A-Za-z0-9_.*?-]|\[!?[A-Za-z0-9_.-]+\])++")

_VERSION_GROUP = b"version"

Matcher = Callable[[str], object]


def parse_glob(text: str) -> Matcher:
    """Read a glob: ``*`` for any characters, ``?`` for one, ``[0-9]`` for one of these, ``[!0-9]`` for any other.

    Args:
        text: the glob, at most 128 characters, which must match the whole tag, upper and lower case told apart.

    Returns:
        A function of a tag that returns something true if the tag matches.

    Raises:
        InvalidSelection: it is too long, or has characters that no tag has.
    """
    _check_length(text)
    if not _GLOB.fullmatch(text):
        raise InvalidSelection(
            f"{text!r} is not a glob of tags: the characters of a tag, '*', '?', '[0-9]' and '[!0-9]'"
        )
    return re.compile(fnmatch.translate(text)).match


def parse_regex(text: str) -> Matcher:
    """Read a regular expression in RE2's syntax, which must match the whole tag.

    Args:
        text: the expression, at most 128 characters of ASCII.

    Returns:
        A function of a tag that returns something true if the tag matches.

    Raises:
        InvalidSelection: RE2 cannot take it, it is too long as written or as compiled, or it names a group that says
            nothing.
    """
    match = _compile(text, capture=False).fullmatch
    return lambda tag: match(tag.encode("ascii"))


def parse_version_group(text: str) -> Callable[[str], str | None] | None:
    """Read where in a tag a regular expression says that the version stands: its group ``(?P<version>…)``.

    Args:
        text: the expression, as for ``parse_regex``.

    Returns:
        A function of a tag that returns the group's text, empty where it took no part, and ``None`` for a tag that does
        not match; ``None`` where the expression has no such group.

    Raises:
        InvalidSelection: as for ``parse_regex``.
    """
    if _VERSION_GROUP not in _compile(text, capture=False).groupindex:
        return None
    matches, capturing = parse_regex(text), _compile(text, capture=True)
    index = capturing.groupindex[_VERSION_GROUP]

    def find(tag: str) -> str | None:
        found = capturing.fullmatch(tag.encode("ascii")) if matches(tag) else None  # a plain match costs far less
        return (found.group(index) or b"").decode("ascii") if found else None

    return find


def _compile(text: str, *, capture: bool) -> Any:
    # Here, because most watch lists have no regular expression, and a cold start should not pay for the engine.
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415

    _check_length(text)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a tag is ASCII; UTF-8 would make every dot four times as large
    options.max_mem = _LARGEST_ENGINE
    options.log_errors = False
    options.never_capture = not capture
    try:
        compiled = re2.compile(text.encode("ascii"), options)
    except UnicodeEncodeError as error:
        raise InvalidSelection(f"{text!r} has characters that no tag has") from error
    except re2.error as error:
        raise InvalidSelection(f"{text!r}: {error.args[0].decode()} (RE2 syntax)") from error
    if compiled.programsize > _MOST_STEPS and not capture:  # to capture takes more steps, of what passed without
        raise InvalidSelection(
            f"{text!r} takes {compiled.programsize} steps; a regular expression has at most {_MOST_STEPS}"
        )
    _check_groups(text, compiled.groupindex)
    return compiled


def _check_groups(text: str, names: Iterable[bytes]) -> None:
    """RE2 takes any name, and the same one twice; neither would be looked at."""
    unknown = sorted(name.decode() for name in names if name != _VERSION_GROUP)
    if unknown:
        raise InvalidSelection(f"{text!r} names a group {unknown[0]!r}; what is compared is the group '(?P<version>…)'")
    if text.count("<version>") > 1:
        raise InvalidSelection(f"{text!r} names the version twice; put the choice inside one group '(?P<version>…)'")


def _check_length(text: str) -> None:
    if not text or len(text) > LONGEST_PATTERN:
        raise InvalidSelection(f"a pattern has 1 to {LONGEST_PATTERN} characters, not {len(text)}")
