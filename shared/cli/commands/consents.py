"""``tidegate approve`` and ``tidegate reject``: what people say of a digest that waits for them."""

from __future__ import annotations

import argparse

from shared.cli.acting import act, acting, told
from shared.cli.client import Document, path_of
from shared.cli.exits import Ends, Exit
from shared.cli.naming import is_candidate, target_of, targets
from shared.cli.parsing import Parser
from shared.cli.session import Session


def add(parser: Parser, _: str) -> None:
    """Take which tag, and which digest of it."""
    parser.add_argument("what", metavar="ID|IMAGE:TAG", help="the tag, its target's id, or a candidate's id")
    parser.add_argument("--digest", metavar="DIGEST", help="what is meant; needed unless somebody is there to be asked")
    acting(parser)


def run(asked: argparse.Namespace, to: Session) -> int:
    """Agree or refuse.

    Raises:
        Ends: no digest is named where nobody can be asked, or it is refused.
    """
    if asked.digest is None and not to.around.interactive and not asked.dry_run:
        raise Ends(Exit.USAGE, "say which digest is meant, by --digest: a newer one may have come since you looked")
    target = to.client.get(path_of("targets", _target(asked.what, to)))
    digest = asked.digest or _waiting(target)
    what = f"{asked.command} {digest} for {target['repository']}:{target['tag']}"
    path = path_of("targets", target["id"], asked.command)
    return told(act(asked, to, path, {"digest": digest}, what, target), to)


def _waiting(target: Document) -> str:
    newest = (target.get("newest") or {}).get("digest")
    if target.get("waits_for") != "awaiting-approval" or not newest:
        raise Ends(Exit.CONFLICT, f"{target['repository']}:{target['tag']} waits for nobody's approval now")
    return str(newest)


def _target(text: str, to: Session) -> str:
    """A candidate that several tags wait for is agreed to for each of them by name."""
    if not is_candidate(text):
        return target_of(to.client, text)
    places = to.client.get(path_of("candidates", text))["targets"]
    if len(places) != 1:
        names = ", ".join(f"{one['repository']}:{one['tag']}" for one in places)
        raise Ends(Exit.USAGE, f"{text} is for several tags; say which: {names}")
    place = places[0]
    found = (one for one in targets(to.client, place["repository"]) if one["tag"] == place["tag"])
    target = next(found, None)
    if target is None:
        raise Ends(Exit.ABSENT, f"{place['repository']}:{place['tag']} has no target yet")
    return str(target["id"])
