"""``tidegate images``: how each watched tag stands."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime

from shared.cli.client import Document, path_of
from shared.cli.exits import Ends, Exit
from shared.cli.naming import MOST_IMAGES
from shared.cli.options import among, bounded, of_statuses
from shared.cli.parsing import Parser
from shared.cli.session import Session
from shared.cli.text import duration, minute, read_time, short, table
from shared.domain.promotion.standing import Standing

WAITING = frozenset({"waiting", "under-way", "soaking", "frozen", "awaiting-approval", "held", "doubted"})
# What is as people want it, however long ago that was.
_SETTLED = frozenset({"current", "observed", "decided-otherwise"})
_HEADS = ("image", "status", "upstream", "base", "since", "owner", "why")


def add(parser: Parser, _: str) -> None:
    """Take which tags are meant."""
    parser.add_argument("image", nargs="?", metavar="IMAGE[:TAG]", help="an entry of the watch list, or one tag of it")
    parser.add_argument("--team", metavar="OWNER", help="only what is this owner's, as the watch list says")
    of_statuses(parser, Standing)
    parser.add_argument("--waiting", action="store_true", help="only what waits for something or is under way")
    parser.add_argument("--stale", metavar="TIME", help="only what has not become current for so long, such as 2d")
    bounded(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Tell how tags stand."""
    entries = [*_narrowed(asked, to)]
    rows = [(entry, tag) for entry in entries for tag in entry["tags"]]
    shown = among(rows, asked.limit, to)
    kept: dict[str, Document] = {}
    for entry, tag in shown:
        kept.setdefault(entry["name"], {**entry, "tags": []})["tags"].append(tag)
    to.show({"images": list(kept.values())}, table(_HEADS, [_row(*each) for each in shown], to.colours))
    for entry in entries:
        if entry.get("unreadable"):
            to.tell(f"{entry['name']}: not all of it could be read: {entry['unreadable']}")
    return Exit.FINE


def every_image(to: Session) -> Iterator[Document]:
    """Yield every entry of the watch list, as it stands."""
    for part in to.client.parts("images", most=MOST_IMAGES):
        yield from part["images"]


def _narrowed(asked: argparse.Namespace, to: Session) -> Iterator[Document]:
    since = to.around.now() - duration(asked.stale, "--stale") if asked.stale else None
    named, tag = _named(asked, to) if asked.image else (every_image(to), "")
    for entry in named:
        if asked.team and entry.get("owner") != asked.team:
            continue
        tags = [one for one in entry["tags"] if _fits(one, asked, since, tag)]
        if tags:
            yield {**entry, "tags": tags}


def _named(asked: argparse.Namespace, to: Session) -> tuple[Iterator[Document], str]:
    """A name may have a colon only before a tag, so the whole text is no entry's name where there is one."""
    name, _, tag = asked.image.partition(":")
    entry = to.client.get(path_of("images", name))
    if tag and tag not in {one["tag"] for one in entry["tags"]}:
        raise Ends(Exit.ABSENT, f"the entry {name} of the watch list has no tag {tag} that is watched")
    return iter((entry,)), tag


def _fits(one: Document, asked: argparse.Namespace, since: datetime | None, tag: str) -> bool:
    if (tag and one["tag"] != tag) or (asked.status and one["status"] not in asked.status):
        return False
    if asked.waiting and one["status"] not in WAITING:
        return False
    return since is None or _is_stale(one, since)


def _is_stale(one: Document, since: datetime) -> bool:
    changed = read_time(one.get("changed_at"))
    return one["status"] not in _SETTLED and (changed is None or changed <= since)


def _row(entry: Document, tag: Document) -> tuple[object, ...]:
    until = f" until {minute(tag['until'])}" if tag.get("until") else ""
    why = tag.get("trouble") or f"{tag['reason']}{until}"
    name = f"{entry['name']}:{tag['tag']}"
    since = minute(tag.get("changed_at"))
    return name, tag["status"], short(tag["upstream"]), short(tag["base"]), since, entry.get("owner"), why
