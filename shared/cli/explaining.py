"""What an entry's rules make of tags, as ``GET /api/images/{image}/tags`` tells it: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from shared.domain.watching.selection import ChoiceReason, choose, exact_tags
from shared.domain.watching.watch_list import Image


class Line(msgspec.Struct, frozen=True):
    """What becomes of one tag.

    Attributes:
        image: the entry's name.
        tag: upstream.
        target: where it goes in the base registry; ``None`` if it is left.
        reason: why.
    """

    image: str
    tag: str
    target: str | None
    reason: str


def lines_of(image: Image, listed: Sequence[str]) -> Iterator[Line]:
    """Yield what becomes of every tag of an entry; of those too that it names, and upstream does not list.

    Args:
        image: the entry.
        listed: the upstream tags.
    """
    for choice in choose(image.rules, [*listed, *absent(image, listed)]):
        target = f"{image.target}:{choice.target}" if choice.target else None
        yield Line(image.name, choice.tag, target, choice.reason.value)


def table(lines: Sequence[Line]) -> str:
    """Return lines for a terminal, on which a tag that is none can do nothing."""
    shown = (line.tag if line.reason != ChoiceReason.INVALID_TAG.value else ascii(line.tag) for line in lines)
    return "\n".join(
        f"{line.image}  {tag}  {line.target or '-'}  {line.reason}" for line, tag in zip(lines, shown, strict=True)
    )


def absent(image: Image, listed: Sequence[str]) -> list[str]:
    """Return the tags that an entry names exactly, and upstream does not list."""
    there = frozenset(listed)
    return [tag for tag in exact_tags(image.rules) if tag not in there]
