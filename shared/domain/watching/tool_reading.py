"""What is wrong with the tools of a watch list and with its scanner, beyond the kinds of their fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.domain.policy.policy import Mode
from shared.domain.shapes import Path, Told
from shared.domain.watching.scanner import SCANNER, SCANNER_REPOSITORY, ScannerEntry, parse_pinned
from shared.domain.watching.scanner_command import command_problems
from shared.domain.watching.watch_list import Destination, Image, WatchList
from shared.errors import InvalidReference

# What an entry may say that is promoted, and means nothing of a tool.
_OF_BASE = (
    "gate",
    "policy",
    "platforms",
    "missing",
    "drift",
    "adopt",
    "mode",
    "referrers",
    "unique_tag",
    "record",
    "lock",
    "rebuilds",
    "rebuild",
)
_MOST_SHOWN = 20


def is_tool(fields: dict[str, object]) -> bool:
    """Whether an entry, as plain objects, is a tool."""
    return fields.get("registry") == Destination.STAGING.value


def tool_problems(path: Path, fields: dict[str, object]) -> Iterator[Told]:
    """Find what is wrong with an entry that is a tool, whatever else may be wrong with it.

    Args:
        path: to the entry.
        fields: the entry as plain objects.
    """
    for name in _OF_BASE:
        if name in fields:
            yield (
                (*path, name),
                f"an entry with registry: staging is a tool, which is promoted nowhere: {name} would mean nothing of "
                "it; leave it out",
            )
    tags = fields.get("tags")
    if isinstance(tags, list) and not (len(tags) == 1 and isinstance(tags[0], str)):
        yield (*path, "tags"), "a tool has one tag, an exact one: runs are given the one digest that it was seen to be"
    if fields.get("name") == SCANNER:
        yield (*path, "name"), f"{SCANNER!r} is what the scanner's own image is called among the tools; call it another"


def scanner_problems(fields: object, base: str) -> Iterator[Told]:
    """Find what is wrong with what a file says of its scanner, by itself.

    Args:
        fields: the scanner as plain objects.
        base: login server of the base registry; empty if it is not known.
    """
    if not isinstance(fields, dict):
        return
    yield from command_problems(fields)
    yield from _image_problems(fields.get("image"), base)


def _image_problems(image: object, base: str) -> Iterator[Told]:
    if not isinstance(image, str):
        return
    try:
        source, _, _ = parse_pinned(image)
    except InvalidReference as error:
        yield ("scanner", "image"), str(error)
        return
    if base and source.registry.removesuffix(":443") == base:
        yield (
            ("scanner", "image"),
            f"{image[:200]!r} is in the base registry, from which nothing is mirrored; name where it comes from",
        )


def joint_problems(together: WatchList, places: Sequence[tuple[Path, int]], scanner: int) -> Iterator[tuple[Told, int]]:
    """Find what is wrong with tools and scanner of the files taken together.

    Args:
        together: the list.
        places: of each of its entries, the path and the file.
        scanner: in which file the scanner stands.

    Returns:
        Every problem, and the file it is in.
    """
    yield from _shared_repositories(together, places)
    if together.scanner is not None:
        for told in _databases(together.scanner, together.images):
            yield told, scanner
        return
    for image, (path, file) in zip(together.images, places, strict=True):
        policy = together.policy_of(image)
        if policy is not None and policy.modes["scan"] is not Mode.OFF:
            yield ((*path, "policy"), _no_scanner(image.name, policy.name)), file
            return


def _no_scanner(image: str, policy: str) -> str:
    return (
        f"the policy {policy!r} of {image!r} asks for a scan, and the list names no scanner; write scanner: with the "
        "scanner's image by digest and the entry of its database (docs/watching.md), or scan: off in the policy"
    )


def _databases(scanner: ScannerEntry, images: Sequence[Image]) -> Iterator[Told]:
    tools = {image.name for image in images if image.is_tool}
    for field, name in scanner.databases.items():
        if name not in tools:
            there = ", ".join(sorted(tools)[:_MOST_SHOWN]) or "none"
            yield ("scanner", field), f"no entry with registry: staging is called {name[:100]!r}; there are: {there}"
    if scanner.java_database is not None and scanner.java_database == scanner.database:
        yield ("scanner", "java_database"), f"{scanner.database!r} is its database already; it has two formats"


def _shared_repositories(together: WatchList, places: Sequence[tuple[Path, int]]) -> Iterator[tuple[Told, int]]:
    """What is staged on its way lies in a repository of its target's name, and is purged there as tools are not."""
    tools = {image.target: image.name for image in together.images if image.is_tool}
    if together.scanner is not None:
        tools |= {SCANNER_REPOSITORY: SCANNER}
    if not tools:
        return
    for image, (path, file) in zip(together.images, places, strict=True):
        owner = tools.get(image.target)
        taken = owner is not None and not image.is_tool
        if taken or (image.is_tool and image.target == SCANNER_REPOSITORY and owner == SCANNER):
            told = f"{image.target} is the repository of the tool {owner!r} in the staging registry; write another"
            yield ((*path, "target"), told), file
