"""What an entry of the watch list says is rebuilt when its tags move, where no registry knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.domain.policy.rebuilding import ACR
from shared.domain.references import parse_digest, parse_repository, parse_tag
from shared.domain.shapes import Path, Told
from shared.errors import InvalidReference

MOST_TARGETS = 100
_MOST_TOLD = 5
# Projects of Azure Pipelines have blanks in their names.
_TARGET = r"^[a-z][a-z0-9-]{0,30}:[^\s:]{1}(?:[ \S]{0,299}\S)?$"
_READ = re.compile(_TARGET.replace("$", r"\Z"))
_TASK = re.compile(r"[A-Za-z0-9]{5,50}/[A-Za-z0-9][A-Za-z0-9_-]{1,49}\Z")

TargetText = Annotated[
    str,
    Meta(
        pattern=_TARGET.replace("$", r"\Z"),
        extra_json_schema={"pattern": _TARGET},
        description="What is run: the name that the settings give a builder, a colon, and what it knows it by; `acr:` "
        "is a task of an application registry.",
        examples=["github:contoso/shop/.github/workflows/image.yml@main", "acr:contosoapps/shop"],
    ),
]
_Images = Annotated[list[Annotated[str, Meta(max_length=600)]], Meta(max_length=20)]


class RebuildTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that is rebuilt when a tag moves."""

    target: TargetText
    tags: Annotated[
        list[Annotated[str, Meta(max_length=128)]],
        Meta(max_length=200, description="The entry's tags that it is built on, as the base registry names them; all."),
    ] = []
    on: Annotated[
        _Images, Meta(description="What it is built on instead: images that others push who are built on the entry.")
    ] = []
    pushes: Annotated[
        _Images, Meta(description="The images that it pushes, with their registries: others may be built on them.")
    ] = []
    owner: Annotated[
        str, Meta(max_length=100, description="Whose it is. For a task of ACR, its tag `owner` says it otherwise.")
    ] = ""

    @property
    def id(self) -> str:
        """The target, with the names that ARM compares without case made one."""
        name, _, rest = self.target.partition(":")
        return f"{name}:{rest.lower() if name == ACR else rest}"


Rebuilds = Annotated[
    list[TargetText | RebuildTarget],
    Meta(
        max_length=MOST_TARGETS,
        description="What is built on the entry's tags and no registry knows of: workflows, pipelines and others.",
        examples=[["github:contoso/shop/.github/workflows/image.yml@main"]],
    ),
]


def rebuild_targets(rebuilds: list[str | RebuildTarget]) -> tuple[RebuildTarget, ...]:
    """Return what an entry's ``rebuilds`` says, that which is only text made records too."""
    return tuple(RebuildTarget(one) if isinstance(one, str) else one for one in rebuilds)


def rebuild_target_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    """Find what is wrong with an entry's ``rebuilds``, beyond the kinds of its fields.

    Args:
        path: to the entry.
        fields: the entry as plain objects.
    """
    rebuilds = fields.get("rebuilds")
    seen: set[str] = set()
    for position, item in enumerate(rebuilds if isinstance(rebuilds, list) else []):
        one = item if isinstance(item, dict) else {"target": item}
        where: Path = (*path, "rebuilds", position)
        target = one.get("target")
        if isinstance(target, str):
            yield from _target_problems((*where, "target") if isinstance(item, dict) else where, target, seen)
        yield from _image_problems(where, one)
        yield from _tag_problems(where, one, fields)
        yield from _printable((*where, "owner"), one.get("owner"))


def _target_problems(path: Path, target: str, seen: set[str]) -> Iterator[Told]:
    name, _, rest = target.partition(":")
    if _READ.match(target) and name == ACR and not _TASK.match(rest):
        yield path, f"{target[:120]!r} is no task: expected acr:registry/task, such as acr:contosoapps/shop"
    known = target.lower() if name == ACR else target
    if known in seen:
        yield path, f"{target[:120]!r} stands there a second time"
    seen.add(known)


def _image_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    for name in ("on", "pushes"):
        images = fields.get(name)
        for position, image in enumerate(images if isinstance(images, list) else []):
            if isinstance(image, str) and (told := _image_problem(image)):
                yield (*path, name, position), told


def _tag_problems(path: Path, target: dict[str, object], entry: dict[str, object]) -> Iterator[Told]:
    """A tag that the entry never has is built on by nobody; what a pattern takes is not known before."""
    tags, named = target.get("tags"), _names(entry)
    for position, tag in enumerate(tags if isinstance(tags, list) else []):
        try:
            known = not isinstance(tag, str) or not named or parse_tag(tag) in named
        except InvalidReference as error:
            yield (*path, "tags", position), str(error)
            continue
        if not known:
            there = ", ".join(sorted(named)[:_MOST_TOLD])
            yield (*path, "tags", position), f"the entry has no tag {tag!r} in the base registry; it has {there}"


def _names(entry: dict[str, object]) -> frozenset[str]:
    """How the base registry names the tags of an entry that names them all; empty if it does not."""
    tags = entry.get("tags")
    each = tags if isinstance(tags, list) else []
    named = [one.get("as", one.get("tag")) if isinstance(one, dict) else one for one in each]
    return frozenset(map(str, named)) if all(isinstance(one, str) for one in named) else frozenset()


def _image_problem(text: str) -> str:
    """An image of ours is in a registry that is named: without one it would be Docker Hub's."""
    rest, _, digest = text.partition("@")
    before, colon, tag = rest.rpartition(":")
    path = before if colon and "/" not in tag else rest
    try:
        found = parse_repository(path)
        _ = parse_digest(digest) if digest else ""
        _ = parse_tag(tag) if path == before and colon else ""
    except InvalidReference as error:
        return str(error)
    named = path.lower().startswith(found.registry)
    return "" if named else f"{text[:120]!r} names no registry: write it with the one that it is pushed to"


def _printable(path: Path, text: object) -> Iterator[Told]:
    if isinstance(text, str) and text and not text.isprintable():
        yield path, "it holds what cannot be printed"
