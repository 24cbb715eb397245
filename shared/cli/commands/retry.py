"""``tidegate retry``: try again what failed, or was rejected."""

from __future__ import annotations

import argparse

from shared.cli.acting import act, acting
from shared.cli.exits import Ends, Exit
from shared.cli.options import past
from shared.cli.parsing import Parser
from shared.cli.session import Session


def add(parser: Parser, _: str) -> None:
    """Take which are meant."""
    parser.add_argument("image", nargs="?", metavar="IMAGE", help="only this entry of the watch list")
    parser.add_argument("--status", action="append", choices=["failed", "rejected"], help="default: failed alone")
    parser.add_argument("--since", metavar="TIME", help="only what ended since then: 2026-12-31, or 2d ago")
    acting(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Ask that it is tried again.

    Raises:
        Ends: nothing says what.
    """
    if not (asked.image or asked.status or asked.since):
        raise Ends(Exit.USAGE, "say what is to be tried again: an entry, --status or --since")
    since = past(asked.since, "--since", to.around.now()).isoformat() if asked.since else None
    body = {"image": asked.image, "status": asked.status, "since": since}
    named = asked.image or "everything"
    what = f"try again what {' or '.join(asked.status or ['failed'])} of {named}"
    done = act(asked, to, "retry", body, what, None)
    if done is not None:
        to.show(done, [*(f"again: {one}" for one in done["targets"]), f"{done['count']} are tried again"])
        if done.get("unreadable"):
            to.tell(f"not all could be read: {done['unreadable']}")
    return Exit.FINE
