"""Names that a tag's digests keep for good: their templates, and the names that are made of them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shared.domain.references import Tag, parse_tag
from shared.errors import InvalidReference, InvalidSelection

UNIQUE_TAG = "{tag}-{yyyymmdd}.{n}"
# Azure's continuous patching reads such tags as its own: one that ends in -1 … -999 for a patched image of the tag
# before it, and -patched for the newest of them.
# https://learn.microsoft.com/azure/container-registry/key-concept-continuous-patching
_PATCHING = re.compile(r"-(?:[1-9][0-9]{0,2}|patched)$")
# How clients name what refers to an image where a registry keeps no list: those are nobody's unique tags.
_OF_REFERRERS = re.compile(r"sha256-[0-9a-f]{64}")
_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = frozenset({"tag", "yyyymmdd", "n"})
# What stands for a tag while a template is looked at, and a day like any other.
_SOME_TAG, _SOME_DAY = Tag("22-alpine"), datetime(2026, 11, 28, tzinfo=UTC)
_SOME_NUMBERS = (1, 9, 10, 999, 1000)


def checked_template(text: str) -> str:
    """Check a template of unique tags.

    Args:
        text: such as ``{tag}-{yyyymmdd}.{n}``.

    Returns:
        The same.

    Raises:
        InvalidSelection: it makes no tag, makes the same name for two digests, or makes names that others take for
            theirs; the message says what was expected.
    """
    fields = _FIELD.findall(text)
    unknown = sorted(set(fields) - _FIELDS)
    if unknown:
        raise InvalidSelection(f"{text!r}: {{{unknown[0]}}} is none of {{tag}}, {{yyyymmdd}} and {{n}}")
    for needed in ("tag", "n"):
        if needed not in fields:
            raise InvalidSelection(f"{text!r} lacks {{{needed}}}, without which two images would have one name")
    try:
        names = [_named(text, _SOME_TAG, _SOME_DAY, number) for number in _SOME_NUMBERS]
    except InvalidReference as error:
        raise InvalidSelection(f"{text!r} makes no tag: {error}") from None
    taken = next((name for name in names if _PATCHING.search(name)), None)
    if taken is not None:
        raise InvalidSelection(
            f"{text!r} makes tags such as {taken}, which Azure's continuous patching takes for its own, as they end in "
            f"-1 to -999 or -patched; {UNIQUE_TAG} makes none"
        )
    return text


def unique_tag(template: str, tag: Tag, day: datetime, number: int) -> Tag:
    """Return a name that a digest keeps.

    Args:
        template: one that was checked.
        tag: the tag that is to be moved to the digest.
        day: when that was decided, UTC.
        number: of those of the tag and the day, from 1.

    Raises:
        InvalidReference: the tag is so long, or ends so, that no name can be made of it.
    """
    name = _named(template, tag, day, number)
    if _PATCHING.search(name) or _OF_REFERRERS.match(name):
        raise InvalidReference(f"{name} would be taken for another kind of tag, so {tag} gets no unique tag")
    return name


def _named(template: str, tag: Tag, day: datetime, number: int) -> Tag:
    said = {"tag": tag, "yyyymmdd": f"{day:%Y%m%d}", "n": str(number)}
    return parse_tag(_FIELD.sub(lambda field: said[field[1]], template))
