"""What an entry's rules make of tags, as ``GET /api/images/{image}/tags`` tells it: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from shared.domain.policy.policy import Policy
from shared.domain.watching.selection import ChoiceReason, choose, exact_tags
from shared.domain.watching.watch_list import Image


class Line(msgspec.Struct, frozen=True):
    """What becomes of one tag.

    Attributes:
        image: the entry's name.
        tag: upstream.
        target: where it goes in the base registry, or in the staging registry if it is a tool; ``None`` if it is left.
        reason: why.
        policy: the name of the policy that holds for the entry; ``None`` if none does.
        tool: whether the entry is a tool, which is promoted nowhere.
    """

    image: str
    tag: str
    target: str | None
    reason: str
    policy: str | None = None
    tool: bool = False


def lines_of(image: Image, listed: Sequence[str], policy: Policy | None = None) -> Iterator[Line]:
    """Yield what becomes of every tag of an entry; of those too that it names, and upstream does not list.

    Args:
        image: the entry.
        listed: the upstream tags.
        policy: the policy that holds for it, if one does.
    """
    name = policy.name if policy is not None else None
    for choice in choose(image.rules, [*listed, *absent(image, listed)]):
        target = f"{image.target}:{choice.target}" if choice.target else None
        yield Line(image.name, choice.tag, target, choice.reason.value, name, image.is_tool)


def table(lines: Sequence[Line]) -> str:
    """Return lines for a terminal, on which a tag that is none can do nothing."""
    shown = (line.tag if line.reason != ChoiceReason.INVALID_TAG.value else ascii(line.tag) for line in lines)
    return "\n".join(
        f"{line.image}  {tag}  {line.target or '-'}  {line.reason}" for line, tag in zip(lines, shown, strict=True)
    )


def policies(images: Iterable[Image], policy_of: Callable[[Image], Policy | None]) -> Iterator[str]:
    """Yield what entries have to pass, in sentences; of an entry that says a gate alone, everybody sees that."""
    for image in images:
        policy = policy_of(image)
        if image.is_tool:
            yield f"{image.name}: a tool, mirrored into the staging registry and promoted nowhere"
        elif policy is not None and image.policy is not None:
            modes = policy.modes
            test = f"{policy.gate}, {modes['test'].value}" if policy.gate is not None else "off"
            yield f"{image.name}: policy {policy.name} (test: {test}; scan: {modes['scan'].value})"


def absent(image: Image, listed: Sequence[str]) -> list[str]:
    """Return the tags that an entry names exactly, and upstream does not list."""
    there = frozenset(listed)
    return [tag for tag in exact_tags(image.rules) if tag not in there]
