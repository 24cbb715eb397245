"""``tidegate explain``: what becomes of each tag of a watch list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from shared.cli.asked import base_of
from shared.cli.exits import FINE, NO, UNREACHABLE
from shared.cli.explaining import lines_of, policies, table
from shared.cli.files import read_listing, valid_list
from shared.cli.findings import trusting
from shared.cli.parsing import Parser
from shared.cli.remarks import Listings, is_missing, remarks
from shared.cli.session import Session


def add(parser: Parser, _: str) -> None:
    """Take the list's files, and who says which tags there are."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="the watch list, in one file or several")
    parser.add_argument("--base", metavar="LOGIN_SERVER", help="the base registry, whose images nobody watches")
    ways = parser.add_mutually_exclusive_group(required=True)
    ways.add_argument("--listing", metavar="FILE", help='JSON: {"docker.io/library/node": ["22-alpine", …]}')
    ways.add_argument("--online", action="store_true", help="ask the upstreams, and say which named tags do not exist")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(asked: argparse.Namespace, _: Session) -> int:
    """Explain the list.

    Returns:
        0; 1 if the list is not valid or an upstream lacks what it names; 6 if an upstream does not answer.

    Raises:
        Ends: a file cannot be read, or the list is not valid.
    """
    watch_list = valid_list(asked.files, base_of(asked))
    images = watch_list.images
    if asked.online:
        from shared.cli.online import listings_of  # noqa: PLC0415  HTTP takes long to load

        listings = listings_of(images)
    else:
        listings = Listings(read_listing(asked.listing))
    lines = [
        line
        for image in images
        for line in lines_of(image, listings.listed.get(image.repository, []), watch_list.policy_of(image))
    ]
    print(msgspec.json.encode(lines).decode() if asked.json else table(lines), end="\n" if lines or asked.json else "")
    told = (
        *policies(images, watch_list.policy_of),
        *remarks(images, listings, lines),
        *trusting(images, Path(asked.files[0]).parent / "gates"),
    )
    print("".join(f"{each}\n" for each in told), end="", file=sys.stderr)
    if listings.unanswered:
        return UNREACHABLE
    return NO if asked.online and is_missing(images, listings) else FINE
