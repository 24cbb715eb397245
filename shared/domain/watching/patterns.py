"""Globs and regular expressions over tags, in time that grows with the tag's length and not with anybody's malice.

Globs are the shell's, as the standard library translates them: its translation keeps no way back, so that no tag makes
it try twice. Regular expressions are RE2's, which has neither backreferences nor lookaround for just this reason:
https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from shared.errors import InvalidSelection

LONGEST_PATTERN = 128
# Steps of a compiled expression. Where RE2 runs out of states to keep it takes every step at every character.
_MOST_STEPS = 128
_LARGEST_ENGINE = 1024 * 1024  # bytes, and re2 keeps the last 128 engines
_GLOB = re.compile(r"(?:[A-Za-z0-9_.*?-]|\[!?[A-Za-z0-9_.-]+\])++")

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
        InvalidSelection: RE2 cannot take it, or it is too long as written or as compiled.
    """
    # Here, because most watch lists have no regular expression, and a cold start should not pay for the engine.
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415

    _check_length(text)
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # a tag is ASCII; UTF-8 would make every dot four times as large
    options.max_mem = _LARGEST_ENGINE
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(text.encode("ascii"), options)
    except UnicodeEncodeError as error:
        raise InvalidSelection(f"{text!r} has characters that no tag has") from error
    except re2.error as error:
        raise InvalidSelection(f"{text!r}: {error.args[0].decode()} (RE2 syntax)") from error
    if compiled.programsize > _MOST_STEPS:
        raise InvalidSelection(
            f"{text!r} takes {compiled.programsize} steps; a regular expression has at most {_MOST_STEPS}"
        )
    match = compiled.fullmatch
    return lambda tag: match(tag.encode("ascii"))


def _check_length(text: str) -> None:
    if not text or len(text) > LONGEST_PATTERN:
        raise InvalidSelection(f"a pattern has 1 to {LONGEST_PATTERN} characters, not {len(text)}")
