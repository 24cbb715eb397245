"""``tidegate impact``: who would be rebuilt if the tags of an entry moved."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from shared.cli.client import Document, path_of
from shared.cli.exits import Exit
from shared.cli.options import among, bounded
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import minute, plain, table

_HEADS = ("level", "who", "owner", "before", "wave", "on")


def add(parser: Parser, _: str) -> None:
    """Take which entry, and what of it."""
    parser.add_argument("image", metavar="IMAGE", help="an entry of the watch list")
    parser.add_argument("--tag", metavar="TAG", help="only this tag, as the base registry names it")
    parser.add_argument("--team", metavar="OWNER", help="only what is this owner's")
    parser.add_argument("--failing", action="store_true", help="only what was failing before")
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell it.

    Returns:
        0; 6 if it is not known yet who is built on what, so that some may be missing.
    """
    found = to.client.get(path_of("images", asked.image, "impact"), {"tag": asked.tag})
    chosen = [one for one in found["dependants"] if _is_meant(one, asked)]
    shown = among(chosen, asked.limit, to)
    to.show({**found, "dependants": list(shown)}, [*table(_HEADS, map(_row, shown), to.colours), *lines_of(found)])
    for told in unknown(found):
        to.tell(told)
    return Exit.FINE if found["whole"] else Exit.UNREACHABLE


def lines_of(found: Document) -> Iterator[str]:
    """Iterate over the lines that sum up an impact."""
    yield f"{found['rebuilt']} would be rebuilt, {found['apart']} more take the tag without a wave or not at all"
    if found["failing"]:
        yield f"{found['failing']} of them were failing before"
    for cycle in found["cycles"]:
        yield f"built on what they push, each rebuilt once: {' -> '.join(map(plain, cycle))}"
    if found["left_out"]:
        yield f"{found['left_out']} more are not told"


def unknown(found: Document) -> Iterator[str]:
    """Iterate over why some may be missing."""
    for one in found["registries"]:
        if not one["listed_at"]:
            yield f"{one['registry']}: its tasks were not listed yet; ask again in some seconds"
        elif one["unread"]:
            at = minute(one["listed_at"])
            yield f"{one['registry']}: of {one['unread']} tasks, listed {at}, it is not known what they are built on"
        elif not one.get("runs_at"):
            yield f"{one['registry']}: its runs were not read yet, so what its tasks push is not known"
    yield from (f"not read: {plain(str(one))}" for one in found["problems"])


def _is_meant(one: Document, asked: argparse.Namespace) -> bool:
    return (not asked.team or one["owner"] == asked.team) and (not asked.failing or one["before"] == "failing")


def _row(one: Document) -> tuple[object, ...]:
    on = ", ".join(map(_edge, one["on"]))
    return one["level"], one["id"], one["owner"], one["before"], one["apart"] or "yes", on


def _edge(one: Document) -> str:
    return one["image"] if one["known"] == "reported" else f"{one['image']} ({one['known']})"
