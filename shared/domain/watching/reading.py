"""Reading a watch list that a YAML reader has made plain objects of: the files of one list, and all that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from shared.domain.references import parse_path, parse_repository, parse_tag
from shared.domain.shapes import Path, Told, shape_problems
from shared.domain.watching.clashes import clashes
from shared.domain.watching.tag_rules import rule_problems
from shared.domain.watching.watch_list import MOST_ENTRIES, Image, WatchList
from shared.errors import InvalidReference

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
    problems = [
        Problem(path, told, file)
        for file, document in enumerate(documents)
        for path, told in _problems_of(document, base.lower().removesuffix(":443"))
    ]
    if problems:
        return None, tuple(problems)
    lists = [_converted(document) for document in documents]
    together = _together(lists)
    problems = [*_joint_problems(lists), *_clash_problems(lists, together.images)]
    return (None, tuple(problems)) if problems else (together, ())


def _problems_of(document: object, base: str) -> Iterator[Told]:
    if not _is_of_shape(document):
        yield from shape_problems(document, WatchList)
    yield from _entry_problems(document, base)
    defaults = document.get("defaults") if isinstance(document, dict) else None
    if isinstance(defaults, dict):
        yield from _gate_problems(("defaults",), defaults)


def _is_of_shape(document: object) -> bool:
    """Most lists are; only those that are not have to be taken apart, which takes far longer."""
    try:
        msgspec.convert(document, WatchList, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _converted(document: object) -> WatchList:
    fields: dict[str, Any] = document if isinstance(document, dict) else {}
    defaults = fields.get("defaults") or {}
    images = [{**defaults, **image} for image in fields["images"]]
    return msgspec.convert({**fields, "images": images}, WatchList, strict=False)


def _together(lists: Sequence[WatchList]) -> WatchList:
    said = [each.removes for each in lists if each.removes is not None]
    return WatchList(images=[image for each in lists for image in each.images], removes=said[0] if said else None)


def _joint_problems(lists: Sequence[WatchList]) -> Iterator[Problem]:
    saying = [file for file, each in enumerate(lists) if each.removes is not None]
    for file in saying[1:]:
        yield Problem(("removes",), "one file of the list says this for all of them", file)
    if len(lists) > 1 and (count := sum(len(each.images) for each in lists)) > MOST_ENTRIES:
        yield Problem(("images",), f"the files have {count} entries together; a list has at most {MOST_ENTRIES}")


def _clash_problems(lists: Sequence[WatchList], images: Sequence[Image]) -> Iterator[Problem]:
    places = [(index, file) for file, each in enumerate(lists) for index in range(len(each.images))]
    for clash in clashes(images):
        index, file = places[clash.entry]
        other_index, other_file = places[clash.other]
        other: Path = ("images", other_index)
        yield Problem(("images", index, *clash.path), clash.told, file, (other, other_file))


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
