"""Reading a watch list that a YAML reader has made plain objects of: the files of one list, and all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from shared.domain.policy.reading import Policies
from shared.domain.references import parse_path, parse_repository, parse_tag
from shared.domain.shapes import Path, Told, shape_problems
from shared.domain.watching.clashes import clashes
from shared.domain.watching.platforms import platform_problems
from shared.domain.watching.policies_in_force import entries, gated, policies_of, without_policies
from shared.domain.watching.rebuild_targets import rebuild_target_problems
from shared.domain.watching.tag_rules import rule_problems
from shared.domain.watching.tool_reading import is_tool, joint_problems, scanner_problems, tool_problems
from shared.domain.watching.travelling import Lockable
from shared.domain.watching.unique_tags import UNIQUE_TAG, checked_template
from shared.domain.watching.watch_list import MOST_ENTRIES, Image, ListDocument, WatchList
from shared.errors import InvalidReference, InvalidSelection

# What the defaults say of tools, too: these must pass nothing, and are in no base registry.
_OF_TOOLS = frozenset({"owner"})
# To YAML these are true and false; who writes them means no gate of that name.
_TRUTHS = frozenset({"yes", "no", "on", "off", "true", "false"})


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a watch list.

    Attributes:
        path: to the place, in its file.
        told: what was expected there; ends so that the place of another entry may follow.
        file: which of the files, from 0.
        other: the other entry that it is about, by its path and file.
    """

    path: Path
    told: str
    file: int = 0
    other: tuple[Path, int] | None = None


def read(*documents: object, base: str = "") -> tuple[WatchList | None, tuple[Problem, ...]]:
    """Read a watch list.

    Args:
        documents: its files as plain objects, with every scalar a string.
        base: login server of the base registry, whose images no entry can watch; empty if it is not known.

    Returns:
        The list, with its files' defaults in its entries, and no problems; or no list and every problem.
    """
    policies, wrong = policies_of(documents)
    problems = [
        Problem(path, told, file)
        for file, document in enumerate(documents)
        for path, told in _problems_of(document, base.lower().removesuffix(":443"))
    ]
    problems += [Problem(placed.path, placed.told, placed.file) for placed in wrong]
    if problems or policies is None:
        return None, tuple(problems)
    lists = [_converted(document) for document in documents]
    together = _together(lists, policies)
    problems = [*_joint_problems(lists, together), *_clash_problems(lists, together.images)]
    return (None, tuple(problems)) if problems else (together, ())


def _problems_of(document: object, base: str) -> Iterator[Told]:
    if not _is_of_shape(document):
        yield from shape_problems(without_policies(document), ListDocument)
    yield from _entry_problems(document, base)
    for fields in entries(document, "defaults"):
        yield from _gate_problems(("defaults",), fields)
        yield from platform_problems(("defaults",), fields)
        yield from _unique_tag_problems(("defaults",), fields)
    for fields in entries(document, "scanner"):
        yield from scanner_problems(fields, base)


def _is_of_shape(document: object) -> bool:
    """Most lists are; only those that are not have to be taken apart, which takes far longer."""
    try:
        msgspec.convert(document, ListDocument, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _converted(document: object) -> ListDocument:
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    defaults = fields.get("defaults") or {}
    of_tools = {name: value for name, value in defaults.items() if name in _OF_TOOLS}
    images = [{**(of_tools if is_tool(image) else defaults), **image} for image in fields["images"]]
    return msgspec.convert({**fields, "images": images}, ListDocument, strict=False)


def _together(lists: Sequence[ListDocument], policies: Policies) -> WatchList:
    images = [image for each in lists for image in each.images]
    return WatchList(
        images=[gated(image, policies) for image in images] if policies.entries else images,
        removes=next((each.removes for each in lists if each.removes is not None), None),
        policies=policies,
        scanner=next((each.scanner for each in lists if each.scanner is not None), None),
        entries=tuple(len(each.images) for each in lists),
    )


def _joint_problems(lists: Sequence[ListDocument], together: WatchList) -> Iterator[Problem]:
    for name in ("removes", "scanner"):
        saying = [file for file, each in enumerate(lists) if getattr(each, name) is not None]
        for file in saying[1:]:
            yield Problem((name,), "one file of the list says this for all of them", file)
    if len(lists) > 1 and (count := len(together.images)) > MOST_ENTRIES:
        yield Problem(("images",), f"the files have {count} entries together; a list has at most {MOST_ENTRIES}")
    yield from _lock_problems(lists, together)
    scanner = next((file for file, each in enumerate(lists) if each.scanner is not None), 0)
    for (path, told), file in joint_problems(together, _places(lists), scanner):
        yield Problem(path, told, file)


def _lock_problems(lists: Sequence[ListDocument], together: WatchList) -> Iterator[Problem]:
    """An entry may have its name, or its lock, from the file's defaults."""
    for image, (path, file) in zip(together.images, _places(lists), strict=True):
        asked = image.travelling
        if Lockable.UNIQUE in asked.locks and not asked.unique_tag:
            told = f"{image.name} has no unique tags that could be locked: write unique_tag, such as {UNIQUE_TAG!r}"
            yield Problem((*path, "lock"), told, file)


def _places(lists: Sequence[ListDocument]) -> list[tuple[Path, int]]:
    return [(("images", index), file) for file, each in enumerate(lists) for index in range(len(each.images))]


def _clash_problems(lists: Sequence[ListDocument], images: Sequence[Image]) -> Iterator[Problem]:
    places = _places(lists)
    for clash in clashes(images):
        path, file = places[clash.entry]
        yield Problem((*path, *clash.path), clash.told, file, places[clash.other])


def _entry_problems(document: object, base: str) -> Iterator[Told]:
    """Check what every entry says as text, whatever else may be wrong with it."""
    images = document.get("images") if isinstance(document, dict) else None
    for index, image in enumerate(images if isinstance(images, list) else []):
        fields = image if isinstance(image, dict) else {}
        path: Path = ("images", index)
        for place, value, parse in _references(fields):
            yield from _parse_problem((*path, *place), value, parse)
        yield from _own_base((*path, "source"), fields.get("source"), base)
        yield from _gate_problems(path, fields)
        yield from platform_problems(path, fields)
        yield from _unique_tag_problems(path, fields)
        yield from rebuild_target_problems(path, fields)
        yield from tool_problems(path, fields) if is_tool(fields) else ()
        for position, item in enumerate(_items(fields)):
            for place, problem in rule_problems(item) if isinstance(item, dict) else ():
                yield (*path, "tags", position, *place), problem


def _references(image: dict[str, object]) -> Iterator[tuple[Path, object, Callable[[str], object]]]:
    yield ("source",), image.get("source"), parse_repository
    yield ("target",), image.get("target"), _parse_target
    for position, tag in enumerate(_items(image)):
        yield ("tags", position), tag, parse_tag


def _items(image: dict[str, object]) -> list[object]:
    tags = image.get("tags")
    return tags if isinstance(tags, list) else []


def _parse_target(text: str) -> None:
    """A target is in the base registry, so it names none; by Docker's rule the first part of this text would be one."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        raise InvalidReference(
            f"{text!r} names a registry, {first!r}; a target is a repository in the base registry: write {rest!r}"
        )
    parse_path(text)


def _parse_problem(path: Path, value: object, parse: Callable[[str], object]) -> Iterator[Told]:
    try:
        if isinstance(value, str):
            parse(value)
    except InvalidReference as error:
        yield path, str(error)


def _own_base(path: Path, source: object, base: str) -> Iterator[Told]:
    if base and isinstance(source, str) and source.lower().startswith((f"{base}/", f"{base}:443/")):
        yield (
            path,
            f"{source!r} is in the base registry, which the entry would fill from itself; name the repository that "
            "the image comes from",
        )


def _gate_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    gate = fields.get("gate")
    if isinstance(gate, str) and gate in _TRUTHS:
        yield (
            (*path, "gate"),
            f"{gate!r} is true or false to YAML, and no gate is called so; write none for no functional test",
        )


def _unique_tag_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    template = fields.get("unique_tag")
    if not isinstance(template, str) or template == "none":
        return
    try:
        checked_template(template)
    except InvalidSelection as error:
        yield (*path, "unique_tag"), str(error)
